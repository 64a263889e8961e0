"""Options of virtual sockets: getsockopt() returns what setsockopt() was given. Only SO_LINGER of 0 s has an effect.

An option belongs to the open file. Its value is bytes, usually those of a C int, as in setsockopt(2).

Next: `paths.py`.
"""

import errno
import socket
import struct

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.virtual.connection import failure
from socketserver_faults.schedule.virtual.descriptors import OpenFile

FLAG_OPTIONS = {
    (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    (socket.SOL_SOCKET, getattr(socket, "SO_REUSEPORT", 15)),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
}
"""Options with the values 0 and 1, and at first 0."""

SIZE_OPTIONS = {(socket.SOL_SOCKET, socket.SO_SNDBUF), (socket.SOL_SOCKET, socket.SO_RCVBUF)}
"""Sizes of buffers, which Linux doubles; they do not change the capacity of a virtual connection."""

PREFIXES = {socket.SOL_SOCKET: "SO", socket.IPPROTO_TCP: "TCP", socket.IPPROTO_IPV6: "IPV6"}

LINGER_OPTION = (int(socket.SOL_SOCKET), int(socket.SO_LINGER))

INT = struct.Struct("i")
LINGER = struct.Struct("ii")


def change(file: OpenFile, level: int, option: int, value: int | bytes) -> None:
    """Set an option."""
    known = level, option
    content = INT.pack(value) if isinstance(value, int) else value
    if len(content) < (LINGER.size if known == LINGER_OPTION else INT.size):
        raise failure(errno.EINVAL)
    if known in FLAG_OPTIONS:
        file.options[known] = int(bool(as_int(content)))
    elif known in SIZE_OPTIONS:
        file.options[known] = 2 * as_int(content)
    elif known == LINGER_OPTION:
        on, seconds = LINGER.unpack_from(content)
        if on and seconds:
            raise NotModelled(f"virtual sockets have no SO_LINGER of {seconds} s, only of 0 s")
        file.resets = bool(on)
    else:
        raise _unknown(level, option)


def value(file: OpenFile, level: int, option: int) -> bytes:
    """Return the value of an option. SO_ERROR reports each error once."""
    match level, option:
        case socket.SOL_SOCKET, socket.SO_ERROR:
            return INT.pack(file.end.take_error())
        case socket.SOL_SOCKET, socket.SO_TYPE:
            return INT.pack(socket.SOCK_STREAM)
        case socket.SOL_SOCKET, socket.SO_LINGER:
            return LINGER.pack(file.resets, 0)
        case known if known in FLAG_OPTIONS:
            return INT.pack(file.options.get(known, 0))
        case known if known in SIZE_OPTIONS:
            return INT.pack(file.options.get(known, file.end.capacity))
        case _:
            raise _unknown(level, option)


def as_int(content: bytes) -> int:
    """Return the C int at the start of the bytes."""
    number: int = INT.unpack_from(content)[0]
    return number


def named(prefix: str, value: int) -> str:
    """Return the name of a constant: named("AF", 10) is "AF_INET6"."""
    names = (name for name in dir(socket) if name.startswith(f"{prefix}_") and getattr(socket, name) == value)
    return next(names, f"{prefix} {value}")


def _unknown(level: int, option: int) -> NotModelled:
    return NotModelled(f"virtual sockets have no {named(PREFIXES.get(level, f'option of level {level}:'), option)}")
