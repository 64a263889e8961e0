"""The hostile network over connections: what it carries faithfully, and that it can be stalled and closed."""

import logging
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketserver_faults.network import MAX_HELD_BYTES, UNIMPAIRED, Conditions, connection
from socketserver_faults.network.conditions import WAYS
from socketserver_faults.network.stream_relay import StreamRelay
from tests.support.carrying import carrying, exchange, fill, finds_it_reset, is_reset, nothing_to_read
from tests.support.serving import TIMEOUT, connect_to, read, read_to_end, reset

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
        with ends.connected() as (client, server):
            assert exchange(client, said, server, answered) == (said, answered)
        assert ends.proxy.injected_events == []


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize(
    "conditions", [UNIMPAIRED, Conditions(delay=0.001, jitter=0.001, split=5000), Conditions(coalesce=0.001)], ids=str
)
def test_a_megabyte_each_way_arrives(transport: str, conditions: Conditions, tmp_path: Path) -> None:
    said, answered = bytes(range(256)) * 4096, bytes(range(255, -1, -1)) * 4096
    with carrying(conditions, directory=tmp_path if transport == "unix" else None) as ends:
        with ends.connected() as (client, server):
            assert exchange(client, said, server, answered) == (said, answered)
        assert ends.proxy.most_held <= MAX_HELD_BYTES
    assert not (tmp_path / "proxy").exists()


def test_who_half_closes_still_hears_the_other() -> None:
    with carrying() as ends, ends.connected() as (client, server):
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


def test_a_reset_does_not_wait_for_a_peer_that_does_not_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "socketserver_faults.network")
    with carrying() as ends:
        client, server = ends.connect()
        with server:
            fill(client, ends.proxy)
            reset(client)
            ends.settle()
            assert " ended: " in caplog.text
            assert finds_it_reset(server)


def test_a_reset_does_not_wait_for_a_peer_that_has_stopped_reading(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_send_to_a_closed_peer_brings_back_its_reset() -> None:
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


def test_a_peer_that_does_not_read_stops_its_sender_and_loses_nothing() -> None:
    with carrying() as ends, ends.connected() as (client, server):
        sent = fill(client, ends.proxy)
        assert ends.proxy.most_held == MAX_HELD_BYTES
        reader = threading.Thread(target=client.shutdown, args=(socket.SHUT_WR,))
        reader.start()
        assert len(read_to_end(server)) == sent
        reader.join()
        assert ends.proxy.most_held == MAX_HELD_BYTES


def test_a_network_waits_idle_for_a_peer_that_does_not_read_after_the_end_of_stream(tmp_path: Path) -> None:
    # a Unix socket knows of the end of stream before it reads it
    with carrying(directory=tmp_path) as ends, ends.connected() as (client, server):
        sent = fill(client, ends.proxy)
        for sock in (client, server):
            sock.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == b""
        ends.settle()
        assert len(read_to_end(server)) == sent


# Stalls, by hand


def test_a_stalled_network_carries_nothing_until_it_resumes() -> None:
    with carrying() as ends, ends.connected() as (client, server):
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
    with carrying() as ends, ends.connected() as (client, server):
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
