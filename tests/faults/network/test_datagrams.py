"""The hostile network over datagrams: each arrives whole or not at all, and what happened to it is owned up to."""

import errno
import logging
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest

from socketserver_faults.network import UNIMPAIRED, Conditions, Proxy, datagram_relay
from socketserver_reference.address import Address
from tests.support.carrying import injected_by
from tests.support.serving import TIMEOUT, connect_to


class Post:
    """A datagram proxy before a server by hand."""

    def __init__(self, proxy: Proxy, server: socket.socket) -> None:
        self.proxy = proxy
        self.server = server

    def ask(self, client: socket.socket, *words: bytes) -> list[bytes]:
        """Send each datagram when the one before has had its fate; return what the server gets."""
        for word in words:
            client.send(word)
            assert self.proxy.settle(TIMEOUT)
        return self.take(self.server)

    def take(self, sock: socket.socket) -> list[bytes]:
        """Return what has arrived."""
        assert self.proxy.settle(TIMEOUT)
        sock.setblocking(False)
        got = []
        with suppress(BlockingIOError):
            while True:
                got.append(sock.recv(65536))
        sock.settimeout(TIMEOUT)
        return got


@contextmanager
def posting(conditions: Conditions = UNIMPAIRED, seed: int = 0) -> Iterator[Post]:
    where = Address("udp", "127.0.0.1")
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.settimeout(TIMEOUT)
        server.bind(where.sockaddr)
        with Proxy(where, where.with_port(server.getsockname()[1]), conditions, seed) as proxy:
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
        assert post.proxy.injected_events == []


def test_a_reply_from_elsewhere_comes_from_elsewhere() -> None:
    with (
        posting() as post,
        socket.socket(type=socket.SOCK_DGRAM) as client,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        client.settimeout(TIMEOUT)
        client.sendto(b"hello", post.proxy.address.sockaddr)
        _, source = post.server.recvfrom(10)
        other.sendto(b"from elsewhere", source)
        data, came_from = client.recvfrom(100)
        assert (data, came_from == post.proxy.address.sockaddr) == (b"from elsewhere", False)
        post.server.sendto(b"from here", source)
        assert client.recvfrom(100) == (b"from here", post.proxy.address.sockaddr)


def test_a_late_reply_does_not_go_round_where_the_proxy_has_the_port_of_a_client_that_has_gone() -> None:
    with posting() as post:
        with connect_to(post.proxy.address) as gone:
            gone.send(b"hello")
            _, source = post.server.recvfrom(10)
        (flow,) = vars(post.proxy)["_relay"]._clients.values()
        flow.client = source  # the system gave its port to the socket towards the server
        post.server.sendto(b"late", source)
        with connect_to(post.proxy.address) as ann:
            assert post.ask(ann, b"next") == [b"next"]


@pytest.mark.parametrize(
    ("conditions", "arrives", "injected_events"),
    [
        (Conditions(drop=1.0), [], ["drop"] * 3),
        (Conditions(duplicate=1.0), [b"1", b"1", b"2", b"2", b"3", b"3"], ["duplicate"] * 3),
        (Conditions(drop=1.0, way="to-client"), [b"1", b"2", b"3"], []),
    ],
    ids=str,
)
def test_datagrams_are_lost_and_doubled(
    conditions: Conditions, arrives: list[bytes], injected_events: list[str]
) -> None:
    with posting(conditions) as post, connect_to(post.proxy.address) as client:
        assert post.ask(client, b"1", b"2", b"3") == arrives
        assert [injected.what for injected in post.proxy.injected_events] == injected_events


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
    caplog.set_level(logging.INFO, "socketserver_faults.network")
    everybody = Address("udp", "255.255.255.255", 9)  # needs SO_BROADCAST
    with Proxy(Address("udp", "127.0.0.1"), everybody) as proxy, connect_to(proxy.address) as client:
        client.send(b"hello")
        assert proxy.settle(TIMEOUT)
    assert "a datagram to-server does not arrive: " in caplog.text


def test_a_client_for_whose_datagrams_there_is_no_descriptor_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    with posting() as post, connect_to(post.proxy.address) as client:
        monkeypatch.setattr(datagram_relay, "socket", SimpleNamespace(socket=refuse))
        assert post.ask(client, b"hello") == []
        assert [injected.what for injected in post.proxy.injected_events] == ["refuse"]


def test_clients_are_forgotten_when_many_others_have_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagram_relay, "MAX_CLIENTS", 2)
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


def test_the_same_seed_gives_datagrams_the_same_fate() -> None:
    def correspond(seed: int) -> list[tuple[str, int, str, int]]:
        conditions = Conditions(drop=0.2, duplicate=0.2, reorder=0.2)
        with posting(conditions, seed) as post, connect_to(post.proxy.address) as client:
            words = [b"%d" % count for count in range(40)]
            for word in words:
                client.send(word)
            arrived = Counter(post.take(post.server))
            fates = injected_by(post.proxy)
            copies = {
                b"%d" % place: {"drop": 0, "duplicate": 2}[what] for what, _, _, place in fates if what != "reorder"
            }
            assert arrived == +Counter({word: copies.get(word, 1) for word in words})
            return fates

    fates = correspond(1)
    assert {fate[0] for fate in fates} == {"drop", "duplicate", "reorder"}
    assert correspond(1) == fates
    assert correspond(2) != fates
