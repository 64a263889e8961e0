"""A violation as every report tells it: the clause, what was due, what came, and the exchange, event by event.

An event says who did or heard what, with the bytes. It is what `--json` writes, and can be read back from there.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from socketserver_reference.clauses import CLAUSES, Clause
from socketserver_reference.conformance.scenario.transcript import (
    Did,
    Ended,
    Entry,
    Heard,
    Transcript,
    Waited,
    joined,
    tell,
)
from socketserver_reference.conformance.scenario.violation import Violation

KEPT = 1024
"""Bytes of one utterance or read that a report holds."""

EVENTS = 200
"""Events at the beginning and at the end of a long exchange that a report holds."""


@dataclass(frozen=True)
class Event:
    """One thing that happened in an exchange."""

    does: str
    """A step's `verb`; or reads, ends (reads end of stream), breaks (reads a reset), waits (reads nothing), or skips
    (what happened here is left out of the report).
    """
    who: tuple[str, ...]
    """The clients who did it; none where it is everybody."""
    line: str
    """All of it in words."""
    step: int | None = None
    """Its number among the steps, unless it is something that a client read."""
    data: bytes = b""
    """The beginning of what was said or read."""
    size: int = 0
    """How many bytes that was in all."""
    sent: bytes = b""
    """The beginning of how it went over the wire, where that differs."""

    def as_json(self) -> dict[str, Any]:
        """Return the event as a report of `check --json` holds it."""
        return {
            "step": self.step,
            "who": list(self.who),
            "does": self.does,
            "data": repr(self.data) if self.size else None,
            "bytes": self.size,
            "sent": repr(self.sent) if self.sent else None,
            "line": self.line,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Event":
        """Return the event that `as_json` wrote."""
        data, sent = (ast.literal_eval(document[key] or "b''") for key in ("data", "sent"))
        who, size = tuple(document["who"]), document["bytes"]
        return cls(document["does"], who, document["line"], document["step"], data, size, sent)


@dataclass(frozen=True)
class Story:
    """A violation, ready to be told."""

    clause: Clause
    expected: str
    observed: str
    note: str
    lines: tuple[str, ...]
    """The exchange in words."""
    events: tuple[Event, ...] = ()
    """The exchange as data; none if it was not played on a stage."""

    @classmethod
    def of(cls, violation: Violation) -> "Story":
        """Return the story of a violation."""
        happened = events(violation.transcript) if violation.transcript else []
        if len(happened) > 2 * EVENTS:
            happened[EVENTS:-EVENTS] = [Event("skips", (), f"{len(happened) - 2 * EVENTS} events are left out")]
        return cls(
            CLAUSES[violation.clause_id],
            violation.expected,
            violation.observed,
            violation.note,
            violation.exchange,
            tuple(happened),
        )

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Story":
        """Return the story that a report of `check --json` tells of a violated clause."""
        return cls(
            CLAUSES[document["id"]],
            document["expected"],
            document["observed"],
            document["note"],
            tuple(document["exchange"]),
            tuple(Event.read(event) for event in document["events"]),
        )


def events(transcript: Transcript) -> list[Event]:
    """Return what happened, in order; what a client read in several pieces is one event."""
    told: list[Event] = []
    steps = 0
    for entry in joined(transcript.entries):
        steps += isinstance(entry, Did)
        told.append(_event(entry, steps))
    return told


def _event(entry: Entry, number: int) -> Event:
    line = tell(entry)
    match entry:
        case Did(step, sent):
            data = step.said
            wire = sent[:KEPT] if sent != data else b""
            return Event(step.verb, step.clients, line, number, data[:KEPT], len(data), wire)
        case Heard(who, data):
            return Event("reads", (who,), line, None, data[:KEPT], len(data))
        case Ended(who, how):
            return Event("ends" if how == "eof" else "breaks", (who,), line)
        case Waited(who):
            return Event("waits", (who,), line)
