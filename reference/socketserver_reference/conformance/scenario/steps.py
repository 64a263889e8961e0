"""Scenarios are data: a list of steps, each an action of clients.

The same steps are played on sockets by `driver/stage.py`, judged by the oracles, drawn by `exploration/explore.py`, and
printed in a report, one line `str(step)` each. Clients have words for names ("ann"); a scenario never reuses a name.

Two steps speak. **Say** is settled: the stage waits until the oracle has seen every delivery of it, so the server has
read exactly one chunk. **Send** does not wait: TCP may merge or split it, and the oracle accepts every segmentation; a
later Settle or Say reads what is due.

Next: `driver/stage.py`, which performs them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from socketserver_reference.conformance.scenario.text import show


@dataclass(frozen=True)
class Connect:
    """A client connects and says nothing.

    `acks` chooses when its kernel acknowledges what it receives, where the system allows a choice: "quick", at once, so
    that a server that waits for acknowledgements does not make every scenario slow; "delayed", as for a silent client
    (Linux: after 40 ms). `window` bounds its receive buffer, in bytes.
    """

    who: str
    acks: Literal["delayed", "quick"] = "quick"
    window: int | None = None

    def __str__(self) -> str:
        return f"{self.who} connects"


@dataclass(frozen=True)
class Crowd:
    """Many clients connect in the same instant and say nothing."""

    everyone: tuple[str, ...]

    def __str__(self) -> str:
        return f"{len(self.everyone)} clients, {self.everyone[0]} to {self.everyone[-1]}, connect at once"


@dataclass(frozen=True)
class Say:
    """A settled utterance: at most 1024 bytes, sent after `who` has received everything it said before."""

    who: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.who} says {show(self.data)}"


@dataclass(frozen=True)
class Send:
    """An utterance that is not waited for. Neither alone nor with what the client sent before may it contain a quit."""

    who: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.who} sends {show(self.data)} without waiting"


@dataclass(frozen=True)
class Settle:
    """Every client that reads at all reads until everything due to it has come."""

    def __str__(self) -> str:
        return "all clients read what is due"


@dataclass(frozen=True)
class WaitUntilHeard:
    """`speaker` speaks until the silent client `who` hears it: only then is `who` known to be a member."""

    who: str
    speaker: str

    def __str__(self) -> str:
        return f"{self.speaker} speaks until {self.who} hears it"


@dataclass(frozen=True)
class Quit:
    """A settled utterance that is quit, with or without white space; `who` then reads to the end of its stream."""

    who: str
    data: bytes = b"quit\n"

    def __str__(self) -> str:
        return f"{self.who} quits with {show(self.data)}"


@dataclass(frozen=True)
class Answer:
    """A client's part of a handshake. Scenarios do not hold it: the stage adds it where the dialect needs it."""

    who: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.who} answers {show(self.data)}"


@dataclass(frozen=True)
class HalfClose:
    """`who` ends its sending side (shutdown SHUT_WR) and reads to the end of its stream."""

    who: str

    def __str__(self) -> str:
        return f"{self.who} half-closes"


@dataclass(frozen=True)
class Close:
    """`who` closes its socket; with unread data the kernel makes that a reset."""

    who: str

    def __str__(self) -> str:
        return f"{self.who} closes"


@dataclass(frozen=True)
class Reset:
    """`who` resets its connection (SO_LINGER 0, then close); Unix sockets have no reset, so there it is a close."""

    who: str

    def __str__(self) -> str:
        return f"{self.who} resets its connection"


@dataclass(frozen=True)
class Stall:
    """`who` stops reading."""

    who: str

    def __str__(self) -> str:
        return f"{self.who} stops reading"


@dataclass(frozen=True)
class Resume:
    """`who` reads again: everything that is due to it."""

    who: str

    def __str__(self) -> str:
        return f"{self.who} reads again"


Step = (
    Connect | Crowd | Say | Send | Settle | WaitUntilHeard | Quit | Answer | HalfClose | Close | Reset | Stall | Resume
)

Scenario = Sequence[Step]


def join(*everyone: str) -> list[Step]:
    """Return the steps by which clients join one after the other; each speaks once, which settles its membership."""
    return [step for who in everyone for step in (Connect(who), Say(who, f"{who} is here".encode()))]
