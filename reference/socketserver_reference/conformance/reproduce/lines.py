"""The lines of an exchange as they come about, and what is known of each client meanwhile."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.reproduce.literals import literal
from socketserver_reference.conformance.scenario.steps import Step

WIDTH = 116
"""Columns of a line of the exchange at most, before it is indented."""


class CannotTell(Exception):
    """No script can say what has to be read; the message says why."""


def call(step: Step) -> str:
    """Return how a client does what has no words of its own: `half_closes()`, of what half-closes."""
    return f"{step.verb.replace('-', '_')}()"


def delivery(dialect: Dialect, chunk: bytes) -> str:
    """Return, as Python, what a member must read when a chunk is delivered to it."""
    return literal(dialect.delivery(chunk), dialect.prefix)


@dataclass
class Place:
    """What a script knows of one client."""

    variable: str
    member: bool = False  # it has spoken, or was heard to be there
    could_hear: bool = False  # it is no member yet, and others have spoken
    stalled: bool = False
    owed: bytes = b""  # what it has to read when it reads again
    behind: str = ""  # the variable in which it is kept what another had read when it stopped, once there was a burst


@dataclass
class Script:
    """The lines of an exchange, as they come about."""

    dialect: Dialect
    lines: list[str] = field(default_factory=list)
    here: dict[str, Place] = field(default_factory=dict)
    bursts: bool = False  # whether there are any; then all is read in the way that suits them
    sent: dict[str, bytes] = field(default_factory=dict)
    """What was sent in the burst that nobody has read yet."""

    def add(self, who: str, call: str) -> None:
        """Write a line: a client does something."""
        self.lines.append(f"{self.here[who].variable}.{call}")

    def ends(self, who: str) -> None:
        """Write that a client reads the end of its stream; it is not there any more."""
        self.add(who, "ends()")
        del self.here[who]

    def connect(self, who: str, window: int | None) -> None:
        """Write that a client connects."""
        variable = re.sub(r"\W", "_", who)
        self.here[who] = Place(variable)
        self.lines.append(f'{variable} = Client("{who}"{f", {window}" if window else ""})')

    def leave(self, who: str, how: str) -> None:
        """Write that a client has gone, at once."""
        self.add(who, how)
        del self.here[who]


AFTERWARDS = 1 << 30
"""The number of the step that lines belong to which are added behind all steps."""


@dataclass
class Lines:
    """The lines of an exchange, each with the number of the step in the scenario that it belongs to."""

    numbered: list[tuple[str, int]] = field(default_factory=list)

    def note(self, lines: Sequence[str], number: int) -> None:
        """Take what lines there are beyond those that were there before."""
        self.numbered += [(line, number) for line in lines[len(self.numbered) :]]


Write = Callable[[Script, Step], None]
