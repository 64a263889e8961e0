"""Makes servers of the family, with a fault mixed in."""

import socketserver
from dataclasses import dataclass
from typing import Any

from socketserver_reference.conformance.inprocess.hosts import ConcurrencyName, ServerSpec
from socketserver_reference.conformance.inprocess.probes import Handler
from socketserver_reference.conformance.targets.ports import anywhere
from socketserver_reference.echo import EchoHandler
from socketserver_reference.family import PROGRAMS, server_class


class Faultless(socketserver.BaseServer):
    """No fault of the server's: the handler has it."""


@dataclass(frozen=True)
class Maker:
    """Makes a server of the family with a fault mixed in, or with a handler of its own."""

    fault: type[Any]
    program: str
    transport: str
    concurrency: str
    handler: type[Any] | None = None

    def __call__(self, handler: Handler | None) -> socketserver.BaseServer:
        program, address = PROGRAMS[self.program], anywhere(self.transport)
        own = self.handler or (program.datagram_handler if address.datagram else program.connection_handler)
        bases = (self.fault, server_class(program, address, self.concurrency))
        make: Any = type(self.fault.__name__, bases, {})
        server: socketserver.BaseServer = make(address.sockaddr, handler or own)
        return server


def library(handler: Handler | None) -> socketserver.BaseServer:
    return socketserver.TCPServer(("127.0.0.1", 0), handler or EchoHandler)


def threading_library(handler: Handler | None) -> socketserver.BaseServer:
    return socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler or EchoHandler)


def forking_library(handler: Handler | None) -> socketserver.BaseServer:
    return socketserver.ForkingTCPServer(("127.0.0.1", 0), handler or EchoHandler)


def made(
    fault: type[Any],
    transport: str,
    concurrency: ConcurrencyName,
    program: str = "echo",
    handler: type[Any] | None = None,
    claims: ConcurrencyName | None = None,
) -> ServerSpec:
    maker = Maker(fault, program, transport, concurrency, handler)
    return ServerSpec(fault.__name__, transport, claims or concurrency, maker, chat=program != "echo")
