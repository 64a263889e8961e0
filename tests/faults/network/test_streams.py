"""The hostile network over connections: what it carries faithfully, what it does when told to, what it owns up to."""

import errno
import logging
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketserver_faults.network import MAX_HELD_BYTES, UNIMPAIRED, Conditions, Proxy, connection
from socketserver_faults.network.conditions import WAYS, Way
from socketserver_faults.network.stream_relay import StreamRelay
from socketserver_reference.address import Address, server_address
from tests.support.carrying import (
    LOCALHOST,
    carrying,
    exchange,
    fill,
    finds_it_reset,
    injected_by,
    is_reset,
    is_turned_away,
    nothing_to_read,
    segments_received,
)
from tests.support.serving import TIMEOUT, connect_to, read, read_to_end, reset, serving

QUICKLY = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


LOSSLESS = st.builds(
    Conditions,
    delay=st.sampled_from([0.0, 0.001]),
    jitter=st.sampled_from([0.0, 0.002]),
    rate=st.sampled_from([None, 1e6, 1e8]),
    stall_every=st.just(0.003),
    stall_for=st.just(0.002),
    split=st.sampled_from([None, 1, 7, 1000]),
    coalesce=st.sampled_from([0.0, 0.002]),
    way=st.sampled_from(["both", *WAYS]),
)
"""Any conditions that lose nothing."""


# Faithful, whatever the conditions


@QUICKLY
@given(conditions=LOSSLESS, said=st.binary(max_size=3000), answered=st.binary(max_size=3000))
def test_every_byte_arrives_in_order_both_ways_and_the_end_of_stream_after_the_last(
    conditions: Conditions, said: bytes, answered: bytes
) -> None:
    with carrying(conditions) as ends:
        client, server = ends.connect()
        with client, server:
            assert exchange(client, said, server, answered) == (said, answered)
        assert ends.proxy.injected_events == []


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize(
    "conditions", [UNIMPAIRED, Conditions(delay=0.001, jitter=0.001, split=5000), Conditions(coalesce=0.001)], ids=str
)
def test_a_megabyte_each_way_arrives(transport: str, conditions: Conditions, tmp_path: Path) -> None:
    said, answered = bytes(range(256)) * 4096, bytes(range(255, -1, -1)) * 4096
    with carrying(conditions, directory=tmp_path if transport == "unix" else None) as ends:
        client, server = ends.connect()
        with client, server:
            assert exchange(client, said, server, answered) == (said, answered)
        assert ends.proxy.most_held <= MAX_HELD_BYTES
    assert not (tmp_path / "proxy").exists()


def test_who_half_closes_still_hears_the_other() -> None:
    with carrying() as ends:
        client, server = ends.connect()
        with client, server:
            client.sendall(b"last words")
            client.shutdown(socket.SHUT_WR)
            assert read_to_end(server) == b"last words"
            server.sendall(b"are heard")
            assert read(client, 9) == b"are heard"
            server.close()
            assert read_to_end(client) == b""


@pytest.mark.parametrize("conditions", [UNIMPAIRED, Conditions(delay=0.005), Conditions(coalesce=0.005)], ids=str)
def test_a_reset_arrives_as_a_reset_after_the_last_words(conditions: Conditions) -> None:
    with carrying(conditions) as ends:
        client, server = ends.connect()
        with server:
            client.sendall(b"last words")
            reset(client)
            assert read(server, 10) == b"last words"
            assert is_reset(server)
        client, server = ends.connect()
        with client:
            server.sendall(b"last words")
            reset(server)
            assert read(client, 10) == b"last words"
            assert is_reset(client)
        assert ends.proxy.injected_events == []


def test_a_reset_straight_after_connecting_arrives() -> None:
    with carrying() as ends:
        reset(connect_to(ends.proxy.address))
        server, _ = ends.listener.accept()
        with server:
            server.settimeout(TIMEOUT)
            assert is_reset(server)


def test_a_reset_does_not_wait_for_who_does_not_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "socketserver_faults.network")
    with carrying() as ends:
        client, server = ends.connect()
        with server:
            fill(client, ends.proxy)
            reset(client)
            ends.settle()
            assert " ended: " in caplog.text
            assert finds_it_reset(server)


def test_a_reset_does_not_wait_for_who_turns_out_not_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SOCKET_BUFFER_BYTES", 4096)
    with carrying() as ends:
        ends.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client, server = ends.connect()
        with server:
            ends.proxy.stall()
            fill(client, ends.proxy)
            reset(client)
            ends.settle()
            ends.proxy.resume()
            assert finds_it_reset(server)


def test_a_reset_that_sending_finds_out_still_comes_after_the_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with carrying() as ends:
        client, server = ends.connect()
        pass_on = StreamRelay.pass_on

        def pass_on_too_late(self: StreamRelay, now: float) -> None:
            if self.due <= now and server.fileno() >= 0:
                server.sendall(b"last words")
                reset(server)
            pass_on(self, now)

        with client:
            monkeypatch.setattr(StreamRelay, "pass_on", pass_on_too_late)
            client.sendall(b"hello")
            assert read(client, 10) == b"last words"
            assert is_reset(client)


