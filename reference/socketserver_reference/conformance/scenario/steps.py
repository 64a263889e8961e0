"""Scenarios are data: a list of steps, each something that clients do.

The same steps are played on sockets by `driver/stage.py`, judged by the oracles, drawn by `exploration/explore.py`, and
printed in a report, where `str(step)` is the line a stranger reads. Clients are named by words ("ann"); a name is never
reused within a scenario.

A step that speaks comes in two kinds. **Say** is settled: the stage goes on only when the oracle has seen the
consequence everywhere, so the server has read exactly one chunk. **Send** is not waited for: TCP may merge or split
it, and the oracle accepts every way; a later Settle or Say collects what is due.

Next: `driver/stage.py`, which performs them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from socketserver_reference.conformance.scenario.text import show


@dataclass(frozen=True)
class Connect:
    """A client connects and says nothing.

    `acks` chooses when its kernel acknowledges what it receives, where the system lets it: "quick", at once, so that a
    server that waits for that does not make every scenario slow; "delayed", as one does that has nothing to say (Linux:
    after 40 ms). `window` bounds its receive buffer, in bytes.
    """

    who: str
    acks: Literal["delayed", "quick"] = "quick"
    window: int | None = None

    def __str__(self) -> str:
        return f"{self.who} connects"


@dataclass(frozen=True)
class Crowd:
    """Many clients connect in the same instant, and none says anything."""

    everyone: tuple[str, ...]

    def __str__(self) -> str:
        return f"{len(self.everyone)} clients, {self.everyone[0]} to {self.everyone[-1]}, connect at once"


@dataclass(frozen=True)
class Say:
    """A settled utterance: at most 1024 bytes, sent when everything `who` said before has come back."""

    who: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.who} says {show(self.data)}"


@dataclass(frozen=True)
class Send:
    """An utterance that nobody waits for. It must contain no quit, alone or with what the client sent before."""

    who: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.who} sends {show(self.data)} without waiting"


@dataclass(frozen=True)
class Settle:
    """Everybody who reads is read until all that is owed has come."""

    def __str__(self) -> str:
        return "everybody reads what is due"


@dataclass(frozen=True)
class WaitUntilHeard:
    """`speaker` speaks until `who`, who has been silent so far, hears it: only then is it known to be a member."""

    who: str
    speaker: str

    def __str__(self) -> str:
        return f"{self.speaker} speaks until {self.who} hears it"


@dataclass(frozen=True)
class Quit:
    """A settled utterance that is quit once stripped; `who` then reads to the end of its stream."""

    who: str
    data: bytes = b"quit\n"

    def __str__(self) -> str:
        return f"{self.who} quits with {show(self.data)}"


@dataclass(frozen=True)
class Answer:
    """A client's part of a handshake: no scenario says it, the stage does where the dialect asks for it."""

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
    """`who` closes its socket; with data unread the kernel makes it a reset."""

    who: str

    def __str__(self) -> str:
        return f"{self.who} closes"


@dataclass(frozen=True)
class Reset:
    """`who` resets its connection (SO_LINGER 0, then close); a Unix socket knows no reset, there it is a close."""

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
    """`who` reads again, all that is due to it."""

    who: str

    def __str__(self) -> str:
        return f"{self.who} reads again"


Step = (
    Connect | Crowd | Say | Send | Settle | WaitUntilHeard | Quit | Answer | HalfClose | Close | Reset | Stall | Resume
)

Scenario = Sequence[Step]


def join(*everyone: str) -> list[Step]:
    """Return the steps by which clients join one after the other, each settling its membership by plain words."""
    return [step for who in everyone for step in (Connect(who), Say(who, f"{who} is here".encode()))]
