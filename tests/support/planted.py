"""Servers with a bug of a test's own, as targets of the suite; the bugs that are told about are in `faults`."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from socketserver_faults.catalogue.index import find
from socketserver_faults.matrix import runner
from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server

Class = type[Any]


@dataclass(frozen=True)
class Bug:
    """A protocol of the suite, and the class to put in place of the reference's handler, if any."""

    protocol: str
    handler: Class | None = None

    def target(self, transport: str | None = None) -> InProcess:
        """Return the server as a target of the suite."""
        program = PROGRAMS["chat" if self.protocol == "chat" else "echo"]
        if self.handler:
            program = replace(program, connection_handler=self.handler, datagram_handler=self.handler)
        address = Address(transport or ("udp" if self.protocol == "datagram" else "tcp"), "127.0.0.1")
        return InProcess(partial(make_server, program, address))


@dataclass(frozen=True)
class Planted:
    """A fault of the catalogue, by name."""

    name: str

    @property
    def protocol(self) -> str:
        return find(self.name).protocol

    def target(self) -> Any:
        """Return the faulty server as a target of the suite."""
        return runner.target(find(self.name))
