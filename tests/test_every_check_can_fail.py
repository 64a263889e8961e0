"""For every clause of the wire a bug that breaks it: the checks that decide the clause report it, and nothing else."""

import pytest

from reference.clauses import CLAUSES
from reference.conformance.suite import NotChecked
from reference.conformance.violation import Violation
from tests.directed import outcomes
from tests.planted import BUGS, Bug

PATIENCE = 0.3


def test_there_is_a_bug_for_every_clause_of_the_wire() -> None:
    assert {clause for clause, _ in BUGS.values()} == {
        clause.id for clause in CLAUSES.values() if clause.observer != "in-process"
    }


@pytest.mark.parametrize(
    ("clause", "bug"), [pytest.param(*found, id=f"{found[0]} {name}") for name, found in BUGS.items()]
)
def test_a_bug_is_reported_as_the_clause_it_breaks(clause: str, bug: Bug) -> None:
    reported = set()
    for _, _, outcome in outcomes(bug.protocol, bug.target(), PATIENCE, clause):
        violation = outcome.violation if isinstance(outcome, NotChecked) else outcome
        if isinstance(violation, Violation):
            reported.add(violation.clause_id)
    assert reported == {clause}
