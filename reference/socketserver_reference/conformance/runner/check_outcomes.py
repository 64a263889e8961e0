"""The verdict on a clause from the end of its check, and the wording of the pytest report."""

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.wording import in_dialect
from socketserver_reference.conformance.results import known
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.results.verdicts import Outcome
from socketserver_reference.conformance.scenario.violation import Violation

WORST_FIRST: tuple[Outcome, ...] = ("violated", "unconfirmed", "not-checked", "holds", "not-applicable")
"""Of several outcomes for one clause, the first in this order counts."""


def outcome_of(clause: str | None, error: BaseException | None) -> tuple[Outcome, str]:
    """Return the outcome for the clause that a check decides, and why, from the exception that ended the check."""
    if error is None:
        return "holds", ""
    if isinstance(error, NotApplicable):
        return "not-applicable", str(error)
    if isinstance(error, Violation):
        if clause in (None, error.clause_id):
            return "unconfirmed" if error.unconfirmed else "violated", ""
        if error.unconfirmed:  # the scenario was played once more, and showed nothing
            return "holds", ""
        return ("holds", "") if error.spares else ("not-checked", known.masked_by(error.clause_id))
    from socketserver_reference.conformance.targets.base import CannotCheck  # other projects need not load it

    if isinstance(error, NotChecked | CannotCheck):
        return "not-checked", str(error)
    return "not-checked", f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def explain(
    report: pytest.TestReport,
    clause: str | None,
    error: BaseException | None,
    entry: Known | None,
    *,
    strict: bool,
    dialect: Dialect = NOTE,
) -> None:
    """Show a violation as its story, without a traceback; report as skipped or xfail an end that is no failure.

    `clause` is the one that the check decides. It fails if that had to be decided and was not. `entry` lists the
    violated clause as known to be broken.
    """
    outcome, why = outcome_of(clause, error)
    undecided = outcome == "not-checked" and clause is not None and (strict or CLAUSES[clause].level == "MUST")
    if isinstance(error, Violation):
        report.longrepr = "\n".join(error.lines(in_dialect(CLAUSES[error.clause_id], dialect)))
        excused = _excused(error, entry, strict=strict)
        if excused and undecided:
            report.longrepr = f"{clause} could not be checked: {why}\n{report.longrepr}"
        elif excused:
            report.outcome = "skipped"
            seen = f"{error.observed}; {error.confirmation}" if error.unconfirmed else error.observed
            report.wasxfail = f"{error.clause_id} is {excused}: {seen}"
    elif isinstance(error, NotChecked) and undecided:
        report.longrepr = f"{clause} could not be checked: {why}"
    elif isinstance(error, NotApplicable | NotChecked):
        report.outcome = "skipped"
        report.longrepr = (report.location[0], report.location[1] or 0, f"{type(error).__name__}: {error}")


def _excused(violation: Violation, entry: Known | None, *, strict: bool) -> str:
    """Say why a violation is no failure, or return ""."""
    if violation.unconfirmed and not strict:
        return "unconfirmed"
    if entry is not None:
        return str(entry)
    return "a SHOULD" if CLAUSES[violation.clause_id].level == "SHOULD" and not strict else ""
