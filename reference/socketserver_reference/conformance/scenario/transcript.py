"""The transcript: what every client did and read, in the order in which the checker saw it, and its report lines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import show

Ending = Literal["eof", "reset"]

ENDINGS: dict[Ending, str] = {"eof": "end of stream", "reset": "connection reset"}

MAX_SHOWN_LINES = 30
"""Lines at the beginning and at the end of a long exchange that a report shows."""


class UnexpectedSourceDatagram(bytes):
    """A datagram from another address than the server's."""

    source: str


@dataclass(frozen=True)
class Did:
    """A client performed a step; `sent` are the bytes of it on the wire, if any.

    `heard_by` is a silent client, if the step is only there to find out whether that client hears it.
    """

    step: Step
    sent: bytes = b""
    heard_by: str = ""


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
            told.append(f"{steps if isinstance(entry, Did) else '':>4}  {describe_entry(entry)}")
        if len(told) > 2 * MAX_SHOWN_LINES:
            left_out = len(told) - 2 * MAX_SHOWN_LINES
            told[MAX_SHOWN_LINES:-MAX_SHOWN_LINES] = [f"      ... {left_out} lines left out ..."]
        return told


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
            return f"{who} reads nothing for {seconds:g} s"


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
