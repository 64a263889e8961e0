"""The hostile network: what it promises to carry faithfully, what it does when told to, and what it owns up to."""

import argparse
import errno
import logging
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faults import proxy as command
from faults.network import CALM, HELD, BadWeather, CannotCarry, Proxy, Through, Weather, datagrams, sides
from faults.network.course import FRAME, DatagramCourse, Lot, StreamCourse
from faults.network.streams import Streams
from faults.network.through import HIDDEN
from faults.network.weather import WAYS, Way
from reference.address import Address
from reference.conformance.chat import ChatConformance
from reference.conformance.datagram import DatagramConformance
from reference.conformance.directed import checks, performer
from reference.conformance.echo import EchoConformance
from reference.conformance.performer import Playing
from reference.conformance.scenario import Reset, Say, Send, join
from reference.conformance.suite import Conformance, NotChecked
from reference.conformance.target import CannotCheck, InProcess, Launched
from reference.conformance.violation import Violation
from reference.family import make_server, server_address
from tests.checking import Checker
from tests.serving import PATIENCE, connect_to, read, read_to_end, reset, serving, somewhere

QUICKLY = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

WEATHER = st.builds(
    Weather,
    delay=st.sampled_from([0.0, 0.001]),
    jitter=st.sampled_from([0.0, 0.002]),
    rate=st.sampled_from([None, 1e6, 1e8]),
    stall_every=st.just(0.003),
    stall_for=st.just(0.002),
    split=st.sampled_from([None, 1, 7, 1000]),
    coalesce=st.sampled_from([0.0, 0.002]),
    way=st.sampled_from(["both", *WAYS]),
)
"""Any weather that loses nothing."""

ROUGH = Weather(delay=0.25, jitter=0.5, rate=1000.0, stall_every=2.0, stall_for=1.0, split=10, coalesce=0.125)

LOCALHOST = Address("tcp", "127.0.0.1")


# A server by hand, and what it and its clients can see


class Ends:
    """A proxy, and both ends of the connections through it."""

    def __init__(self, proxy: Proxy, listener: socket.socket) -> None:
        self.proxy = proxy
        self.listener = listener

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Return a new client, and the server's end of its connection."""
        client = connect_to(self.proxy.address)
        server, _ = self.listener.accept()
        server.settimeout(PATIENCE)
        return client, server

    def settle(self) -> None:
        """Return when nothing is under way."""
        assert self.proxy.settle(PATIENCE), "the network does not come to rest"


@contextmanager
def carrying(weather: Weather = CALM, seed: int = 0, directory: Path | None = None) -> Iterator[Ends]:
    """Put a proxy with that weather before a listening socket: over tcp, or over unix in the directory."""
    where = target = LOCALHOST
    if directory is not None:
        where, target = (Address("unix", path=str(directory / name)) for name in ("proxy", "server"))
    with socket.socket(target.family) as listener:
        listener.settimeout(PATIENCE)
        listener.bind(target.sockaddr)
        listener.listen()
        if directory is None:
            target = target.with_port(listener.getsockname()[1])
        with Proxy(where, target, weather, seed) as proxy:
            yield Ends(proxy, listener)


