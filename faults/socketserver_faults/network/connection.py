"""One connection through the proxy: its two sides and their states. `stream_relay.py` moves the bytes."""

import socket
from contextlib import suppress

from socketserver_faults.network.conditions import WAYS, Way
from socketserver_faults.network.journal import InjectedEvent, InjectedKind
from socketserver_faults.network.link import StreamLink
from socketserver_reference.conformance.targets.parting import ABORT

SOCKET_BUFFER_BYTES = 128 * 1024
"""Bytes of SO_SNDBUF and SO_RCVBUF of each socket. By default, kernels grow them to several MB, and a server
would notice only late that its client does not read.
"""


class Side:
    """One of the two sockets of a connection, and its state."""

    def __init__(self, sock: socket.socket, outbound: StreamLink, connection: "Connection") -> None:
        self.socket = sock
        self.outbound = outbound
        self.connection = connection
        self.other: Side
        self.connecting = False
        self.blocked = False
        """Whether its send buffer is full."""
        self.ended = False
        """Whether its end of stream or its reset was read."""
        self.lost = False
        """Whether it was reset: nothing more is sent to it."""
        self.closed = False
        """Whether the end of the other's stream was sent to it."""
        self.hung = False
        """Whether both its directions are shut: poll() then reports it always."""


class Connection:
    """A client's connection, and the proxy's connection to the server for it."""

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.client: Side
        self.server: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """Return the client's side and the server's."""
        return self.client, self.server

    def end_event(self, what: InjectedKind, side: Side) -> InjectedEvent:
        """Return the event by which the network ends what `side` receives."""
        way: Way = WAYS[0] if side is self.server else WAYS[1]
        return InjectedEvent(what, self.number, self.name, way, side.other.outbound.passed)

    def __str__(self) -> str:
        return f"connection {self.number} from {self.name}"


def prepare(sock: socket.socket) -> None:
    """Make a socket send every segment at once, hold little, and never wait."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def abort(sock: socket.socket) -> None:
    """Make close() a reset. (Unix sockets have no reset: there it is end of stream, unless bytes are unread.)"""
    with suppress(OSError):  # it is reset already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
