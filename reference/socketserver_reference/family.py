"""The family: four transports, three kinds of concurrency, and what each pair can serve.

The classes of `socketserver` are two axes multiplied. One is what a server listens on::

    BaseServer
        |
    TCPServer ------ UnixStreamServer          connections
        |
    UDPServer ------ UnixDatagramServer        datagrams

The other is where its handlers run: in the loop itself, each in a thread (`ThreadingMixIn`), or each in a process
(`ForkingMixIn`). The library spells out the products, and each is one line::

    class ThreadingTCPServer(ThreadingMixIn, TCPServer): pass

A mix-in comes first, because it overrides what the server class defines. A Unix class differs from its neighbour in a
single attribute, `address_family`. `server_class` multiplies the same axes with the classes of `lifecycle.py` in
place of the library's, and the mix-in of the chat as one factor more; so it has the Unix forking classes on Python
3.11 too, where the library does not spell them out.

Not every product makes sense: `refusal` says which do not, and why. `socketserver-reference spec --family` prints it
all.

Next: `cli/serve.py`, which runs one of them.
"""

import errno
import os
import socket
import socketserver
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from socketserver_reference import lifecycle
from socketserver_reference.address import TRANSPORTS, Address
from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.echo import DatagramEchoHandler, EchoHandler
from socketserver_reference.overthreaded import OverthreadedChatHandler

Class = type[Any]


class Refused(Exception):
    """This cannot be served; the message says why and what would do."""


@dataclass(frozen=True)
class Concurrency:
    """Where handlers run: the mix-in, the prefix that socketserver puts before its class names, and what to expect."""

    mix_in: Class | None
    prefix: str
    character: str


CONCURRENCIES: Mapping[str, Concurrency] = {
    # [SRV-4] accepts several connections, serves one at a time, the next when the one before ends
    "sync": Concurrency(
        None, "", "serves one client at a time, in the loop itself: a silent one keeps all others waiting"
    ),
    # [SRV-5] serves them at once, and a silent client delays nobody
    "threading": Concurrency(
        lifecycle.Threads, "Threading", "serves all clients at once, in threads: they share what the server holds"
    ),
    # [SRV-6] serves them at once, in processes that share no memory
    "forking": Concurrency(
        getattr(lifecycle, "Children", None),
        "Forking",
        "serves 40 clients at once (max_children), in processes: they share no memory",
    ),
}

LIBRARY_NAMES: Mapping[str, str] = {
    "tcp": "TCPServer",
    "udp": "UDPServer",
    "unix": "UnixStreamServer",
    "unix-datagram": "UnixDatagramServer",
}


@dataclass(frozen=True)
class Program:
    """What a server does: its handler for connections, its handler for datagrams, its mix-ins, and what it cannot use.

    `refuses` maps a concurrency, or the word "datagram", to the reason.
    """

    name: str
    connection_handler: Class
    datagram_handler: Class | None = None
    mix_ins: tuple[Class, ...] = ()
    refuses: Mapping[str, str] = field(default_factory=dict)


CHAT_REFUSES: Mapping[str, str] = {
    "datagram": "datagrams have no connections, so nobody joins and nobody leaves",
    "sync": "a synchronous server serves one member at a time, and a room needs all of them at once",
    # [SRV-6] ... and so cannot hold a chat room
    "forking": "forked handlers share no memory, so each member would be alone in a room of its own",
}

PROGRAMS: Mapping[str, Program] = {
    "echo": Program("echo", EchoHandler, DatagramEchoHandler),
    "chat": Program("chat", ChatHandler, mix_ins=(Room,), refuses=CHAT_REFUSES),
    "overthreaded": Program("overthreaded", OverthreadedChatHandler, mix_ins=(Room,), refuses=CHAT_REFUSES),
}


def platform_lacks(transport: str, concurrency: str) -> str:
    """Return what this platform lacks for a server of that kind, or ""."""
    if transport.startswith("unix") and not hasattr(socket, "AF_UNIX"):
        return "this platform has no Unix sockets"
    if concurrency == "forking" and not hasattr(os, "fork"):
        return "this platform has no fork"
    return ""


def refusal(program: Program, transport: str, concurrency: str) -> str:
    """Return why a program cannot be served that way, or "" if it can."""
    if lack := platform_lacks(transport, concurrency):
        return lack
    if program.mix_ins and not hasattr(socket, "MSG_DONTWAIT"):
        return "this platform cannot send without waiting (MSG_DONTWAIT)"
    if "datagram" in program.refuses and Address(transport).datagram:
        return program.refuses["datagram"]
    return program.refuses.get(concurrency, "")


