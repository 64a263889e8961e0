"""One exploration of one server: its time budget and its findings.

A known violation ends a run quietly; a new one is kept, and confirmed at the end."""

import time
from collections.abc import Container
from dataclasses import dataclass

from socketserver_reference.clauses import CLAUSES, Profile
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.violation import Violation

SHRINK_TIMEOUT = 0.25
"""Timeout in seconds while a failure is shrunk."""

SHRINK_BUDGET = 10.0
"""Seconds to shrink one failure."""

EXPLORATION_BUDGET = 30.0
"""Seconds for an exploration of thirty runs; for a slow server, the report says how many runs it made."""


def _length(violation: Violation) -> int:
    return len(violation.scenes[-1].steps)


@dataclass
class ExplorationFinding:
    """A violation found by exploration, in shorter and shorter runs: the first that showed it, and each shorter one.

    While Hypothesis shrinks, a server that is only slow may seem to break the same clause in a run that is shorter yet.
    """

    runs: list[Violation]
    premature: bool
    """Whether expected data was missing, but only within a timeout shorter than the full one."""

    def note(self, violation: Violation) -> None:
        """Keep a run that is shorter than all before; of the same length, the later is simpler."""
        if _length(violation) == _length(self.runs[-1]):
            self.runs[-1] = violation
        elif _length(violation) < _length(self.runs[-1]):
            self.runs.append(violation)

    @property
    def likely(self) -> list[Violation]:
        """The runs to confirm, the shortest first: the two shortest, and the first of all."""
        shortest_first = self.runs[::-1]
        return shortest_first[:2] + shortest_first[2:][-1:]


class Campaign:
    """One exploration of one server: its time budget and its findings."""

    def __init__(self, session: Session, profile: Profile, examples: int, chosen: Container[str] = CLAUSES) -> None:
        self._chosen = chosen
        self.session = session
        self.profile = profile
        self.found: dict[str, ExplorationFinding] = {}
        self.runs = 0
        self.steps = 0
        self.known: dict[str, Violation] = {}
        self.stopped: NotChecked | Violation | None = None
        self._until = min(
            time.monotonic() + EXPLORATION_BUDGET * max(1.0, examples / 30), session.budget.last_run(profile)
        )

    @property
    def over(self) -> bool:
        """Whether the time is up; the rest of this run, and all later runs, then do nothing."""
        return time.monotonic() > self._until

    @property
    def timeout(self) -> float:
        return min(SHRINK_TIMEOUT, self.session.timeout) if self.found else self.session.timeout

    def stop(self, why: NotChecked | Violation) -> None:
        """End the exploration, because nothing more can be found."""
        self.stopped = why
        self._until = 0.0

    @property
    def why_stopped(self) -> str:
        """Why there were fewer runs than requested."""
        if isinstance(self.stopped, Violation):
            return f"the server broke {self.stopped.clause_id} before"
        return str(self.stopped or "the time was up")

    def note_violation(self, violation: Violation) -> Violation | None:
        """Keep a violation if it is new, or its run is shorter; return the violation that fails the run, if any."""
        try:
            self.session.note_violation(violation)
        except NotChecked:  # another cause may explain it
            return None
        if known := self.session.explanation_of(violation):
            self.known.setdefault(known, violation.of(known))
            return None
        clause = self._found_as(violation)
        if clause not in self._chosen:
            self.known.setdefault(clause, violation.of(clause))
            return None
        if not self.found:
            self._until = time.monotonic() + SHRINK_BUDGET
        premature = violation.absent and self.timeout < self.session.full_timeout
        if clause in self.found:
            self.found[clause].note(violation)
        else:
            self.found[clause] = ExplorationFinding([violation], premature)
        return violation.of(clause)

    def _found_as(self, violation: Violation) -> str:
        """Return the clause that a violation counts for: a candidate that already has a finding, if there is one."""
        fitting = [clause for clause in (violation.clause_id, *violation.candidates) if clause in self.found]
        return fitting[0] if fitting else violation.clause_id

    def confirm(self, clause: str, finding: ExplorationFinding) -> Violation | None:
        """Return the violation to report, as it showed in replays; None if the missing data was only late, or if a
        limit of the server explains it.

        The shortest run that shows decides the clause: what the first run held besides may have suggested another.
        """
        told = None
        for seen in finding.likely:
            told = self._confirm(clause, finding, seen) or told
            if told is not None and not told.unconfirmed:
                break
        return told

    def _confirm(self, clause: str, finding: ExplorationFinding, seen: Violation) -> Violation | None:
        own = seen.clause_id
        violation = seen.of(own if own in self._chosen and own not in self.found else clause)
        violation.note = "found by exploration"
        if finding.premature and not self.session.site.restartable and not self._shows_with_full_timeout(violation):
            return None
        told = self.session.confirm(violation)
        if told is None or (told.unconfirmed and finding.premature):
            return None
        return told

    def _shows_with_full_timeout(self, violation: Violation) -> bool:
        """Whether a violation shows with the full timeout on the same server."""
        try:
            self.session.prepare()
            with self.session.stage_of(violation.scenes[-1], self.session.full_timeout) as stage:
                stage.play(list(violation.scenes[-1].steps))
        except Violation as seen:
            return violation.clause_id in (seen.clause_id, *seen.candidates)
        except (NotChecked, Ambiguous):
            pass
        return False
