"""Virtual sockets for one run: a network, and the module that stands for `socket`.

A `Network` is a virtual machine with its kernel. It makes connections, for a scheduler that plays the clients, and has
the `module` to put in the place of `socket` in a module under test. Sockets are numbered as they are made, and hash by
that number: sets of them have the same order on every replay.

What it is true to is Linux, and a test drives both with the same operations and compares. What Linux is free to decide
is not compared, and decided here:

- A connection takes `capacity` bytes each way, of whatever size: not kilobytes, charged by the segment. Half of them
  wait at each end. Whoever waits for room goes on at the first byte of it.
- The network takes no time. What is sent has arrived, and so has an end of stream or a reset.
- What waits for room where nobody reads any more, after shutdown(SHUT_RD), comes as soon as there is some. Linux does
  not tell the sender, who finds out 0.2 seconds later.
- A reset loses what still waits with its sender: there, as here, but not the same bytes.
- A listener that is shut down keeps its address, and cannot be bound anew.

There are connections and listeners, no datagrams, no family but AF_INET, and no option that changes anything but
SO_LINGER. Whatever is not modelled is refused with its name, by `NotModelled`.
"""

import socket
from types import ModuleType
from typing import Any

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.virtual.connection import SocketAddress
from socketserver_faults.schedule.virtual.kernel import Kernel, OpenFile, Points
from socketserver_faults.schedule.virtual.socket_object import Socket

__all__ = ["Network", "NotModelled", "Points", "Socket", "SocketAddress"]

DEFAULT_CAPACITY_BYTES = 256 * 1024
"""Bytes that a connection takes each way, unread: enough for any delivery that CHAT-15 lets wait."""

SERVER = "the server"

SHARED_NAMES = {"error", "timeout", "herror", "gaierror", "AddressFamily", "SocketKind"}
"""What is passed on from the real module, beside its constants."""


class SocketModule(ModuleType):
    """What a module under test has for `socket`."""

    def __init__(self, kind: type[Socket]) -> None:
        super().__init__("socket", "Virtual sockets.")
        self.socket = kind

    def __getattr__(self, name: str) -> Any:
        value = getattr(socket, name, None)
        if name in SHARED_NAMES or (name.isupper() and isinstance(value, int)):
            return value
        raise NotModelled(f"the virtual socket module has no {name}")


class Network:
    """A virtual machine for one run."""

    def __init__(self, points: Points, *, capacity: int = DEFAULT_CAPACITY_BYTES, partial: bool = False) -> None:
        """Begin without a socket. With `partial`, send() takes what there is room for, as it may with a timeout."""
        self.kernel = Kernel(points, capacity, partial)
        self.socket: type[Socket] = type("socket", (Socket,), {"kernel": self.kernel})
        self.module = SocketModule(self.socket)

    def pair(self, name: str, server: str = SERVER) -> tuple[Socket, Socket]:
        """Return the server's and the client's socket of a connection, without a point. Each is named for the other."""
        ends = self.kernel.end(name), self.kernel.end(server)
        for end in ends:
            end.address = self.kernel.free_address()
        ends[0].join(ends[1])
        first, second = (self.socket(fileno=self.kernel.open(OpenFile(end))) for end in ends)
        return first, second

    def listener(self, name: str = SERVER, backlog: int = socket.SOMAXCONN) -> Socket:
        """Return a socket that listens, without a point; the clients know it by its name."""
        number = self.kernel.open(OpenFile(self.kernel.end(name)))
        self.kernel.bind(number, ("127.0.0.1", 0))
        self.kernel.listen(number, backlog)
        return self.socket(fileno=number)

    def connect(self, listener: Socket, name: str) -> Socket:
        """Return a client's socket, connected to a listener that knows it by the name; wait while it is crowded."""
        client = self.socket()
        try:
            client.connect(listener.getsockname(), name)
        except BaseException:
            client.close()
            raise
        return client
