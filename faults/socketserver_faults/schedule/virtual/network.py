"""Virtual sockets for one run: a network, and the module that stands for `socket`.

A `Network` is a virtual machine with its kernel. It connects the clients, which the scheduler plays, and has the
`module` that a module under test imports as `socket`. Sockets are numbered as they are made, and hash by that number,
so a set of them has the same order on every replay.

It models Linux; a test performs the same operations on both and compares. These details are not compared, because Linux
may decide them either way:

- A connection holds `capacity` bytes each way, whatever the sizes of the sends; Linux counts segments. Half of them are
  held at each end. A sender that waits for room goes on at the first free byte.
- The network takes no time. Bytes that are sent have arrived, and so has an end of stream or a reset.
- After shutdown(SHUT_RD), bytes that wait for room arrive as soon as there is some. Linux does not notify the sender,
  which notices 0.2 seconds later.
- A reset loses bytes that are still with the sender: on Linux too, but not the same bytes.
- A listener that is shut down keeps its address, and cannot be bound again.

There are connections and listeners, no datagrams, no family but AF_INET, and no option with an effect but SO_LINGER.
Anything else raises `NotModelled`, with its name.

Next: `outside.py`.
"""

import socket
from functools import partial
from types import ModuleType
from typing import Any

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.unrecorded import unrecorded
from socketserver_faults.schedule.virtual.connection import End, SocketAddress
from socketserver_faults.schedule.virtual.descriptors import (
    FIRST_DESCRIPTOR,
    FIRST_DESCRIPTOR_OF_CLIENTS,
    OpenFile,
    Points,
)
from socketserver_faults.schedule.virtual.kernel import Kernel
from socketserver_faults.schedule.virtual.socket_object import Socket

__all__ = ["Network", "NotModelled", "Points", "Socket", "SocketAddress"]

DEFAULT_CAPACITY_BYTES = 256 * 1024
"""Bytes that a connection holds each way, unread: enough for all deliveries that CHAT-15 lets wait."""

SERVER = "the server"

SHARED_NAMES = {
    *("error", "timeout", "herror", "gaierror", "AddressFamily", "SocketKind", "has_ipv6"),
    *("htonl", "htons", "inet_aton", "inet_ntoa", "inet_ntop", "inet_pton", "ntohl", "ntohs"),
}
"""Names that come from the real module, besides its constants."""

HOST, HOST_ADDRESS = "localhost", "127.0.0.1"


def address_of(host: str | None) -> str:
    """Return the address of a host of the virtual machine, which knows no other."""
    if host in (None, "", HOST, "0.0.0.0", "::", "::1"):
        return HOST_ADDRESS
    try:
        socket.inet_aton(str(host))
    except OSError:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
    return str(host)


