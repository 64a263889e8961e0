"""The transcript: what every client did and read, in the order in which the checker saw it, and its report lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import show

Ending = Literal["eof", "reset"]

ENDINGS: dict[Ending, str] = {"eof": "end of stream", "reset": "connection reset"}

MAX_SHOWN_LINES = 30
"""Lines at the beginning and at the end of a long exchange that a report shows."""


NUMBER_WIDTH = 4
"""Characters of the number of a step."""

MIN_REPETITIONS = 4
"""Repetitions of the same lines from which on most are left out."""

MAX_REPEATED_LINES = 8
"""Most lines that are seen to be repeated."""

DIGITS = re.compile(r"\d+")


class UnexpectedSourceDatagram(bytes):
    """A datagram from another address than the server's."""

    source: str


@dataclass(frozen=True)
class Did:
    """A client performed a step; `sent` are the bytes of it on the wire, if any.

    `heard_by` is a silent client, if the step is only there to find out whether that client hears it; `when` is the
    monotonic time in seconds at which it began.
    """

    step: Step
    sent: bytes = b""
    heard_by: str = ""
    when: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Heard:
    """A client read these bytes, at this monotonic time in seconds."""

    who: str
    data: bytes
    when: float


@dataclass(frozen=True)
class Ended:
    """A client read the end of its stream."""

    who: str
    how: Ending


@dataclass(frozen=True)
class Waited:
    """A client waited so many seconds and had still not read everything due to it."""

    who: str
    seconds: float


Entry = Did | Heard | Ended | Waited


@dataclass
class Transcript:
    """Entries in order."""

    entries: list[Entry] = field(default_factory=list)
    scenario: list[Step] = field(default_factory=list)
    """The steps before they were rewritten for the dialect: to replay them."""
    before: "list[Transcript]" = field(default_factory=list)
    """The exchanges on the same server before this one, if it depends on them."""
    mark: str = ""
    """The end of the names that its clients gave, which no other exchange has."""

    def lines(self) -> list[str]:
        """Return the exchange, and those on which it depends: one line for each event; adjacent reads of one client are
        one read.
        """
        return [*self.lines_before(), *(["then:"] if self.before else []), *self._own_lines()]

    def lines_before(self) -> list[str]:
        """Return the exchanges on which it depends."""
        if not self.before:
            return []
        earlier = [line for transcript in self.before for line in transcript._own_lines()]
        return ["before this, on the same server:", *earlier]

    def _own_lines(self) -> list[str]:
        told: list[str] = []
        steps = 0
        for entry in joined(self.entries):
            steps += isinstance(entry, Did)
            told.append(f"{steps if isinstance(entry, Did) else '':>{NUMBER_WIDTH}}  {describe_entry(entry)}")
        told = folded(told)
        if len(told) > 2 * MAX_SHOWN_LINES:
            left_out = len(told) - 2 * MAX_SHOWN_LINES
            told[MAX_SHOWN_LINES:-MAX_SHOWN_LINES] = [f"      ... {left_out} lines left out ..."]
        return told


def folded(lines: Sequence[str]) -> list[str]:
    """Return the lines of an exchange, with repetitions that differ in numbers alone told by their first and last."""
    alike = [DIGITS.sub("#", line[NUMBER_WIDTH:]) for line in lines]
    told: list[str] = []
    for at, length, times in repetitions(alike):
        end = at + length * times
        if times < MIN_REPETITIONS:
            told.append(lines[at])
            continue
        again = f"{times - 2} times more" if length == 1 else f"these {length} lines {times - 2} times more"
        told += [*lines[at : at + length], f"{'':{NUMBER_WIDTH}}  ... {again} ...", *lines[end - length : end]]
    return told


def repetitions(alike: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield where each part begins, how many lines it has, and how often these come; lines that are not repeated are
    parts by themselves.
    """
    at = 0
    while at < len(alike):
        length, times = _repetition(alike, at)
        yield at, length, times
        at += length * times


def _repetition(alike: Sequence[str], at: int) -> tuple[int, int]:
    """Return the length of the lines that are repeated from there on, and how often, where that covers most."""
    best = (1, 1)
    for length in range(1, MAX_REPEATED_LINES + 1):
        block, times = alike[at : at + length], 1
        while alike[at + length * times : at + length * (times + 1)] == block:
            times += 1
        if times >= MIN_REPETITIONS and length * times > best[0] * best[1]:
            best = length, times
    return best


def describe_entry(entry: Entry) -> str:
    """Return an entry in words."""
    match entry:
        case Did(step):
            return str(step)
        case Heard(who, data):
            return f"{who} reads {show(data)}"
        case Ended(who, how):
            return f"{who} reads {ENDINGS[how]}"
        case Waited(who, seconds):
            return f"{who} reads nothing for {seconds:.3g} s"


def joined(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries, with adjacent reads of one client merged."""
    whole: list[Entry] = []
    for who, group in groupby(entries, key=lambda entry: entry.who if isinstance(entry, Heard) else None):
        together = list(group)
        if who is None:
            whole += together
        else:
            heard = [entry for entry in together if isinstance(entry, Heard)]
            whole.append(Heard(who, b"".join(entry.data for entry in heard), heard[-1].when))
    return whole