def server_class(program: Program, address: Address, concurrency: str) -> type[lifecycle.Server]:
    """Multiply: the program's mix-ins, the concurrency's, the transport's, and the server class itself."""
    mix_in = CONCURRENCIES[concurrency].mix_in
    factors: tuple[Class, ...] = (
        *program.mix_ins,
        *((lifecycle.SocketFile,) if address.path else ()),
        *((mix_in,) if mix_in else ()),
        lifecycle.DatagramServer if address.datagram else lifecycle.StreamServer,
    )
    name = f"{program.name.capitalize()}{CONCURRENCIES[concurrency].prefix}{LIBRARY_NAMES[address.transport]}"
    return type(name, factors, {"address_family": address.family, "__module__": __name__})


REMEDIES: Mapping[int | None, str] = {
    errno.EADDRINUSE: "choose a port that is not taken, 0 for any, or a path where nothing is",
    errno.EACCES: "choose a port above 1023, or a directory you may write to",
    errno.ENOENT: "choose a path in a directory that exists",
    errno.ENOTDIR: "choose a path in a directory that exists",
    errno.EADDRNOTAVAIL: "choose an address of this machine, such as 127.0.0.1",
    socket.EAI_NONAME: "choose an address of this machine, such as 127.0.0.1",
}
OTHER_REMEDY = "choose a port from 0 to 65535 or a path of at most 100 bytes"


def make_server(program: str | Program, address: Address, concurrency: str = "threading") -> lifecycle.Server:
    """Return a server that is bound and listens; raise Refused, with the reason, for what cannot be served.

    `program` is one of PROGRAMS, by name, or one of your own making. The caller closes the server, by server_close() or
    by leaving it as a context manager.
    """
    if isinstance(program, str):
        program = PROGRAMS[program]
    if reason := refusal(program, address.transport, concurrency):
        raise Refused(f"no {concurrency} {program.name} over {address.transport}: {reason}")
    handler = program.datagram_handler if address.datagram else program.connection_handler
    make: Callable[..., lifecycle.Server] = server_class(program, address, concurrency)
    try:
        return make(address.sockaddr, handler)
    except (OSError, OverflowError, TypeError, ValueError) as error:  # bind() has one for every kind of bad address
        what = getattr(error, "strerror", None) or str(error)
        remedy = REMEDIES.get(getattr(error, "errno", None), OTHER_REMEDY)
        raise Refused(f"cannot listen at {address}: {what}; {remedy}") from error


def server_address(server: Any) -> Address:
    """Return where a server really listens, with the port it got when it asked for port 0."""
    name = server.socket.getsockname()
    datagram = server.socket_type == socket.SOCK_DGRAM
    if isinstance(name, str):
        return Address("unix-datagram" if datagram else "unix", path=name)
    return Address("udp" if datagram else "tcp", host=name[0], port=name[1])


LAYOUT = "{:<15}{:<13}{:<32}{:<26}{}"


def family_table() -> str:
    """Return the whole family as text: each pair, its class in the library, what it serves, and what not and why."""
    notes: dict[str, int] = {}  # reason -> number of its footnote

    def row(transport: str, concurrency: str) -> str:
        name = CONCURRENCIES[concurrency].prefix + LIBRARY_NAMES[transport]
        known = name if hasattr(socketserver, name) else f"({name})"
        serves, refuses = [], []
        for program in PROGRAMS.values():
            if reason := refusal(program, transport, concurrency):
                refuses.append(f"{program.name} [{notes.setdefault(reason, len(notes) + 1)}]")
            else:
                serves.append(program.name)
        return LAYOUT.format(transport, concurrency, known, ", ".join(serves) or "nothing", ", ".join(refuses)).rstrip()

    rows = [row(transport, concurrency) for transport in TRANSPORTS for concurrency in CONCURRENCIES]
    return "\n".join(
        [
            LAYOUT.format("transport", "concurrency", "class in socketserver", "serves", "does not serve"),
            *rows,
            "",
            *(f"{concurrency:<11}{kind.character}" for concurrency, kind in CONCURRENCIES.items()),
            "",
            *(f"[{number}] {reason}" for reason, number in notes.items()),
            "(Name): not spelled out in the socketserver of this Python; the servers here are composed without it.",
        ]
    )
