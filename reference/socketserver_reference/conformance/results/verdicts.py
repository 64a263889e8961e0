"""The verdicts: one for every clause, from all observations of the checks."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from socketserver_reference.clauses import CLAUSES, Clause
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.wording import in_dialect
from socketserver_reference.conformance.results.known import Known, masked_by
from socketserver_reference.conformance.scenario.violation import Violation

Outcome = Literal["holds", "violated", "unconfirmed", "not-applicable", "not-checked"]

OUTCOMES: tuple[Outcome, ...] = ("holds", "violated", "unconfirmed", "not-applicable", "not-checked")


@dataclass(frozen=True)
class Verdict:
    """The verdict on one clause. `why` gives the reason of every outcome but "holds", and says what of a clause that
    holds was not asked; a violation has its own story.
    """

    clause: Clause
    outcome: Outcome
    why: str = ""
    violation: Violation | None = None
    known: Known | None = None
    """The entry that lists the clause as known to be broken."""
    seen_by: str = ""
    """The clause whose check alone has seen this one broken, if none of its own and no exploration has."""

    @property
    def stale(self) -> bool:
        """Whether the clause is listed as broken, and holds."""
        return self.known is not None and self.known.is_stale(self.outcome)


class Record:
    """The verdicts on clauses of some groups.

    A clause is violated if any check saw it broken; unconfirmed if a check did and no replay showed it; otherwise not
    checked if any check of it could not end; otherwise it holds if a check of it did, and is not applicable if none
    could be.
    """

    def __init__(
        self, groups: Iterable[str], chosen: Container[str] = CLAUSES, tellable: Container[str] = CLAUSES
    ) -> None:
        """Begin a record that lists the chosen clauses, and of the others the `tellable` ones that are violated."""
        self.groups = tuple(groups)
        self._chosen = chosen
        self._tellable = tellable
        self.explored: list[str] = []
        """What the state machines did, a line each."""
        self.dialect = NOTE
        """The dialect that the clients spoke."""
        self._violations: dict[str, Violation] = {}
        self._told: set[str] = set()  # violated clauses whose story is that of their own check
        self._seen_by: dict[str, str] = {}
        self._said: dict[str, dict[Outcome, str]] = {}

    @property
    def clauses(self) -> list[Clause]:
        """The clauses the record lists, in the order of the table."""
        of_groups = [clause for clause in CLAUSES.values() if clause.group in self.groups]
        return [clause for clause in of_groups if clause.id in self._chosen or self._is_told(clause)]

    def _is_told(self, clause: Clause) -> bool:
        return clause.id in self._violations and clause.id in self._tellable

    def note(self, clause: str, outcome: Outcome, why: str = "") -> None:
        """Note how a check of the clause ended."""
        self._said.setdefault(clause, {}).setdefault(outcome, why)

    def note_violation(self, violation: Violation, about: str = "") -> None:
        """Note that a clause was seen broken, by a check `about` it or another; the first that was confirmed is kept,
        or the first by a check of its own, or the first at all.
        """
        clause = violation.clause_id
        own = clause == about
        if own or not about:
            self._seen_by[clause] = ""
        self._seen_by.setdefault(clause, about)
        before = self._violations.get(clause)
        if before is None or (before.unconfirmed and not violation.unconfirmed):
            self._violations[clause] = violation
        if own and clause not in self._told and not violation.unconfirmed and self._violations[clause].replays is None:
            self._told.add(clause)
            self._violations[clause] = violation

    @property
    def broken(self) -> list[str]:
        """The clauses that have been seen broken so far, in replays too."""
        return [clause for clause, violation in self._violations.items() if not violation.unconfirmed]

    def verdict(self, clause: Clause) -> Verdict:
        """Return the verdict on one clause, as far as it is known, with the clause in the dialect's words."""
        clause = in_dialect(clause, self.dialect)
        violation = self._violations.get(clause.id)
        if violation is not None:
            outcome: Outcome = "unconfirmed" if violation.unconfirmed else "violated"
            return Verdict(clause, outcome, violation.observed, violation, seen_by=self._seen_by[clause.id])
        said = self._said.get(clause.id, {})
        for other in ("not-checked", "holds", "not-applicable"):
            if other in said:
                return Verdict(clause, other, said[other] or _in_part(said))
        return Verdict(clause, "not-checked", "no check of it ran")

    def verdicts(self) -> list[Verdict]:
        """Return the verdicts on all clauses."""
        return [self.verdict(clause) for clause in self.clauses]


def _in_part(said: Mapping[Outcome, str]) -> str:
    """Return why a clause holds in part alone, or ""."""
    return f"in part: {said['not-applicable']}" if "not-applicable" in said else ""


def mark(verdicts: Iterable[Verdict], entries: Sequence[Known]) -> list[Verdict]:
    """Return the verdicts, each with the entry that lists its clause."""
    listed = {entry.clause: entry for entry in entries}
    return [replace(verdict, known=listed.get(verdict.clause.id)) for verdict in verdicts]


def masked(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the clauses that were not checked because of a known failure."""
    reasons = {masked_by(verdict.clause.id) for verdict in verdicts if verdict.known and verdict.outcome == "violated"}
    return [verdict.clause.id for verdict in verdicts if verdict.outcome == "not-checked" and verdict.why in reasons]
