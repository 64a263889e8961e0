"""The classes that `check family` collects: every program of the reference, on every class that can serve it; and
whether each other one is refused.

This is the only file of the suite that imports servers. It combines them with the checks, which know none.
"""

import os
import socket
import socketserver
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import get_args

from socketserver_reference.address import TRANSPORTS, Address, is_of_this_host
from socketserver_reference.conformance.checks.base import decides
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.hosts import ConcurrencyName, ServerSpec
from socketserver_reference.conformance.inprocess.probes import Handler
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from socketserver_reference.conformance.targets.ports import anywhere
from socketserver_reference.family import PROGRAMS, Refused, make_server


@dataclass(frozen=True)
class Maker:
    """Makes servers of one kind. It is no closure, since a forking server is made in another process."""

    program: str
    transport: str
    concurrency: str
    host: str = "127.0.0.1"

    def __call__(self, handler: Handler | None = None) -> socketserver.BaseServer:
        program = PROGRAMS[self.program]
        if handler is not None:
            program = replace(program, connection_handler=handler, datagram_handler=handler)
        return make_server(program, anywhere(self.transport, self.host), self.concurrency)


def can_serve(program: str, transport: str, concurrency: str) -> bool:
    """Whether the family is to have such a server. It is not asked itself: it may refuse too many, or too few."""
    if transport.startswith("unix") and not hasattr(socket, "AF_UNIX"):
        return False
    if concurrency == "forking" and not hasattr(os, "fork"):
        return False
    room = bool(PROGRAMS[program].mix_ins)
    in_one_memory = concurrency == "threading" and not Address(transport).datagram
    return in_one_memory and hasattr(socket, "MSG_DONTWAIT") if room else True


def family(transports: Iterable[str] = TRANSPORTS, host: str = "127.0.0.1", where: str = "") -> list[ServerSpec]:
    """Return all servers that this platform supports."""
    return [
        ServerSpec(
            f"{concurrency} {name} over {transport}{where}",
            transport,
            concurrency,
            Maker(name, transport, concurrency, host),
            chat=bool(program.mix_ins),
        )
        for name, program in PROGRAMS.items()
        for transport in transports
        for concurrency in get_args(ConcurrencyName)
        if can_serve(name, transport, concurrency)
    ]


def family_over_ipv6() -> list[ServerSpec]:
    """Return the servers that listen at ::1; none where this system has no IPv6."""
    return family(("tcp", "udp"), "::1", " and IPv6") if is_of_this_host("::1", socket.AF_INET6) else []


def family_everywhere() -> list[ServerSpec]:
    """Return a server that listens at every address, and so has more than one of its own."""
    maker = Maker("echo", "udp", "sync", "0.0.0.0")
    return [ServerSpec("sync echo over udp everywhere", "udp", "sync", maker)]


class FamilyConformance(ServerConformance):
    """What is asked of a family besides: which servers it does not have."""

    @decides("SRV-6")
    def test_no_room_is_served_by_processes(self) -> None:
        self.only_for("forking", "by processes")
        self._refuses_rooms("SRV-6")

    @decides("SRV-7")
    def test_no_room_is_served_whose_members_are_never_there_at_once(self) -> None:
        if self.target.concurrency == "forking" or can_serve("chat", self.target.transport, self.target.concurrency):
            raise NotApplicable("such a server can have a room, or a forking one cannot, which SRV-6 is about")
        self._refuses_rooms("SRV-7")

    def _refuses_rooms(self, clause: str) -> None:
        for program in (name for name, program in PROGRAMS.items() if program.mix_ins):
            with suppress(Refused):
                maker = Maker(program, self.target.transport, self.target.concurrency)
                maker().server_close()
                expected = f"a {maker.concurrency} {program} over {maker.transport} is refused"
                raise VIOLATIONS[clause](expected, "it can be made", [])


def class_name(served: ServerSpec) -> str:
    """Return the name by which pytest collects the class: TestThreadingEchoOverTcp."""
    return "Test" + "".join(word.capitalize() for word in served.name.replace("-", " ").split())


CLASSES = {
    class_name(served): type(class_name(served), (FamilyConformance,), {"target": served, "__module__": __name__})
    for served in [*family(), *family_over_ipv6(), *family_everywhere()]
}
globals().update(CLASSES)
