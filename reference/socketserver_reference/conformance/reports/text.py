"""The report on a terminal."""

from socketserver_reference.clauses import PROFILES
from socketserver_reference.conformance.results.report import Report, counted, line
from socketserver_reference.conformance.scenario.text import printable


def write(report: Report) -> list[str]:
    """Return the whole report: the stories of the violations, then every clause, profile by profile.

    Known failures get no story here; the other reports have it. Of a server that speaks another dialect, it says only
    that.
    """
    if report.misfit:
        return [printable(line) for line in ("", *report.misfit, "", *report.news, report.conclusion)]
    lines: list[str] = []
    for verdict in report.verdicts:
        if verdict.violation is not None and verdict.known is None:
            lines += ["", *verdict.violation.lines(verdict.clause)]
    for profile in PROFILES:
        of_profile = [verdict for verdict in report.verdicts if verdict.clause.profile == profile]
        if of_profile:
            known = sum(verdict.known is not None and verdict.outcome == "violated" for verdict in of_profile)
            told = f" ({known} of them known)" if known else ""
            lines += ["", f"{profile}: {counted(of_profile)}{told}", *(f"  {line(verdict)}" for verdict in of_profile)]
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
