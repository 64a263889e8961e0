"""Checks that cannot decide their clause, since there are too many readings or an error of their own."""

import pytest

from socketserver_reference.conformance import ServerConformance
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.runner.check_outcomes import explain, outcome_of
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Replays
from socketserver_reference.conformance.targets.base import CannotCheck
from tests.support.checking import PLUGIN, Checker


def test_a_scenario_that_allows_too_many_hypotheses_decides_nothing(
    check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ambiguous(*_: object) -> bool:
        raise Ambiguous

    monkeypatch.setattr("socketserver_reference.conformance.driver.stage.Stage.play", ambiguous)
    monkeypatch.setattr("socketserver_reference.conformance.driver.session.Session.prepare", lambda _: None)
    outcome = check("chat", "--only=CHAT-6", "--examples=0")
    assert outcome.code == 2
    assert outcome.clause("CHAT-6")["why"] == "too many segmentations are possible to judge the scenario"


def test_an_error_of_a_check_itself_is_told_and_is_no_verdict(check: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of the checker's own")

    monkeypatch.setattr("socketserver_reference.conformance.driver.session.Session.play_without", broken)
    outcome = check("echo", "--only=ECHO-1", "--examples=0", "--transport=tcp")
    assert outcome.code == 2
    assert "of the checker's own" in outcome.out
    assert outcome.clause("ECHO-1")["why"] == "ZeroDivisionError: of the checker's own"


UNMADE = """
from socketserver_reference.conformance import ServerConformance, ServerSpec

def make(handler=None):
    raise ZeroDivisionError("no server today")

class TestMine(ServerConformance):
    target = ServerSpec("mine", "tcp", "threading", make)
"""


def test_in_pytest_a_server_that_cannot_be_made_fails_every_check_that_is_about_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNMADE)
    result = pytester.runpytest_inprocess(*PLUGIN)
    decided = sum(name.startswith("test_") for name in dir(ServerConformance))
    # three are about rooms; one each about one at a time, processes, datagrams, and socket files; and one is a SHOULD
    not_about_it = 8
    assert result.parseoutcomes() == {"failed": decided - not_about_it, "skipped": not_about_it}
    result.stdout.fnmatch_lines(
        ["SRV-1 could not be checked: the server cannot be made: ZeroDivisionError: no server today"]
    )


def test_a_family_that_cannot_be_made_does_not_conform(check: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    def unmade(*_: object, **__: object) -> None:
        raise ZeroDivisionError("no server today")

    monkeypatch.setattr("socketserver_reference.conformance.runner.collected_family.make_server", unmade)
    outcome = check("family", "--only=SRV-4")
    assert outcome.code == 2
    assert outcome.out.splitlines()[-1] == "nothing was checked"


def told(clause: str, error: BaseException, entry: Known | None = None, *, strict: bool = False) -> tuple[str, str]:
    """Return the outcome of a failed test, and its text, as pytest reports them."""
    report = pytest.TestReport("here", ("here", 1, "test"), {}, "failed", "a traceback", "call")
    explain(report, clause, error, entry, strict=strict)
    return report.outcome, getattr(report, "wasxfail", None) or str(report.longrepr)


KNOWN = Known("CHAT-2", "on purpose")


def test_in_pytest_a_clause_that_a_known_failure_hides_fails_and_one_that_it_does_not_hide_does_not() -> None:
    violation = VIOLATIONS["CHAT-2"]("this", "that", [])
    outcome, text = told("CHAT-13", violation, KNOWN)
    assert outcome == "failed"
    assert text.startswith("CHAT-13 could not be checked: its scenario broke CHAT-2 first\nCHAT-2: the server MUST")
    assert told("CHAT-2", violation, KNOWN) == ("skipped", "CHAT-2 is known: on purpose: that")
    assert told("CHAT-17", violation, KNOWN)[0] == "skipped"
    assert told("CHAT-17", violation, KNOWN, strict=True)[0] == "failed"
    violation.spares = True
    assert told("CHAT-13", violation, KNOWN)[0] == "skipped"


def test_in_pytest_what_no_replay_shows_fails_when_strict() -> None:
    violation = VIOLATIONS["CHAT-2"]("this", "that", [])
    violation.replays = Replays(0, 5, "chance")
    seen = "CHAT-2 is unconfirmed: that; not shown again in 5 replays on fresh servers: chance"
    assert told("CHAT-2", violation) == ("skipped", seen)
    assert told("CHAT-2", violation, strict=True)[0] == "failed"
    assert outcome_of("CHAT-2", violation) == ("unconfirmed", "")
    assert outcome_of("CHAT-13", violation) == ("holds", "")  # its scenario was played once more


@pytest.mark.parametrize(("strict", "outcome"), [(False, "skipped"), (True, "failed")])
def test_in_pytest_a_should_that_cannot_be_checked_fails_when_strict(strict: bool, outcome: str) -> None:
    assert told("CHAT-16", NotChecked("no clock"), strict=strict)[0] == outcome
    assert told("CHAT-13", NotApplicable("no crowd"), strict=strict)[0] == "skipped"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KeyError("cal"), "KeyError: 'cal'"),
        (TimeoutError(), "TimeoutError"),
        (NotChecked("no time"), "no time"),
        (CannotCheck("nothing listens"), "nothing listens"),
    ],
)
def test_an_error_of_the_suite_s_own_is_told_as_one(error: Exception, why: str) -> None:
    assert outcome_of("CHAT-2", error) == ("not-checked", why)