def exchange(one: socket.socket, said: bytes, other: socket.socket, answered: bytes) -> tuple[bytes, bytes]:
    """Let both talk at the same time and then half-close; return what each has read up to its end of stream."""
    heard: dict[socket.socket, bytes] = {}

    def talk(sock: socket.socket, words: bytes) -> None:
        sock.sendall(words)
        sock.shutdown(socket.SHUT_WR)

    def listen(sock: socket.socket) -> None:
        heard[sock] = read_to_end(sock)

    threads = [
        threading.Thread(target=work, args=arguments)
        for work, arguments in ((talk, (one, said)), (talk, (other, answered)), (listen, (one,)), (listen, (other,)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard[other], heard[one]


def is_reset(sock: socket.socket) -> bool:
    """Whether what is read next is a reset."""
    try:
        sock.recv(1)
    except ConnectionResetError:
        return True
    return False


def finds_it_reset(sock: socket.socket) -> bool:
    """Whether the connection is reset, or soon will be, though nobody reads it."""
    waiting = select.poll()
    waiting.register(sock, 0)
    return any(event & select.POLLERR for _, event in waiting.poll(PATIENCE * 1000))


def is_turned_away(address: Address) -> bool:
    """Whether a client is reset that says nothing: it may find out as soon as it has connected."""
    with socket.socket(address.family) as client:
        client.settimeout(PATIENCE)
        try:
            client.connect(address.sockaddr)
            client.recv(1)
        except ConnectionResetError:
            return True
        return False


def nothing_to_read(sock: socket.socket) -> bool:
    """Whether there is nothing to read at this moment."""
    sock.setblocking(False)
    try:
        sock.recv(1)
    except BlockingIOError:
        return True
    finally:
        sock.settimeout(PATIENCE)
    return False


def segments_received(sock: socket.socket) -> int:
    """Return how many segments with data have come: tcpi_data_segs_in of Linux's struct tcp_info."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return int(struct.unpack_from("I", info, 152)[0])


def fill(sock: socket.socket, proxy: Proxy) -> int:
    """Send until nobody takes any more; return how many bytes that were."""
    sock.setblocking(False)
    sent = before = 0
    while True:
        with suppress(BlockingIOError):
            while True:
                sent += sock.send(b"x" * 65536)
        assert proxy.settle(PATIENCE)
        if sent == before:
            sock.settimeout(PATIENCE)
            return sent
        before = sent


# Faithful, whatever the weather


@QUICKLY
@given(weather=WEATHER, said=st.binary(max_size=3000), answered=st.binary(max_size=3000))
def test_every_byte_arrives_in_order_both_ways_and_the_end_of_stream_after_the_last(
    weather: Weather, said: bytes, answered: bytes
) -> None:
    with carrying(weather) as ends:
        client, server = ends.connect()
        with client, server:
            assert exchange(client, said, server, answered) == (said, answered)
        assert ends.proxy.deeds == []


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize(
    "weather", [CALM, Weather(delay=0.001, jitter=0.001, split=5000), Weather(coalesce=0.001)], ids=str
)
def test_a_megabyte_each_way_arrives(transport: str, weather: Weather, tmp_path: Path) -> None:
    said, answered = bytes(range(256)) * 4096, bytes(range(255, -1, -1)) * 4096
    with carrying(weather, directory=tmp_path if transport == "unix" else None) as ends:
        client, server = ends.connect()
        with client, server:
            assert exchange(client, said, server, answered) == (said, answered)
        assert ends.proxy.most_held <= HELD
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


@pytest.mark.parametrize("weather", [CALM, Weather(delay=0.005), Weather(coalesce=0.005)], ids=str)
def test_a_reset_arrives_as_a_reset_after_the_last_words(weather: Weather) -> None:
    with carrying(weather) as ends:
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
        assert ends.proxy.deeds == []


def test_a_reset_straight_after_connecting_arrives() -> None:
    with carrying() as ends:
        reset(connect_to(ends.proxy.address))
        server, _ = ends.listener.accept()
        with server:
            server.settimeout(PATIENCE)
            assert is_reset(server)


def test_a_reset_does_not_wait_for_who_does_not_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "faults.network")
    with carrying() as ends:
        client, server = ends.connect()
        with server:
            fill(client, ends.proxy)
            reset(client)
            ends.settle()
            assert " ended: " in caplog.text
            assert finds_it_reset(server)


def test_a_reset_does_not_wait_for_who_turns_out_not_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "BUFFER", 4096)
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
        pass_on = Streams.pass_on

        def pass_on_too_late(self: Streams, now: float) -> None:
            if self.due <= now and server.fileno() >= 0:
                server.sendall(b"last words")
                reset(server)
            pass_on(self, now)

        with client:
            monkeypatch.setattr(Streams, "pass_on", pass_on_too_late)
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
            assert ends.proxy.most_held == HELD
            reader = threading.Thread(target=client.shutdown, args=(socket.SHUT_WR,))
            reader.start()
            assert len(read_to_end(server)) == sent
            reader.join()
            assert ends.proxy.most_held == HELD


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
            assert ends.proxy.most_held == HELD
            ends.proxy.resume()
            assert read(server, sent) == b"x" * sent


def test_closing_ends_everything_though_clients_are_connected_and_stalled() -> None:
    before = threading.active_count()
    with carrying(Weather(delay=3600.0)) as ends:
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
        assert not ends.proxy.settle(PATIENCE)
        ends.proxy.close()  # again: the end of the block


# What it does when told to


def test_segments_are_split_and_each_piece_is_a_segment() -> None:
    with carrying(Weather(split=2, way="to-server")) as ends:
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
        sides.prepare(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_collected_goes_out_as_one_segment() -> None:
    with carrying(Weather(coalesce=3600.0, coalesce_bytes=15)) as ends:
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
    with carrying(Weather(reset_after=7, way=way)) as ends:
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
            (deed,) = ends.proxy.deeds
            assert (deed.what, deed.connection, deed.way, deed.place) == ("reset", 1, way, 7)
            assert str(deed).endswith(f": the network resets both sides after 7 bytes {way}")


def test_a_reset_that_is_certain_lets_nothing_pass() -> None:
    with carrying(Weather(reset=1.0)) as ends:
        client, server = ends.connect()
        with client, server:
            client.sendall(b"hello")
            assert is_reset(server)
            assert is_reset(client)
        assert [deed.place for deed in ends.proxy.deeds] == [0]


def test_a_half_close_by_the_network_loses_what_follows_one_way_only() -> None:
    with carrying(Weather(half_close_after=5, way="to-server")) as ends:
        client, server = ends.connect()
        with client, server:
            client.sendall(b"hello world")
            assert read_to_end(server) == b"hello"
            server.sendall(b"still there?")
            assert read(client, 12) == b"still there?"
            (deed,) = ends.proxy.deeds
            assert deed.what == "half-close"
            server.close()
            assert read_to_end(client) == b""


def test_who_cannot_be_connected_to_the_server_is_reset(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "faults.network")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Proxy(LOCALHOST, LOCALHOST.with_port(nobody.getsockname()[1])) as proxy:
            assert is_turned_away(proxy.address)
            assert proxy.deeds == []
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

    monkeypatch.setattr(Streams, "_connect", refuse)
    with carrying() as ends:
        assert is_turned_away(ends.proxy.address)
        (deed,) = ends.proxy.deeds
        assert str(deed).endswith("the network turns the client away: there is no room for its connection")


def test_later_clients_can_be_led_to_another_server() -> None:
    with carrying() as ends, serving("chat", LOCALHOST) as other:
        first, server = ends.connect()
        with first, server:
            ends.proxy.lead_to(server_address(other))
            with connect_to(ends.proxy.address) as client:
                client.sendall(b"hello")
                assert read(client, 8) == b"ackhello"
            first.sendall(b"still here")
            assert read(server, 10) == b"still here"


# Datagrams


class Post:
    """A datagram proxy before a server by hand."""

    def __init__(self, proxy: Proxy, server: socket.socket) -> None:
        self.proxy = proxy
        self.server = server

    def ask(self, client: socket.socket, *words: bytes) -> list[bytes]:
        """Send each datagram when the one before has had its fate; return what the server gets."""
        for word in words:
            client.send(word)
            assert self.proxy.settle(PATIENCE)
        return self.take(self.server)

    def take(self, sock: socket.socket) -> list[bytes]:
        """Return what has arrived."""
        assert self.proxy.settle(PATIENCE)
        sock.setblocking(False)
        got = []
        with suppress(BlockingIOError):
            while True:
                got.append(sock.recv(65536))
        sock.settimeout(PATIENCE)
        return got


@contextmanager
def posting(weather: Weather = CALM, seed: int = 0) -> Iterator[Post]:
    where = Address("udp", "127.0.0.1")
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.settimeout(PATIENCE)
        server.bind(where.sockaddr)
        with Proxy(where, where.with_port(server.getsockname()[1]), weather, seed) as proxy:
            yield Post(proxy, server)


def test_datagrams_go_to_and_fro_whole_and_once_each_client_for_itself() -> None:
    sizes = (0, 1, 8192, 60000)
    with posting() as post, connect_to(post.proxy.address) as ann, connect_to(post.proxy.address) as ben:
        for client, letter in ((ann, b"a"), (ben, b"b")):
            assert post.ask(client, *(letter * size for size in sizes)) == [letter * size for size in sizes]
        for client, letter in ((ann, b"a"), (ben, b"b")):
            client.send(letter)
            _, source = post.server.recvfrom(10)
            post.server.sendto(b"re: " + letter, source)
        assert post.take(ann) == [b"re: a"]
        assert post.take(ben) == [b"re: b"]
        assert post.proxy.deeds == []


def test_a_reply_from_elsewhere_comes_from_elsewhere() -> None:
    with (
        posting() as post,
        socket.socket(type=socket.SOCK_DGRAM) as client,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        client.settimeout(PATIENCE)
        client.sendto(b"hello", post.proxy.address.sockaddr)
        _, source = post.server.recvfrom(10)
        other.sendto(b"from elsewhere", source)
        data, came_from = client.recvfrom(100)
        assert (data, came_from == post.proxy.address.sockaddr) == (b"from elsewhere", False)
        post.server.sendto(b"from here", source)
        assert client.recvfrom(100) == (b"from here", post.proxy.address.sockaddr)


@pytest.mark.parametrize(
    ("weather", "arrives", "deeds"),
    [
        (Weather(drop=1.0), [], ["drop"] * 3),
        (Weather(duplicate=1.0), [b"1", b"1", b"2", b"2", b"3", b"3"], ["duplicate"] * 3),
        (Weather(drop=1.0, way="to-client"), [b"1", b"2", b"3"], []),
    ],
    ids=str,
)
def test_datagrams_are_lost_and_doubled(weather: Weather, arrives: list[bytes], deeds: list[str]) -> None:
    with posting(weather) as post, connect_to(post.proxy.address) as client:
        assert post.ask(client, b"1", b"2", b"3") == arrives
        assert [deed.what for deed in post.proxy.deeds] == deeds


def test_a_burst_of_datagrams_arrives_whole() -> None:
    with posting() as post, connect_to(post.proxy.address) as client:
        words = [b"%d" % count for count in range(100)]
        for word in words:
            client.send(word)
        client.send(b"")
        arrived = []
        while data := post.server.recvfrom(10):
            source = data[1]
            if not data[0]:
                break
            arrived.append(data[0])
        assert arrived == words
        for word in words:
            post.server.sendto(word, source)
        assert post.take(client) == words


def test_a_datagram_that_cannot_be_sent_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "faults.network")
    everybody = Address("udp", "255.255.255.255", 9)  # needs SO_BROADCAST
    with Proxy(Address("udp", "127.0.0.1"), everybody) as proxy, connect_to(proxy.address) as client:
        client.send(b"hello")
        assert proxy.settle(PATIENCE)
    assert "a datagram to-server does not arrive: " in caplog.text


def test_a_client_for_whose_datagrams_there_is_no_descriptor_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    with posting() as post, connect_to(post.proxy.address) as client:
        monkeypatch.setattr(datagrams, "socket", SimpleNamespace(socket=refuse))
        assert post.ask(client, b"hello") == []
        assert [deed.what for deed in post.proxy.deeds] == ["refuse"]


def test_clients_are_forgotten_when_many_others_have_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagrams, "CLIENTS", 2)
    with posting() as post:
        clients = [connect_to(post.proxy.address) for _ in range(3)]
        sources = []
        for client in clients:
            client.send(b"hello")
            sources.append(post.server.recvfrom(10)[1])
        for source in sources:
            post.server.sendto(b"re: hello", source)
        assert [post.take(client) for client in clients] == [[], [b"re: hello"], [b"re: hello"]]
        clients[0].send(b"again")
        post.server.sendto(b"re: again", post.server.recvfrom(10)[1])
        assert clients[0].recv(100) == b"re: again"
        for client in clients:
            client.close()


# The same seed, the same run


def deeds_of(proxy: Proxy) -> list[tuple[str, int, str, int]]:
    """Return the deeds without the clients' ports, which no seed chooses."""
    return [(deed.what, deed.connection, deed.way, deed.place) for deed in proxy.deeds]


def converse(seed: int, silent: frozenset[int] = frozenset()) -> list[tuple[str, int, str, int]]:
    """Let ten clients, one after the other, each say something and be answered until it is reset; return the deeds."""
    with carrying(Weather(reset=0.05, jitter=0.001), seed) as ends:
        for number in range(1, 11):
            client, server = ends.connect()
            with client, server, suppress(ConnectionResetError, BrokenPipeError):
                for _ in range(0 if number in silent else 20):
                    for one, other in ((client, server), (server, client)):
                        one.sendall(b"hello")
                        assert read(other, 5) in (b"hello", b"")
            ends.settle()
        return deeds_of(ends.proxy)


def test_the_same_seed_resets_the_same_connections_at_the_same_places() -> None:
    deeds = converse(1)
    assert len(deeds) > 2
    assert converse(1) == deeds
    assert converse(2) != deeds


def test_what_happens_to_one_connection_does_not_depend_on_what_the_others_say() -> None:
    assert converse(1, silent=frozenset({1, 3})) == [deed for deed in converse(1) if deed[1] not in (1, 3)]


def test_the_same_seed_gives_datagrams_the_same_fate() -> None:
    def correspond(seed: int) -> list[tuple[str, int, str, int]]:
        weather = Weather(drop=0.2, duplicate=0.2, reorder=0.2)
        with posting(weather, seed) as post, connect_to(post.proxy.address) as client:
            words = [b"%d" % count for count in range(40)]
            for word in words:
                client.send(word)
            arrived = Counter(post.take(post.server))
            fates = deeds_of(post.proxy)
            copies = {
                b"%d" % place: {"drop": 0, "duplicate": 2}[what] for what, _, _, place in fates if what != "reorder"
            }
            assert arrived == +Counter({word: copies.get(word, 1) for word in words})
            return fates

    fates = correspond(1)
    assert {fate[0] for fate in fates} == {"drop", "duplicate", "reorder"}
    assert correspond(1) == fates
    assert correspond(2) != fates


# Decided without sockets: here time is a number


def lot(weather: Weather, seed: int = 0) -> Lot:
    return Lot(weather, seed, 1, "to-server")


Arrival = tuple[float, Any]


def flow(course: StreamCourse, said: list[tuple[float, bytes]]) -> list[Arrival]:
    """Say each of these after a pause in seconds, then half-close; return when what arrives."""
    now, arrived = 0.0, list[Arrival]()

    def arrive(until: float) -> None:
        while course.due <= until:
            at = course.due
            while (item := course.next(at)) is not None:
                arrived.append((at, item))
                if isinstance(item, bytes):
                    course.sent(len(item))

    for pause, data in said:
        now += pause
        arrive(now)
        course.take(data, now)
    course.end("end of stream", now)
    arrive(sys.float_info.max)
    return arrived


SAID = st.lists(st.tuples(st.floats(0, 3), st.binary(min_size=1, max_size=50)), max_size=10)


@QUICKLY
@given(said=SAID, seed=st.integers(0, 5))
def test_in_rough_weather_everything_arrives_in_order_in_pieces_and_late(
    said: list[tuple[float, bytes]], seed: int
) -> None:
    held: list[float] = []
    arrived = flow(StreamCourse(lot(ROUGH, seed), 0.0, held.append), said)
    segments = [item for _, item in arrived[:-1]]
    assert b"".join(segments) == b"".join(data for _, data in said)
    assert arrived[-1][1] == "end of stream"
    assert all(len(segment) <= ROUGH.split for segment in segments if ROUGH.split)
    times = [time for time, _ in arrived]
    assert times == sorted(times)
    assert all(time % 3.0 <= 2.0 + 1e-6 or time % 3.0 >= 3.0 - 1e-6 for time in times), "it stalls for 1 s after 2 s"
    length = sum(len(segment) for segment in segments)
    assert times[-1] >= sum(pause for pause, _ in said) + ROUGH.delay
    assert not said or times[-1] >= said[0][0] + ROUGH.coalesce + ROUGH.delay + length / 1000.0 - 1e-6
    assert max(held) <= times[-1]


@QUICKLY
@given(said=SAID)
def test_the_same_seed_makes_the_same_jitter(said: list[tuple[float, bytes]]) -> None:
    one, other = (flow(StreamCourse(lot(Weather(jitter=1.0), 1), 0.0), said) for _ in range(2))
    assert one == other
    assert len(said) < 2 or one != flow(StreamCourse(lot(Weather(jitter=1.0), 2), 0.0), said)


def test_collecting_ends_with_the_time_or_the_size() -> None:
    course = StreamCourse(lot(Weather(coalesce=2.0, coalesce_bytes=6)), 0.0)
    said = [(0.0, b"one"), (1.0, b"two"), (1.0, b"three"), (1.0, b"!"), (5.0, b"four")]
    assert flow(course, said) == [(1.0, b"onetwo"), (3.0, b"three!"), (8.0, b"four"), (8.0, "end of stream")]


def test_a_limited_rate_keeps_an_utterance_whole_and_lets_a_stream_flow() -> None:
    said = [(0.0, b"u" * 1024), (0.0, b"s" * (2 * FRAME + 100))]
    arrived = flow(StreamCourse(lot(Weather(rate=1024.0)), 0.0), said)
    assert [len(item) for _, item in arrived[:-1]] == [1024, FRAME, FRAME, 100]
    bytes_by_then = [round(1024 * time) for time, _ in arrived]
    assert bytes_by_then == [1024, 1024 + FRAME, 1024 + 2 * FRAME, 1124 + 2 * FRAME, 1124 + 2 * FRAME]


def test_a_reset_of_the_sender_comes_after_its_end_of_stream_and_its_words() -> None:
    course = StreamCourse(lot(Weather(delay=1.0)), 0.0)
    course.take(b"words", 0.0)
    course.end("end of stream", 0.0)
    course.end("reset", 0.5)
    course.take(b"too late", 0.6)
    assert course.next(1.0) == b"words"
    course.sent(5)
    assert course.next(1.0) == "end of stream"
    assert course.next(1.0) is None
    assert course.next(1.5) == "reset"


def test_a_reset_by_chance_is_a_matter_of_the_place_alone() -> None:
    def ends_at(*pieces: int) -> int:
        course = StreamCourse(lot(Weather(reset=0.02, split=10), 3), 0.0)
        *segments, (_, how) = flow(course, [(0.0, b"x" * piece) for piece in pieces])
        course.end("reset", 1.0)
        assert (how, course.due) == ("cut", float("inf"))
        return sum(len(segment) for _, segment in segments)

    assert 0 < ends_at(2000) < 2000
    assert ends_at(2000) == ends_at(*[10] * 200) == ends_at(500, 1500)


POSTED = st.lists(st.tuples(st.floats(0, 0.1), st.binary(max_size=3)), max_size=20)


@QUICKLY
@given(posted=POSTED, seed=st.integers(0, 5))
def test_datagrams_arrive_as_their_fates_say(posted: list[tuple[float, bytes]], seed: int) -> None:
    course = DatagramCourse(lot(Weather(drop=0.2, duplicate=0.2, reorder=0.3, jitter=0.2), seed), 0.0)
    now, due, in_order, arrived = 0.0, Counter[bytes](), True, list[bytes]()
    for pause, data in posted:
        now += pause
        fates = course.take(data, now)
        due[data] += 0 if "drop" in fates else 2 if "duplicate" in fates else 1
        in_order = in_order and "reorder" not in fates
    while course.due < float("inf"):
        at = course.due
        while (datagram := course.next(at)) is not None:
            arrived.append(datagram)
    assert Counter(arrived) == +due
    assert course.size == 0
    if in_order:
        expected = iter(arrived)
        assert all(data in expected for _, data in posted if due[data])


def test_a_datagram_is_overtaken_by_the_next_but_does_not_wait_for_ever() -> None:
    course = DatagramCourse(lot(Weather(reorder=1.0)), 0.0)
    assert course.take(b"first", 0.0) == course.take(b"second", 0.01) == ["reorder"]
    assert course.next(0.02) is None
    assert [course.next(1.0) for _ in range(3)] == [b"first", b"second", None]
    course = DatagramCourse(lot(Weather(reorder=0.5), 3), 0.0)
    fates = [course.take(b"%d" % count, 0.0) for count in range(2)]
    assert fates == [["reorder"], []]
    assert [course.next(0.0) for _ in range(3)] == [b"1", b"0", None]


def test_datagrams_that_there_is_no_room_for_are_lost() -> None:
    course = DatagramCourse(lot(Weather(delay=1.0)), 0.0)
    fates = [course.take(b"x" * 60000, 0.0) for _ in range(5)]
    assert fates == [[], [], [], [], ["no room"]]
    assert course.size <= HELD


# Numbers that cannot be


@pytest.mark.parametrize(
    ("numbers", "refusal"),
    [
        ({"delay": -1.0}, "--delay -1.0: write a number of seconds from 0 to 3600"),
        ({"jitter": float("nan")}, "--jitter nan: write a number of seconds from 0 to 3600"),
        ({"rate": 0.0}, "--rate 0.0: write a number of bytes per second from 1 on"),
        ({"split": 1.5}, "--split 1.5: write a whole number of bytes from 1 to 262144"),
        ({"split": True}, "--split True: write a whole number"),
        ({"reset": 2}, "--reset 2: write a probability from 0 to 1"),
        ({"drop": "often"}, "--drop 'often': write a probability from 0 to 1"),
        ({"reset_after": -1}, "--reset-after -1: write a whole number of bytes from 0 on"),
        ({"stall_for": 1.0}, "--stall-every and --stall-for go together"),
        ({"coalesce_bytes": 10}, "--coalesce-bytes needs --coalesce"),
        ({"way": "up"}, "--way 'up': write both, to-server or to-client"),
    ],
    ids=str,
)
def test_weather_that_cannot_be_is_refused_in_one_line(numbers: dict[str, Any], refusal: str) -> None:
    with pytest.raises(BadWeather) as refused:
        Weather(**numbers)
    assert str(refused.value).startswith(refusal)
    assert "\n" not in str(refused.value)


def test_weather_is_told_as_its_options() -> None:
    assert str(CALM) == "calm"
    assert str(Weather(delay=0.5, split=1, way="to-client")) == "--delay 0.5 --split 1 --way to-client"


@pytest.mark.parametrize(
    ("listen", "target", "weather", "refusal"),
    [
        ("tcp://127.0.0.1:0", "udp://127.0.0.1:9", CALM, "carries streams and udp://127.0.0.1:9 datagrams"),
        ("unix-datagram:///x", "udp://127.0.0.1:9", CALM, "a Unix datagram waits where a network loses"),
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:0", CALM, "is no place of a server: name the port it listens at"),
        ("tcp://127.0.0.1:0", "tcp://no-such-host.invalid:9", CALM, "cannot be found"),
        ("tcp://192.0.2.1:0", "tcp://127.0.0.1:9", CALM, "choose an address of this machine, and port 0 for any"),
        ("unix:///no-such-directory/x", "tcp://127.0.0.1:9", CALM, "choose a path that does not exist yet"),
        ("udp://127.0.0.1:0", "udp://127.0.0.1:9", Weather(split=1), "--split is for streams"),
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:9", Weather(drop=0.5), "--drop is for datagrams"),
    ],
)
def test_what_cannot_be_carried_is_refused_in_one_line(
    listen: str, target: str, weather: Weather, refusal: str
) -> None:
    with pytest.raises((CannotCarry, BadWeather)) as refused:
        Proxy(Address.parse(listen), Address.parse(target), weather)
    assert refusal in str(refused.value)
    assert "\n" not in str(refused.value)


# The suite through it


SAME_VERDICT = {
    "delay": Weather(delay=0.0005, jitter=0.001),
    "rate": Weather(rate=2e6),
    "coalesce": Weather(coalesce=0.001),
    "stall": Weather(stall_every=0.02, stall_for=0.01),
}

LONG = (
    "test_who_does_not_read_delays_nobody",
    "test_a_delivery_to_a_slow_reader_is_whole",
    "test_two_hundred_members_come_at_once",
)
"""Checks that take long: in slow weather, seconds. They hold as well."""


def target_of(program: str, address: Address) -> InProcess:
    return InProcess(partial(make_server, program, address))


def conforms(suite: type[Conformance], program: str, address: Address, weather: Weather) -> None:
    """Check a server of the reference through the weather; raise the first Violation."""
    with closing(performer(suite.protocol, Through(target_of(program, address), weather), PATIENCE)) as performing:
        for clause, name in checks(suite):
            if name not in LONG and clause not in HIDDEN:
                getattr(suite(), name)(Playing(performing, clause))
        site: Any = performing.site
        assert site.interference() == ""


@pytest.mark.unmeasured
@pytest.mark.parametrize("weather", SAME_VERDICT)
def test_the_chat_holds_what_it_holds_without_a_network_between(weather: str) -> None:
    conforms(ChatConformance, "chat", LOCALHOST, SAME_VERDICT[weather])


@pytest.mark.parametrize("weather", SAME_VERDICT)
def test_the_echo_holds_what_it_holds_without_a_network_between(weather: str) -> None:
    conforms(EchoConformance, "echo", LOCALHOST, SAME_VERDICT[weather])


@pytest.mark.parametrize("weather", [name for name in SAME_VERDICT if name != "coalesce"])
def test_the_datagrams_hold_what_they_hold_without_a_network_between(weather: str) -> None:
    conforms(DatagramConformance, "echo", Address("udp", "127.0.0.1"), SAME_VERDICT[weather])


def test_the_command_line_checks_a_server_through_a_proxy(check: Checker) -> None:
    weather = Weather(delay=0.001, coalesce=0.001)
    with serving("chat", LOCALHOST) as server, Proxy(LOCALHOST, server_address(server), weather) as proxy:
        outcome = check("chat", proxy.address, "--only", "CHAT-7", "--only", "CHAT-12")
    assert (outcome.code, outcome.clauses_that("holds")) == (0, ["CHAT-7", "CHAT-12"])


def test_a_settled_utterance_stays_one_chunk() -> None:
    for weather in SAME_VERDICT.values():
        with carrying(weather) as ends:
            client, server = ends.connect()
            with client, server:
                client.sendall(b"x" * 1024)
                assert read(server, 1024) == b"x" * 1024
                assert segments_received(server) == 1


# Whose doing it was


def play_once(target: Through, *steps: Any) -> tuple[Violation | None, str]:
    """Play a scenario with nobody to judge; return what the server would be blamed for, and what the network did."""
    with closing(performer("chat", target, PATIENCE)) as performing:
        site: Any = performing.site
        with performing.stage() as stage:
            try:
                stage.play(steps)
            except Violation as violation:
                return violation, site.interference()
            return None, site.interference()


def test_a_reset_by_the_network_can_be_told_from_one_by_the_server() -> None:
    calm, hostile = (Through(target_of("chat", LOCALHOST), weather) for weather in (CALM, Weather(reset_after=40)))
    talk = [*join("ann", "ben"), *(Say("ann", b"hello") for _ in range(5))]
    assert play_once(calm, *talk) == (None, "")
    violation, deed = play_once(hostile, *talk)
    assert violation is not None
    assert "the network resets both sides after 40 bytes to-client" in deed


@pytest.mark.parametrize("weather", [Weather(reset_after=3000), Weather(reset=0.01)], ids=str)
@pytest.mark.unmeasured
def test_a_server_is_not_blamed_for_resets_by_the_network(weather: Weather) -> None:
    held, reasons = [], []
    with closing(performer("chat", Through(target_of("chat", LOCALHOST), weather), 1.0)) as performing:
        for clause, name in checks(ChatConformance):
            if name not in LONG and clause not in HIDDEN:
                try:
                    getattr(ChatConformance(), name)(Playing(performing, clause))
                    held.append(clause)
                except NotChecked as unchecked:
                    reasons.append(str(unchecked))
    assert held
    assert reasons
    assert all("the network resets both sides" in reason for reason in reasons)


def test_a_silence_of_the_network_can_be_told_from_one_of_the_server() -> None:
    slow = Through(target_of("chat", LOCALHOST), Weather(delay=0.05))
    site = slow.start(0.1)
    with closing(site), connect_to(site.address) as client:
        client.sendall(b"hello")
        assert read(client, 8) == b"ackhello"
        assert site.interference() == "the network held something for 0.05 s"
        site.calm()
        assert site.interference() == ""
        site.proxy.stall()
        assert site.interference() == "the network is stalled"


def test_a_fresh_server_is_found_behind_the_same_address_and_old_deeds_are_forgiven() -> None:
    site = Through(target_of("chat", LOCALHOST), Weather(reset_after=100)).start(PATIENCE)
    with closing(site):
        address = site.address
        with connect_to(address) as client:
            client.sendall(b"x" * 200)
            assert "resets both sides after 100 bytes to-server" in site.interference() or is_reset(client)
        assert "the network resets" in site.interference()
        assert site.renew()
        assert site.interference() == ""
        assert site.address == address
        with connect_to(address) as client:
            client.sendall(b"hello")
            assert read(client, 8) == b"ackhello"
        assert site.obituary() == ""


@pytest.mark.parametrize("way_to_wait", ["rest", "calm"])
def test_resting_is_waiting_for_what_is_under_way(way_to_wait: str) -> None:
    with carrying() as ends, closing(Through(str(ends.proxy.address), Weather(delay=0.01)).start(PATIENCE)) as site:
        probe, _ = ends.listener.accept()
        probe.close()
        with connect_to(site.address) as client:
            client.sendall(b"hello")
            server, _ = ends.listener.accept()
            with server:
                getattr(site, way_to_wait)()
                ends.settle()
                server.setblocking(False)
                assert server.recv(5) == b"hello"


def test_words_that_are_under_way_do_not_leak_into_the_next_scenario() -> None:
    slow = Through(target_of("chat", LOCALHOST), Weather(rate=40_000.0))
    with closing(performer("chat", slow, PATIENCE)) as performing:
        performing.play(*join("ann", "cal"), Send("cal", b"x" * 4000), Reset("cal"), about="CHAT-12")
        performing.play(*join("dan"), *(Say("dan", b"%d" % count) for count in range(20)), about="CHAT-2")


def test_a_target_behind_the_network_is_named_with_its_weather(tmp_path: Path) -> None:
    assert str(Through("tcp://127.0.0.1:9", Weather(split=1))) == "tcp://127.0.0.1:9 through a network (--split 1)"
    site = Through(target_of("chat", somewhere("unix", tmp_path))).start(PATIENCE)
    with closing(site), connect_to(site.address) as client:
        assert site.address.transport == "unix"
        client.sendall(b"hello")
        assert read(client, 8) == b"ackhello"
    with pytest.raises(CannotCheck, match="waits where a network loses"):
        Through(target_of("echo", somewhere("unix-datagram", tmp_path))).start(PATIENCE)
    with pytest.raises(CannotCheck, match="no program that can be run"):
        Through(Launched("no-such-program {port}")).start(PATIENCE)


# The command


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_address_logs_and_ends_at_a_signal(number: signal.Signals) -> None:
    with serving("chat", LOCALHOST) as server:
        words = ["tcp://127.0.0.1:0", str(server_address(server)), "--delay", "0.001", "--reset-after", "20"]
        line = [sys.executable, "-m", "faults", "proxy", *words, "--way", "to-server"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                first = process.stdout.readline()
                assert first, process.stderr.read()
                address = Address.parse(first.strip())
                with connect_to(address) as ann, connect_to(address) as ben:
                    ann.sendall(b"\x1b[31mhello")
                    assert read(ann, 13) == b"ack\x1b[31mhello"
                    ben.sendall(b"x" * 20)
                    with pytest.raises(ConnectionResetError):
                        read_to_end(ben)
                    os.kill(process.pid, number)
                    _, log = process.communicate(timeout=PATIENCE)
            finally:
                process.kill()
    assert process.returncode == 0
    assert "connection 1 from 127.0.0.1:" in log
    assert ": the network resets both sides after 20 bytes to-server" in log
    assert "\x1b" not in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("nowhere", "tcp://127.0.0.1:9"), "'nowhere' is not an address"),
        (("tcp://127.0.0.1:0", "udp://127.0.0.1:9"), "carries streams and"),
        (("tcp://127.0.0.1:0", "tcp://127.0.0.1:9", "--delay", "soon"), "--delay 'soon': write a number of seconds"),
        (("tcp://127.0.0.1:0", "tcp://127.0.0.1:9", "--seed", "x"), "--seed 'x': write a whole number from 0 on"),
        (("tcp://127.0.0.1:0", "tcp://127.0.0.1:9", "--duplicate", "1"), "--duplicate is for datagrams"),
        (("udp://127.0.0.1:0", "udp://127.0.0.1:9", "--coalesce", "1"), "--coalesce is for streams"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    words: tuple[str, ...], refusal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(arguments(*words)) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("faults proxy: ")
    assert refusal in error
    assert error.count("\n") == 1


def test_the_command_understands_every_number_of_the_weather() -> None:
    words = "--delay 1 --jitter 0.5 --rate 1e3 --stall-every 2 --stall-for 1 --split 5 --reset-after 9 --way to-client"
    weather = command.read_weather(arguments("tcp://a:0", "tcp://b:1", *words.split()))
    assert weather == Weather(
        delay=1.0, jitter=0.5, rate=1000.0, stall_every=2.0, stall_for=1.0, split=5, reset_after=9, way="to-client"
    )
