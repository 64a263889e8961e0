"""What the checker seldom meets: servers broken in uncommon ways, and runs of the machines that end early."""

import contextlib
import json
import os
import socket
import socketserver
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from socketserver_reference.clauses import Profile
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.exploration.campaign import Expedition, Sighting
from socketserver_reference.conformance.exploration.explore import MACHINES
from socketserver_reference.conformance.inprocess.checks import Served, ServerConformance
from socketserver_reference.conformance.inprocess.coordinator import Desk, Story
from socketserver_reference.conformance.inprocess.probes import Handler
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import performer
from socketserver_reference.conformance.scenario.steps import (
    Connect,
    HalfClose,
    Heed,
    Quit,
    Say,
    Send,
    Settle,
    Step,
    join,
)
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Finding, Violation
from socketserver_reference.echo import EchoHandler
from tests.broken_family import Faultless, KeepsRequestsOpen, made
from tests.planted import Bug, Planted
from tests.serving import PATIENCE
from tests.test_performer import Meddling
from tests.test_server_conformance import subject

# Servers


@pytest.fixture(scope="module", autouse=True)
def forker() -> Iterator[None]:
    yield
    ServerConformance.forker.close()


class TakesItsProcessDown(EchoHandler):
    def handle(self) -> None:
        os._exit(1)


class ComesBack(socketserver.BaseServer):
    """Serves a client, and then whoever came before it once more."""

    before: tuple[Any, ...] = ()

    def finish_request(self, request: Any, client_address: Any) -> None:
        super().finish_request(request, client_address)
        if self.before:
            super().finish_request(*self.before)
        self.before = request, client_address


class ListensToOne(socketserver.BaseServer):
    """Listens no more when it has somebody to serve."""

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
        return True


class TurnsTheFirstAway(socketserver.BaseServer):
    awaited = True

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        first, self.awaited = self.awaited, False
        return not first


class FallsOver(TurnsTheFirstAway):
    """Serves the first client, and ends by the second."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if super().verify_request(request, client_address):
            raise ZeroDivisionError("one too many")
        return True


LIFE_CYCLE = "test_setup_handle_and_finish_run_once_each_and_in_this_order"
ONE_BY_ONE = "test_connections_are_accepted_and_served_one_at_a_time"
SILENT = "test_a_silent_client_delays_nobody"
PROCESSES = "test_handlers_run_at_once_in_processes_that_share_no_memory"
ROOM = "test_an_exception_leaves_the_room_in_order"


def told(served: Served, check: str, expected: str) -> str:
    """Run a check of a broken server; return all that the check says of it."""
    story = ""
    for patience in (0.3, 5.0):  # what is broken is waited for in vain; a busy machine gets more time
        with pytest.raises((Violation, NotChecked)) as raised:
            getattr(subject(served, patience)(), check)()
        story = str(raised.value)
        if expected in story:
            break
    return story


RARE = [
    (made(Faultless, "tcp", "forking", handler=TakesItsProcessDown), LIFE_CYCLE, "handle does not return"),
    (made(ComesBack, "tcp", "sync"), ONE_BY_ONE, "observed: their handlers overlap"),
    (made(ListensToOne, "tcp", "sync"), ONE_BY_ONE, "observed: ben cannot connect: "),
    (made(ListensToOne, "unix", "sync"), ONE_BY_ONE, "observed: ben cannot connect: "),
    (made(TurnsTheFirstAway, "tcp", "threading"), SILENT, "observed: lou is not served"),
    (made(FallsOver, "tcp", "forking"), PROCESSES, "serve_forever() ended with ZeroDivisionError('one too many')"),
    (made(KeepsRequestsOpen, "tcp", "threading", "chat"), ROOM, "observed: cal waits in vain"),
]


@pytest.mark.parametrize(("served", "check", "expected"), RARE, ids=[str(served) for served, *_ in RARE])
def test_a_server_that_is_broken_in_an_uncommon_way_is_told_from_others(
    served: Served, check: str, expected: str
) -> None:
    assert expected in told(served, check, expected)


def ends_its_process(_: Handler | None) -> socketserver.BaseServer:
    os._exit(3)


def test_a_maker_that_ends_the_process_to_fork_in_is_told_and_the_next_server_gets_another() -> None:
    with pytest.raises(NotChecked, match="the server cannot be made: nothing happens"):
        getattr(subject(Served("none", "tcp", "forking", ends_its_process), PATIENCE)(), LIFE_CYCLE)()
    getattr(subject(made(Faultless, "tcp", "forking"), PATIENCE)(), LIFE_CYCLE)()


# The desk


class Reporter:
    """Somebody who reports to a desk as a handler does."""

    def __init__(self, name: str, desk: Desk) -> None:
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.settimeout(PATIENCE)
        self._line.connect(desk.address)
        seen = {"label": name, "handler": name, "phase": "handle", "peer": "", "client_address": ""}
        self._line.send(json.dumps(seen).encode())

    def answer(self) -> bytes:
        with self._line:
            return self._line.recv(64)


def test_when_one_of_two_held_handlers_may_go_on_the_other_is_still_held() -> None:
    with contextlib.closing(Desk(Story())) as desk:
        desk.held |= {("ann", "handle"), ("ben", "handle")}
        ann, ben = Reporter("ann", desk), Reporter("ben", desk)
        for name in ("ann", "ben"):
            assert desk.wait(name, "handle", PATIENCE)
        desk.release("ann", "handle")
        assert ann.answer() == b"go"
        desk.plan["ben", "handle"] = "say"  # an answer that ben had been given before would not be this one
        desk.release("ben", "handle")
        assert ben.answer() == b"say"


# Exploration


@contextlib.contextmanager
def run(profile: Profile, dialect: Dialect = NOTE) -> Iterator[Any]:
    """One run of the chat's machine against the reference, with ann there, who has spoken."""
    with contextlib.closing(performer("chat", Bug("chat").target(), PATIENCE, dialect)) as performing:
        expedition = Expedition(performing, profile, examples=1)
        bases = (MACHINES["chat", profile],)
        machine: Any = type("Machine", bases, {"expedition": expedition})()
        try:
            machine.arrive(speaking=True)
            yield machine
            machine.teardown()
        finally:
            machine._end()


