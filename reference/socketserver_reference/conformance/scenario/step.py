"""What modules ask of a step, whatever its class; `steps.py` has the classes."""

from collections.abc import Set
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

Effect = Literal[
    "joins", "approaches", "hears", "falls silent", "leaves", "half-closes", "is gone", "stops reading", "reads again"
]
"""What becomes of a client by a step.

It joins, connects and stays outside (within a handshake, so that nothing is due to it), hears the others from now on,
falls silent within an utterance (so that nothing is due to it any more), leaves by a word, half-closes (which is to
leave, too), is gone at once, stops reading, or reads again.
"""


class BaseStep:
    """What modules ask of a step, so that they need not tell its class."""

    verb: ClassVar[str]
    """What its clients do by it, in a word for programs."""
    effect: ClassVar[Effect | None] = None
    """What becomes of its client, or clients."""
    waits: ClassVar[bool] = False
    """Whether what it leads to is read before the next step."""
    reaches_server: ClassVar[bool] = True
    """Whether anything goes to the server by it."""
    settles: ClassVar[bool] = False
    """Whether everybody reads by it what all have said."""
    unscripted: ClassVar[str] = ""
    """Why no script can do it, if none can."""
    by_stage: ClassVar[bool] = False
    """Whether the stage does it by itself, where a dialect asks for it."""
    gives_way: ClassVar[bool] = False
    """Whether a client that stops reading by it reads while others wait."""
    in_one_instant: ClassVar[bool] = False
    """Whether many clients do it in the same instant."""

    in_pieces: bool = False
    """Whether its bytes go to the server in several segments: see `steps.pieces`."""
    with_next: bool = False
    """Whether its bytes go to the server in one segment with what its client says next."""
    with_words: bool = False
    """Whether the last answer of its client's handshake goes in one segment with what it says first."""
    window: int | None = None
    """Bytes of the receive buffer of its client, if that is bounded by it."""

    @property
    def clients(self) -> tuple[str, ...]:
        """The names of those who do something; none where it is everybody."""
        return ()

    @property
    def spoken_by(self) -> str:
        """The client who says something, if any does."""
        return ""

    @property
    def said(self) -> bytes:
        """The bytes that its client says."""
        return b""

    @property
    def burst(self) -> bool:
        """Whether it is an utterance that is not waited for."""
        return False

    @property
    def comes(self) -> bool:
        """Whether its client, or clients, connect by it."""
        return self.effect in ("joins", "approaches")

    @property
    def leaves(self) -> bool:
        """Whether its client does nothing any more afterwards."""
        return self.effect in ("leaves", "half-closes", "is gone")

    def without(self, gone: Set[str]) -> Self | None:
        """Return the step without these clients, or None if that leaves nothing of it."""
        return self if gone.isdisjoint(self.clients) else None


@dataclass(frozen=True)
class OneClient(BaseStep):
    """A step of the client `who`."""

    told: ClassVar[str] = ""
    """What it does, after its name; the verb, if that says all."""

    who: str

    @property
    def clients(self) -> tuple[str, ...]:
        return (self.who,)

    def __str__(self) -> str:
        return f"{self.who} {self.told or self.verb}"


@dataclass(frozen=True)
class Speech(OneClient):
    """A step by which a client says these bytes."""

    data: bytes

    @property
    def spoken_by(self) -> str:
        return self.who

    @property
    def said(self) -> bytes:
        return self.data


@dataclass(frozen=True)
class Utterance(Speech):
    """What is delivered, or answered; a dialect may have it said in other words."""

    @property
    def burst(self) -> bool:
        return not self.waits
