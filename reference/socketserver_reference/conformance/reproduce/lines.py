"""The lines of an exchange while they are written, and the state of each client."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.reproduce.literals import literal
from socketserver_reference.conformance.scenario.steps import Step

MAX_LINE_COLUMNS = 116
"""Most columns of a line of the exchange, before indentation."""


class CannotTell(Exception):
    """No script can say which data clients must read; the message says why."""


def call(step: Step) -> str:
    """Return how a client does what has no words of its own: `half_closes()`, of what half-closes."""
    return f"{step.verb.replace('-', '_')}()"


def delivery(dialect: Dialect, chunk: bytes) -> str:
    """Return a Python expression for the delivery of a chunk."""
    return literal(dialect.delivery(chunk), dialect.prefix)


@dataclass
class Place:
    """The state of one client while the script is written."""

    variable: str
    member: bool = False  # it has spoken, or is known to have joined
    could_hear: bool = False  # it may not be a member yet, and others have spoken
    stalled: bool = False
    owed: bytes = b""  # deliveries that it must read when it reads again
    behind: str = ""  # the variable with the length that another client had read before a burst, while it was stalled


@dataclass
class StreamScript:
    """The lines of an exchange, while they are written."""

    dialect: Dialect
    lines: list[str] = field(default_factory=list)
    here: dict[str, Place] = field(default_factory=dict)
    bursts: bool = False  # whether there are any; then `all_read` reads all deliveries
    sent: dict[str, bytes] = field(default_factory=dict)
    """Client -> what it sent in the burst that no client has read yet."""

    def add(self, who: str, call: str) -> None:
        """Write a line that calls a method of a client."""
        self.lines.append(f"{self.here[who].variable}.{call}")

    def ends(self, who: str) -> None:
        """Write that a client reads the end of its stream, and remove it."""
        self.add(who, "ends()")
        del self.here[who]

    def connect(self, who: str, window: int | None) -> None:
        """Write that a client connects."""
        variable = re.sub(r"\W", "_", who)
        self.here[who] = Place(variable)
        self.lines.append(f'{variable} = Client("{who}"{f", {window}" if window else ""})')

    def leave(self, who: str, how: str) -> None:
        """Write that a client leaves without reading, and remove it."""
        self.add(who, how)
        del self.here[who]


AFTER_ALL_STEPS = 1 << 30
"""The step number of lines that are added after all steps."""


@dataclass
class Lines:
    """The lines of an exchange, each with the number of the step in the scenario that it belongs to."""

    numbered: list[tuple[str, int]] = field(default_factory=list)

    def note(self, lines: Sequence[str], number: int) -> None:
        """Add the lines that are new since the last call, with this step number."""
        self.numbered += [(line, number) for line in lines[len(self.numbered) :]]


Write = Callable[[StreamScript, Step], None]
