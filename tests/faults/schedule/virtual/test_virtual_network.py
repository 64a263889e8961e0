"""What virtual sockets have of their own: numbers and names that a replay repeats, points, and what they refuse."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from socketserver_faults.schedule.virtual.network import Network, NotModelled, Socket
from tests.support.scheduling.two_worlds import CAPACITY, NoThreads, WouldWait, outcome
from tests.support.serving import read
from tests.support.waiting import BAD, LARGE, LONG, SHORT, TIMED_OUT, VirtualWorld


class Points(NoThreads):
    """Writes down what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def point(self, what: str, ready: Callable[[], bool] | None = None, timeout: float | None = None) -> bool:
        self.told.append(what)
        return super().point(what, ready, timeout)


@pytest.fixture
def points() -> Points:
    return Points()


@pytest.fixture
def network(points: Points) -> Network:
    return Network(points, capacity=10)


# Numbers and names


def test_sockets_hash_by_the_order_in_which_they_are_made(network: Network) -> None:
    sockets = [sock for name in ("ann", "ben", "cleo") for sock in network.pair(name)]
    assert [hash(sock) for sock in sockets] == [1, 2, 3, 4, 5, 6]
    assert [hash(sock) for sock in Network(NoThreads()).pair("ann")] == [1, 2]
    assert len({*sockets, *network.pair("ann")}) == 8


def test_a_number_is_given_again_as_soon_as_it_is_free(network: Network) -> None:
    (server, client), (other, _) = network.pair("ann"), network.pair("ben")
    assert [sock.fileno() for sock in (server, client, other)] == [3, 4, 5]
    client.close()
    assert [network.socket().fileno(), network.socket().fileno()] == [4, 7]
    assert repr(client) == "<socket.socket [closed] fd=-1, family=2, type=1, proto=0>"
    assert repr(other).startswith("<socket.socket fd=5, family=2, type=1, proto=0, laddr=('127.0.0.1', ")


def test_every_operation_that_others_may_notice_is_told_before_it_is_done_and_so_is_waiting(
    network: Network, points: Points
) -> None:
    server, client = network.pair("ann")
    client.sendall(b"hi")
    server.recv(9)
    with pytest.raises(WouldWait):
        server.send(b"ack" + b"x" * 20)
    server.settimeout(1)
    with pytest.raises(TimeoutError):
        server.recv(9)
    server.shutdown(socket.SHUT_WR)
    client.shutdown(socket.SHUT_RD)
    client.shutdown(socket.SHUT_RDWR)
    server.close()
    server.close()
    assert points.told == [
        "sends b'hi' to the server",
        "reads from ann",
        "sends b'ackxxxxxxxxxxxxx'.. to ann",
        "waits to send to ann",
        "reads from ann",
        "waits to read from ann",
        "sends end of stream to ann",
        "stops reading from the server",
        "hangs up on the server",
        "closes the connection to ann",
    ]


def test_who_connects_has_a_name(network: Network, points: Points) -> None:
    with network.listener() as listener, network.connect(listener, "ann") as client:
        server, _ = listener.accept()
        assert (server.name, client.name) == ("ann", "the server")
        listener.settimeout(1)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert points.told == [
        "connects to the server",
        "accepts a connection to the server",
        "accepts a connection to the server",
        "waits for a connection to the server",
        "closes the connection to the server",
        "closes the listening socket of the server",
    ]


def test_who_cannot_connect_leaves_no_socket(network: Network) -> None:
    listener = network.listener()
    listener.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ConnectionRefusedError):
        network.connect(listener, "ann")
    assert network.socket().fileno() == 4


def test_when_the_run_is_torn_down_no_operation_waits_or_is_an_event(network: Network, points: Points) -> None:
    server, client = network.pair("ann")
    points.aborting = True
    with pytest.raises(ConnectionAbortedError):
        server.recv(9)
    client.sendall(b"hi")
    assert server.recv(9) == b"hi"
    server.close()
    assert points.told == []


# What the real kernel decides as it likes


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[VirtualWorld]:
    with closing(VirtualWorld(**getattr(request, "param", {}))) as made:
        yield made


@pytest.mark.parametrize("world", [{"partial": True}], indirect=True)
def test_a_send_may_be_partial(world: VirtualWorld) -> None:
    assert world.server.send(LARGE) == CAPACITY
    world.begin(world.server, lambda sock: sock.sendall(LARGE))
    assert world.waits_for == "waits to send to the client"
    assert len(read(world.client, CAPACITY + len(LARGE))) == CAPACITY + len(LARGE)
    assert world.end() == ("returned", None)


def test_a_writer_that_wakes_after_the_close_as_well_goes_on_with_no_descriptor(world: VirtualWorld) -> None:
    world.eager = False
    world.begin(world.server, lambda sock: sock.sendall(LARGE))
    world.server.shutdown(socket.SHUT_WR)
    world.server.close()
    assert world.end() == BAD


def test_a_reader_with_a_timeout_that_wakes_after_the_close_as_well_fails_at_once(world: VirtualWorld) -> None:
    world.eager = False
    world.server.settimeout(LONG)
    world.begin(world.server, lambda sock: sock.recv(9))
    world.server.shutdown(socket.SHUT_WR)
    world.server.close()
    assert world.end() == BAD
    assert world.now == 0


