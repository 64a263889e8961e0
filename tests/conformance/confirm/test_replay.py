"""What is played again, and what there is no time to play again."""

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.confirm.replay import Exchange
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.results.report import lacks
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.scene import Scene
from socketserver_reference.conformance.scenario.steps import Connect, Quit, Say, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from tests.support.confirming import TIMEOUT, checked, violation
from tests.support.planted import Planted


def test_what_there_is_no_time_to_play_again_is_unconfirmed_and_leaves_its_clause_undecided() -> None:
    with checked(Planted("delivers-quit")) as session:
        play = ScenarioRunner(session, "CHAT-7")
        confirming = session.confirm

        def too_late(found: Violation) -> Violation | None:
            session.keep(Budget(0.0))
            return confirming(found)

        session.confirm = too_late
        with pytest.raises(Violation) as caught:
            play(*join("ann"), Quit("ann"))
    found = caught.value
    assert found.unconfirmed
    assert found.confirmation.startswith("not replayed, so it may not be a violation: the check may take 0 s")
    verdict = Verdict(CLAUSES["CHAT-7"], "unconfirmed", violation=found)
    assert lacks(verdict, strict=False)
    assert not lacks(Verdict(CLAUSES["CHAT-16"], "unconfirmed", violation=found), strict=False)


def test_a_replay_that_has_shown_counts_although_no_time_is_left_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with checked(Planted("delivers-quit")) as session:
        replay = Exchange.replay

        def once(exchange: Exchange, session: Session, timeout: float) -> bool:
            if exchange.of:
                raise NotChecked("no time")
            return replay(exchange, session, timeout)

        monkeypatch.setattr(Exchange, "replay", once)
        found = violation(session, "CHAT-7", *join("ann", "ben"), Quit("ann"))
    assert found.confirmation == "shown 1 of 1 times on fresh servers"


def test_a_replay_judges_what_comes_after_its_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Stage.read_what_is_there

    def something_more(stage: Stage) -> None:
        stage._clients["ann"].send(b"more")
        stage._clients["ann"]._taken.append(stage._clients["ann"]._receive() or b"")
        reads(stage)

    monkeypatch.setattr(Stage, "read_what_is_there", something_more)
    with checked(Planted("delivers-quit")) as session:
        scene = Scene([Connect("ann"), Say("ann", b"once")], "CHAT-4", "abrupt")
        assert Exchange([scene], VIOLATIONS["CHAT-4"]("", "", ())).replay(session, TIMEOUT)
