"""The family: four transports, three kinds of concurrency, and what each pair can serve.

The classes of `socketserver` are two axes multiplied. One is what a server listens on::

    BaseServer
        |
    TCPServer ------ UnixStreamServer          connections
        |
    UDPServer ------ UnixDatagramServer        datagrams

The other is where its handlers run: in the loop itself, each in a thread (`ThreadingMixIn`), or each in a process
(`ForkingMixIn`). The library spells out the products, one line each::

    class ThreadingTCPServer(ThreadingMixIn, TCPServer): pass

A mix-in comes first, because it overrides what the server class defines. `server_class` multiplies the same axes, with
the classes of `lifecycle.py` and the mix-in of the chat.

Not every product makes sense: `refusal` says why; `spec --family` prints them all.

Next: `conformance/`, which checks any server, or `cli/serve.py`, which runs one of these.
"""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from socketserver_reference import lifecycle
from socketserver_reference.address import Address, explained
from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.echo import DatagramEchoHandler, EchoHandler
from socketserver_reference.overthreaded import OverthreadedChatHandler

AnyClass = type[Any]


class Refused(Exception):
    """This cannot be served; the message says why, and what can."""


@dataclass(frozen=True)
class Concurrency:
    """Where handlers run: the mix-in, its prefix in class names, and what to expect."""

    mix_in: AnyClass | None
    prefix: str
    character: str


CONCURRENCIES: Mapping[str, Concurrency] = {
    # [SRV-4] one connection at a time, the next when the one before ends
    "sync": Concurrency(
        None, "", "serves one client at a time, in the loop itself: a silent one keeps all others waiting"
    ),
    # [SRV-5] [ECHO-8] all connections at once, so a silent client delays no other
    "threading": Concurrency(
        lifecycle.Threads, "Threading", "serves all clients at once, in threads: they share what the server holds"
    ),
    # [SRV-6] all connections at once, in processes that share no memory
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
    """What a server does. `refuses` maps a concurrency, or "datagram", to the reason why it cannot use that."""

    name: str
    connection_handler: AnyClass
    datagram_handler: AnyClass | None = None
    mix_ins: tuple[AnyClass, ...] = ()
    refuses: Mapping[str, str] = field(default_factory=dict)


CHAT_REFUSES: Mapping[str, str] = {
    "datagram": "datagrams have no connections, so no client joins and none leaves",
    "sync": "a synchronous server serves one member at a time, and a room needs all of them at once",
    # [SRV-6] ... and so cannot hold a chat room
    "forking": "forked handlers share no memory, so each member would be alone in its room",
}

PROGRAMS: Mapping[str, Program] = {
    "echo": Program("echo", EchoHandler, DatagramEchoHandler),
    "chat": Program("chat", ChatHandler, mix_ins=(Room,), refuses=CHAT_REFUSES),
    "overthreaded": Program("overthreaded", OverthreadedChatHandler, mix_ins=(Room,), refuses=CHAT_REFUSES),
}


def platform_lacks(transport: str, concurrency: str) -> str:
    """Return what this platform lacks for such a server, or ""."""
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
    """Return the class with the mix-ins of the program, of the transport and of the concurrency."""
    mix_in = CONCURRENCIES[concurrency].mix_in
    factors: tuple[AnyClass, ...] = (
        *program.mix_ins,
        *((lifecycle.SocketFile,) if address.path else ()),
        *((mix_in,) if mix_in else ()),
        lifecycle.DatagramServer if address.datagram else lifecycle.StreamServer,
    )
    name = f"{program.name.capitalize()}{CONCURRENCIES[concurrency].prefix}{LIBRARY_NAMES[address.transport]}"
    return _class_of(name, factors, address.family)


@cache
def _class_of(name: str, factors: tuple[AnyClass, ...], family: int) -> type[lifecycle.Server]:
    """Return the class of these factors: the same for all servers of a kind."""
    return type(name, factors, {"address_family": family, "__module__": __name__})


def make_server(program: str | Program, address: Address, concurrency: str = "threading") -> lifecycle.Server:
    """Return a server that is bound and listens; raise Refused, with the reason, if it cannot be.

    `program` is one of PROGRAMS, by name, or your own. The caller closes the server.
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
        raise Refused(f"cannot listen at {address}: {explained(error)}") from error