def test_a_reader_with_a_timeout_that_polled_before_the_close_sleeps_on_beside_a_new_connection(
    world: VirtualWorld,
) -> None:
    world.server.settimeout(LONG)
    world.begin(world.server, lambda sock: sock.recv(9))
    number = world.server.fileno()
    world.server.shutdown(socket.SHUT_WR)
    world.server.close()
    with world.socket.socket() as stranger:
        assert stranger.fileno() == number
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        world.client.sendall(b"words")
        world.client.close()
        assert world.end() == TIMED_OUT
    assert world.now == LONG


def test_who_connects_to_a_crowd_waits_until_one_is_let_in(world: VirtualWorld) -> None:
    with world.socket.socket() as listener, ExitStack() as clients:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        address = listener.getsockname()
        first, second, third, fourth = (clients.enter_context(world.socket.socket()) for _ in range(4))
        first.connect(address)
        second.connect(address)
        third.settimeout(SHORT)
        assert outcome(third.connect, address) == TIMED_OUT
        world.begin(fourth, lambda sock: sock.connect(address))
        listener.accept()
        assert world.end() == ("returned", None)


def test_a_socket_that_is_told_again_to_listen_keeps_those_that_wait_and_lets_more_wait(world: VirtualWorld) -> None:
    """Linux does so; many programs call listen() before each accept()."""
    with world.socket.socket() as listener, ExitStack() as clients:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        first, second = (clients.enter_context(world.socket.socket()) for _ in range(2))
        first.connect(address)
        listener.listen(1)
        second.connect(address)
        for client in (first, second):
            accepted, of = listener.accept()
            clients.enter_context(accepted)
            assert of == client.getsockname()


def test_who_waits_to_be_let_in_is_refused_when_the_listener_closes(world: VirtualWorld) -> None:
    with world.socket.socket() as listener, world.socket.socket() as first, world.socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        first.connect(address)
        world.begin(second, lambda sock: sock.connect(address))
        listener.close()
        assert world.end() == ("raised", "ECONNREFUSED")
        assert outcome(second.connect, address) == ("raised", "ECONNREFUSED")


def test_a_wait_that_nothing_ends_is_ended_with_the_run(world: VirtualWorld) -> None:
    world.begin(world.server, lambda sock: sock.recv(9))
    world.server.close()
    world.close()
    assert world.end() == ("waits for ever", "waits to read from the client")
    assert world.client.recv(9) == b""  # and the connection goes with it


# The module


def test_the_module_has_the_constants_and_exceptions_of_the_real_one(network: Network) -> None:
    module = network.module
    assert module.SHUT_RDWR is socket.SHUT_RDWR
    assert module.timeout is TimeoutError
    assert hasattr(module, "AF_UNIX")
    server, _ = network.pair("ann")
    assert isinstance(server, module.socket)
    assert not isinstance(Network(NoThreads()).socket(), module.socket)
    assert isinstance(module.socket(module.AF_INET, module.SOCK_STREAM, module.IPPROTO_TCP), Socket)


@pytest.mark.parametrize(
    ("use", "name"),
    [
        (lambda module: module.socketpair, "socketpair"),
        (lambda module: module.socket(socket.AF_UNIX).connect("x"), "AF_UNIX, only AF_INET"),
        (lambda module: module.socket(type=socket.SOCK_DGRAM).fileno(), "SOCK_DGRAM"),
        (lambda module: module.socket(proto=socket.IPPROTO_UDP).listen, "IPPROTO_UDP, only IPPROTO_TCP"),
        (lambda module: module.socket().recvmsg, "recvmsg"),
        (lambda module: module.socket().recv(1, socket.MSG_WAITALL), "MSG_WAITALL"),
        (lambda module: module.socket().send(b"a", socket.MSG_OOB), "MSG_OOB"),
        (lambda module: module.socket().getsockopt(socket.SOL_SOCKET, 1000), "SO 1000"),
        (lambda module: module.socket().getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO), "SO_RCVTIMEO"),
        (lambda module: module.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1), "TCP_CORK"),
        (
            lambda module: module.socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5)),
            "5 s",
        ),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(network: Network, use: Callable[[Any], Any], name: str) -> None:
    with pytest.raises(NotModelled, match=name):
        use(network.module)


def test_a_socket_of_datagrams_tells_by_which_address_others_reach_the_host(network: Network) -> None:
    with network.module.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        asks.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        asks.settimeout(1)
        asks.connect(("8.8.8.8", 80))
        host, port = asks.getsockname()
    assert host == "127.0.0.1"
    assert port
    network.module.socket(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1).close()  # a slip for setsockopt(): another family


def test_a_file_that_becomes_garbage_after_its_run_disturbs_nobody(network: Network) -> None:
    """From Python 3.13 on, a file whose buffer cannot be written then says so."""
    server, client = network.pair("ann")
    file = server.makefile("wb")
    file.write(b"nobody reads this")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    network.kernel.over = True
    file.close()


def test_sizes_of_buffers_are_remembered_and_change_nothing(network: Network) -> None:
    server, client = network.pair("ann")
    size = socket.SOL_SOCKET, socket.SO_SNDBUF
    assert client.getsockopt(*size) == 10
    client.setsockopt(*size, 4096)
    assert client.getsockopt(*size) == 8192
    assert client.send(b"x" * 20, socket.MSG_DONTWAIT) == 10
    assert server.recv(20) == b"xxxxx"  # what had arrived
    assert server.recv(20) == b"xxxxx"  # what there is room for now
