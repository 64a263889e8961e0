"""A chat whose framing is known: newcomers, utterances, fences; and all other lines, kept by their occasion."""

import contextlib
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, count, takewhile
from typing import Literal, TypeVar

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, HeardBytes, TooFewSeats
from socketserver_reference.conformance.learn.framing import ends_in_two_ways
from socketserver_reference.conformance.learn.meeting import (
    MAX_FRAMES,
    MEETING_NAMES,
    Arrival,
    UnderstoodMeeting,
    cut,
    frames,
    is_beside,
)

MAX_NOTICE_BYTES = 200
"""Longest notice, in bytes."""

LINES_PATTERN = re.compile(rb"[^\n]+\n*|\n+")
"""A line, with the blank lines that follow it."""

SINGLE_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
"""The same where empty lines come by themselves."""

MAX_LINES = 200
"""Most different lines of an occasion that are kept."""

MAX_ANSWERING_TOGETHER = 20
"""Clients that go through the handshake at one time."""

MAX_WAITING_NEWCOMERS = 5
"""Connections that fit into the backlog of any server."""

Occasion = Literal["joining", "leaving", "speaking"]

Question = TypeVar("Question")

SPEAKER, LISTENER, OTHER = MEETING_NAMES
"""The three clients that stay: one sends the fences, one listens to newcomers, and one more."""


class LineEndsDiffer(Exception):
    """The deliveries of a server end in CR LF, and other lines in \\n alone."""


