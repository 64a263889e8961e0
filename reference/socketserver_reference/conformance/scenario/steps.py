"""Scenarios are data: a list of steps, each an action of clients.

The same steps are played on sockets by `driver/stage.py`, judged by the oracles, drawn by `exploration/explore.py`, and
printed in a report, one line `str(step)` each. Clients have words for names ("ann"); a scenario never reuses a name.

Two steps speak. **Say** is settled: the stage waits until the oracle has seen every delivery of it, so the server has
read exactly one chunk. **Send** does not wait: TCP may merge or split it, and the oracle accepts every segmentation; a
later Settle or Say reads what is due.

What modules need to know of a step it says itself (`BaseStep` in `step.py`): how it is told and drawn, what becomes of
its client, what is said. Only modules that perform, judge or invent steps tell them by their classes
(`tests/conformance/scenario/test_steps.py`).

Next: `driver/stage.py`, which performs them.
"""

from collections.abc import Set
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, Self, get_args

from socketserver_reference.conformance.scenario.step import BaseStep, OneClient, Speech, Utterance
from socketserver_reference.conformance.scenario.text import show


@dataclass(frozen=True)
class Connect(OneClient):
    """A client connects and says nothing.

    `acks` chooses when its kernel acknowledges what it receives, where the system allows a choice: "quick", at once, so
    that a server that waits for acknowledgements does not make every scenario slow; "delayed", as for a silent client
    (Linux: after 40 ms). `window` bounds its receive buffer, in bytes.
    Its last answer in a handshake may go in one segment `with_words`, those that it says first.
    """

    verb = "connects"
    effect = "joins"

    acks: Literal["delayed", "quick"] = "quick"
    window: int | None = None
    with_words: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        return super().__str__() + ", and answers in one segment with what it says first" * self.with_words


@dataclass(frozen=True)
class Approach(OneClient):
    """`who` connects, and goes through a part of the dialect's handshake: it is no member.

    It gives so many `answers`, as far as there are so many, and of the next one, with `half`, the first half. Then it
    is silent, and waits for nothing. A `namesake` is the client whose name it gives instead of its own.
    """

    verb = "approaches"
    effect = "approaches"

    answers: int = 0
    half: bool = False
    namesake: str = ""

    def __str__(self) -> str:
        if self.namesake:
            return f"{self.who} connects and gives the name of {self.namesake}"
        if not self.answers:
            return f"{self.who} connects and gives {'half a name' if self.half else 'no name'}"
        answers = f"{self.answers} answers" if self.answers > 1 else "1 answer"
        return f"{self.who} connects, gives {answers}{' and half of the next' if self.half else ''}, and says no more"


@dataclass(frozen=True)
class Crowd(BaseStep):
    """Many clients connect in the same instant and say nothing."""

    verb = "connects"
    effect = "joins"
    in_one_instant = True

    everyone: tuple[str, ...]

    @property
    def clients(self) -> tuple[str, ...]:
        return self.everyone

    def without(self, gone: Set[str]) -> Self | None:
        staying = tuple(who for who in self.everyone if who not in gone)
        return replace(self, everyone=staying) if staying else None

    def __str__(self) -> str:
        return f"{len(self.everyone)} clients, {self.everyone[0]} to {self.everyone[-1]}, connect in one instant"


@dataclass(frozen=True)
class Say(Utterance):
    """A settled utterance: at most 1024 bytes, sent after `who` has received everything it said before."""

    verb = "says"
    waits = True

    in_pieces: bool = False

    def __str__(self) -> str:
        return f"{self.who} says {show(self.data)}{' in pieces' if self.in_pieces else ''}"