def resolve(
    host: str | None, port: int | str | None, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[Any]:
    """Return what getaddrinfo() returns."""
    del family, proto, flags
    kind = socket.SocketKind(type or socket.SOCK_STREAM)
    return [(socket.AF_INET, kind, socket.IPPROTO_TCP, "", (address_of(host), int(port or 0)))]


ADDRESS_FUNCTIONS: dict[str, Any] = {
    "gethostname": lambda: HOST,
    "getfqdn": lambda name="": name or HOST,
    "gethostbyname": address_of,
    "gethostbyname_ex": lambda host: (host, [], [address_of(host)]),
    "gethostbyaddr": lambda host: (HOST, [], [address_of(host)]),
    "getaddrinfo": resolve,
    "getnameinfo": lambda address, _: (HOST, str(address[1])),
    "getdefaulttimeout": lambda: None,
}
"""Functions about names and addresses."""


MODELLED = {
    **{name: value for name, value in vars(socket).items() if name.isupper() and isinstance(value, int)},
    **{name: getattr(socket, name) for name in SHARED_NAMES if hasattr(socket, name)},
    **ADDRESS_FUNCTIONS,
}
"""The names of the module that are the same in each run."""


def listening(
    kind: type[Socket],
    address: SocketAddress,
    *,
    family: int = socket.AF_INET,
    backlog: int | None = None,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
) -> Socket:
    """Return what create_server() returns."""
    del reuse_port, dualstack_ipv6  # an address has one listener, which all clients of the machine reach
    server = kind(family)
    try:
        server.bind(address)
        server.listen(socket.SOMAXCONN if backlog is None else backlog)
    except BaseException:
        server.close()
        raise
    return server


class SocketModule(ModuleType):
    """The module that a module under test imports as `socket`."""

    def __init__(self, kind: type[Socket]) -> None:
        super().__init__("socket", "Virtual sockets.")
        self.socket = self.SocketType = kind
        self.create_server = partial(listening, kind)

    def __getattr__(self, name: str) -> Any:
        if name in MODELLED:
            return MODELLED[name]
        if hasattr(socket, name):
            raise NotModelled(f"the virtual socket module has no {name}")
        raise AttributeError(f"module 'socket' has no attribute {name!r}")


class SocketKinds:
    """The classes of sockets, and the module that has them: the same for all runs in a virtual process."""

    kernel: Kernel
    """That of the current run."""

    def __init__(self, *, recorded: bool) -> None:
        own = {"machine": self, "__module__": "socket"}
        self.socket: type[Socket] = type("socket", (Socket if recorded else unrecorded(Socket),), own)
        self.client_socket = type("socket", (self.socket,), {"of_client": True})
        self.module = SocketModule(self.socket)


class Network:
    """A virtual machine for one run."""

    def __init__(
        self,
        points: Points,
        *,
        capacity: int = DEFAULT_CAPACITY_BYTES,
        partial: bool = False,
        kinds: SocketKinds | None = None,
    ) -> None:
        """Begin without a socket. With `partial`, send() takes what there is room for, as it may with a timeout."""
        kernel = Kernel if points.recorded else unrecorded(Kernel)
        kinds = kinds or SocketKinds(recorded=points.recorded)
        self.kernel = kinds.kernel = kernel(points, capacity, partial)
        self.socket, self.client_socket, self.module = kinds.socket, kinds.client_socket, kinds.module

    def pair(self, name: str, server: str = SERVER, *, of_client: bool = False) -> tuple[Socket, Socket]:
        """Return the server's and the client's socket of a connection, without a point. Each has the other's name.

        With `of_client`, a recorded run takes the second for one of the suite's clients, as it does with `connect()`.
        """
        points = self.kernel.points
        ends = self.kernel.end(name), self.kernel.end(server)
        for end in ends:
            end.address = self.kernel.free_address()
        ends[0].join(ends[1])
        lowest = FIRST_DESCRIPTOR_OF_CLIENTS if of_client else FIRST_DESCRIPTOR
        first = self.socket(proto=0, fileno=self.kernel.open(OpenFile(ends[0], points.label())))
        kind = self.client_socket if of_client else self.socket
        return first, kind(proto=0, fileno=self.kernel.open(OpenFile(ends[1], points.label()), lowest))

    def listener(self, name: str = SERVER, backlog: int = socket.SOMAXCONN) -> Socket:
        """Return a socket that listens, without a point; the clients know it by its name."""
        number = self.kernel.open(OpenFile(self.kernel.end(name), self.kernel.points.label()))
        self.kernel.bind(number, ("127.0.0.1", 0))
        self.kernel.listen(number, backlog)
        return self.socket(proto=0, fileno=number)

    def resize(self, client: Socket, capacity: int) -> None:
        """Set how many bytes a connection of a client holds each way."""
        end = self.kernel.file(client.fileno()).end
        if isinstance(end, End):
            end.resize(capacity)
            end.peer.resize(capacity)

    def connect(self, listener: Socket, name: str) -> Socket:
        """Return a client's socket, connected to a listener that knows it by `name`; wait while its queue is full."""
        return self.connect_to(listener.getsockname(), name)

    def connect_to(self, address: SocketAddress, name: str, timeout: float | None = None) -> Socket:
        """Return a client's socket, connected to the listener at the address within so many virtual seconds."""
        client: Socket = self.client_socket()
        client.settimeout(timeout)
        try:
            client.connect(address, name)
        except BaseException:
            client.close()
            raise
        return client
