"""Checks that cannot decide their clause, since there are too many readings or an error of their own."""

import pytest

from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from tests.support.checking import Checker


def test_a_scenario_that_allows_too_many_hypotheses_decides_nothing(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ambiguous(*_: object) -> bool:
        raise Ambiguous

    monkeypatch.setattr("socketserver_reference.conformance.driver.stage.Stage.play", ambiguous)
    monkeypatch.setattr("socketserver_reference.conformance.driver.session.Session.prepare", lambda _: None)
    outcome = check("chat", "--only=CHAT-6")
    assert outcome.code == 2
    assert outcome.clause("CHAT-6")["why"] == "too many segmentations are possible to judge the scenario"


def test_an_error_of_a_check_itself_is_told_and_is_no_verdict(check: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of the checker's own")

    monkeypatch.setattr("socketserver_reference.conformance.driver.session.Session.play", broken)
    outcome = check("echo", "--only=ECHO-1", "--transport=tcp")
    assert outcome.code == 2
    assert "of the checker's own" in outcome.out
    assert outcome.clause("ECHO-1")["why"] == "of the checker's own"
