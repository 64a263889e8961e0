"""Findings, and an exception for each clause.

Hypothesis distinguishes bugs by the type of the exception. So each clause has a type of its own: otherwise the shrinker
could replace a failure of one clause by a shorter failure of another.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from socketserver_reference.clauses import CLAUSES, Clause
from socketserver_reference.conformance.scenario.scene import Scene
from socketserver_reference.conformance.scenario.transcript import Transcript

Shape = Literal[
    "missing",  # a delivery or a reply does not come
    "cut",  # its beginning comes, and nothing more
    "torn",  # a part of it comes, and then something else
    "altered",
    "other form",  # its content comes, without what should stand around it
    "split",  # it comes as several
    "merged",  # several come as one
    "mixed",  # a part of something else is in it
    "empty",  # a delivery of nothing
    "extra",  # something comes that is no delivery
    "duplicated",
    "misattributed",  # it comes under the name of another client
    "misdirected",  # it comes to a client that it is not for, or from elsewhere
    "reordered",  # what a client said later comes first
    "two orders",  # two clients hear two deliveries in different orders
    "quit delivered",
    "early end",  # the stream ends too early, or by a reset
    "no end",  # the stream does not end
    "refused",
    "died",
    "late",
    "grows",  # the server holds more and more
    "starves",  # it fails where no descriptor is left
    "no restart",  # it cannot be started again at once
    "spins",  # it uses the processor though nothing happens
]
"""What happened, in a word: how what came differs from what could have come."""


@dataclass(frozen=True)
class Finding:
    """What an oracle finds wrong: the clauses it may break, the likeliest first, what was due, and what came."""

    clauses: tuple[str, ...]
    expected: str
    observed: str
    shape: Shape
    place: str = ""
    """Where that begins, in a sentence; "" if there is nothing to add."""
    absent: bool = False
    """Whether nothing came, rather than something wrong."""
    also: tuple[str, ...] = ()
    """Clauses that also explain it if they are known to be broken; the finding alone is no evidence against them."""
    delayed_by: tuple[str, ...] = ()
    """Clauses that, if they are known to be broken, explain that it comes late."""
    extra: bytes = b""
    """The frame that came although it is no delivery, if that is what happened."""

    def clause(self, about: str | None) -> str:
        """Return the clause to report: the scenario's own if it is among the candidates, otherwise the likeliest."""
        return about if about in self.clauses else self.clauses[0]

    def without(self, meaningless: Container[str]) -> "Finding":
        """Return the finding without the clauses that are meaningless for this server; unchanged if none is left."""
        clauses = tuple(clause for clause in self.clauses if clause not in meaningless)
        also = tuple(clause for clause in self.also if clause not in meaningless)
        return replace(self, clauses=clauses, also=also) if clauses else self


@dataclass(frozen=True)
class Replays:
    """How often a violation showed when its exchange was played again, each time on a fresh server."""

    shown: int
    of: int
    cause: str = ""
    """The likely cause why it did not show again."""

    def __str__(self) -> str:
        if self.shown:
            return f"shown {self.shown} of {self.of} times on fresh servers"
        times = "1 replay on a fresh server" if self.of == 1 else f"{self.of} replays on fresh servers"
        return f"not shown again in {times}: {self.cause}"


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
        self.delayed_by: tuple[str, ...] = ()
        """Clauses that explain it if it only comes late."""
        self.shape: Shape | None = None
        """What happened, in a word, if an oracle has found it."""
        self.place = ""
        """Where that begins, in a sentence."""
        self.extra = b""
        """The frame that came although it is no delivery, if that is what happened."""
        self.absent = False
        """Whether nothing came, rather than something wrong."""
        self.in_final_steps = False
        """Whether it came up only after the scenario."""
        self.spares = False
        """Whether the clause that the scenario was to decide holds all the same: this came up only in the final steps,
        or the scenario held when it was played without what triggers this.
        """
        self.before: tuple[Violation, ...] = ()
        """Violations of other clauses that the same check saw before, each in another form of its scenario."""
        self.explored = False
        """Whether exploration found it and no directed scenario did."""
        self.note = ""
        """A remark for the reader: in how many replays it came back, for example."""
        self.replays: Replays | None = None
        """How often it showed again; None if it was not played again."""
        self.unrepeatable = ""
        """Why it was not played again, if that is impossible."""
        self.unreplayed = ""
        """Why it was not played again although that is possible: no time was left, say."""
        self.uncut: Violation | None = None
        """If it shows sometimes: the same before its exchange was cut, in which it may show more often."""
        self.scenes: tuple[Scene, ...] = ()
        """The scenarios that its server had seen, that of the violation last."""
        self.exit_report: str | None = None
        """How the server had ended when it showed, or "" if it had not; None if nobody looked then."""
        self.server_ended = False
        """Whether the server was seen to have ended."""
        self.failing = ""
        """The client that read something wrong, or nothing, if there is one."""
        self.due = b""
        """The bytes that were due to it, as far as they are known."""
        self.at: int | None = None
        """How many entries of the transcript had been made then."""
        self.unscripted = ""
        """Why no script can show it, if none can."""
        self.transcript: Transcript | None = None
        """The exchange as data, if a stage played it: for diagrams and replays."""

    def of(self, clause: str) -> "Violation":
        """Return the same observation as a violation of another clause."""
        other = VIOLATIONS[clause](self.expected, self.observed, self.exchange)
        vars(other).update(vars(self))
        return other

    @property
    def unconfirmed(self) -> bool:
        """Whether it was played again and did not show, or could have been played again and was not."""
        return bool(self.unreplayed) or (self.replays is not None and not self.replays.shown)

    @property
    def shows_sometimes(self) -> bool:
        """Whether its exchange was seen to show it and not to show it."""
        return self.replays is not None and 0 < self.replays.shown < self.replays.of

    @property
    def confirmation(self) -> str:
        """How often it showed again, or why that is unknown; "" for an expected failure, which is not played again."""
        if self.unreplayed:
            return f"not replayed, so it may not be a violation: {self.unreplayed}"
        return str(self.replays or (self.unrepeatable and f"not confirmed: {self.unrepeatable}"))

    def lines(self, clause: Clause | None = None) -> list[str]:
        """Return the lines of a report: clause, expected, observed, where it begins, note, exchange, confirmation.

        `clause` is the clause in the words of the server's dialect.
        """
        story = [str(clause or CLAUSES[self.clause_id]), f"expected: {self.expected}", f"observed: {self.observed}"]
        remarks = [("that is", self.place), ("note", self.note), ("replayed", self.confirmation)]
        told = {what: [f"{what + ':':<9} {text}"] if text else [] for what, text in remarks}
        exchange = ["exchange:", *self.exchange] if self.exchange else []
        return [*story, *told["that is"], *told["note"], *exchange, *told["replayed"]]

    def __str__(self) -> str:
        return "\n".join(self.lines())


VIOLATIONS: dict[str, type[Violation]] = {
    id: type("Violates" + id.replace("-", ""), (Violation,), {"clause_id": id, "__module__": __name__})
    for id in CLAUSES
}
"""Clause id -> the exception that reports it."""
