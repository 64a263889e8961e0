"""Findings, and an exception for each clause.

Hypothesis distinguishes bugs by the type of the exception. So each clause has a type of its own: otherwise the shrinker
could replace a failure of one clause by a shorter failure of another.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.scenario.transcript import Transcript


@dataclass(frozen=True)
class Finding:
    """What an oracle finds wrong: the clauses it may break, the likeliest first, what was due, and what came."""

    clauses: tuple[str, ...]
    expected: str
    observed: str
    absent: bool = False
    """Whether nothing came, rather than something wrong."""
    also: tuple[str, ...] = ()
    """Clauses that also explain it if they are known to be broken; the finding alone is no evidence against them."""

    def clause(self, about: str | None) -> str:
        """Return the clause to report: the scenario's own if it is among the candidates, otherwise the likeliest."""
        return about if about in self.clauses else self.clauses[0]

    def without(self, meaningless: Container[str]) -> "Finding":
        """Return the finding without the clauses that are meaningless for this server; unchanged if none is left."""
        clauses = tuple(clause for clause in self.clauses if clause not in meaningless)
        also = tuple(clause for clause in self.also if clause not in meaningless)
        return replace(self, clauses=clauses, also=also) if clauses else self


class Violation(AssertionError):
    """The server broke a clause; `exchange` shows it."""

    clause_id: ClassVar[str]

    def __init__(self, expected: str, observed: str, exchange: Sequence[str]) -> None:
        super().__init__(expected, observed, tuple(exchange))
        self.expected = expected
        self.observed = observed
        self.exchange = tuple(exchange)
        self.candidates: tuple[str, ...] = (self.clause_id,)
        """All clauses that may explain the observation, including this one."""
        self.absent = False
        """Whether nothing came, rather than something wrong."""
        self.after_scenario = False
        """Whether it came up only after the scenario, in the final steps."""
        self.explored = False
        """Whether exploration found it and no directed scenario did."""
        self.note = ""
        """A remark for the reader: in how many replays it came back, for example."""
        self.unscripted = ""
        """Why no script can show it, if none can."""
        self.transcript: Transcript | None = None
        """The exchange as data, if a stage played it: for diagrams and replays."""

    def of(self, clause: str) -> "Violation":
        """Return the same observation as a violation of another clause."""
        other = VIOLATIONS[clause](self.expected, self.observed, self.exchange)
        vars(other).update(vars(self))
        return other

    def lines(self) -> list[str]:
        """Return the lines of a report: clause, expected, observed, note, exchange."""
        story = [str(CLAUSES[self.clause_id]), f"expected: {self.expected}", f"observed: {self.observed}"]
        return [*story, *([f"note:     {self.note}"] if self.note else []), "exchange:", *self.exchange]

    def __str__(self) -> str:
        return "\n".join(self.lines())


VIOLATIONS: dict[str, type[Violation]] = {
    id: type("Violates" + id.replace("-", ""), (Violation,), {"clause_id": id, "__module__": __name__})
    for id in CLAUSES
}
"""Clause id -> the exception that reports it."""
