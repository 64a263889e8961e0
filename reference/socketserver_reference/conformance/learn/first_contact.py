"""The first attempts to talk in a chat: how utterances end, how many answers the server wants, and which.

Each attempt is a meeting of three clients on a fresh server. If not all hear each other, the next gives other answers,
or ends utterances otherwise; if a meeting works but its dialect would be refused, the next may do better.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import UNLIMITED, Limits
from socketserver_reference.conformance.learn import framing as deliveries
from socketserver_reference.conformance.learn.answers import (
    NAME_FIELD,
    REFUSING,
    AnswerText,
    answers_to,
    commands_shown,
    joins,
)
from socketserver_reference.conformance.learn.command_search import CommandSearch
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, OutOfTime
from socketserver_reference.conformance.learn.framing import NotUnderstood, counts
from socketserver_reference.conformance.learn.meeting import (
    MEETING_NAMES,
    HeardInNoForm,
    Meeting,
    UnderstoodMeeting,
    understand,
)
from socketserver_reference.conformance.learn.pace import APART, LATER, shortest
from socketserver_reference.conformance.scenario.text import counted

PROBED_HEADERS = (
    *("%4d", "u8", "u16be", "u32be", "%04d", "%10d", "u32le", "u16le"),
    *("%2d", "%3d", "%5d", "%6d", "%8d", "u64be", "%16d", "%20d", "%-64d", "%32d"),
)
"""The formats of lengths that are tried where nothing that the server sends shows one, the likeliest first. Of those
with the high byte first, the narrow ones come before the wide: to a server that reads a narrow one, a wide one is an
empty frame and another, and what it repeats of them looks like a wide one.
"""

PROBED_COUNTED_HEADERS = ("u32be", "u16be", "%4d", "%04d", "u32le")
"""The same for lengths that include the header."""

MIN_PROBED_FRAME_BYTES, MAX_PROBED_FRAME_BYTES = 16, 4096
"""Smallest and largest fixed frame that is tried, in bytes."""

MAX_ANSWERS = 4
"""Most answers of one handshake."""

MAX_MEETINGS = 12
"""Most meetings in one framing."""

MAX_COMMAND_SEARCHES = 3
"""Most meetings in one framing after which commands are tried."""

MAX_SLOW_MEETINGS = 3
"""Most meetings that are tried again slowly."""

LINE_ENDS = (b"\n", b"\r\n")

READS_JSON = (
    "it seems to read JSON, and what stands in it is not guessed: write a dialect with what a client sends around its "
    "words as commands.say"
)
"""Why nothing is learned from a server that speaks of JSON to who says plain words."""

Refusal = Callable[[UnderstoodMeeting], str]
"""Returns why the dialect that a meeting shows would be refused, or ""."""


class Search:
    """The attempts so far: why each failed, and the first that worked though its dialect would be refused."""

    def __init__(self, conversation: Conversation, refusal: Refusal) -> None:
        self.conversation = conversation
        self.reasons: list[str] = []
        self._telling: list[str] = []  # those of meetings in which an utterance was answered in some way
        self._formless: list[str] = []
        self._clues: list[Framing] = []
        self._refusal = refusal
        self._refused: UnderstoodMeeting | None = None
        self._slow_meetings = 0

    def meet(self) -> UnderstoodMeeting:
        """Let clients meet until one framing works; raise CannotLearn if none does, or none in time."""
        tried: list[Framing] = []
        try:
            if (found := self._meet(tried)) is not None:
                return found
            why = "neither lines nor frames of a fixed size nor length prefixes were understood"
        except OutOfTime:
            why = f"no time was left after {counted(len(tried), 'framing')}: see --budget"
        if self._refused is not None:
            return self._refused
        if self._formless:  # more time would not have helped
            raise CannotLearn(self._formless[0])
        told = [*self._telling, *self.reasons]
        raise CannotLearn("; ".join([*told[:1], READS_JSON if any("JSON" in one.upper() for one in told) else why]))

    def _meet(self, tried: list[Framing]) -> UnderstoodMeeting | None:
        for framing in self._framings():
            for said in (framing, *self._clues):
                if said not in tried and (found := self._meet_in(said)) is not None:
                    return found
                tried.append(said)
        return None

    def _framings(self) -> Iterator[Framing]:
        yield from (Framing(newline=end) for end in LINE_ENDS)
        self.conversation.fresh()
        if size := _fixed_size(self.conversation):
            yield Framing("fixed", size=size)
        yield from (Framing("length", header=header) for header in PROBED_HEADERS)
        yield from (Framing("length", header=header, header_counted=True) for header in PROBED_COUNTED_HEADERS)

    def _meet_in(self, said: Framing) -> UnderstoodMeeting | None:
        """Let clients meet who give more and other answers, until one meeting works."""
        plans: list[tuple[AnswerText, ...]] = [(AnswerText(NAME_FIELD, said.newline),)]
        tried = 0
        helped = b""
        while plans and tried < MAX_MEETINGS and (said.kind == "length" or not (self._clues and tried)):
            answers = plans.pop(0)
            tried += 1
            meeting = Meeting(self.conversation, said, answers)
            found = self._attempt(meeting) or self._slowly(meeting)
            if found is None and tried <= MAX_COMMAND_SEARCHES:
                found, helped = self._by_command(meeting)
            if found is not None:
                return found
            plans += [plan for plan in _further(meeting, helped) if plan not in plans]
        return None

    def _by_command(self, meeting: Meeting) -> tuple[UnderstoodMeeting | None, bytes]:
        """Let clients meet who speak by a command, if one works; return also what the server says when asked for help.

        Clients who answered nothing may have been no less welcome.
        """
        if not meeting.utterances or not (meeting.said.kind == "chunk" or meeting.said in self._clues):
            return None, b""
        search = CommandSearch(meeting)
        try:
            say = search.find()
        except CannotLearn:
            say = None
        if say is None:
            return None, search.helped
        for answers in dict.fromkeys([(), tuple(meeting.answers)]):
            if found := self._attempt(Meeting(self.conversation, meeting.said, answers, say)):
                return found, b""
        return None, b""

    def _slowly(self, meeting: Meeting) -> UnderstoodMeeting | None:
        """Let the same clients meet again slowly, if that may help; return what that shows."""
        reached = [one.reached_all_others for one in meeting.utterances]
        if reached and all(reached):
            return None  # what it shows is not understood, or would be refused
        partly = any(reached)
        if not meeting.arrivals or not (partly or len(self.reasons) == 1) or self._slow_meetings == MAX_SLOW_MEETINGS:
            return None
        self._slow_meetings += 1
        slow = LATER if len(meeting.arrivals) == len(MEETING_NAMES) else APART
        found: list[UnderstoodMeeting] = []

        def works(limits: Limits) -> bool:
            self.conversation.keep_to(limits)
            again = self._attempt(Meeting(self.conversation, meeting.said, meeting.answers, meeting.say))
            found.extend([again] if again else [])
            return again is not None

        if not works(slow):
            self.conversation.keep_to(UNLIMITED)
            return None
        self.conversation.keep_to(shortest(slow, works))
        return found[-1]

    def _attempt(self, meeting: Meeting) -> UnderstoodMeeting | None:
        """Let one meeting take place; return what it shows, if it shows a dialect."""
        self.conversation.fresh()
        try:
            meeting.arrive()
            heard = meeting.talk(briefly=bool(self.reasons))
            kept = heard and meeting.tells_names_in_lines
            found = understand(self._with_the_servers_newline(meeting)) if heard else None
        except CannotLearn as error:
            if not self.reasons and not meeting.arrivals:
                raise
            self.reasons.append(self._with_error(str(error)))
            self._formless += self.reasons[-1:] if isinstance(error, HeardInNoForm) else []
            return None
        if found is None:
            takes_commands = any(map(REFUSING.search, meeting.told()))
            if meeting.heard_by_themselves and not (meeting.greets or self.reasons or takes_commands):
                raise CannotLearn(_heard_by_themselves(meeting))
            self.reasons.append(self._with_error(meeting.failure_reason()))
            self._telling += self.reasons[-1:] if any(meeting.utterances[-1].heard.values()) else []
            self._clues += [one for one in _lengths(meeting) if one not in self._clues]
            return None
        if kept and not _all_is_told_so(found) and (better := self._without_line_ends(meeting)) is not None:
            return better
        if refused := self._refusal(found):
            self.reasons.append(refused)
            self._refused = self._refused or found
            return None
        return found

    def _without_line_ends(self, meeting: Meeting) -> UnderstoodMeeting | None:
        """Let the same clients meet, who answer without a line's end; return what that shows, if no name is told with
        one then.
        """
        answers = [replace(answer, end=b"") for answer in meeting.answers]
        if meeting.said.kind != "chunk" or answers == meeting.answers:
            return None
        again = Meeting(self.conversation, meeting.said, answers, meeting.say)
        found = None
        with contextlib.suppress(CannotLearn, OutOfTime):  # what the first meeting showed will do
            found = self._attempt(again)
        return None if again.tells_names_in_lines else found

    def _with_error(self, reason: str) -> str:
        """Return why a meeting failed, with the last error that the server has printed."""
        error = self.conversation.site.last_error()
        return f"{reason}; the server printed {error!r}" if error else reason

    @staticmethod
    def _with_the_servers_newline(meeting: Meeting) -> Meeting:
        """Return the meeting, or, if lines came back with CR LF, the same clients with that line end."""
        if meeting.said.newline != LINE_ENDS[0]:
            return meeting
        try:
            framed = deliveries.understand(meeting.deliveries(), meeting.said)
        except NotUnderstood:  # `understand` reports that
            return meeting
        if framed.framing.kind != "line" or framed.framing.newline != LINE_ENDS[1]:
            return meeting
        again = Meeting(meeting.conversation, Framing(newline=LINE_ENDS[1]), meeting.answers, meeting.say)
        again.arrivals = meeting.arrivals
        if again.talk() and all(one.data.endswith(one.text + LINE_ENDS[1]) for one in again.deliveries()):
            return again
        meeting.talk()  # so that no late delivery of the other meeting is heard later
        return meeting


def _all_is_told_so(found: UnderstoodMeeting) -> bool:
    """Whether the answers were delivered, and what came behind them comes behind all that is said: its frame is filled
    up, say.
    """
    framed = found.framed
    behind = framed.framing.kind in ("fixed", "length") or bool(framed.prompt or framed.beside)
    return not found.answers and (found.meeting.doubled or behind)


def _heard_by_themselves(meeting: Meeting) -> str:
    """Return why a meeting failed in which speakers hear themselves alone."""
    why = meeting.failure_reason()
    first, *_, last = MEETING_NAMES
    heard = meeting.is_heard_later()
    return f"{last}, who came last, is heard by {first}, who came first, but does not hear {first}" if heard else why


def _further(meeting: Meeting, helped: bytes = b"") -> Iterator[tuple[AnswerText, ...]]:
    """Yield what clients may answer instead, in the order in which it should be tried."""
    answers = tuple(meeting.answers)
    end = meeting.said.newline
    first = answers[0]
    arrival = next(iter(meeting.arrivals.values()), None)
    if arrival is None:
        return
    question = meeting.question
    if len(answers) == 1 and first.text == NAME_FIELD:
        yield from ((AnswerText(text, end),) for text in (*commands_shown(helped), *joins(helped)))
    if question and len(answers) < MAX_ANSWERS:
        yield from ((*answers, AnswerText(text, end)) for text in answers_to(question, first=False))
    if len(answers) == 1 and (first.text, first.end) == (NAME_FIELD, end):
        if meeting.said.kind == "chunk":
            yield (AnswerText(NAME_FIELD, b""),)
        if arrival.greeting:
            others = (text for text in answers_to(arrival.greeting, first=True) if text != NAME_FIELD)
            yield from ((AnswerText(text, end),) for text in others)


def _lengths(meeting: Meeting) -> list[Framing]:
    """Return the framings with lengths of which all seems to be that the clients heard in vain."""
    last = meeting.utterances[-1].heard.values()
    heard = [data for data in (*last, *(one.greeting for one in meeting.arrivals.values())) if data]
    return [framing for framing in deliveries.length_framings() if heard and all(counts(framing, one) for one in heard)]


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
    late = not size and conversation.hear(lambda heard: bool(heard[listener]))[listener]
    return _late_fixed_size(conversation) if late else size


def _late_fixed_size(conversation: Conversation) -> int:
    """Return the same of a server that polls. It may lose what comes in pieces: each frame is said whole, by a client
    of its own, and awaited.
    """
    listener = "elin"
    conversation.fresh()
    conversation.join(listener)
    conversation.hear()
    size = MIN_PROBED_FRAME_BYTES
    while size <= MAX_PROBED_FRAME_BYTES:
        speaker, text = f"dagmar{size}", conversation.text()
        conversation.join(speaker)
        conversation.say(speaker, text.ljust(size))
        heard = conversation.hear(lambda heard: bool(heard[listener]))[listener]
        if text in heard:
            return len(heard)
        size *= 2
    return 0
