"""Runs an exploration: Hypothesis draws the steps of clients, the same stage plays them, the same oracle judges.

The machines are in `chat_machines.py` and `echo_machines.py`. A known violation ends a run quietly; a new one is kept
as first seen, shrunk by Hypothesis for a bounded time, and replayed to say how often it recurs. The user never reads
the message of Hypothesis about a failure that does not replay.
"""

from collections.abc import Container
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.database import ExampleDatabase
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from socketserver_reference.clauses import CLAUSES, Profile
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.exploration.campaign import Campaign
from socketserver_reference.conformance.exploration.chat_machines import AbruptChatMachine, PoliteChatMachine
from socketserver_reference.conformance.exploration.constants import without_constants_of_modules
from socketserver_reference.conformance.exploration.echo_machines import (
    AbruptDatagramMachine,
    AbruptEchoMachine,
    DatagramMachine,
    EchoMachine,
)
from socketserver_reference.conformance.exploration.examples import kept_at
from socketserver_reference.conformance.exploration.handshake_rules import with_handshakes
from socketserver_reference.conformance.exploration.machine import Machine
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.scenario.text import counted
from socketserver_reference.conformance.scenario.violation import Violation

MAX_STEPS = {"chat": 50, "echo": 10, "datagram": 20}
"""Protocol -> most rules in one run."""

RUNS_PER_SEED = 10
"""Runs from one seed before another is derived, since the runs of one seed resemble each other."""


def machine_for(protocol: str, profile: Profile, dialect: Dialect) -> Any:
    """Return the machine that explores servers of this dialect; it lacks its campaign."""
    machine = MACHINES[protocol, profile]
    return with_handshakes(machine) if protocol == "chat" and dialect.handshake else machine


def most_steps(protocol: str, dialect: Dialect) -> int:
    """Return how many rules a run of such servers may have."""
    return dialect.limits.rounds(MAX_STEPS[protocol], utterances=3, joins=1)  # the most that one rule may use


def _draw(
    machine: Any, steps: int, with_seed: str, runs: int, database: ExampleDatabase | None = None, *, first: bool = False
) -> None:
    """Have Hypothesis draw so many runs, the `first` ones after those that failed before; raise the failure that it
    shrank to.
    """
    chosen = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=database,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        phases=[*([Phase.reuse] if first else []), Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with without_constants_of_modules():
        run_state_machine_as_test(seed(with_seed)(machine), settings=chosen)


def _seen_again(clauses: set[str], session: Session) -> str:
    """Return a text about the violations that ended runs quietly: known ones, and those that are not asked."""
    known = ", ".join(sorted(clauses & session.masking.known))
    left_out = ", ".join(sorted(clauses - session.masking.known))
    again = f"; saw {known} broken again" if known else ""
    return f"{again}; saw {left_out} broken, which is not asked" if left_out else again


def explore(
    session: Session,
    record: Record,
    protocol: str,
    profile: Profile,
    *,
    examples: int,
    with_seed: int,
    database: str = "",
    kept_as: str = "",
    chosen: Container[str] = CLAUSES,
) -> None:
    """Explore the server with the machine of a profile; raise the Violation of the first chosen clause found broken.

    What failed is kept in the `database`, if there is one, and comes first in the next exploration of the same server
    in the same dialect, `kept_as` the same.
    """
    campaign = Campaign(session, profile, examples, chosen)
    base = machine_for(protocol, profile, session.dialect)
    # Hypothesis keeps examples by the name of the machine, and drops those that do not fail: so a server has its own.
    named = f"{base.__name__} {kept_as}, {session.target}, {session.dialect.name}"
    machine: Any = type(named, (base,), {"campaign": campaign})
    steps = most_steps(protocol, session.dialect)
    try:
        with kept_at(database) as kept:
            for begun in range(0, examples, RUNS_PER_SEED):
                if not campaign.over:
                    count = min(RUNS_PER_SEED, examples - begun)
                    _draw(machine, steps, f"{with_seed}, from run {begun}", count, kept, first=not begun)
    except (Violation, HypothesisException, NotChecked):
        if not campaign.found:
            raise
    cut_short = ""
    if campaign.runs < examples and not campaign.found:
        cut_short = f" of {examples}: {campaign.why_stopped}"
    again = _seen_again(set(campaign.known), session)
    runs, played = counted(campaign.runs, "run"), counted(campaign.steps, "step")
    record.explored.append(f"{protocol}, {profile}: {runs}{cut_short}, {played} (seed {with_seed}){again}")
    confirmed = [campaign.confirm(clause, finding) for clause, finding in campaign.found.items()]
    told: dict[str, Violation] = {}
    for violation in filter(None, confirmed):  # two findings may turn out to break one clause, or one that is known
        told.setdefault(violation.clause_id, violation)
    reported = [violation for clause, violation in told.items() if clause not in session.masking.known]
    for violation in reported:
        violation.explored = True
        if violation.unconfirmed:
            session.acquit(violation)
        else:
            session.masking.known.add(violation.clause_id)
        record.note_violation(violation)
    for clause in session.masking.expected_failures.intersection(campaign.known).difference(record.broken):
        violation = campaign.known[clause]
        violation.explored = True
        violation.note = "found by exploration; not shrunk, since it is known"
        record.note_violation(violation)
    if reported:
        raise min(reported, key=lambda violation: violation.unconfirmed)
    if campaign.stopped is not None:
        raise campaign.stopped


MACHINES: dict[tuple[str, Profile], type[Machine]] = {
    ("chat", "basic"): PoliteChatMachine,
    ("chat", "hardened"): AbruptChatMachine,
    ("echo", "basic"): EchoMachine,
    ("echo", "hardened"): AbruptEchoMachine,
    ("datagram", "basic"): DatagramMachine,
    ("datagram", "hardened"): AbruptDatagramMachine,
}
"""Protocol and profile -> the machine that explores it."""
