"""The deliveries that members of a framed chat have heard, and have yet to hear.

Each member hears speaker by speaker, in the order of their words; and what all have heard, each in its own order, has
to be parts of one order.
"""

from collections import deque
from dataclasses import dataclass, field

from socketserver_reference.conformance.oracles.chat_room import MemberState
from socketserver_reference.conformance.oracles.frame_reader import FrameReader

MAX_HEARD_DELIVERIES = 64
"""Deliveries of each member that are kept, to see whether something comes again."""


@dataclass(frozen=True)
class Spoken:
    """An utterance; `number` counts all of them. A `settled` one is read at once by all clients that read."""

    number: int
    speaker: str
    body: bytes
    settled: bool = False


@dataclass
class Due:
    """An utterance that a member may hear, or must."""

    utterance: Spoken
    required: bool


@dataclass
class FramedMember(MemberState):
    """The state of one client, and what it has yet to hear."""

    frames: FrameReader = field(default_factory=FrameReader)
    inbox: dict[str, deque[Due]] = field(default_factory=dict)  # by speaker
    heard: deque[Spoken] = field(default_factory=lambda: deque(maxlen=MAX_HEARD_DELIVERIES))
    count: int = 0  # deliveries that it has heard
    count_before: int = 0  # those before a client fell silent within an utterance, or left there
    may_hear_a_part: bool = True  # whether that utterance may still be delivered
    last_speaker: str = ""
    rejected_frame: bytes = b""  # the frame that broke the rules
    listed: bool = False  # the server surely delivers to it: it has heard something, or was heard
    label: bytes | None = None  # the name that the server gives it, once known
    earlier: int = 0  # deliveries that it may still hear of what was said before it came
    joined_at: int = 0  # how many utterances there had been then
    may_be_in_history: bool = False  # whether the last delivery that it heard may have been such a one
    had_history: bool = False  # whether these had come, unless the server pauses between them
    doubted: bytes = b""  # the last frame that was taken for one of them all the same

    def required(self) -> list[Spoken]:
        """Return what it must hear, speaker by speaker."""
        return [due.utterance for dues in self.inbox.values() for due in dues if due.required]


class DeliveryOrder:
    """A graph of utterances, by number: an edge from each to the one that a client heard next."""

    def __init__(self) -> None:
        self._after: dict[int, set[int]] = {}
        self._last: dict[str, int] = {}
        self.broken = False
        """Whether two members have heard the same things in two orders."""

    def clear(self) -> None:
        """Forget all: all clients have heard all of it, so the next utterance comes after it for all."""
        self._after.clear()
        self._last.clear()

    def follows(self, who: str, number: int) -> bool:
        """Note that a client heard this next; False if others have heard it before the last."""
        last = self._last.get(who)
        self._last[who] = number
        if last is None:
            return True
        if number in self._after.get(last, ()):  # another client has heard the two in this order
            return True
        if self._leads(number, last):
            self.broken = True
            return False
        self._after.setdefault(last, set()).add(number)
        return True

    def _leads(self, one: int, other: int) -> bool:
        """Whether a client, or several together, heard one before the other."""
        todo, seen = [one], {one}
        while todo:
            at = todo.pop()
            if at == other:
                return True
            for further in self._after.get(at, ()):
                if further not in seen:
                    seen.add(further)
                    todo.append(further)
        return False
