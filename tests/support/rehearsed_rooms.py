"""A conversation without a server: what clients hear is set by the test."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn.answers import AnswerText
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, HeardBytes
from socketserver_reference.conformance.learn.framing import ObservedFraming
from socketserver_reference.conformance.learn.meeting import MEETING_NAMES, Arrival, Meeting, UnderstoodMeeting
from socketserver_reference.conformance.learn.room import RoomConversation


class RehearsedConversation(Conversation):
    """Clients that only count: `greeting` is what each hears first, `seats` how many come in until a fresh start."""

    def __init__(self, *, greeting: bytes = b"", seats: int = 1000) -> None:
        self.exit_report = ""
        site: Any = SimpleNamespace(
            restartable=True, wait_idle=lambda: None, exit_report=lambda: self.exit_report, last_error=str
        )
        super().__init__(site, 0.1)
        self.greeting = greeting
        self.seats = seats
        self.joined: list[str] = []
        """All clients that have come, in any attempt."""
        self.present: list[str] = []
        self._unheard: dict[str, bytes] = {}

    def fresh(self) -> None:
        self.present = []
        self.ended.clear()

    def join(self, who: str) -> None:
        if len(self.present) >= self.seats:
            raise CannotLearn("full")
        self.joined.append(who)
        self.present.append(who)
        self._unheard[who] = self.greeting

    def say(self, who: str, data: bytes) -> None:
        for other in {who, *self.present}:
            self._unheard[other] = self._unheard.get(other, b"") + data

    def leave(self, *whom: str, rudely: bool = False) -> None:  # noqa: ARG002  # the others see no difference
        self.present = [who for who in self.present if who not in whom]

    def hear(self, until: Callable[[HeardBytes], bool] | None = None, *, briefly: bool = False) -> HeardBytes:  # noqa: ARG002  # nothing is waited for
        heard, self._unheard = {who: self._unheard.get(who, b"") for who in self.present}, {}
        return heard

    def hear_greeting(self, whom: Sequence[str], *, expected: bool = True) -> HeardBytes:  # noqa: ARG002  # as above
        return self.hear()


def understood(
    conversation: Conversation,
    greetings: Sequence[bytes] = (b"", b"", b""),
    *,
    said: Framing | None = None,
    heard_in: Framing | None = None,
    template: str = "{body}",
    answers: Sequence[AnswerText] = (),
    replies: Sequence[bytes] = (b"", b"", b""),
) -> UnderstoodMeeting:
    """Return a meeting of three clients with these greetings and, after each answer, these replies."""
    meeting = Meeting(conversation, said or Framing(), answers)
    for who, greeting, reply in zip(MEETING_NAMES, greetings, replies, strict=True):
        meeting.arrivals[who] = Arrival(greeting, [reply for _ in answers], [{}, *({} for _ in answers)])
    framed = ObservedFraming(heard_in or Framing("line"), (), (), "so it came")
    return UnderstoodMeeting(meeting, framed, Template(template), tuple(answers))


def room(conversation: Conversation, found: UnderstoodMeeting | None = None) -> RoomConversation:
    """Return a room with three clients that have met."""
    return RoomConversation(conversation, found or understood(conversation))
