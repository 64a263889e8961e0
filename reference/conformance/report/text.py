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
    if report.waived:
        lines += ["", f"waived by the dialect {plain(report.dialect)}:"]
        lines += [f"  {plain(what)}: {plain(why)}" for what, why in report.waived]
    if report.explored:
        lines += ["", "explored:", *(f"  {told}" for told in report.explored)]
    return [*lines, "", report.conclusion]
