"""Known failures: what is listed fails nothing, what is not does, and what is mended must leave the list."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance import ChatConformance
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.results import known, report
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.known_update import KnownFailures
from socketserver_reference.conformance.results.verdicts import Record, Verdict
from socketserver_reference.conformance.runner.direct import expect_failures, open_session
from socketserver_reference.conformance.scenario.steps import Reset, Say, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.checking import PLUGIN, Checker
from tests.support.known_failures import CONFORMS_BUT, QUICK, entry, last_lines
from tests.support.planted import Planted
from tests.support.serving import TIMEOUT

CHECKS = sum(name.startswith("test_") for name in dir(ChatConformance))
"""Checks of a chat, explorations included."""


# What becomes of a check


def test_a_listed_clause_that_is_violated_fails_nothing_and_says_why_it_is_listed(
    check: Checker, shouting: str, file: Path
) -> None:
    file.write_text(entry("CHAT-8", "we\nshout \x1b[1m here".replace("\x1b", "")))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert (outcome.code, outcome.err) == (0, "")
    assert "CHAT-8   known failure  what only looks like quit is delivered" in outcome.out
    assert "  CHAT-8   VIOLATED (known: we shout [1m here): " in outcome.out
    assert "1 holds, 1 violated (1 of them known)" in outcome.out
    assert "exchange:" not in outcome.out
    assert last_lines(outcome) == [CONFORMS_BUT]
    clause = outcome.clause("CHAT-8")
    assert (clause["verdict"], clause["known"], clause["stale"]) == ("violated", "we\nshout [1m here", False)
    assert clause["exchange"]


def test_a_violation_that_is_not_listed_fails_beside_those_that_are(check: Checker, shouting: str, file: Path) -> None:
    file.write_text(entry("CHAT-12") + entry("ECHO-2"))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert (outcome.code, last_lines(outcome)) == (1, ["does not conform: breaks CHAT-8"])


def test_a_listed_clause_that_holds_is_stale_and_fails(
    check: Checker, shouting: str, file: Path, tmp_path: Path
) -> None:
    file.write_text(entry("CHAT-8") + entry("CHAT-2", "once upon a time"))
    junit = tmp_path / "verdicts.xml"
    outcome = check("chat", shouting, *QUICK, "--known", file, "--junit", junit)
    assert outcome.code == 1
    assert last_lines(outcome, 2) == [
        f"{file}:6: CHAT-2 holds and is listed as broken (once upon a time): remove the entry",
        "the list of known failures is stale: no longer broken: CHAT-2",
    ]
    assert "CHAT-2   STALE: holds, and is listed as broken (known: once upon a time)" in outcome.out
    assert outcome.clause("CHAT-2")["stale"]
    assert 'failures="1"' in junit.read_text()
    assert '<failure type="CHAT-2" message="CHAT-2   STALE' in junit.read_text()


def test_what_is_broken_sometimes_may_hold(check: Checker, shouting: str, file: Path) -> None:
    file.write_text(entry("CHAT-8", sometimes=True) + entry("CHAT-2", "a race", sometimes=True))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert (outcome.code, last_lines(outcome)) == (0, [CONFORMS_BUT])
    assert "CHAT-2   holds (known to be broken sometimes: a race)" in outcome.out


def test_what_was_not_chosen_is_neither_stale_nor_failing(check: Checker, shouting: str, file: Path) -> None:
    file.write_text(entry("CHAT-8") + entry("CHAT-12"))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert outcome.code == 0
    assert "CHAT-12" not in outcome.verdicts


def test_entries_of_another_dialect_are_left_alone_with_a_word(check: Checker, shouting: str, file: Path) -> None:
    file.write_text(entry("CHAT-8", dialect="irc") + entry("CHAT-8", dialect="note") + entry("CHAT-2", dialect="irc"))
    outcome = check("chat", shouting, *QUICK, "--known", file)
    assert outcome.code == 0
    assert "known failures in other dialects, left alone: CHAT-8 (irc), CHAT-2 (irc)\n" in outcome.out


def test_a_should_that_is_listed_is_known_even_when_strict() -> None:
    verdict = Verdict(CLAUSES["CHAT-16"], "violated", known=Known("CHAT-16", "on purpose"))
    assert not report.fails(verdict, strict=True)


def test_what_a_known_failure_hides_is_told(file: Path) -> None:
    file.write_text(entry("CHAT-2"))
    verdicts = [
        Verdict(CLAUSES["CHAT-2"], "violated", "nothing"),
        Verdict(CLAUSES["CHAT-3"], "not-checked", known.masked_by("CHAT-2")),
        Verdict(CLAUSES["CHAT-4"], "not-checked", "not selected"),
    ]
    listed = KnownFailures(file, update=False, dialect="note", default=True)
    assert listed.apply(verdicts, strict=False, trouble=False)[1] == ["not checked because of known failures: CHAT-3"]


# A list hides nothing but what it names


@pytest.fixture
def keeps_the_reset() -> Iterator[Session]:
    with closing(open_session("chat", Planted("leaves-the-reset-behind").target(), 0.3)) as session:
        yield session


RESET = (*join("ann", "ben", "cal"), Reset("cal"), Say("ann", b"who was that?"), Say("ben", b"gone"))


def test_a_listed_clause_that_holds_explains_nothing(keeps_the_reset: Session) -> None:
    expect_failures(
        keeps_the_reset, "chat", [Known("CHAT-2", "mended long ago"), Known("ECHO-2", "of another protocol")]
    )
    assert keeps_the_reset.masking.expected_failures == {"CHAT-2"}
    assert keeps_the_reset.timeout == 0.3
    with pytest.raises(VIOLATIONS["CHAT-12"]):
        keeps_the_reset.play(*RESET, about="CHAT-12")
    assert keeps_the_reset.masking.known == {"CHAT-12"}


@pytest.mark.parametrize(
    ("name", "sometimes"), [("leaves-the-reset-behind", True), ("delivers-to-the-sender-only", False)]
)
def test_one_that_is_broken_does_and_so_does_one_that_is_broken_sometimes(name: str, sometimes: bool) -> None:
    with closing(open_session("chat", Planted(name).target(), 0.3)) as session:
        expect_failures(session, "chat", [Known("CHAT-2", "on purpose", sometimes=sometimes)])
        with pytest.raises(VIOLATIONS["CHAT-2"]):
            session.play(*RESET, about="CHAT-12")
        assert session.masking.known == {"CHAT-2"}


@pytest.mark.slow
def test_a_known_failure_that_exploration_alone_can_see_is_noted_and_not_made_shorter() -> None:
    record = Record(["CHAT"])
    with closing(open_session("chat", Planted("leaves-the-reset-behind").target(), TIMEOUT)) as session:
        expect_failures(session, "chat", [Known("CHAT-12", "on purpose")])
        explore(session, record, "chat", "hardened", examples=10, with_seed=0)  # each seed shows it in six runs
    verdict = record.verdict(CLAUSES["CHAT-12"])
    assert verdict.violation is not None
    assert verdict.violation.explored
    assert verdict.violation.note == "found by exploration; not shrunk, since it is known"


# In pytest


MINE = """
from socketserver_reference.conformance import ChatConformance, EchoConformance, ServerConformance, ServerSpec

