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
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver.playing import Playing
from socketserver_reference.conformance.driver.session import Performer
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.hosts import Served
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import Target

SUITES: dict[str, type[Conformance]] = {
    suite.protocol: suite for suite in (ChatConformance, EchoConformance, DatagramConformance)
}
"""Protocol -> the conformance class of the wire."""

BRIEF = 2.0
"""Timeout in seconds with a server that is known to break a clause, where a handler is waited for."""

Outcome = tuple[str, str, Violation | NotChecked | NotApplicable | None]
"""The clause that a check decides, the check's name, and what it raised."""


def performer_of(suite: type[Conformance], target: Target | str, timeout: float, dialect: Dialect = NOTE) -> Performer:
    """Return a performer for the checks of a conformance class; the caller closes it."""
    return Performer(
        target,
        timeout=timeout,
        oracle=suite.oracle,
        phrasing=suite.phrasing,
        greeting=suite.greeting,
        conversation=suite.conversation,
        survival=suite.survival,
        dialect=dialect,
    )


def performer(protocol: str, target: Target | str, timeout: float, dialect: Dialect = NOTE) -> Performer:
    """Return a performer for the target, as the plugin makes it; the caller closes it."""
    return performer_of(SUITES[protocol], target, timeout, dialect)


def checks(suite: type[Conformance], clause: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the clause and the name of each directed check, in their order, or of those that decide one clause."""
    for name, check in vars(suite).items():
        decided = getattr(check, "decides", None)
        if decided is not None and clause in (None, decided):
            yield decided, name


def play_all(performing: Performer, protocol: str, clause: str | None = None) -> Iterator[Outcome]:
    """Run the checks of the wire, or those of one clause; yield what came of each."""
    suite = SUITES[protocol]
    for decided, name in checks(suite, clause):
        yield _outcome(decided, name, getattr(suite(), name), Playing(performing, decided))


def outcomes(
    protocol: str, target: Target | str, timeout: float, clause: str | None = None, dialect: Dialect = NOTE
) -> Iterator[Outcome]:
    """Do that for a target of its own."""
    with closing(performer(protocol, target, timeout, dialect)) as performing:
        yield from play_all(performing, protocol, clause)


def outcomes_of_server(
    served: Served, timeout: float, clause: str | None = None, *, broken: bool = False
) -> Iterator[Outcome]:
    """Run the checks of the servers' clauses; yield what came of each.

    With a server that is known to be `broken` nobody waits long for what does not come, unless it would be news. The
    caller closes `ServerConformance.forker` in the end: forking servers leave a process there.
    """
    known: set[str] = set()
    for decided, name in checks(ServerConformance, clause):
        waiting = min(BRIEF, timeout) if known or broken else timeout
        outcome = _serve(served, waiting, decided, name)
        violation = seen(outcome)
        if violation and violation.clause_id not in known and waiting < timeout:
            outcome = _serve(served, timeout, decided, name)
            violation = seen(outcome)
        known.update([violation.clause_id] if violation else [])
        yield outcome


def _serve(served: Served, timeout: float, decided: str, name: str) -> Outcome:
    subject: type[ServerConformance] = type("Subject", (ServerConformance,), {"target": served, "timeout": timeout})
    return _outcome(decided, name, getattr(subject(), name))


def _outcome(decided: str, name: str, check: Any, *arguments: Any) -> Outcome:
    try:
        check(*arguments)
    except (Violation, NotChecked, NotApplicable) as outcome:
        return decided, name, outcome
    return decided, name, None


def seen(outcome: Outcome) -> Violation | None:
    """Return the violation that a check saw, of its own clause or another."""
    raised = outcome[2].violation if isinstance(outcome[2], NotChecked) else outcome[2]
    return raised if isinstance(raised, Violation) else None


def presume(performing: "Performer", protocol: str, entries: Iterable[Known]) -> None:
    """Let a performer know what its server is said to break: it waits briefly from the start, and asks before it takes
    any of that for the reason of something else.
    """

    listed = {entry for entry in entries if CLAUSES[entry.clause].group in SUITES[protocol].groups}
    performing.listed = frozenset(entry.clause for entry in listed)
    performing.known |= performing.listed
    performing.presumed = {entry.clause for entry in listed if not entry.sometimes}
    performing.confirm = partial(_is_broken, performing, protocol)


def _is_broken(performing: "Performer", protocol: str, clause: str) -> bool:
    """Play the clause's own checks; return False if they all hold. What cannot be found out is left as it is said."""

    return any(raised is not None for _, _, raised in play_all(performing, protocol, clause))