def done(machine: Any) -> list[Step]:
    steps: list[Step] = list(machine.stage.transcript.scenario)
    return steps


def test_where_the_path_may_split_nobody_quits() -> None:
    with run("basic", replace(NOTE, exact=False)) as machine:
        before = done(machine)
        machine.quit(number=0, word=b"quit")
        assert done(machine) == before


def test_what_happens_to_be_a_quit_is_not_said_as_if_it_were_an_utterance() -> None:
    with run("basic") as machine:
        before = done(machine)
        machine.say(number=0, data=b" quit ")
        assert done(machine) == before


def test_who_connects_into_what_is_under_way_waits_for_what_came_before_to_be_over() -> None:
    with run("hardened") as machine:
        machine.arrive(speaking=True)
        machine.do(HalfClose("ben"), Send("ann", b"under way"))
        before = len(done(machine))
        machine.connect()
        settles, *_, connects = done(machine)[before:]
        assert isinstance(settles, Settle)
        assert isinstance(connects, Connect)


def test_a_run_that_has_ended_early_has_nobody_to_heed() -> None:
    with run("basic") as machine:
        machine.do(HalfClose("ann"))
        machine.arrive(speaking=False)
        assert machine.room.bystanders() == ["ben"]
        ended = machine.stage.transcript
        machine._end()
        before = list(ended.scenario)
        machine.finish()
        assert ended.scenario == before


def test_when_the_time_is_up_what_is_left_of_a_run_does_nothing() -> None:
    with run("basic") as machine:
        ended, steps = machine.stage.transcript, machine.expedition.steps
        before = list(ended.scenario)
        machine.expedition.stop(NotChecked("it is enough"))
        machine.do(Say("ann", b"one more"))
        assert machine.stage is None
        assert (ended.scenario, machine.expedition.steps) == (before, steps)


def test_who_has_heard_nothing_to_the_end_of_a_run_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    with run("basic") as machine:
        machine.arrive(speaking=False)
        with monkeypatch.context() as late:
            late.setattr(machine.stage, "_glance_at", lambda _: None)  # what others have read has not come to ben yet
            machine.finish()
        assert done(machine)[-1] == Heed("ben", "ann")
        assert machine.room.bystanders() == []


def test_a_server_that_has_not_survived_a_run_breaks_a_clause_unless_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_found_dead(stage: Stage) -> None:
        raise stage.violation(Finding(("CHAT-11",), "the server goes on", "it ended"))

    with run("basic") as machine:
        stage, expedition = machine.stage, machine.expedition
        monkeypatch.setattr(expedition.performer, "check_alive", is_found_dead)
        with pytest.raises(Violation) as caught:
            machine._leave(stage)
        assert (caught.value.clause_id, machine.stage) == ("CHAT-11", None)
        assert expedition.found["CHAT-11"].steps == stage.transcript.scenario
        expedition.performer.known.add("CHAT-11")
        machine._leave(stage)
        assert list(expedition.known) == ["CHAT-11"]


CRIME: list[Step] = [*join("ann", "ben"), Quit("ann"), Say("ben", b"gone")]
"""Steps that break CHAT-7 on a server that delivers what quits."""


def confirmed(clause: str) -> Violation:
    """Have a sighting of a clause confirmed by steps that break CHAT-7."""
    with contextlib.closing(performer("chat", Planted("delivers-quit").target(), 0.3)) as performing:
        sighting = Sighting(VIOLATIONS[clause]("something", "something else", []), CRIME, hasty=False)
        violation = Expedition(performing, "basic", examples=1).confirm(clause, sighting)
    assert violation is not None
    return violation


def test_a_replay_that_breaks_another_clause_confirms_nothing() -> None:
    violation = confirmed("CHAT-5")
    assert (violation.clause_id, violation.observed) == ("CHAT-5", "something else")
    assert violation.note.endswith("again in 0 of 3 replays")


def test_what_others_may_have_done_in_each_replay_confirms_nothing() -> None:
    target = Meddling(Planted("delivers-quit").target().make)
    with contextlib.closing(performer("chat", target, 0.3)) as performing:
        expedition = Expedition(performing, "basic", examples=1)
        first = VIOLATIONS["CHAT-7"]("something", "something else", [])
        assert expedition.confirm("CHAT-7", Sighting(first, CRIME, hasty=True)) is None
        assert expedition.confirm("CHAT-7", Sighting(first, CRIME, hasty=False)) is first
    assert first.note.endswith("again in 0 of 3 replays")
