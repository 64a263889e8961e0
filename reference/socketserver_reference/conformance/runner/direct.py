"""Runs the checks of a conformance class without pytest: for the kill matrix, and for tests of the suite itself."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.checks.base import Conformance
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.checks.datagram import DatagramConformance
from socketserver_reference.conformance.checks.echo import EchoConformance
from socketserver_reference.conformance.confirm.confirmer import QUICK, Confirmer, Effort
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver.measurements import shows
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.hosts import ServerSpec
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.runner.affinity import all_processors
from socketserver_reference.conformance.runner.options import KNOWN_BROKEN_HANDLER_TIMEOUT
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import Target

SUITES: dict[str, type[Conformance]] = {
    suite.protocol: suite for suite in (ChatConformance, EchoConformance, DatagramConformance)
}
"""Protocol -> the conformance class that checks it over the network."""

CheckResult = tuple[str, str, Violation | NotChecked | NotApplicable | None]
"""The clause that a check decides, the check's name, and what it raised."""


def session_for(
    suite: type[Conformance], target: Target | str, timeout: float, dialect: Dialect = NOTE, effort: Effort = QUICK
) -> Session:
    """Return a session for the checks of a conformance class; the caller closes it."""
    session = Session(target, suite, timeout, dialect)
    session.confirm = Confirmer(session, effort, all_processors)
    session.masking.shows = partial(shows, session)
    return session


def open_session(
    protocol: str, target: Target | str, timeout: float, dialect: Dialect = NOTE, effort: Effort = QUICK
) -> Session:
    """Return a session for the target, like those of the plugin; the caller closes it."""
    return session_for(SUITES[protocol], target, timeout, dialect, effort)


def checks(suite: type[Conformance], clause: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the clause and the name of each directed check in order, or of those that decide one clause."""
    written = {name: None for base in reversed(suite.__mro__) for name in vars(base)}
    for name in written:
        decided = getattr(getattr(suite, name), "decides", None)
        if decided is not None and clause in (None, decided):
            yield decided, name


def play_all(session: Session, protocol: str, clause: str | None = None) -> Iterator[CheckResult]:
    """Run the checks over the network, or those of one clause; yield the result of each."""
    suite = SUITES[protocol]
    for decided, name in checks(suite, clause):
        yield _outcome(decided, name, getattr(suite(), name), ScenarioRunner(session, decided))


def outcomes(
    protocol: str, target: Target | str, timeout: float, clause: str | None = None, dialect: Dialect = NOTE
) -> Iterator[CheckResult]:
    """Run the same for a target, in a session of its own."""
    with closing(open_session(protocol, target, timeout, dialect)) as session:
        yield from play_all(session, protocol, clause)


def outcomes_of_server(
    served: ServerSpec, timeout: float, clause: str | None = None, *, broken: bool = False
) -> Iterator[CheckResult]:
    """Run the checks of the SRV clauses; yield the result of each.

    With a server that is known to be `broken` the timeout is short; a new violation is checked again with the full one.
    The caller closes `ServerConformance.forker` afterwards: forking servers leave a process there.
    """
    known: set[str] = set()
    for decided, name in checks(ServerConformance, clause):
        waiting = min(KNOWN_BROKEN_HANDLER_TIMEOUT, timeout) if known or broken else timeout
        outcome = _serve(served, waiting, decided, name)
        violation = violation_of(outcome)
        if violation and violation.clause_id not in known and waiting < timeout:
            outcome = _serve(served, timeout, decided, name)
            violation = violation_of(outcome)
        known.update([violation.clause_id] if violation else [])
        yield outcome


def _serve(served: ServerSpec, timeout: float, decided: str, name: str) -> CheckResult:
    subject: type[ServerConformance] = type("Subject", (ServerConformance,), {"target": served, "timeout": timeout})
    return _outcome(decided, name, getattr(subject(), name))


def _outcome(decided: str, name: str, check: Any, *arguments: Any) -> CheckResult:
    try:
        check(*arguments)
    except (Violation, NotChecked, NotApplicable) as outcome:
        return decided, name, outcome
    return decided, name, None


def violation_of(outcome: CheckResult) -> Violation | None:
    """Return the violation that a check saw last, of its own clause or another."""
    raised = outcome[2].violation if isinstance(outcome[2], NotChecked) else outcome[2]
    return raised if isinstance(raised, Violation) else None


def violations_of(outcome: CheckResult) -> list[Violation]:
    """Return all violations that a check saw."""
    last = violation_of(outcome)
    return [*last.before, last] if last else []


def expect_failures(session: "Session", protocol: str, entries: Iterable[Known]) -> None:
    """Give a session the expected failures of its server: it uses the short timeout from the start, and checks that
    such a clause is broken before it attributes another failure to it.
    """

    listed = {entry for entry in entries if CLAUSES[entry.clause].group in SUITES[protocol].groups}
    session.masking.expected_failures = frozenset(entry.clause for entry in listed)
    session.masking.known |= session.masking.expected_failures
    session.masking.unconfirmed = {entry.clause for entry in listed if not entry.sometimes}
    session.masking.confirm_broken = partial(_is_broken, session, protocol)


def _is_broken(session: "Session", protocol: str, clause: str) -> bool:
    """Play the clause's own checks; return whether they show that it is broken."""
    seen = (violation for outcome in play_all(session, protocol, clause) for violation in violations_of(outcome))
    return any(violation.clause_id == clause for violation in seen)
