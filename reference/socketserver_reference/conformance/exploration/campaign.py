"""One exploration of one server: what it may spend, and what it has found.

A violation that is known ends a run quietly; a new one is kept as it was first seen, and played again in the end."""

import time
from dataclasses import dataclass

from socketserver_reference.clauses import Profile
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Violation

SHRINK_TIMEOUT = 0.25
"""Timeout in seconds while a failure that has been seen is made shorter."""

SHRINK_BUDGET = 10.0
"""Seconds for making one failure shorter."""

REPLAYS = 3
"""Times that a failure found by exploration is played again."""

EXPLORATION_BUDGET = 30.0
"""Seconds for exploring at thirty runs; a server that needs more is slow, and the report says how far it got."""


@dataclass
class ExplorationFinding:
    """A violation that exploration found: as first seen, and the shortest run that showed it since."""

    first: Violation
    steps: list[Step]
    premature: bool
    """Whether something did not come, but not for as long as it may take."""


class Campaign:
    """One exploration of one server: what it may spend, and what it found."""

    def __init__(self, session: Session, profile: Profile, examples: int) -> None:
        self.session = session
        self.profile = profile
        self.found: dict[str, ExplorationFinding] = {}
        self.runs = 0
        self.steps = 0
        self.known: dict[str, Violation] = {}
        self.stopped: NotChecked | Violation | None = None
        self._until = time.monotonic() + EXPLORATION_BUDGET * max(1.0, examples / 30)

    @property
    def over(self) -> bool:
        """Whether the time is up: what is left of a run, and of the runs, then does nothing."""
        return time.monotonic() > self._until

    @property
    def timeout(self) -> float:
        return min(SHRINK_TIMEOUT, self.session.timeout) if self.found else self.session.timeout

    def stop(self, why: NotChecked | Violation) -> None:
        """End the exploration: nothing more can be found out."""
        self.stopped = why
        self._until = 0.0

    @property
    def why_stopped(self) -> str:
        """Why there were not as many runs as there should have been."""
        if isinstance(self.stopped, Violation):
            return f"the server broke {self.stopped.clause_id} before"
        return str(self.stopped or "the time was up")

    def note_violation(self, violation: Violation, steps: list[Step]) -> Violation | None:
        """Keep a violation if it is news, or shorter than before; return what the run has failed by, if it has."""
        try:
            self.session.note_violation(violation)
        except NotChecked:  # it may be somebody else's doing
            return None
        if known := self.session.explanation_of(violation):
            self.known.setdefault(known, violation.of(known))
            return None
        clause = self._found_as(violation)
        if not self.found:
            self._until = time.monotonic() + SHRINK_BUDGET
        premature = violation.absent and self.timeout < self.session.full_timeout
        finding = self.found.setdefault(clause, ExplorationFinding(violation, steps, premature))
        if len(steps) < len(finding.steps):
            finding.steps = steps
        return violation.of(clause)

    def _found_as(self, violation: Violation) -> str:
        """Return the clause as which a violation counts: one that has been found here, if it fits."""
        fitting = [clause for clause in (violation.clause_id, *violation.candidates) if clause in self.found]
        return fitting[0] if fitting else violation.clause_id

    def confirm(self, clause: str, finding: ExplorationFinding) -> Violation | None:
        """Play the shortest run that showed a violation again, patiently; return what to report, if anything."""
        again: list[Violation] = []
        for _ in range(REPLAYS):
            try:
                self.session.prepare()
                with self.session.stage(abrupt=self.profile == "hardened", timeout=self.session.full_timeout) as stage:
                    stage.play(finding.steps)
                self.session.check_alive(stage)
            except Violation as violation:
                try:
                    self.session.note_violation(violation)
                except NotChecked:  # it may be somebody else's doing
                    continue
                if not self.session.explanation_of(violation) and clause in (
                    violation.clause_id,
                    *violation.candidates,
                ):
                    again.append(violation.of(clause))
            except (NotChecked, Ambiguous):
                break
        if finding.premature and not again:  # what did not come may have been under way
            return None
        reported = again[0] if again else finding.first
        reported.note = (
            f"found by exploration; the steps below broke the clause again in {len(again)} of {REPLAYS} replays"
        )
        return reported
