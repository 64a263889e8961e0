"""Verdicts on clauses, by what became of their checks, and what a violation tells."""

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation


def violation(clause: str, observed: str = "something") -> Violation:
    return VIOLATIONS[clause]("something else", observed, ["   1  ann connects"])


def test_a_clause_is_violated_if_any_check_saw_it_broken_and_its_own_story_is_told() -> None:
    record = Record(["CHAT"])
    record.note("CHAT-2", "holds")
    record.note_violation(violation("CHAT-2", "by the way"))
    record.note_violation(violation("CHAT-2", "by its own check"), "CHAT-2")
    record.note_violation(violation("CHAT-2", "by its second check"), "CHAT-2")
    verdict = record.verdict(CLAUSES["CHAT-2"])
    assert (verdict.outcome, verdict.why) == ("violated", "by its own check")
    assert record.broken == ["CHAT-2"]


@pytest.mark.parametrize(
    ("checks", "named"),
    [
        (["CHAT-9", "CHAT-10"], ["CHAT-2", "CHAT-9"]),
        (["CHAT-9", "CHAT-2"], ["CHAT-2"]),
        (["CHAT-2", "CHAT-9"], ["CHAT-2"]),
        ([""], ["CHAT-2"]),
    ],
)
def test_what_only_the_check_of_another_clause_has_seen_is_checked_again_by_that(
    checks: list[str], named: list[str]
) -> None:
    record = Record(["CHAT"])
    for about in checks:
        record.note_violation(violation("CHAT-2"), about)
    report = Report("chat", "somebody", record.verdicts(), "does not conform", command="check chat")
    assert report.again("CHAT-2") == " --only ".join(["check chat", *named])


def test_a_clause_holds_only_if_every_check_of_it_could_end() -> None:
    record = Record(["UDP"])
    record.note("UDP-1", "holds")
    record.note("UDP-1", "not-checked", "no time")
    record.note("UDP-2", "not-applicable", "no such thing")
    record.note("UDP-2", "holds")
    record.note("UDP-3", "not-applicable", "no such thing")
    assert [(v.clause.id, v.outcome, v.why) for v in record.verdicts()] == [
        ("UDP-1", "not-checked", "no time"),
        ("UDP-2", "holds", "in part: no such thing"),
        ("UDP-3", "not-applicable", "no such thing"),
        ("UDP-4", "not-checked", "no check of it ran"),
        ("UDP-5", "not-checked", "no check of it ran"),
    ]


def test_a_violation_tells_its_whole_story() -> None:
    found = violation("CHAT-7")
    found.note = "seen once"
    assert str(found).splitlines()[1:] == [
        "expected: something else",
        "observed: something",
        "note:     seen once",
        "exchange:",
        "   1  ann connects",
    ]
    assert str(violation("CHAT-7")).splitlines()[3] == "exchange:"
    assert "exchange:" not in str(VIOLATIONS["SRV-9"]("an end", "none", ()))
