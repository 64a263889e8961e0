"""Violations and reports for the tests of what is made of them, without a server."""

from collections.abc import Sequence
from typing import Any, TypeVar

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.reports.story import ViolationStory
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.steps import (
    Answer,
    Close,
    Connect,
    Crowd,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
)
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Entry, Heard, Transcript, Waited
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation

MARKUP = "\u202e<script>document.title='taken'</script><img src=x>`|</code>\n# *x* \x1b[31m\0 &amp; ]]>"
"""What no name of a target should be, and what it might be all the same."""


AnyOracle = TypeVar("AnyOracle", bound=Oracle)


def knowing(oracle: AnyOracle, *steps: Step) -> AnyOracle:
    """Return the oracle, which knows of these steps."""
    for step in steps:
        oracle.begin(step, idle_before=True)
    return oracle


def did(*steps: Step) -> list[Entry]:
    """Return steps as entries."""
    return [Did(step, getattr(step, "data", b"")) for step in steps]


EVERYTHING: list[Entry] = [
    *did(Connect("ann"), Say("ann", b"hi")),
    Heard("ann", b"ackhi", 1.0),
    *did(Connect("ben"), Stall("ben"), Send("ann", b"x" * 3000), Settle()),
    Heard("ann", b"ack", 2.0),
    Heard("ann", b"x" * 3000, 2.1),
    *did(Resume("ben"), Connect("cal"), Connect("dan"), Connect("eve"), HalfClose("ben")),
    Ended("ben", "eof"),
    *did(Close("cal"), Reset("dan"), Quit("ann", b"quit\n")),
    Ended("ann", "eof"),
    Ended("eve", "reset"),
    *did(Connect("fay"), Answer("fay", b"Fay")),
    Waited("fay", 5.0),
]
"""An exchange in which everything happens that can."""


def crowded(members: int = 200) -> list[Entry]:
    """Return an exchange of a crowd: all clients read the same, but one reads nothing."""
    crowd = tuple(f"m{number}" for number in range(members))
    heard: list[Entry] = [Heard(who, b"ackhi", 1.0) for who in ("ann", *crowd[:-1])]
    return [*did(Connect("ann"), Crowd(crowd), Say("ann", b"hi")), *heard, Waited(crowd[-1], 1.0)]


def violation(entries: Sequence[Entry], clause: str = "CHAT-2", observed: str = "fay reads nothing") -> Violation:
    """Return a violation that this exchange shows."""
    transcript = Transcript(list(entries))
    seen = VIOLATIONS[clause]("fay reads b'ack'", observed, transcript.lines())
    seen.transcript = transcript
    return seen


def story(entries: Sequence[Entry], **what: str) -> ViolationStory:
    """Return the same as a story."""
    return ViolationStory.of(violation(entries, **what))


def report(*violations: Violation, **what: Any) -> Report:
    """Return a report of a chat that breaks these clauses, in which the others have every outcome."""
    broken = {seen.clause_id: Verdict(CLAUSES[seen.clause_id], "violated", seen.observed, seen) for seen in violations}
    others = {
        "CHAT-1": Verdict(CLAUSES["CHAT-1"], "holds"),
        "CHAT-3": Verdict(CLAUSES["CHAT-3"], "not-applicable", "nobody asks"),
        "CHAT-4": Verdict(CLAUSES["CHAT-4"], "not-checked", MARKUP),
        "CHAT-17": Verdict(CLAUSES["CHAT-17"], "holds"),
    }
    verdicts = {**others, **broken}
    settings: dict[str, Any] = {"target": MARKUP, "conclusion": "does not conform", "code": 1, "seconds": 1.5}
    settings["verdicts"] = [verdicts[id] for id in CLAUSES if id in verdicts]
    return Report(protocol="chat", **{**settings, **what})
