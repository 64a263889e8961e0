"""The report on a terminal."""

from collections.abc import Iterator, Sequence

from socketserver_reference.clauses import PROFILES
from socketserver_reference.conformance.reports.story import ViolationStory, first_difference
from socketserver_reference.conformance.results.report import Report, counts, line
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.transcript import NUMBER_WIDTH
from socketserver_reference.conformance.scenario.violation import Violation

MAX_VIOLATION_LINES = {"MUST": 40, "SHOULD": 20}
"""Level of a clause -> lines about its violation, unless all are asked for."""

LAST_LINES = 8
"""Lines of these that end the exchange, where the violation shows."""


def write(report: Report, *, whole: bool = False) -> list[str]:
    """Return the whole report: the stories of the violations, then every clause, profile by profile.

    A long story is cut in the middle, unless the `whole` is asked for. Known failures get no story here; the other
    reports have it. Of a server that speaks another dialect, it says only that.
    """
    if report.misfit:
        return [printable(line) for line in ("", *report.misfit, "", *report.news, report.conclusion)]
    lines: list[str] = []
    for verdict in sorted(report.verdicts, key=lambda verdict: verdict.clause.level == "SHOULD"):
        if verdict.violation is not None and verdict.known is None:
            lines += ["", *_shortened(list(_story(verdict, report.again(verdict.clause.id))), verdict, whole=whole)]
    for profile in PROFILES:
        of_profile = [verdict for verdict in report.verdicts if verdict.clause.profile == profile]
        if of_profile:
            known = sum(verdict.known is not None and verdict.outcome == "violated" for verdict in of_profile)
            told = f" ({known} of them known)" if known else ""
            found = counts(verdict.outcome for verdict in of_profile)
            lines += ["", f"{profile}: {found}{told}", *(f"  {line(verdict)}" for verdict in of_profile)]
    if report.explored:
        lines += ["", "explored:", *(f"  {told}" for told in report.explored)]
    if report.changes or report.waived:
        lines += ["", f"in the dialect {printable(report.dialect)}:"]
        lines += [f"  {printable(clause):<8} {printable(what)}" for clause, what in report.changes]
        lines += [f"  {printable(clause):<8} not asked: {printable(why)}" for clause, why in report.waived]
    if report.scripts:
        lines += ["", "reproductions:", *(f"  {told}" for told in report.scripts)]
    if report.baseline is not None:
        lines += ["", *report.baseline.lines()]
    return [printable(line) for line in (*lines, "", *report.news, report.conclusion)]


def _story(verdict: Verdict, again: str) -> Iterator[str]:
    """Yield the lines about a violation; between what was expected and what was observed, a mark where they differ."""
    assert verdict.violation is not None
    lines = verdict.violation.lines(verdict.clause)
    if (place := _place(verdict.violation, lines)) is not None:
        lines[place] += "   <- it shows here"
    at = first_difference(verdict.violation.expected, verdict.violation.observed)
    for told in lines:
        if told.startswith("observed: ") and at is not None:
            yield f"{'':{len('observed: ') + at}}| they differ from here on"
        yield told
    if again:
        yield f"again:    {again}"


def _place(violation: Violation, lines: Sequence[str]) -> int | None:
    """Return the number of the line in which the violation shows; None if no line is known to be it."""
    shown = [event.line for event in ViolationStory.of(violation).events if event.shows]
    places = [at for at, line in enumerate(lines) if line[NUMBER_WIDTH:].strip() in shown]
    return places[-1] if places else None


def _shortened(lines: list[str], verdict: Verdict, *, whole: bool) -> list[str]:
    """Return the lines without some in the middle of the exchange, where they are too many."""
    most = MAX_VIOLATION_LINES[verdict.clause.level]
    if whole or len(lines) <= most:
        return lines
    left_out = len(lines) - most + 1
    first = most - 1 - LAST_LINES
    return [*lines[:first], f"      ... {left_out} lines left out: -v shows them ...", *lines[-LAST_LINES:]]
