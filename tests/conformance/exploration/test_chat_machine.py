"""One run of a chat's machine: what it does in the disruptions of the moment, and what it leaves undone."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from socketserver_reference.clauses import Profile
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.exploration.campaign import Campaign
from socketserver_reference.conformance.exploration.explore import MACHINES
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import (
    Connect,
    HalfClose,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
)
from socketserver_reference.conformance.scenario.violation import Finding, Violation
from tests.support.planted import Bug
from tests.support.serving import TIMEOUT


@contextlib.contextmanager
def run(profile: Profile, dialect: Dialect = NOTE) -> Iterator[Any]:
    """One run of the chat's machine against the reference, with ann there, who has spoken."""
    with contextlib.closing(open_session("chat", Bug("chat").target(), TIMEOUT, dialect)) as session:
        campaign = Campaign(session, profile, examples=1)
        bases = (MACHINES["chat", profile],)
        machine: Any = type("Machine", bases, {"campaign": campaign})()
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


def test_only_who_has_stalled_reads_on() -> None:
    with run("hardened") as machine:
        machine.arrive(speaking=True)
        before = done(machine)
        machine.resume(number=0)
        assert done(machine) == before
        machine.do(Stall("ben"))
        machine.resume(number=0)
        assert done(machine)[-1] == Resume("ben")


def test_a_run_that_has_ended_early_has_nobody_to_heed() -> None:
    with run("basic") as machine:
        machine.do(HalfClose("ann"))
        machine.arrive(speaking=False)
        assert machine.room.optional_readers() == ["ben"]
        ended = machine.stage.transcript
        machine._end()
        before = list(ended.scenario)
        machine.finish()
        assert ended.scenario == before


def test_when_the_time_is_up_what_is_left_of_a_run_does_nothing() -> None:
    with run("basic") as machine:
        ended, steps = machine.stage.transcript, machine.campaign.steps
        before = list(ended.scenario)
        machine.campaign.stop(NotChecked("it is enough"))
        machine.do(Say("ann", b"one more"))
        assert machine.stage is None
        assert (ended.scenario, machine.campaign.steps) == (before, steps)


def test_who_has_heard_nothing_to_the_end_of_a_run_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    with run("basic") as machine:
        machine.arrive(speaking=False)
        with monkeypatch.context() as late:
            late.setattr(machine.stage, "_poll", lambda _: None)  # what others have read has not come to ben yet
            machine.finish()
        assert done(machine)[-1] == WaitUntilHeard("ben", "ann")
        assert machine.room.optional_readers() == []


def test_a_server_that_has_not_survived_a_run_breaks_a_clause_unless_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_found_dead(stage: Stage) -> None:
        raise stage.violation(Finding(("CHAT-11",), "the server goes on", "it ended", "died"))

    with run("basic") as machine:
        stage, campaign = machine.stage, machine.campaign
        monkeypatch.setattr(campaign.session, "check_alive", is_found_dead)
        with pytest.raises(Violation) as caught:
            machine._leave(stage)
        assert (caught.value.clause_id, machine.stage) == ("CHAT-11", None)
        assert campaign.found["CHAT-11"].likely[0].transcript is stage.transcript
        campaign.session.masking.known.add("CHAT-11")
        machine._leave(stage)
        assert list(campaign.known) == ["CHAT-11"]


def test_what_a_dialect_does_not_ask_is_not_done_to_the_server() -> None:
    waived = dict.fromkeys(("CHAT-10", "CHAT-12", "CHAT-15"), "not asked")
    with run("hardened", replace(NOTE, waived=waived)) as machine:
        machine.arrive(speaking=True)
        before = done(machine)
        for rule in (machine.half_close, machine.close, machine.reset, machine.stall):
            rule(number=0)
        assert done(machine) == before


def test_after_an_interrupt_nothing_more_is_done_that_could_hide_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with run("basic") as machine:
        monkeypatch.setattr(machine.stage, "perform", interrupted)
        with pytest.raises(KeyboardInterrupt):
            machine.say(number=0, data=b"hello")
        assert machine.stage is None
        machine.teardown()
