"""A network for a test: a server by hand behind it, its clients, and what they can see of each other."""

import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from socketserver_faults.network import UNIMPAIRED, Conditions, Proxy
from socketserver_reference.address import Address
from tests.support.serving import LOOPBACK, TIMEOUT, connect_to, read_to_end


class Ends:
    """A proxy, and both ends of the connections through it."""

    def __init__(self, proxy: Proxy, listener: socket.socket) -> None:
        self.proxy = proxy
        self.listener = listener

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Return a new client, and the server's end of its connection."""
        client = connect_to(self.proxy.address)
        server, _ = self.listener.accept()
        server.settimeout(TIMEOUT)
        return client, server

    @contextmanager
    def connected(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Yield the same, and close both at the end of the block."""
        client, server = self.connect()
        with client, server:
            yield client, server

    def settle(self) -> None:
        """Return when nothing is under way."""
        assert self.proxy.settle(TIMEOUT), "the network does not come to rest"


@contextmanager
def carrying(conditions: Conditions = UNIMPAIRED, seed: int = 0, directory: Path | None = None) -> Iterator[Ends]:
    """Put a proxy with those conditions before a listening socket: over tcp, or over unix in the directory."""
    where = target = LOOPBACK
    if directory is not None:
        where, target = (Address("unix", path=str(directory / name)) for name in ("proxy", "server"))
    with socket.socket(target.family) as listener:
        listener.settimeout(TIMEOUT)
        listener.bind(target.sockaddr)
        listener.listen()
        if directory is None:
            target = target.with_port(listener.getsockname()[1])
        with Proxy(where, target, conditions, seed) as proxy:
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
    """Whether the connection is reset, or soon will be, although it is not read."""
    waiting = select.poll()
    waiting.register(sock, 0)
    return any(event & select.POLLERR for _, event in waiting.poll(TIMEOUT * 1000))


def is_turned_away(address: Address) -> bool:
    """Whether a client is reset that says nothing: it may find out as soon as it has connected."""
    with socket.socket(address.family) as client:
        client.settimeout(TIMEOUT)
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
        sock.settimeout(TIMEOUT)
    return False


def segments_received(sock: socket.socket) -> int:
    """Return how many segments with data have come: tcpi_data_segs_in of Linux's struct tcp_info."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return int(struct.unpack_from("I", info, 152)[0])


def fill(sock: socket.socket, proxy: Proxy) -> int:
    """Send until all buffers are full; return the number of bytes."""
    sock.setblocking(False)
    sent = before = 0
    while True:
        with suppress(BlockingIOError):
            while True:
                sent += sock.send(b"x" * 65536)
        assert proxy.settle(TIMEOUT)
        if sent == before:
            sock.settimeout(TIMEOUT)
            return sent
        before = sent


def injected_by(proxy: Proxy) -> list[tuple[str, int, str, int]]:
    """Return the injected events without the clients' ports, which no seed chooses."""
    return [(injected.what, injected.connection, injected.way, injected.place) for injected in proxy.injected_events]
