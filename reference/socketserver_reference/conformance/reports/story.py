"""A violation as every report shows it: the clause, the expected and observed bytes, and the exchange as events.

An event names the client, its action, and the bytes. `--json` writes events, and they can be read back from there.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from socketserver_reference.clauses import CLAUSES, Clause
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.transcript import (
    Did,
    Ended,
    Entry,
    Heard,
    Transcript,
    Waited,
    describe_entry,
    joined,
)
from socketserver_reference.conformance.scenario.violation import Violation

MAX_EVENT_BYTES = 1024
"""Bytes of one utterance or read that a report holds."""

MAX_STORY_EVENTS = 200
"""Events at the beginning and at the end of a long exchange that a report holds."""


def first_difference(expected: str, observed: str) -> int | None:
    """Return where two printed texts begin to differ, if both hold bytes there; None if there is nothing to compare."""
    due, came = printable(expected), printable(observed)
    at = next((at for at, (one, other) in enumerate(zip(due, came, strict=False)) if one != other), 0)
    return at if re.search("b['\"]", due[:at]) else None


@dataclass(frozen=True)
class StoryEvent:
    """One thing that happened in an exchange."""

    does: str
    """A step's `verb`; or reads, ends (reads end of stream), breaks (reads a reset), waits (reads nothing), or skips
    (what happened here is left out of the report).
    """
    who: tuple[str, ...]
    """The clients that did it; empty for all clients."""
    line: str
    """All of it in words."""
    step: int | None = None
    """Its number among the steps; None for bytes that a client read."""
    data: bytes = b""
    """The first bytes that were said or read."""
    size: int = 0
    """The number of bytes in all."""
    sent: bytes = b""
    """The first bytes as sent on the wire, where they differ."""
    shows: bool = False
    """Whether the violation shows here."""

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
            "shows": self.shows,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "StoryEvent":
        """Return the event that `as_json` wrote."""
        data, sent = (ast.literal_eval(document[key] or "b''") for key in ("data", "sent"))
        who, size, shows = tuple(document["who"]), document["bytes"], document.get("shows", False)
        return cls(document["does"], who, document["line"], document["step"], data, size, sent, shows)


@dataclass(frozen=True)
class ViolationStory:
    """A violation, ready to be shown."""

    clause: Clause
    expected: str
    observed: str
    note: str
    confirmation: str
    """How often it showed when it was played again."""
    lines: tuple[str, ...]
    """The exchange in words."""
    events: tuple[StoryEvent, ...] = ()
    """The exchange as data; empty for a check inside this process."""
    before: tuple[str, ...] = ()
    """The exchanges on the same server before it, in words, if it depends on them."""
    place: str = ""
    """Where what is wrong begins, in a sentence."""
    again: str = ""
    """The command that checks the clause again."""
    shape: str = ""
    """What happened, in a word, if that is known."""
    server_ended: bool = False
    """Whether the server was seen to have ended."""
    page: str = ""
    """The address of the page of the clause, if there is a site."""
    script: str = ""
    """The script that shows it, if one was written."""

    @classmethod
    def of(cls, violation: Violation, clause: Clause | None = None, report: Report | None = None) -> "ViolationStory":
        """Return the story of a violation, one of the report's; `clause` is the clause in the words of the server's
        dialect.
        """
        id = violation.clause_id
        happened = _told(violation)
        if len(happened) > 2 * MAX_STORY_EVENTS:
            happened[MAX_STORY_EVENTS:-MAX_STORY_EVENTS] = [
                StoryEvent("skips", (), f"{len(happened) - 2 * MAX_STORY_EVENTS} events are left out")
            ]
        return cls(
            clause or CLAUSES[id],
            violation.expected,
            violation.observed,
            violation.note,
            violation.confirmation,
            violation.exchange,
            tuple(happened),
            tuple(violation.transcript.lines_before()) if violation.transcript else (),
            violation.place,
            report.again(id) if report else "",
            violation.shape or "",
            violation.server_ended,
            report.page(id) if report else "",
            report.sources.get(id, "") if report else "",
        )

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "ViolationStory":
        """Return the story of a violated clause, from a report of `check --json`."""
        return cls(
            replace(CLAUSES[document["id"]], sentence=document["asked"]),
            document["expected"],
            document["observed"],
            document["note"],
            document.get("confirmation") or "",
            tuple(document["exchange"]),
            tuple(StoryEvent.read(event) for event in document["events"]),
            tuple(document.get("before") or ()),
            document.get("place") or "",
            document.get("again") or "",
            document.get("shape") or "",
            document.get("server_ended") or False,
            document.get("page") or "",
        )


def stories(report: Report) -> list[ViolationStory]:
    """Return the stories of the violations that a report has, those of a MUST first."""
    return in_order(
        ViolationStory.of(verdict.violation, verdict.clause, report) for verdict in report.verdicts if verdict.violation
    )


def in_order(told: Iterable[ViolationStory]) -> list[ViolationStory]:
    """Return stories, those of a MUST first."""
    return sorted(told, key=lambda story: story.clause.level == "SHOULD")


def _told(violation: Violation) -> list[StoryEvent]:
    """Return all events of an exchange, with a mark on the one in which the violation shows."""
    if not violation.transcript or not violation.transcript.entries:
        return []
    happened = events(violation.transcript)
    seen = violation.observed.partition("; ")[0].rstrip("'\"")
    by_words = [index for index, event in enumerate(happened) if event.line.startswith(seen)]
    by_time = len(joined(violation.transcript.entries[: violation.at])) - 1  # the last, if nobody knows when
    place = by_words[-1] if by_words else max(by_time, 0)
    happened[place] = replace(happened[place], shows=True)
    return happened


def events(transcript: Transcript) -> list[StoryEvent]:
    """Return the events in order; several consecutive reads of one client are one event."""
    told: list[StoryEvent] = []
    steps = 0
    for entry in joined(transcript.entries):
        steps += isinstance(entry, Did)
        told.append(_event(entry, steps))
    return told


def _event(entry: Entry, number: int) -> StoryEvent:
    line = describe_entry(entry)
    match entry:
        case Did(step, sent):
            data = step.said
            wire = sent[:MAX_EVENT_BYTES] if sent != data else b""
            return StoryEvent(step.verb, step.clients, line, number, data[:MAX_EVENT_BYTES], len(data), wire)
        case Heard(who, data):
            return StoryEvent("reads", (who,), line, None, data[:MAX_EVENT_BYTES], len(data))
        case Ended(who, how):
            return StoryEvent("ends" if how == "eof" else "breaks", (who,), line)
        case Waited(who):
            return StoryEvent("waits", (who,), line)