class TestMine(ChatConformance):
    target = "{}"
"""


def run(project: pytest.Pytester, target: str, entries: str, *options: str) -> pytest.RunResult:
    project.makepyfile(test_mine=MINE.format(target))
    project.makefile(".toml", known=entries)
    fixed: Sequence[str] = (
        "--conformance-timeout=10",
        "--conformance-only=CHAT-8",
        "--conformance-only=CHAT-7",
        "--conformance-examples=0",
    )
    return project.runpytest_inprocess(*PLUGIN, *fixed, "--conformance-known=known.toml", "-rx", *options)


def test_in_pytest_a_known_failure_is_expected_to_fail(pytester: pytest.Pytester, shouting: str) -> None:
    result = run(pytester, shouting, entry("CHAT-8"))
    assert (result.ret, result.parseoutcomes()) == (0, {"xfailed": 1, "passed": 2, "deselected": CHECKS - 3})
    result.stdout.fnmatch_lines(["*CHAT-8 is known: on purpose*"])


@pytest.mark.slow
@pytest.mark.parametrize("distributed", [(), ("-n1",)])
def test_in_pytest_a_stale_entry_fails_the_run(
    pytester: pytest.Pytester, shouting: str, distributed: Sequence[str]
) -> None:
    result = run(pytester, shouting, entry("CHAT-8") + entry("CHAT-7"), *distributed)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["known.toml:5: CHAT-7 holds and is listed as broken (on purpose): remove the entry"])


def test_in_pytest_a_bad_list_is_a_usage_error(pytester: pytest.Pytester, shouting: str) -> None:
    result = run(pytester, shouting, entry("CHAT-99"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*known.toml:1: 'CHAT-99' is no clause*"])
