"""Three clients meet in a chat: each connects, answers what is asked, and says a word; then they talk.

The answers were a handshake as far as they were not delivered as later utterances are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import BadTemplate, Template
from socketserver_reference.conformance.learn import framing as deliveries
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.answers import REFUSING, AnswerText
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, HeardBytes
from socketserver_reference.conformance.learn.dialect_writer import quoted
from socketserver_reference.conformance.learn.framing import (
    NotUnderstood,
    ObservedDelivery,
    ObservedFraming,
    ends_in_two_ways,
)
from socketserver_reference.conformance.learn.patterns import Field
from socketserver_reference.conformance.learn.say_command import NO_COMMAND, SayCommand
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending

MEETING_NAMES = ("annika", "bertil", "carola")

UTTERANCES_EACH = 2
"""Utterances of each client: two show what varies from one to the next."""

MAX_FRAMES = 1000
"""Most frames that are separated in one reading: a hostile server could send a million."""


@dataclass
class Arrival:
    """The arrival of one client."""

    greeting: bytes
    replies: list[bytes] = field(default_factory=list)
    """What it heard after each of its answers."""
    others: list[HeardBytes] = field(default_factory=list)
    """What the others heard when it connected, and after each of its answers."""


@dataclass(frozen=True)
class MeetingUtterance:
    """A later utterance, and the bytes that each client heard then."""

    speaker: str
    text: bytes
    heard: HeardBytes

    def reached(self, listener: str) -> bool:
        """Whether a client heard it."""
        return self.text in self.heard[listener]

    @property
    def reached_all_others(self) -> bool:
        """Whether all but the speaker heard it."""
        return all(map(self.reached, without(self.heard, self.speaker)))


class HeardInNoForm(CannotLearn):
    """All was heard, and it has no form that a dialect could describe."""


def too_early(ending: Ending, greeting: bytes) -> str:
    """Return a sentence which says that the server ended the connection of a client before it spoke."""
    after = f", after {quoted(greeting)}" if greeting else ""
    return f"a client that had not said anything got {ENDINGS[ending]}{after}"


class Meeting:
    """Three clients that use one framing and one command for all utterances, and give the same answers."""

    def __init__(
        self, conversation: Conversation, said: Framing, answers: Sequence[AnswerText], say: SayCommand = NO_COMMAND
    ) -> None:
        self.conversation = conversation
        self.said = said
        self.answers = list(answers)
        self.say = say
        self.arrivals: dict[str, Arrival] = {}
        self.utterances: list[MeetingUtterance] = []
        self.doubled = False
        """Whether every delivery came twice."""

    def answered(self, answer: AnswerText, who: str) -> bytes:
        """Return the bytes of an answer on the wire."""
        if self.said.kind in ("fixed", "length"):
            return self.said.put(AnswerText(answer.text, b"").data(self.conversation.name(who)))
        return answer.data(self.conversation.name(who))

    def spoken(self, text: bytes) -> bytes:
        """Return the bytes of an utterance on the wire."""
        return self.said.put(self.say.template.fill(body=text))

    def arrive(self) -> None:
        """Connect, one after the other, and answer; raise CannotLearn if one is sent away."""
        for who in MEETING_NAMES:
            self.arrivals[who] = self.admit(who)

    def admit(self, who: str) -> Arrival:
        """Connect a client, and answer; raise CannotLearn if it is sent away."""
        self.conversation.join(who)
        heard = self.conversation.hear_greeting([who], expected=self.greets)
        if who in self.conversation.ended:
            raise CannotLearn(too_early(self.conversation.ended[who], heard[who]))
        arrival = Arrival(heard[who], [], [without(heard, who)])
        self.conversation.arrived(who)  # what is taken for an answer may be an utterance already
        for answer in self.answers:
            self.conversation.say(who, self.answered(answer, who))
            then = self.conversation.hear(lambda heard: any(heard.values()), briefly=True)  # perhaps nothing comes
            arrival.replies.append(then[who])
            arrival.others.append(without(then, who))
        self.conversation.arrived(who)
        return arrival

    @property
    def greets(self) -> bool:
        """Whether the first client was greeted, and the next may be as well."""
        return any(arrival.greeting for arrival in self.arrivals.values())

    def talk(self, *, briefly: bool = False) -> bool:
        """Have each client speak; return whether all others heard everything. End at the first failure."""
        self.utterances = []
        for speaker in MEETING_NAMES * UTTERANCES_EACH:
            utterance = self._say(speaker, briefly=briefly)
            self.utterances.append(utterance)
            if not utterance.reached_all_others:
                return False
        return True

    def _say(self, speaker: str, *, briefly: bool) -> MeetingUtterance:
        text = self.conversation.text()
        self.conversation.say(speaker, self.spoken(text))
        heard = self.conversation.hear(
            lambda heard: (
                speaker in self.conversation.ended or MeetingUtterance(speaker, text, heard).reached_all_others
            ),
            briefly=briefly,
        )
        return MeetingUtterance(speaker, text, heard)

    def deliveries(self) -> list[ObservedDelivery]:
        """Return what the other clients heard of each utterance."""
        found = []
        for one in self.utterances:
            for listener in without(one.heard, one.speaker):
                data = one.heard[listener]
                half = data[: len(data) // 2]
                if one.text in half and half * 2 == data:
                    self.doubled = True
                    data = half
                found.append(ObservedDelivery(one.speaker, listener, one.text, data))
        return found

    def heard_in_the_room(self) -> list[bytes]:
        """Return what the others heard when a client came, and all when one spoke."""
        coming = [heard for arrival in self.arrivals.values() for heard in arrival.others]
        return [data for heard in (*coming, *(one.heard for one in self.utterances)) for data in heard.values()]

    @property
    def tells_names_in_lines(self) -> bool:
        """Whether clients are told a name with a line's end behind it, and more behind that."""
        names = [self.conversation.name(who).encode() + self.said.newline for who in self.arrivals]
        return any(name in data[:-1] for data in self.heard_in_the_room() for name in names)

    def told(self) -> list[bytes]:
        """Return all that the clients have heard, each time."""
        coming = [data for one in self.arrivals.values() for data in (one.greeting, *one.replies)]
        return [data for data in [*coming, *(data for one in self.utterances for data in one.heard.values())] if data]

    @property
    def question(self) -> bytes:
        """What the first client heard last before it spoke, which may be a question; b"" if no client has spoken."""
        if not self.utterances or MEETING_NAMES[0] not in self.arrivals:
            return b""
        arrival = self.arrivals[MEETING_NAMES[0]]
        return (arrival.replies or [arrival.greeting])[-1]

    def is_heard_later(self) -> bool:
        """Whether the others hear the client that came last."""
        return self._say(MEETING_NAMES[-1], briefly=False).reached_all_others

    @property
    def heard_by_themselves(self) -> bool:
        """Whether the last speaker alone heard its utterance."""
        last = self.utterances[-1]
        return [who for who in last.heard if last.reached(who)] == [last.speaker]

    def failure_reason(self) -> str:
        """Return why nothing can be learned from this meeting, as part of a sentence."""
        last = self.utterances[-1]
        if self.heard_by_themselves and not REFUSING.search(last.heard[last.speaker]):
            return f"what {last.speaker} says comes back to {last.speaker} alone: try `learn echo`"
        heard = ", ".join(f"{who} heard {quoted(data)}" for who, data in last.heard.items() if data) or "no client did"
        greeting = self.arrivals[last.speaker].greeting
        parts = [f"not all others heard {quoted(last.text)} when {last.speaker} said it: {heard}"]
        if last.speaker in self.conversation.ended:
            parts.append(f"its speaker got {ENDINGS[self.conversation.ended[last.speaker]]}")
        if greeting:
            parts.append(f"it had been greeted by {quoted(greeting)}")
        return ", ".join(parts)


