"""The hostile network over connections: what it does when told to, what it owns up to, and that a seed repeats it."""

import errno
import logging
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from socketserver_faults.network import Conditions, Proxy, connection
from socketserver_faults.network.conditions import WAYS, Way
from socketserver_faults.network.stream_relay import StreamRelay
from socketserver_reference.address import Address, server_address
from tests.support.carrying import carrying, injected_by, is_reset, is_turned_away, segments_received
from tests.support.serving import LOOPBACK, connect_to, read, read_to_end, serving

# What it does when told to


def test_segments_are_split_and_each_piece_is_a_segment() -> None:
    with carrying(Conditions(split=2, way="to-server")) as ends, ends.connected() as (client, server):
        client.sendall(b"hello")
        assert read(server, 5) == b"hello"
        assert segments_received(server) == 3
        server.sendall(b"hello")
        assert read(client, 5) == b"hello"
        assert segments_received(client) == 1


def test_a_segment_does_not_wait_for_the_acknowledgement_of_the_one_before() -> None:
    with socket.socket() as sock:
        connection.prepare(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_collected_goes_out_as_one_segment() -> None:
    with carrying(Conditions(coalesce=3600.0, coalesce_bytes=15)) as ends, ends.connected() as (client, server):
        for word in (b"hello", b"happy", b"world"):
            client.sendall(word)
        assert read(server, 15) == b"hellohappyworld"
        assert segments_received(server) == 1
        client.sendall(b"rest")
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(server) == b"rest"


@pytest.mark.parametrize("way", WAYS)
def test_a_reset_after_so_many_bytes_ends_both_sides_and_is_owned_up_to(way: Way) -> None:
    with carrying(Conditions(reset_after=7, way=way)) as ends, ends.connected() as (client, server):
        speaker, hearer = (client, server) if way == "to-server" else (server, client)
        hearer.sendall(b"this way it is calm")
        assert read(speaker, 19) == b"this way it is calm"
        speaker.sendall(b"hello")
        assert read(hearer, 5) == b"hello"
        speaker.sendall(b"world")
        assert read(hearer, 2) == b"wo"
        for sock in (hearer, speaker):
            assert is_reset(sock)
        (injected,) = ends.proxy.injected_events
        assert (injected.what, injected.connection, injected.way, injected.place) == ("reset", 1, way, 7)
        assert str(injected).endswith(f": the network resets both sides after 7 bytes {way}")


def test_a_reset_that_is_certain_lets_nothing_pass() -> None:
    with carrying(Conditions(reset=1.0)) as ends:
        with ends.connected() as (client, server):
            client.sendall(b"hello")
            assert is_reset(server)
            assert is_reset(client)
        assert [injected.place for injected in ends.proxy.injected_events] == [0]


def test_a_half_close_by_the_network_loses_what_follows_one_way_only() -> None:
    with carrying(Conditions(half_close_after=5, way="to-server")) as ends, ends.connected() as (client, server):
        client.sendall(b"hello world")
        assert read_to_end(server) == b"hello"
        server.sendall(b"still there?")
        assert read(client, 12) == b"still there?"
        (injected,) = ends.proxy.injected_events
        assert injected.what == "half-close"
        server.close()
        assert read_to_end(client) == b""


def test_who_cannot_be_connected_to_the_server_is_reset(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "socketserver_faults.network")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Proxy(LOOPBACK, LOOPBACK.with_port(nobody.getsockname()[1])) as proxy:
            assert is_turned_away(proxy.address)
            assert proxy.injected_events == []
    assert "cannot be connected to the server: Connection refused" in caplog.text


def test_nobody_listens_behind_a_unix_socket(tmp_path: Path) -> None:
    nowhere = Address("unix", path=str(tmp_path / "server"))
    with Proxy(LOOPBACK, nowhere) as proxy:
        assert is_turned_away(proxy.address)


def test_a_client_waits_until_there_is_a_descriptor_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    accept = socket.socket.accept
    troubles = [errno.EMFILE, errno.ECONNABORTED]

    def accept_in_the_end(self: socket.socket) -> Any:
        if troubles and threading.current_thread().name == "network":
            raise OSError(troubles.pop(), "trouble")
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", accept_in_the_end)
    with carrying() as ends:
        with ends.connected() as (client, server):
            client.sendall(b"hello")
            assert read(server, 5) == b"hello"
        assert troubles == []


def test_a_client_is_turned_away_when_there_is_no_descriptor_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(StreamRelay, "_connect", refuse)
    with carrying() as ends:
        assert is_turned_away(ends.proxy.address)
        (injected,) = ends.proxy.injected_events
        assert str(injected).endswith("the network resets the client: there is no room for its connection")


def test_later_clients_can_be_led_to_another_server() -> None:
    with carrying() as ends, serving("chat", LOOPBACK) as other:
        first, server = ends.connect()
        with first, server:
            ends.proxy.redirect(server_address(other))
            with connect_to(ends.proxy.address) as client:
                client.sendall(b"hello")
                assert read(client, 8) == b"ackhello"
            first.sendall(b"still here")
            assert read(server, 10) == b"still here"


# The same seed, the same run


def converse(seed: int, silent: frozenset[int] = frozenset()) -> list[tuple[str, int, str, int]]:
    """Let ten clients, one after the other, each say something and be answered until it is reset; return the injected
    events.
    """
    with carrying(Conditions(reset=0.05, jitter=0.001), seed) as ends:
        for number in range(1, 11):
            client, server = ends.connect()
            with client, server, suppress(ConnectionResetError, BrokenPipeError):
                for _ in range(0 if number in silent else 20):
                    for one, other in ((client, server), (server, client)):
                        one.sendall(b"hello")
                        assert read(other, 5) in (b"hello", b"")
            ends.settle()
        return injected_by(ends.proxy)


def test_the_same_seed_resets_the_same_connections_at_the_same_places() -> None:
    injected_events = converse(1)
    assert len(injected_events) > 2
    assert converse(1) == injected_events
    assert converse(2) != injected_events


def test_what_happens_to_one_connection_does_not_depend_on_what_the_others_say() -> None:
    assert converse(1, silent=frozenset({1, 3})) == [injected for injected in converse(1) if injected[1] not in (1, 3)]
