"""The report on a terminal."""

from reference.clauses import PROFILES
from reference.conformance.report import Report, counted, line, plain


def write(report: Report) -> list[str]:
    """Return the whole report: the stories of the violations, then every clause, profile by profile."""
    lines: list[str] = []
    for verdict in report.verdicts:
        if verdict.violation is not None:
            lines += ["", *verdict.violation.lines()]
    for profile in PROFILES:
        of_profile = [verdict for verdict in report.verdicts if verdict.clause.profile == profile]
        if of_profile:
            lines += ["", f"{profile}: {counted(of_profile)}", *(f"  {line(verdict)}" for verdict in of_profile)]
    if report.explored:
        lines += ["", "explored:", *(f"  {told}" for told in report.explored)]
    if report.changes or report.waived:
        lines += ["", f"in the dialect {plain(report.dialect)}:"]
        lines += [f"  {plain(clause):<8} {plain(what)}" for clause, what in report.changes]
        lines += [f"  {plain(clause):<8} not asked: {plain(why)}" for clause, why in report.waived]
    return [*lines, "", report.conclusion]