class RoomConversation:
    """A chat in which three clients stay and others come and go."""

    def __init__(self, conversation: Conversation, understood: UnderstoodMeeting) -> None:
        self.conversation = conversation
        self.meeting = understood.meeting
        self.said: Framing = understood.meeting.said
        self.framed = understood.framed
        self.template: Template = understood.template
        self.answers = understood.answers
        self.lines: dict[Occasion, dict[bytes, patterns.Pattern]] = {"joining": {}, "leaving": {}, "speaking": {}}
        """Occasion -> the lines heard by others when a client came or went, or by a speaker besides its own words."""
        self.unended: dict[bytes, bool] = {}
        """Notices that have no end, in a chat whose deliveries have one; whether they begin with the end of a line."""
        self.words: list[bytes] = []
        """What else was said than texts: answers that were delivered, words to quit by."""
        self.receipt: Template | None = None
        """What tells a speaker only that it was heard."""
        self.one_by_one = False
        """Whether the server greets the next client only when the one before has answered."""
        self.fragile = False
        """Whether the room breaks when a client leaves; then all stay until the next attempt."""
        self.received = 0
        """Newcomers that came in, in any attempt."""
        self.labels: set[str] = set()
        """Labels of those that spoke, alone and as words."""
        self._numbers = count(1)
        if len(self.answers) < len(self.meeting.answers):
            self.words += [self.conversation.name(who).encode() for who in MEETING_NAMES]
        for arrival in self._arrivals:
            for others in arrival.others:
                self.note("joining", others)

    @property
    def _arrivals(self) -> Iterable[Arrival]:
        return self.meeting.arrivals.values()

    @property
    def greets(self) -> bool:
        """Whether the server greeted each of the three."""
        return all(one.greeting for one in self._arrivals)

    @property
    def varying(self) -> set[str]:
        """Names and addresses, which vary wherever they occur."""
        return self.conversation.names

    def is_delivery(self, frame: bytes, words: Iterable[bytes] = ()) -> bool:
        """Whether a frame delivers something that was said."""
        return any(self.delivers(frame, text) for text in (*self.conversation.texts, *words))

    def delivers(self, frame: bytes, text: bytes) -> bool:
        """Whether a frame delivers this text; where a prompt looks like its beginning, with or without that."""
        labels = [self.template.label(one, text) for one in {frame, self.framed.prompt + frame}]
        for label in filter(None, labels):
            self._keep_label(frame, label)
        return any(label is not None for label in labels)

    def _keep_label(self, frame: bytes, label: bytes) -> None:
        """Keep the label of a sender that is a word, or part of one: `7` in `guest7`."""
        if re.fullmatch(rb"\w+", label) and (found := re.search(rb"\w*" + re.escape(label) + rb"\w*", frame)):
            self.labels |= {one.decode("utf-8", "replace") for one in (label, found[0])}

    def _is_unmarked(self, frame: bytes) -> bool:
        """Whether there is something that was said among bytes that nothing divides."""
        words = (*self.conversation.texts, *self.words)
        return self.heard_in.kind == "none" and any(word in frame for word in words)

    def news(self, data: bytes) -> list[bytes]:
        """Return the frames in what a newcomer heard that repeat no earlier delivery, ends of lines included."""
        return [piece for piece, repeats in self._pieces(data) if not repeats]

    def bare(self, line: bytes) -> bytes:
        """Return a line without its end, whatever that is; a carriage return stays where \\n alone ends the lines."""
        return line.rstrip(b"\n" if self.heard_in.newline == b"\n" else b"\r\n")

    def repeated(self, data: bytes) -> int:
        """Return how many earlier deliveries there are in what a newcomer heard."""
        return sum(repeats for _, repeats in self._pieces(data))

    def _pieces(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield the frames, and whether each repeats an earlier delivery; greetings may end lines otherwise."""
        if self.heard_in.kind != "line":
            yield from (
                (frame, self.is_delivery(frame, self.words) or self._is_unmarked(frame)) for frame in self.frames(data)
            )
            return
        line = SINGLE_LINE if any(not line.strip(b"\r") for line in self.lines["joining"]) else LINES_PATTERN
        for found in deque(line.finditer(data), MAX_FRAMES):  # the last ones: a question comes last
            if not is_beside(self.framed, bare := self.bare(found[0])):
                yield found[0], self.is_delivery(bare, self.words)

    def note(self, occasion: Occasion, heard: HeardBytes, said: Iterable[bytes] = (), *, several: bool = False) -> None:
        """Keep the frames heard on an occasion, but deliveries; what has no end only where one client has caused it."""
        for data in heard.values():
            if ends_in_two_ways(self.heard_in, data):
                raise LineEndsDiffer
            *whole, rest = self.cut(data)
            if rest and len(rest) <= MAX_NOTICE_BYTES and self.heard_in.kind in ("line", "chunk", "none"):
                if not several and not any(text in rest for text in (*self.conversation.texts, *said)):
                    self.unended[rest] = whole == [b""]
            elif rest:
                whole.append(rest)
            self._keep_notices(occasion, whole, said)

    def _keep_notices(self, occasion: Occasion, told: Iterable[bytes], said: Iterable[bytes]) -> None:
        for frame in dict.fromkeys(told):  # a flood has many of the same
            ours = any(text in frame for text in self.conversation.texts) or self.is_delivery(
                frame, (*said, *self.words)
            )
            ours = ours or (bool(said) and self._is_from_a_client(frame))  # what it says may be altered
            glued = bool(self.unended) and any(frame.endswith(word) for word in said)
            if not (ours or glued or self._is_unmarked(frame)):
                self.keep(occasion, [frame])

    def _is_from_a_client(self, frame: bytes) -> bool:
        """Whether a frame is a delivery under the name of a client, or of nothing: a command without words."""
        label = self.template.sender(frame) or b""
        named = any(name and name.encode() in label for name in self.conversation.names)
        return named or self.template.label(frame, b"") is not None

    def keep(self, occasion: Occasion, told: Iterable[bytes]) -> None:
        """Keep these frames as notices, except for those that are too long or too many."""
        read = patterns.reader(self.varying)
        lines = self.heard_in.kind == "line"
        for line in (line for frame in told for line in (self.frames(frame) or [frame] if lines else [frame])):
            if len(line) <= MAX_NOTICE_BYTES and line not in (kept := self.lines[occasion]):
                kept[line] = read(line)
                if len(kept) > MAX_LINES:  # who came last is named when it goes; what came once is of another kind
                    del kept[patterns.spared(kept, line)]

    def _staying(self, heard: HeardBytes) -> HeardBytes:
        return {who: heard[who] for who in MEETING_NAMES if who in heard}

    # Actions

    def begin(self) -> None:
        """Begin another attempt: the three meet again, on a fresh server if it can be restarted."""
        self.conversation.fresh()
        together = self.conversation.waits.greets_late
        for whom in [MEETING_NAMES] if together else [[who] for who in MEETING_NAMES]:
            if len(self._come(whom)) < len(whom):
                raise CannotLearn("the server sends clients away that it let in before")
        for who in MEETING_NAMES:
            self.heard_by_all(who)

    def newcomers(self, number: int) -> list[str]:
        """Connect so many clients, with the handshake of the three; return the names of those that the server kept."""
        return self._come([self.guest() for _ in range(number)])

    def guest(self) -> str:
        """Return the name of one more client, which has not connected yet."""
        return f"guest{next(self._numbers)}"

    def _come(self, coming: Sequence[str]) -> list[str]:
        """Connect these clients; return those that the server kept."""
        size = 1 if self.one_by_one else MAX_ANSWERING_TOGETHER
        if self.answers and len(coming) > size:
            turns = [coming[begin : begin + size] for begin in range(0, len(coming), size)]
            kept = takewhile(bool, map(self._come, turns))  # after a turn of which nobody stays the server is full
            return [who for turn in kept for who in turn]
        arrived: list[str] = []
        with contextlib.suppress(CannotLearn):  # the server takes no more
            for who in coming:
                self.conversation.join(who)
                arrived.append(who)
                if not len(arrived) % MAX_WAITING_NEWCOMERS:  # more might not fit into the backlog
                    self.conversation.site.wait_idle()
        heard = self.conversation.hear_greeting(arrived, expected=self.greets)
        self._note_coming(arrived, heard)
        greeted = not self.greets or self._all_told(arrived, heard)
        if len(arrived) > 1 and not greeted and self.answers:  # what they answer would come before its question
            self.one_by_one = True
            self.conversation.leave(*arrived)
            return self._come([self.guest() for _ in coming])
        for number, answer in enumerate(self.answers):
            for who in arrived:
                self.conversation.say(who, self.meeting.answered(answer, who))
            replies = all(one.replies[number] for one in self._arrivals)
            self._note_coming(arrived, self.conversation.hear(partial(self._all_told, arrived) if replies else None))
        refused = [who for who in arrived if who in self.conversation.ended]
        self.conversation.leave(*refused)
        for who in arrived:
            self.conversation.arrived(who)
        return [who for who in arrived if who not in refused]

    def _all_told(self, whom: Sequence[str], heard: HeardBytes) -> bool:
        return all(heard[who] or who in self.conversation.ended for who in whom)

    def _note_coming(self, whom: Sequence[str], heard: HeardBytes) -> None:
        """Note what the others have heard when clients came."""
        others = {who: data for who, data in self._staying(heard).items() if who not in whom}
        self.note("joining", others, several=len(whom) > 1)

    def newcomer(self) -> str:
        """Connect one more client; return its name."""
        return self._some(1)[0]

    def _some(self, number: int) -> list[str]:
        """Connect at most so many clients, as the server takes them; where all stay, on a fresh one if it is full."""
        if not (arrived := self.newcomers(number)) and self._all_stay:
            self.begin()
            arrived = self.newcomers(number)
        if not arrived and not self.received and self.conversation.restarts:
            raise TooFewSeats(f"a fresh server lets in {len(MEETING_NAMES)} clients, and no more")
        if not arrived:
            raise CannotLearn("the server lets no more clients in")
        self.received += len(arrived)
        return arrived

    @property
    def _all_stay(self) -> bool:
        """Whether guests do not leave, since that breaks the room."""
        return self.fragile and self.conversation.site.restartable

    def in_turn(self, questions: Iterable[Question], together: int) -> Iterator[list[tuple[Question, str]]]:
        """Yield up to so many questions at a time, as the server takes newcomers, each with a newcomer to ask it."""
        waiting = list(questions)
        while waiting:
            guests = self._some(min(together, len(waiting)))
            yield list(zip(waiting, guests, strict=False))
            del waiting[: len(guests)]

    def gone(
        self, *whom: str, heard: HeardBytes | None = None, said: Sequence[bytes] = (), rudely: bool = False
    ) -> None:
        """Disconnect clients, unless they have left, `rudely` by a reset; keep the frames heard then and in `heard` but
        deliveries, those of what was `said` included: a busy server may deliver late.
        """
        # What a client read before its end is a notice, too.
        left = [*MEETING_NAMES, *(who for who in whom if who in self.conversation.ended)]
        self.note("leaving", {who: (heard or {}).get(who, b"") for who in left}, said, several=len(whom) > 1)
        if self._all_stay and not rudely:
            return
        self.conversation.leave(*whom, rudely=rudely)
        self.note("leaving", self._staying(self.conversation.hear()), said, several=len(whom) > 1)

    def ask(self, who: str, data: bytes, until: Callable[[HeardBytes], bool], *, briefly: bool = False) -> HeardBytes:
        """Have a client send these bytes; return what is heard until `until` holds, its stream ends, or silence."""
        self.conversation.say(who, data)
        return self.conversation.hear(lambda heard: until(heard) or who in self.conversation.ended, briefly=briefly)

    def heard_by_all(self, who: str = SPEAKER, among: Iterable[str] = MEETING_NAMES) -> tuple[bool, HeardBytes]:
        """Have a client speak; return whether it stays and all the others heard it, and what each client heard."""
        text = self.conversation.text()
        others = [one for one in among if one != who]
        heard = self.ask(who, self.meeting.spoken(text), lambda heard: all(text in heard[one] for one in others))
        return all(text in heard[one] for one in others) and who not in self.conversation.ended, heard

    # Interpretation

    @property
    def heard_in(self) -> Framing:
        """The framing of the server's output."""
        return self.framed.framing

    def frames(self, data: bytes) -> list[bytes]:
        """Return the frames in these bytes."""
        return frames(self.framed, data)

    def cut(self, data: bytes) -> list[bytes]:
        """Return the whole frames in these bytes, and the rest at the end, b"" for none."""
        return cut(self.framed, data)

    def delivered(self, heard: HeardBytes, text: bytes) -> bool:
        """Whether the listener received a delivery of exactly this text."""
        return any(self.delivers(frame, text) for frame in self.frames(heard[LISTENER]))

    def occasion_of(self, line: bytes) -> Occasion:
        """Return the occasion on which lines came that are most like this one."""

        def likeness(occasion: Occasion) -> int:
            return max((patterns.likeness(line, other, self.varying) for other in self.lines[occasion]), default=0)

        return max(self.lines, key=likeness)

    def notices(self) -> dict[Occasion, list[str]]:
        """Return templates for the notices of each occasion, those that came on several with the first."""
        found: dict[Occasion, list[str]] = {}
        names = {*self.labels}  # and who has come and never spoke
        for one, lines in self.lines.items():
            found[one] = patterns.notices(lines, self.varying, names)
            names |= patterns.varying_words(found[one], lines)
        first = {one: occasion for occasion in reversed(found) for one in found[occasion]}
        told = [one for one in dict.fromkeys(chain(*found.values())) if not _may_be_anything(one)]
        kept = [one for one in told if not any(patterns.covers(other, one) for other in told if other != one)]
        return {occasion: [one for one in kept if first[one] == occasion] for occasion in found}


def _may_be_anything(notice: str) -> bool:
    """Whether nothing in a notice, but white space, is the same each time; a blank line is."""
    return "{any}" in notice and not notice.replace("{any}", "").strip()