def test_speaking_to_who_has_closed_brings_the_reset_back() -> None:
    with carrying() as ends:
        client, server = ends.connect()
        with client:
            server.sendall(b"bye")
            server.close()
            assert read_to_end(client) == b"bye"
            client.sendall(b"is anybody there?")
            ends.settle()
            with pytest.raises(BrokenPipeError):
                client.sendall(b"!")


def test_who_does_not_read_stops_who_speaks_and_loses_nothing() -> None:
    with carrying() as ends:
        client, server = ends.connect()
        with client, server:
            sent = fill(client, ends.proxy)
            assert ends.proxy.most_held == MAX_HELD_BYTES
            reader = threading.Thread(target=client.shutdown, args=(socket.SHUT_WR,))
            reader.start()
            assert len(read_to_end(server)) == sent
            reader.join()
            assert ends.proxy.most_held == MAX_HELD_BYTES


def test_a_network_waits_in_peace_for_who_does_not_read_though_all_is_said(tmp_path: Path) -> None:
    with carrying(directory=tmp_path) as ends:  # a Unix socket knows of the end of stream before it reads it
        client, server = ends.connect()
        with client, server:
            sent = fill(client, ends.proxy)
            for sock in (client, server):
                sock.shutdown(socket.SHUT_WR)
            assert read_to_end(client) == b""
            ends.settle()
            assert len(read_to_end(server)) == sent


# Stalls, by hand


def test_a_stalled_network_carries_nothing_until_it_resumes() -> None:
    with carrying() as ends:
        client, server = ends.connect()
        with client, server:
            ends.proxy.stall()
            client.sendall(b"first, ")
            client.sendall(b"second")
            client.shutdown(socket.SHUT_WR)
            ends.settle()
            assert nothing_to_read(server)
            assert ends.proxy.stalled
            ends.proxy.resume()
            assert read_to_end(server) == b"first, second"


def test_a_stalled_network_holds_no_more_than_it_says() -> None:
    with carrying() as ends:
        client, server = ends.connect()
        with client, server:
            ends.proxy.stall()
            sent = fill(client, ends.proxy)
            assert ends.proxy.most_held == MAX_HELD_BYTES
            ends.proxy.resume()
            assert read(server, sent) == b"x" * sent


def test_closing_ends_everything_though_clients_are_connected_and_stalled() -> None:
    before = threading.active_count()
    with carrying(Conditions(delay=3600.0)) as ends:
        pairs = [ends.connect() for _ in range(5)]
        for client, _ in pairs:
            client.sendall(b"under way for an hour")
        ends.proxy.stall()
        fill(pairs[0][0], ends.proxy)
        ends.proxy.close()
        assert threading.active_count() == before
        for pair in pairs:
            for sock in pair:
                with sock, suppress(ConnectionResetError):
                    assert sock.recv(1) == b""
        with socket.socket() as late, pytest.raises(ConnectionRefusedError):
            late.connect(ends.proxy.address.sockaddr)
        assert not ends.proxy.settle(TIMEOUT)
        ends.proxy.close()  # again: the end of the block


# What it does when told to


def test_segments_are_split_and_each_piece_is_a_segment() -> None:
    with carrying(Conditions(split=2, way="to-server")) as ends:
        client, server = ends.connect()
        with client, server:
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
    with carrying(Conditions(coalesce=3600.0, coalesce_bytes=15)) as ends:
        client, server = ends.connect()
        with client, server:
            for word in (b"hello", b"happy", b"world"):
                client.sendall(word)
            assert read(server, 15) == b"hellohappyworld"
            assert segments_received(server) == 1
            client.sendall(b"rest")
            client.shutdown(socket.SHUT_WR)
            assert read_to_end(server) == b"rest"


@pytest.mark.parametrize("way", WAYS)
def test_a_reset_after_so_many_bytes_ends_both_sides_and_is_owned_up_to(way: Way) -> None:
    with carrying(Conditions(reset_after=7, way=way)) as ends:
        client, server = ends.connect()
        with client, server:
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
        client, server = ends.connect()
        with client, server:
            client.sendall(b"hello")
            assert is_reset(server)
            assert is_reset(client)
        assert [injected.place for injected in ends.proxy.injected_events] == [0]


def test_a_half_close_by_the_network_loses_what_follows_one_way_only() -> None:
    with carrying(Conditions(half_close_after=5, way="to-server")) as ends:
        client, server = ends.connect()
        with client, server:
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
        with Proxy(LOCALHOST, LOCALHOST.with_port(nobody.getsockname()[1])) as proxy:
            assert is_turned_away(proxy.address)
            assert proxy.injected_events == []
    assert "cannot be connected to the server: Connection refused" in caplog.text


def test_nobody_listens_behind_a_unix_socket(tmp_path: Path) -> None:
    nowhere = Address("unix", path=str(tmp_path / "server"))
    with Proxy(LOCALHOST, nowhere) as proxy:
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
        client, server = ends.connect()
        with client, server:
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
        assert str(injected).endswith("the network turns the client away: there is no room for its connection")


def test_later_clients_can_be_led_to_another_server() -> None:
    with carrying() as ends, serving("chat", LOCALHOST) as other:
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
