"""What a member of a chat in frames has heard, and has yet to hear: speaker by speaker, in the order of their words."""

from collections import deque
from dataclasses import dataclass, field

from socketserver_reference.conformance.oracles.chat_room import Presence
from socketserver_reference.conformance.oracles.frame_reader import Frames

REMEMBERED = 64
"""Deliveries of each member that are kept, to see whether something comes again."""


@dataclass(frozen=True)
class Utterance:
    """What somebody said; `number` counts all of them."""

    number: int
    speaker: str
    body: bytes


@dataclass
class Due:
    """An utterance that a member may hear, or must."""

    utterance: Utterance
    required: bool


@dataclass
class Member(Presence):
    """What is known of one client, and what it has yet to hear."""

    frames: Frames = field(default_factory=Frames)
    inbox: dict[str, deque[Due]] = field(default_factory=dict)  # by speaker
    heard: deque[Utterance] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    last_speaker: str = ""
    refused: bytes = b""  # the frame that broke the rules
    label: bytes | None = None  # what the server calls it, once that is known
    earlier: int = 0  # deliveries that it may still hear of what was said before it came
    since: int = 0  # how many utterances there had been then

    def required(self) -> list[Utterance]:
        """Return what it must hear, speaker by speaker."""
        return [due.utterance for dues in self.inbox.values() for due in dues if due.required]