def pieces(data: bytes) -> list[bytes]:
    """Return the segments of what is said in pieces: they cut a length, the middle, and the end of a line."""
    cuts = sorted({1, len(data) // 2, len(data) - 1} & set(range(1, len(data))))
    return [data[begin:end] for begin, end in pairwise([0, *cuts, len(data)])]


@dataclass(frozen=True)
class Send(Utterance):
    """An utterance that is not waited for. Neither alone nor with what the client sent before may it contain a quit."""

    verb = "sends"

    with_next: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        how = "in one segment with what comes next" if self.with_next else "without waiting"
        return f"{self.who} sends {show(self.data)} {how}"


@dataclass(frozen=True)
class Pour(Send):
    """Much at once to an echo that answers everything. A client that `reads` does so while it sends; another one begins
    to read when the server takes no more.
    """

    verb = "sends"
    unscripted = "a script cannot hold so many bytes, nor read while it sends them"

    reads: bool = True

    def __str__(self) -> str:
        when = "reads meanwhile" if self.reads else "reads when the server takes no more, or all is sent"
        return f"{self.who} sends {len(self.data)} bytes, and {when}"


@dataclass(frozen=True)
class Settle(BaseStep):
    """Every client that reads at all reads until everything due to it has come."""

    verb = "settles"
    waits = True
    reaches_server = False
    settles = True

    def __str__(self) -> str:
        return "all clients read what is due"


@dataclass(frozen=True)
class Rest(BaseStep):
    """Nobody does anything for so many seconds."""

    verb = "rests"
    reaches_server = False
    unscripted = "a script waits for nothing"

    seconds: float

    def __str__(self) -> str:
        return f"nobody says anything for {self.seconds:g} s"


@dataclass(frozen=True)
class WaitUntilHeard(OneClient):
    """`speaker` speaks until the silent client `who` hears it: only then is `who` known to be a member."""

    verb = "heeds"
    effect = "hears"
    waits = True
    reaches_server = False

    speaker: str

    @property
    def clients(self) -> tuple[str, ...]:
        return self.who, self.speaker

    @property
    def spoken_by(self) -> str:
        return self.speaker

    def __str__(self) -> str:
        return f"{self.speaker} speaks until {self.who} hears it"


@dataclass(frozen=True)
class Quit(Speech):
    """A settled utterance that is quit, with or without white space; `who` then reads to the end of its stream."""

    verb = "quits"
    effect = "leaves"
    waits = True

    data: bytes = b"quit\n"

    def __str__(self) -> str:
        return f"{self.who} quits with {show(self.data)}"


@dataclass(frozen=True)
class Begin(OneClient):
    """`who` sends the beginning of a frame, and never its end; or, if it is `bad`, a length that is no number."""

    verb = "begins"
    effect = "falls silent"

    data: bytes
    bad: bool = False

    def __str__(self) -> str:
        return f"{self.who} sends a bad length" if self.bad else f"{self.who} begins to say {show(self.data)}, no more"


@dataclass(frozen=True)
class Answer(Speech):
    """A client's part of a handshake. Scenarios do not hold it: the stage adds it where the dialect needs it."""

    verb = "answers"
    by_stage = True

    def __str__(self) -> str:
        return f"{self.who} answers {show(self.data)}"


@dataclass(frozen=True)
class HalfClose(OneClient):
    """`who` ends its sending side (shutdown SHUT_WR) and reads to the end of its stream."""

    verb = "half-closes"
    effect = "half-closes"
    waits = True


@dataclass(frozen=True)
class Close(OneClient):
    """`who` reads what has come, and closes its socket: the server reads the end of its stream, and no reset."""

    verb = "closes"
    effect = "is gone"


@dataclass(frozen=True)
class Abandon(OneClient):
    """`who` closes its socket without reading what has come, or comes: the kernel makes a reset of that."""

    verb = "abandons"
    told = "closes without reading"
    effect = "is gone"


@dataclass(frozen=True)
class Reset(OneClient):
    """`who` resets its connection (SO_LINGER 0, then close); Unix sockets have no reset, so there it is a close."""

    verb = "resets"
    told = "resets its connection"
    effect = "is gone"


@dataclass(frozen=True)
class Stall(OneClient):
    """`who` stops reading."""

    verb = "stalls"
    told = "stops reading"
    effect = "stops reading"
    reaches_server = False


@dataclass(frozen=True)
class Dawdle(Stall):
    """`who` stops reading, but for when something is due to another client and does not come: then it reads until that
    comes.
    """

    verb = "dawdles"
    told = "reads only when others wait"
    gives_way = True
    unscripted = "a script cannot tell when a client has waited long enough for another to read"


@dataclass(frozen=True)
class Resume(OneClient):
    """`who` reads again: everything that is due to it."""

    verb = "resumes"
    told = "reads again"
    effect = "reads again"
    waits = True
    reaches_server = False


# fmt: off
Step = (
    Connect | Approach | Crowd | Say | Send | Pour | Settle | Rest | WaitUntilHeard | Quit | Begin | Answer
    | HalfClose | Close | Abandon | Reset | Stall | Dawdle | Resume
)
# fmt: on

KINDS: tuple[type[Step], ...] = get_args(Step)
"""The classes of steps."""


def join(*everyone: str) -> list[Step]:
    """Return the steps by which clients join one after the other; each speaks once, which settles its membership."""
    return [step for who in everyone for step in (Connect(who), Say(who, f"{who} is here".encode()))]
