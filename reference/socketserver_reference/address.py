"""Addresses as people write them: `tcp://127.0.0.1:10007`, `udp://[::1]:9999`, `unix:///run/chat`,
`unix-datagram:///run/echo`.

`serve` prints one in its first line and `check` accepts it, so the two commands share this file and nothing else.
"""

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlsplit

TRANSPORTS = ("tcp", "udp", "unix", "unix-datagram")
FORMS = "tcp://host:port, udp://host:port, unix:///path or unix-datagram:///path"


class BadAddress(ValueError):
    """The text is no address; the message says what would be."""


@dataclass(frozen=True)
class Address:
    """Where a server listens: a transport, and a host and port (tcp, udp) or a path (unix, unix-datagram)."""

    transport: str
    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address as `str` writes it; raise BadAddress, with the forms that would do, for anything else."""
        transport, separator, rest = text.partition("://")
        if not separator or transport not in TRANSPORTS:
            raise BadAddress(f"{text!r} is not an address: write {FORMS}")
        if transport.startswith("unix"):
            if not rest.startswith("/"):
                raise BadAddress(f"{text!r} has no absolute path: write {transport}:///path")
            return cls(transport, path=rest)
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:  # a port that is no number from 0 to 65535, or an unbalanced bracket
            raise BadAddress(f"{text!r} is not an address ({error}): write {transport}://host:port") from None
        if not host or port is None or parts.netloc != text.removeprefix(f"{transport}://"):
            raise BadAddress(f"{text!r} is not an address: write {transport}://host:port")
        return cls(transport, host=host, port=port)

    def __str__(self) -> str:
        if self.path:
            return f"{self.transport}://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}://{host}:{self.port}"

    @property
    def datagram(self) -> bool:
        """Whether the transport carries datagrams; otherwise it carries connections."""
        return self.transport in ("udp", "unix-datagram")

    @property
    def family(self) -> socket.AddressFamily:
        """The address family a socket for this address needs."""
        if self.path:
            return socket.AF_UNIX
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def kind(self) -> socket.SocketKind:
        """The socket type a socket for this address needs."""
        return socket.SOCK_DGRAM if self.datagram else socket.SOCK_STREAM

    @property
    def sockaddr(self) -> str | tuple[str, int]:
        """The address as bind() and connect() take it."""
        return self.path or (self.host, self.port)

    def with_port(self, port: int) -> Self:
        """Return the same address at another port."""
        return replace(self, port=port)


def server_address(server: Any) -> Address:
    """Return where a server listens, with the port it got when it asked for port 0."""
    name = server.socket.getsockname()
    datagram = server.socket.type == socket.SOCK_DGRAM
    if isinstance(name, str):
        return Address("unix-datagram" if datagram else "unix", path=name)
    return Address("udp" if datagram else "tcp", host=name[0], port=name[1])


REMEDIES: Mapping[int | None, str] = {
    errno.EADDRINUSE: "choose a port that is not taken, 0 for any, or a path where nothing is",
    errno.EACCES: "choose a port above 1023, or a directory you may write to",
    errno.ENOENT: "choose a path in a directory that exists",
    errno.ENOTDIR: "choose a path in a directory that exists",
    errno.EADDRNOTAVAIL: "choose an address of this machine, such as 127.0.0.1",
    socket.EAI_NONAME: "choose an address of this machine, such as 127.0.0.1",
}
OTHER_REMEDY = "choose a port from 0 to 65535 or a path of at most 100 bytes"


def explained(error: Exception) -> str:
    """Return why bind() refused an address, and what to choose instead."""
    what = getattr(error, "strerror", None) or str(error)
    return f"{what}; {REMEDIES.get(getattr(error, 'errno', None), OTHER_REMEDY)}"


def is_of_this_host(host: str, family: int) -> bool:
    """Whether a socket can be bound to that host, which is so for the addresses of this one."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True
