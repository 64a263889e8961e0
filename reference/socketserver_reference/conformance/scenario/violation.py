"""What is wrong, in words and as exceptions.

Hypothesis tells bugs apart by the type of the exception, so every clause has a type of its own: otherwise the shrinker,
looking for a shorter failure of one clause, would end at a failure of another.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.scenario.transcript import Transcript


@dataclass(frozen=True)
class Finding:
    """What an oracle holds against a server: clauses it may break, the likeliest first, what was due, what came."""

    clauses: tuple[str, ...]
    expected: str
    observed: str
    absent: bool = False
    """Whether nothing came, rather than something wrong."""
    also: tuple[str, ...] = ()
    """Clauses that would explain it as well, if they are known to be broken; on their own it says nothing of them."""

    def clause(self, about: str | None) -> str:
        """Return the clause to report: the one the scenario is about if it is among them, otherwise the likeliest."""
        return about if about in self.clauses else self.clauses[0]

    def without(self, meaningless: Container[str]) -> "Finding":
        """Return the finding without the clauses that say nothing of this server; itself, if that leaves none."""
        clauses = tuple(clause for clause in self.clauses if clause not in meaningless)
        also = tuple(clause for clause in self.also if clause not in meaningless)
        return replace(self, clauses=clauses, also=also) if clauses else self


class Violation(AssertionError):
    """The server broke a clause, and this is the exchange that shows it."""

    clause_id: ClassVar[str]

    def __init__(self, expected: str, observed: str, exchange: Sequence[str]) -> None:
        super().__init__(expected, observed, tuple(exchange))
        self.expected = expected
        self.observed = observed
        self.exchange = tuple(exchange)
        self.candidates: tuple[str, ...] = (self.clause_id,)
        """All clauses that the observation may come from, this one included."""
        self.absent = False
        """Whether nothing came, rather than something wrong."""
        self.after_scenario = False
        """Whether it was seen only after the scenario, when everybody was seen whole once more."""
        self.explored = False
        """Whether exploration found it, and no directed scenario did."""
        self.note = ""
        """Anything a reader should know about this finding: that it came back in so many replays, say."""
        self.unscripted = ""
        """Why no script can show it, if none can."""
        self.transcript: Transcript | None = None
        """The exchange as data, if it was played on a stage: for diagrams, and to play it again."""

    def of(self, clause: str) -> "Violation":
        """Return the same observation as a violation of another clause."""
        other = VIOLATIONS[clause](self.expected, self.observed, self.exchange)
        vars(other).update(vars(self))
        return other

    def lines(self) -> list[str]:
        """Return the whole story, a line each: clause, expected, observed, exchange."""
        story = [str(CLAUSES[self.clause_id]), f"expected: {self.expected}", f"observed: {self.observed}"]
        return [*story, *([f"note:     {self.note}"] if self.note else []), "exchange:", *self.exchange]

    def __str__(self) -> str:
        return "\n".join(self.lines())


VIOLATIONS: dict[str, type[Violation]] = {
    id: type("Violates" + id.replace("-", ""), (Violation,), {"clause_id": id, "__module__": __name__})
    for id in CLAUSES
}
"""Clause id -> the exception that reports it."""