@dataclass(frozen=True)
class UnderstoodMeeting:
    """A meeting in which all utterances were delivered, and its framing."""

    meeting: Meeting
    framed: ObservedFraming
    template: Template
    answers: tuple[AnswerText, ...]
    """The answers that were not delivered: the handshake."""

    @property
    def by_newline(self) -> "UnderstoodMeeting":
        """The same, if \\n alone ends lines: a carriage return before it belongs to the deliveries."""
        return replace(self, framed=self.framed.by_newline, template=Template(f"{self.template.text}\r"))


def understand(meeting: Meeting) -> UnderstoodMeeting:
    """Return what a meeting shows; raise HeardInNoForm if its deliveries are not understood."""
    found = meeting.deliveries()
    try:
        framed = deliveries.understand(found, meeting.said)
        if any(ends_in_two_ways(framed.framing, data) for data in meeting.heard_in_the_room()):
            framed = framed.by_newline
        host, _ = meeting.conversation.origin(MEETING_NAMES[0])
        template = _template(found, framed, host)
        framed = replace(framed, beside=tuple(_beside(found, framed, host)))
    except (NotUnderstood, BadTemplate) as error:
        raise HeardInNoForm(f"deliveries were heard, but their framing was not understood: {error}") from None
    answers = list(meeting.answers)
    while answers and _was_delivered(meeting, framed, template, len(answers)):
        answers.pop()
        for arrival in meeting.arrivals.values():
            arrival.replies.pop()
            arrival.others.pop()
    return UnderstoodMeeting(meeting, framed, template, tuple(answers))


