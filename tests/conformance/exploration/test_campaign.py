"""What exploration has seen is confirmed by replays that break the same clause, or reported as first seen."""

import contextlib

from socketserver_reference.conformance.exploration.campaign import Campaign, ExplorationFinding
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Quit, Say, Step, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from tests.support.planted import Planted
from tests.support.troubled_targets import Meddling

CRIME: list[Step] = [*join("ann", "ben"), Quit("ann"), Say("ben", b"gone")]
"""Steps that break CHAT-7 on a server that delivers what quits."""


def confirmed(clause: str) -> Violation:
    """Have a finding of a clause confirmed by steps that break CHAT-7."""
    with contextlib.closing(open_session("chat", Planted("delivers-quit").target(), 0.3)) as session:
        finding = ExplorationFinding(VIOLATIONS[clause]("something", "something else", []), CRIME, premature=False)
        violation = Campaign(session, "basic", examples=1).confirm(clause, finding)
    assert violation is not None
    return violation


def test_a_replay_that_breaks_another_clause_confirms_nothing() -> None:
    violation = confirmed("CHAT-5")
    assert (violation.clause_id, violation.observed) == ("CHAT-5", "something else")
    assert violation.note.endswith("again in 0 of 3 replays")


def test_what_others_may_have_done_in_each_replay_confirms_nothing() -> None:
    target = Meddling(Planted("delivers-quit").target().make)
    with contextlib.closing(open_session("chat", target, 0.3)) as session:
        campaign = Campaign(session, "basic", examples=1)
        first = VIOLATIONS["CHAT-7"]("something", "something else", [])
        assert campaign.confirm("CHAT-7", ExplorationFinding(first, CRIME, premature=True)) is None
        assert campaign.confirm("CHAT-7", ExplorationFinding(first, CRIME, premature=False)) is first
    assert first.note.endswith("again in 0 of 3 replays")
