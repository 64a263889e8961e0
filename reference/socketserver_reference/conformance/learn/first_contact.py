"""The first utterances in a chat: three clients connect, say a word each, and then talk.

The first word was a name if it was not delivered as later ones were. If lines are not delivered, the clients try frames
of a fixed size, then length prefixes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import BadTemplate, Template
from socketserver_reference.conformance.learn import framing as deliveries
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, HeardBytes
from socketserver_reference.conformance.learn.dialect_writer import quoted
from socketserver_reference.conformance.learn.framing import NotUnderstood, ObservedDelivery, ObservedFraming
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending

MEETING_NAMES = ("annika", "bertil", "carola")

UTTERANCES_EACH = 2
"""Utterances of each client: two show what varies from one to the next."""

HEADERS = ("%4d", "%04d", "%2d", "%3d", "%5d", "%6d", "%8d")

MIN_PROBED_FRAME_BYTES, MAX_PROBED_FRAME_BYTES = 16, 4096
"""Smallest and largest fixed frame that is tried, in bytes."""

MAX_FRAMES = 1000
"""Most frames that are separated in one reading: a hostile server could send a million."""


@dataclass
class Arrival:
    """The arrival of one client."""

    greeting: bytes
    reply: bytes = b""
    """The bytes it heard after its first word."""
    others: HeardBytes = field(default_factory=dict)
    """The bytes the others heard when it connected."""
    others_then: HeardBytes = field(default_factory=dict)
    """The bytes they heard after its first word."""


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
        return all(map(self.reached, _without(self.heard, self.speaker)))


def too_early(ending: Ending, greeting: bytes) -> str:
    """Return a sentence which says that the server ended the connection of a client before it spoke."""
    after = f", after {quoted(greeting)}" if greeting else ""
    return f"a client that had not said anything got {ENDINGS[ending]}{after}"


class Meeting:
    """Three clients that use one framing for all utterances."""

    def __init__(self, conversation: Conversation, said: Framing) -> None:
        self.conversation = conversation
        self.said = said
        self.arrivals: dict[str, Arrival] = {}
        self.utterances: list[MeetingUtterance] = []
        self.doubled = False

    def arrive(self) -> None:
        """Connect, one after the other, and say a first word, which may be a name."""
        for name in MEETING_NAMES:
            self.conversation.join(name)
            heard = self.conversation.hear()
            if name in self.conversation.ended:
                raise CannotLearn(too_early(self.conversation.ended[name], heard[name]))
            self.conversation.say(name, self.said.put(name.encode()))
            then = self.conversation.hear(
                lambda heard: any(heard.values()), briefly=True
            )  # a word that may be a name need not be delivered
            self.arrivals[name] = Arrival(heard[name], then[name], _without(heard, name), _without(then, name))

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
        self.conversation.say(speaker, self.said.put(text))
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
            for listener in _without(one.heard, one.speaker):
                data = one.heard[listener]
                half = data[: len(data) // 2]
                if one.text in half and half * 2 == data:
                    self.doubled = True
                    data = half
                found.append(ObservedDelivery(one.speaker, listener, one.text, data))
        return found

    def leave(self) -> None:
        """Disconnect all clients."""
        self.conversation.leave(*self.arrivals)
        self.conversation.hear()

    @property
    def heard_by_themselves(self) -> bool:
        """Whether the last speaker alone heard its utterance."""
        last = self.utterances[-1]
        return [who for who in last.heard if last.reached(who)] == [last.speaker]

    def failure_reason(self) -> str:
        """Return why nothing can be learned from this meeting, as part of a sentence."""
        last = self.utterances[-1]
        if self.heard_by_themselves:
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
    named: bool


def meet(conversation: Conversation) -> UnderstoodMeeting:
    """Let clients meet until one framing works; raise CannotLearn if none does."""
    first = Meeting(conversation, Framing())
    first.arrive()
    if first.talk():
        return _understand(_with_the_servers_newline(first))
    why = first.failure_reason()
    first.leave()
    if first.heard_by_themselves:
        raise CannotLearn(why)
    for framing in _other_framings(conversation):
        meeting = Meeting(conversation, framing)
        meeting.arrive()
        if meeting.talk(briefly=True):
            return _understand(meeting)
        meeting.leave()
    raise CannotLearn(f"{why}; neither lines nor frames of a fixed size nor length prefixes were understood")


def _with_the_servers_newline(meeting: Meeting) -> Meeting:
    """Return the meeting, or, if lines came back with CR LF, the same clients with that line end."""
    try:
        framed = deliveries.understand(meeting.deliveries(), meeting.said)
    except NotUnderstood:  # `_understand` reports that
        return meeting
    if framed.framing.kind != "line" or framed.tail != b"\r":
        return meeting
    again = Meeting(meeting.conversation, Framing(newline=b"\r\n"))
    again.arrivals = meeting.arrivals
    if again.talk() and all(one.data.endswith(one.text + b"\r\n") for one in again.deliveries()):
        return again
    meeting.talk()  # so that no late delivery of the other meeting is heard later
    return meeting


def _understand(meeting: Meeting) -> UnderstoodMeeting:
    found = meeting.deliveries()
    try:
        framed = deliveries.understand(found, meeting.said)
        heads: dict[str, list[bytes]] = {name: [] for name in MEETING_NAMES}
        for one, head in zip(found, framed.heads, strict=True):
            heads[one.speaker].append(head)
        host, _ = meeting.conversation.origin(MEETING_NAMES[0])
        before = patterns.template(patterns.head(heads, host))
        template = Template.parse(f"{before}{{body}}{patterns.literal(framed.tail)}", "body", "sender", "any")
    except (NotUnderstood, BadTemplate) as error:
        raise CannotLearn(f"deliveries were heard, but their framing was not understood: {error}") from None
    return UnderstoodMeeting(meeting, framed, template, _named(meeting, framed, template))


def _named(meeting: Meeting, framed: ObservedFraming, template: Template) -> bool:
    """Whether the first word of each client was a name: it was not delivered as later utterances were."""
    for name, arrival in meeting.arrivals.items():
        for data in arrival.others_then.values():
            if any(template.label(frame, name.encode()) is not None for frame in frames(framed, data)):
                return False
    return True


def frames(framed: ObservedFraming, data: bytes) -> list[bytes]:
    """Return the frames in these bytes, without prompts; the rest at the end counts as one more."""
    found: list[bytes] = []
    while data and len(found) < MAX_FRAMES and (cut := framed.framing.cut(data)) is not None:
        frame, end = cut
        found.append(frame)
        data = data[end:]
    told = [frame.removeprefix(framed.prompt) for frame in [*found, data]]
    return told if told[-1] else told[:-1]


def _other_framings(conversation: Conversation) -> Iterator[Framing]:
    size = _fixed_size(conversation)
    if size:
        yield Framing("fixed", size=size)
    yield from (Framing("length", header=header) for header in HEADERS)


def _fixed_size(conversation: Conversation) -> int:
    """Return how many bytes a client must send until another hears them; 0 if no number was found."""
    speaker, listener = "dagmar", "elin"
    conversation.join(speaker)
    conversation.join(listener)
    conversation.hear()
    text = conversation.text()
    said = 0
    size = 0
    total = MIN_PROBED_FRAME_BYTES
    while not size and total <= MAX_PROBED_FRAME_BYTES and speaker not in conversation.ended:
        conversation.say(speaker, b" " * (total - said) if said else text.ljust(total))
        said, total = total, 2 * total
        heard = conversation.hear()[listener]
        size = len(heard) if text in heard else 0
    conversation.leave(speaker, listener)
    conversation.hear()
    return size


def _without(heard: HeardBytes, who: str) -> HeardBytes:
    return {other: data for other, data in heard.items() if other != who}
