"""The machine of abrupt clients has several speak and leave at once, while another goes on talking."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.exploration.campaign import Campaign
from socketserver_reference.conformance.exploration.explore import MACHINES
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Abandon, Connect, Reset, Say, Send, Settle, Step
from tests.support.planted import Bug
from tests.support.serving import TIMEOUT


@contextmanager
def machine(dialect: Dialect = NOTE) -> Iterator[Any]:
    """Yield the machine of abrupt clients, to be told by hand what to do."""
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT, dialect)) as session:
        campaign = Campaign(session, "hardened", 1)
        made: Any = type("Told", (MACHINES["chat", "hardened"],), {"campaign": campaign})()
        yield made
        made.teardown()


def done_by(machine: Any, **how: Any) -> list[Step]:
    """Return the steps by which several leave at once, without those that see all clients whole before."""
    done = len(machine.stage.transcript.scenario)
    machine.leave_at_once(**how)
    steps = machine.stage.transcript.scenario[done:]
    return [step for step in steps if not (isinstance(step, Say) and step.data.startswith(b"still here"))]


def test_several_speak_and_leave_at_once_while_another_goes_on() -> None:
    with machine() as told:
        told.join()
        told.join()
        assert done_by(told, number=0, many=2, size=40, way=Reset) == []
        told.join()
        assert done_by(told, number=1, many=4, size=40, way=Abandon) == [
            *(Connect(who) for who in ("dan", "eve")),
            *(Send(who, b"." * 40) for who in ("ben", "dan", "eve", "ann")),
            *(Abandon(who) for who in ("ben", "dan", "eve", "ann")),
            Say("cal", b"who is left? %d" % told.fences),
        ]


def test_where_no_client_could_go_on_none_leaves_at_once() -> None:
    with machine() as told:
        for _ in range(3):
            told.connect()
        assert done_by(told, number=0, many=2, size=40, way=Reset) == []


def test_before_that_all_clients_are_seen_whole() -> None:
    with machine() as told:
        for _ in range(3):
            told.join()
        told.burst(said=[(0, b"a"), (1, b"b")])
        assert done_by(told, number=0, many=2, size=40, way=Reset)[0] == Settle()


def test_where_no_client_may_leave_abruptly_none_does() -> None:
    with machine(replace(NOTE, waived={"CHAT-12": "it is not asked"})) as told:
        for _ in range(3):
            told.join()
        assert done_by(told, number=0, many=2, size=40, way=Reset) == []
