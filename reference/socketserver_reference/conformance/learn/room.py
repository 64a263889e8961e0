"""A chat that has been understood: newcomers, utterances, fences; and whatever else is heard, kept by its occasion."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count
from typing import Literal, TypeVar

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, HeardBytes
from socketserver_reference.conformance.learn.first_contact import (
    MAX_FRAMES,
    MEETING_NAMES,
    Arrival,
    UnderstoodMeeting,
    frames,
)

MAX_NOTICE_BYTES = 200
"""Bytes of what is taken for a notice."""

MAX_WAITING_NEWCOMERS = 5
"""Connections that every server lets wait to be accepted."""

Occasion = Literal["joining", "leaving"]

Question = TypeVar("Question")

SPEAKER, LISTENER, OTHER = MEETING_NAMES
"""Who is there all the time: one who says what proves that all is well, one who hears what newcomers say, and one."""


class RoomConversation:
    """A chat in which three stay and others come and go."""

    def __init__(self, conversation: Conversation, understood: UnderstoodMeeting) -> None:
        self.conversation = conversation
        self.meeting = understood.meeting
        self.said: Framing = understood.meeting.said
        self.framed = understood.framed
        self.template: Template = understood.template
        self.named = understood.named
        self.lines: dict[Occasion, dict[bytes, None]] = {"joining": {}, "leaving": {}}
        """What the others heard when somebody came or went, each line once and in its order."""
        self.varying: set[str] = set()
        """Names and addresses, which vary wherever they stand."""
        self._numbers = count(1)
        for name, arrival in self.meeting.arrivals.items():
            self.varying |= {name, *self.conversation.origin(name)}
            self._note("joining", arrival.others)
            if self.named:
                self._note("joining", arrival.others_then)

    @property
    def _arrivals(self) -> Iterable[Arrival]:
        return self.meeting.arrivals.values()

    def _note(self, occasion: Occasion, heard: HeardBytes, said: Iterable[bytes] = ()) -> None:
        """Keep what was heard by those who stay, or by these, but for what was said by somebody."""
        for frame in chain.from_iterable(self.frames(data) for data in heard.values()):
            ours = any(text in frame for text in self.conversation.texts) or any(
                self.template.label(frame, text) is not None for text in said
            )
            if not ours and len(frame) <= MAX_NOTICE_BYTES and len(self.lines[occasion]) < MAX_FRAMES:
                self.lines[occasion].setdefault(frame)

    def _staying(self, heard: HeardBytes) -> HeardBytes:
        return {who: heard[who] for who in MEETING_NAMES if who in heard}

    # What can be done

    def newcomers(self, number: int) -> list[str]:
        """Let so many clients in, as far as the three were let in; return the names of those who were."""
        arrived: list[str] = []
        with contextlib.suppress(CannotLearn):  # that is as many as there can be
            while len(arrived) < number:
                who = f"guest{next(self._numbers)}"
                self.conversation.join(who)
                arrived.append(who)
                self.varying |= {who, *self.conversation.origin(who)}
                if (
                    not len(arrived) % MAX_WAITING_NEWCOMERS
                ):  # or more would wait to be accepted than the server lets wait
                    self.conversation.site.wait_idle()
        self._note("joining", self._staying(self._until_told(arrived, all(one.greeting for one in self._arrivals))))
        if self.named:
            for who in arrived:
                self.conversation.say(who, self.said.put(who.encode()))
            self._note("joining", self._staying(self._until_told(arrived, all(one.reply for one in self._arrivals))))
        refused = [who for who in arrived if who in self.conversation.ended]
        self.conversation.leave(*refused)
        return [who for who in arrived if who not in refused]

    def _until_told(self, whom: Iterable[str], told: bool) -> HeardBytes:
        """Return what is heard until these were told something, if people are told something here."""
        return self.conversation.hear(
            lambda heard: not told or all(heard[who] or who in self.conversation.ended for who in whom)
        )

    def newcomer(self) -> str:
        """Let one more client in; return its name."""
        arrived = self.newcomers(1)
        if not arrived:
            raise CannotLearn("nobody else is let in")
        return arrived[0]

    def in_turn(self, questions: Iterable[Question], together: int) -> Iterator[list[tuple[Question, str]]]:
        """Yield some questions at a time, each with a newcomer that asks it; so many, or as many as are let in."""
        waiting = list(questions)
        while waiting:
            guests = self.newcomers(min(together, len(waiting)))
            if not guests:
                raise CannotLearn("nobody else is let in")
            yield list(zip(waiting, guests, strict=False))
            del waiting[: len(guests)]

    def gone(self, *whom: str, heard: HeardBytes | None = None, said: Iterable[bytes] = ()) -> None:
        """Let clients leave, if they have not left; keep what is heard of it, and was, but for what was said."""
        left = [
            *MEETING_NAMES,
            *(who for who in whom if who in self.conversation.ended),
        ]  # whose last words are notices, too
        self._note("leaving", {who: (heard or {}).get(who, b"") for who in left}, said)
        self.conversation.leave(*whom)
        self._note("leaving", self._staying(self.conversation.hear()))

    def ask(self, who: str, data: bytes, until: Callable[[HeardBytes], bool], *, briefly: bool = False) -> HeardBytes:
        """Let somebody send these bytes; return what is heard until what is awaited came, or its end, or silence."""
        self.conversation.say(who, data)
        return self.conversation.hear(lambda heard: until(heard) or who in self.conversation.ended, briefly=briefly)

    def heard_by_all(self, who: str = SPEAKER, among: Iterable[str] = MEETING_NAMES) -> tuple[bool, HeardBytes]:
        """Let somebody speak; return whether all the others heard it, of one who stays, and what they heard."""
        text = self.conversation.text()
        others = [one for one in among if one != who]
        heard = self.ask(who, self.said.put(text), lambda heard: all(text in heard[one] for one in others))
        return all(text in heard[one] for one in others) and who not in self.conversation.ended, heard

    # What it means

    @property
    def heard_in(self) -> Framing:
        """The framing of what the server says."""
        return self.framed.framing

    def frames(self, data: bytes) -> list[bytes]:
        """Return the frames of what was heard."""
        return frames(self.framed, data)

    def delivered(self, heard: HeardBytes, text: bytes) -> bool:
        """Whether the witness was delivered just this."""
        return any(self.template.label(frame, text) is not None for frame in self.frames(heard[LISTENER]))

    def notices(self) -> tuple[list[str], list[str]]:
        """Return templates for what is heard when somebody comes, and when somebody goes."""
        joining = patterns.notices(self.lines["joining"], self.varying)
        leaving = patterns.notices(self.lines["leaving"], self.varying)
        told = [one for one in dict.fromkeys([*joining, *leaving]) if one.replace("{any}", "").strip()]
        kept = [one for one in told if not any(_covers(other, one) for other in told if other != one)]
        return [one for one in kept if one in joining], [one for one in kept if one not in joining]


def _covers(general: str, special: str) -> bool:
    """Whether all that one template matches is matched by the other."""
    return Template.parse(general, "any").matches(special.encode())