def _by_speaker(found: Sequence[ObservedDelivery], texts: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Return the texts that came with deliveries, by the speakers of these."""
    own: dict[str, list[bytes]] = {name: [] for name in MEETING_NAMES}
    for one, text in zip(found, texts, strict=True):
        own[one.speaker].append(text)
    return own


def _template(found: Sequence[ObservedDelivery], framed: ObservedFraming, host: str) -> Template:
    """Return what the deliveries have in common; a label behind the words that is not the one before them is none."""
    before = patterns.beside(_by_speaker(found, framed.heads), host)
    behind = patterns.beside(_by_speaker(found, framed.tails), host, behind=True)
    form = Template.parse(patterns.with_body(before, behind), "body", "sender", "any")
    frames = [head + one.text + tail for one, head, tail in zip(found, framed.heads, framed.tails, strict=True)]
    if Field.SENDER not in before or all(form.label(frame, one.text) for frame, one in zip(frames, found, strict=True)):
        return form
    other = tuple(Field.ANY if part is Field.SENDER else part for part in behind)
    return Template.parse(patterns.with_body(before, other), "body", "sender", "any")


def _beside(found: Sequence[ObservedDelivery], framed: ObservedFraming, host: str) -> Iterator[Template]:
    """Yield a template for each line that comes with all deliveries; raise NotUnderstood if it could be any line."""
    for lines in zip(*framed.around, strict=True):
        told = patterns.template(patterns.beside(_by_speaker(found, lines), host)).replace("{sender}", "{any}")
        template = Template.parse(told, "any")
        if told and not template.literal.strip():
            raise NotUnderstood(f"a line comes with each delivery that no word of its own marks, such as {lines[0]!r}")
        yield template


def _was_delivered(meeting: Meeting, framed: ObservedFraming, template: Template, number: int) -> bool:
    """Whether the answer of that number, of any client, was delivered as later utterances were: without the end of a
    line in its frame, if it had none.
    """
    answer = meeting.answers[number - 1]
    end = meeting.said.newline if not answer.end and framed.framing.kind in ("fixed", "length") else b""
    for who, arrival in meeting.arrivals.items():
        word = AnswerText(answer.text, b"").data(meeting.conversation.name(who))
        for data in arrival.others[number].values():
            *whole, rest = cut(framed, data)
            if not rest and any(
                template.label(frame + tail, word) is not None for frame in whole for tail in (b"", end)
            ):
                return True
            if framed.framing.kind == "none" and template.label(rest, word) is not None:
                return True
    return False


def frames(framed: ObservedFraming, data: bytes) -> list[bytes]:
    """Return the frames in these bytes, without prompts; the rest at the end counts as one more.

    The prompt behind the frame before the first has been read with that one.
    """
    told = cut(framed, data)
    return told if told[-1] else told[:-1]


def cut(framed: ObservedFraming, data: bytes) -> list[bytes]:
    """Return the whole frames in these bytes, without prompts and without the lines that come with a delivery, and the
    rest at the end, b"" for none.
    """
    found: list[bytes] = []
    while data and len(found) < MAX_FRAMES and (one := framed.framing.cut(data)) is not None:
        frame, end = one
        found.append(frame)
        data = data[end:]
    told = [*found, data]
    *whole, rest = [
        told[0] if told[0] != framed.prompt else b"",
        *(frame.removeprefix(framed.prompt) for frame in told[1:]),
    ]
    return [*(frame for frame in whole if not is_beside(framed, frame)), rest]


def is_beside(framed: ObservedFraming, line: bytes) -> bool:
    """Whether this is a line that comes with deliveries."""
    return any(template.matches(line) for template in framed.beside)


def without(heard: HeardBytes, who: str) -> HeardBytes:
    """Return what the others heard."""
    return {other: data for other, data in heard.items() if other != who}
