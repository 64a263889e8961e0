"""Some checks of the chat, played against servers that speak a dialect."""

from collections.abc import Sequence
from contextlib import closing, suppress

import pytest

from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner.direct import checks, open_session
from socketserver_reference.conformance.scenario.violation import Violation
from tests.servers.dialects_served import Speaker, served

TIMEOUT = 1.0

Checks = Sequence[tuple[str, str]]
"""The clause that each check decides, and the name of its method."""


def checks_in(*classes: type) -> Checks:
    """Return the checks that stand in these classes."""
    return [(clause, name) for clause, name in checks(ChatConformance) if any(name in vars(one) for one in classes)]


def broken(played: Checks, dialect: Dialect, server: type[Speaker]) -> list[str]:
    """Play the checks; return the clauses that they find broken."""
    return [violation.clause_id for _, violation in _violations(played, dialect, server)]


def undecided(played: Checks, dialect: Dialect, server: type[Speaker]) -> list[str]:
    """Play the checks; return the clauses that they were to decide, and do not, since others are broken."""
    found = _violations(played, dialect, server)
    return [clause for clause, violation in found if clause != violation.clause_id and not violation.spares]


def _violations(played: Checks, dialect: Dialect, server: type[Speaker]) -> list[tuple[str, Violation]]:
    """Play the checks that apply; return the violations that they find, each with the clause that it was to decide."""
    found = []
    with closing(open_session("chat", served(dialect, server), TIMEOUT, dialect)) as session:
        for clause, name in played:
            try:
                with suppress(NotApplicable):
                    getattr(ChatConformance(), name)(ScenarioRunner(session, clause))
            except Violation as violation:
                found.append((clause, violation))
    return found


def assert_not_applicable(played: Checks, dialect: Dialect, why: str) -> None:
    """Play the checks, of which none may apply."""
    with closing(open_session("chat", served(dialect), TIMEOUT, dialect)) as session:
        for clause, name in played:
            with pytest.raises(NotApplicable, match=why):
                getattr(ChatConformance(), name)(ScenarioRunner(session, clause))
