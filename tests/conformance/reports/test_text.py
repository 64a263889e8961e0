"""The report on a terminal."""

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.reports import text
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.steps import Say, join
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.transcript import Waited
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Replays
from tests.support.exchanges import MARKUP, did, report, violation


def test_the_terminal_is_told_what_the_dialect_changes_and_waives() -> None:
    lines = text.write(
        report(
            changes=[("CHAT-2", "in lines")],
            waived=[("CHAT-8", "it has no quit word"), (MARKUP, MARKUP)],
            dialect="other",
        )
    )
    at = lines.index("in the dialect other:")
    assert lines[at + 1 : at + 3] == ["  CHAT-2   in lines", "  CHAT-8   not asked: it has no quit word"]
    assert lines[at + 3] == f"  {printable(MARKUP)} not asked: {printable(MARKUP)}"
    assert all(line.isprintable() for line in lines[at:])


def test_a_profile_without_clauses_is_left_out_of_the_text() -> None:
    verdicts = [Verdict(CLAUSES["CHAT-1"], "holds")]
    report = Report("chat", "somebody", verdicts, "conforms")
    assert text.write(report) == ["", "basic: 1 holds", "  CHAT-1   holds", "", "conforms"]


def test_a_violation_is_marked_where_it_differs_and_can_be_checked_again() -> None:
    told = VIOLATIONS["CHAT-2"]("ann reads b'ackhello'", "ann reads b'ackhallo'", ["   1  ann connects"])
    lines = text.write(report(told, command="socketserver-reference check chat"))
    at = lines.index("expected: ann reads b'ackhello'")
    assert lines[at + 1 : at + 4] == [
        "                          | they differ from here on",
        "observed: ann reads b'ackhallo'",
        "exchange:",
    ]
    assert lines[at + 5] == "again:    socketserver-reference check chat --only CHAT-2"


def test_the_row_in_which_it_shows_is_marked_and_what_was_replayed_is_told_after_it() -> None:
    told = violation([*did(*join("ann"), Say("ann", b"hi")), Waited("ann", 5.0)], observed="ann reads nothing")
    told.replays = Replays(2, 3)
    lines = text.write(report(told))
    assert lines[lines.index("exchange:") :][:6] == [
        "exchange:",
        "   1  ann connects",
        "   2  ann says b'ann is here'",
        "   3  ann says b'hi'",
        "      ann reads nothing for 5 s   <- it shows here",
        "replayed: shown 2 of 3 times on fresh servers",
    ]


def test_nothing_is_marked_where_there_are_no_bytes_to_compare() -> None:
    lines = text.write(report(VIOLATIONS["CHAT-2"]("ann reads b'ackhello'", "ann reads nothing", [])))
    assert not any("differs" in line for line in lines)


def test_what_must_hold_comes_first_and_long_stories_are_cut_unless_all_is_asked_for() -> None:
    exchange = [f"   {number}  ann connects" for number in range(100)]
    told = [VIOLATIONS[id]("this", "that", exchange) for id in ("CHAT-16", "CHAT-12")]
    broken = Report("chat", "it", [Verdict(CLAUSES[one.clause_id], "violated", violation=one) for one in told])
    lines = text.write(broken)
    first, second = (lines.index(next(line for line in lines if line.startswith(id))) for id in ("CHAT-12", "CHAT-16"))
    assert (second - first, lines.index("", second) - second) == (41, 20)
    assert "      ... 65 lines left out: -v shows them ..." in lines
    assert exchange[-1] in lines
    assert not any("left out" in line for line in text.write(broken, whole=True))
