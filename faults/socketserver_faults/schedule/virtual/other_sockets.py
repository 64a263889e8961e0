"""Sockets that are no TCP sockets: a program may make one, and close it; what it would do with it is refused.

Many programs connect a socket of datagrams, which sends nothing, to learn by which address others reach their host. So
that is answered.

Next: `socket_object.py`.
"""

import socket
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, Self

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.virtual import options
from socketserver_faults.schedule.virtual.connection import SocketAddress
from socketserver_faults.schedule.virtual.outside import SOCKETS

MODELLED = (
    ("AF", (socket.AF_INET, socket.AF_INET6)),
    ("SOCK", (socket.SOCK_STREAM,)),
    ("IPPROTO", (socket.IPPROTO_TCP, 0)),
)
"""The families, types and protocols of virtual sockets, the usual one first."""


@cache
def refusal(family: int, type: int, proto: int) -> str:
    """Return why such a socket is not modelled, with advice; "" if it is."""
    for (prefix, known), wanted in zip(MODELLED, (family, type, proto), strict=True):
        if wanted not in (-1, *known):
            name, only = options.named(prefix, wanted), options.named(prefix, known[0])
            advice = f"; {SOCKETS[name]}" if name in SOCKETS else ""
            return f"virtual sockets have no {name}, only {only}{advice}"
    return ""


class OtherSocket:
    """See the module."""

    def __init__(self, why: str, type: int, free_address: Callable[[], SocketAddress]) -> None:
        """`why` says what is refused; an address is taken when it is connected."""
        self._why, self._datagrams, self._free_address = why, type == socket.SOCK_DGRAM, free_address
        self._address: SocketAddress = ("0.0.0.0", 0)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            raise NotModelled(self._why)

    def close(self) -> None:
        """Do nothing."""

    def settimeout(self, value: float | None) -> None:
        """Do nothing."""

    def setblocking(self, flag: bool) -> None:
        """Do nothing."""

    def setsockopt(self, *_: Any) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, _: object) -> None:
        """Take an address, if it is a socket of datagrams."""
        if not self._datagrams:
            raise NotModelled(self._why)
        self._address = self._free_address()

    def getsockname(self) -> SocketAddress:
        """Return its address."""
        return self._address
