"""Judges what the clients of a chat saw where deliveries come in frames: see `dialect.py`.

Every utterance is one frame, so every member has, for each speaker, a queue of what may come next; what it must hear of
that is required, what it may is not: what was said while it came, or by somebody who has gone. A delivery is told by
its body; the label that the server gives to its speaker is learned from it, and holds from then on.

Where all must hear one order (CHAT-13), what each member heard in which order makes a graph, and the order is one as
long as the graph has no cycle. So it does not matter that speakers may not hear themselves.

Next: `frames.py` cuts a client's bytes into frames, `phrasing.py` makes any scenario one that can be said in them.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from reference.conformance import blame
from reference.conformance.dialect import Dialect
from reference.conformance.frames import Frames
from reference.conformance.order import Order
from reference.conformance.room import WAITING, Leaving, Presence, RoomOracle
from reference.conformance.scenario import HalfClose, Quit, Resume, Say, Settle, Step, show
from reference.conformance.template import Template
from reference.conformance.transcript import Ending
from reference.conformance.violation import Finding

REMEMBERED = 64
"""Deliveries of each member that are kept, to see whether something comes again."""

PROMPTS = 4
"""Prompts that may stand before one delivery."""

LONGER = 4096
"""Bytes by which a frame may be longer than anything that was said, before it is taken for one without end."""


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

    def required(self) -> list[Utterance]:
        """Return what it must hear, speaker by speaker."""
        return [due.utterance for dues in self.inbox.values() for due in dues if due.required]


class FrameOracle(RoomOracle[Member]):
    """See the module."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.order = Order()
        self.mark = 0  # the last utterance of those that all have heard who read
        self.said = 0
        self.quits: list[bytes] = []

    # What the clients do

    def begin(self, step: Step, *, rested: bool) -> None:
        if isinstance(step, Quit):
            self.quits.append(step.data.strip())
        super().begin(step, rested=rested)

    def _newcomer(self) -> Member:
        member = Member(frames=Frames(self.dialect))
        under_way = {
            due.utterance.number: due.utterance
            for other in self.members.values()
            for dues in other.inbox.values()
            for due in dues
            if due.utterance.number > self.mark
        }
        for number in sorted(under_way):
            self._offer(member, under_way[number], required=False)
        return member

    @staticmethod
    def _offer(member: Member, utterance: Utterance, *, required: bool) -> None:
        member.inbox.setdefault(utterance.speaker, deque()).append(Due(utterance, required))

    def _says(self, who: str, data: bytes, *, settled: bool) -> None:  # noqa: ARG002  # a frame is one utterance anyway
        speaker = self.members[who]
        speaker.proven = True
        self.said += 1
        utterance = Utterance(self.said, who, data)
        for name, member in self.members.items():
            if member.gone or (name == who and not self.dialect.hears_itself):
                continue
            self._offer(member, utterance, required=member.proven and not member.leaving)

    def _leaves(self, who: str, way: Leaving) -> None:
        """What is under way while it leaves may come too late for it; its own words may not."""
        for speaker, dues in self.members[who].inbox.items():
            for due in dues:
                due.required = due.required and (speaker == who or due.utterance.number <= self.mark)
        super()._leaves(who, way)

    def _lose(self, who: str) -> None:
        for member in self.members.values():
            for due in member.inbox.get(who, ()):
                due.required = False

    def _is_behind(self, who: str) -> bool:
        return any(self.members[who].inbox.values())

    def _owed(self, who: str) -> int:
        return sum(len(self.dialect.delivery(utterance.body)) for utterance in self.members[who].required())

    def complete(self, who: str) -> bool:
        return not any(
            due.required
            for member in self.members.values()
            if not (member.gone or member.stalled)
            for due in member.inbox.get(who, ())
        )

    def outstanding(self) -> list[str]:
        here = [member for member in self.members.values() if member.proven and member.reads]
        speakers = {who for member in here for who, dues in member.inbox.items() if dues}
        return [who for who in self.members if who in speakers]

    # Whom to read

    def listeners(self, step: Step) -> list[str]:
        match step:
            case Quit(who) | HalfClose(who):
                return [who, *self.readers()]
            case Say() | Settle() | Resume():
                return self.readers()
            case _:
                return []

    def readers(self) -> list[str]:
        return [name for name, member in self.members.items() if member.proven and member.reads]

    def bystanders(self) -> list[str]:
        return [name for name, member in self.members.items() if not member.proven and member.reads]

    def due(self, who: str) -> bool:
        member = self.members[who]
        if member.gone or member.stalled:
            return False
        return bool(member.leaving) or any(due.required for dues in member.inbox.values() for due in dues)

    def settled(self, step: Step) -> None:
        super().settled(step)
        if not self.outstanding():
            self.mark = self.said
        if not any(member.required() for member in self.members.values() if not member.gone):
            self.order.clear()
            for member in self.members.values():
                member.inbox = {who: dues for who, dues in member.inbox.items() if dues}

    # What the clients read

    def hears(self, who: str, data: bytes) -> bool:
        member = self.members[who]
        member.frames.add(data)
        while (frame := member.frames.next(self._bodies(member))) is not None:
            if not self._takes(who, member, frame):
                member.refused = frame
                return False
        member.refused = member.frames.rest
        return len(member.refused) <= self.dialect.longest + LONGER

    @staticmethod
    def _bodies(member: Member) -> Iterator[bytes]:
        """Yield what may come next, for those who can tell by nothing else where it ends."""
        return (due.utterance.body for dues in member.inbox.values() for due in dues)

    def _takes(self, who: str, member: Member, frame: bytes) -> bool:
        """Take a frame for the delivery that it may be, or for what means nothing."""
        for _ in range(PROMPTS):
            if self._is_notice(frame) or self._delivered(who, member, frame):
                return True
            prompt = next((prompt for prompt in self.dialect.all_prompts if frame.startswith(prompt)), None)
            if prompt is None:
                return False
            frame = frame.removeprefix(prompt)
        return False

    def _delivered(self, who: str, member: Member, frame: bytes) -> bool:
        """Take a frame for a delivery of what somebody said, if it may be one."""
        for speaker, dues in member.inbox.items():
            first_required = next((count for count, due in enumerate(dues) if due.required), len(dues) - 1)
            for count in range(first_required + 1):
                if self._delivers(who, member, frame, speaker, dues[count].utterance):
                    return self._deliver(who, member, speaker, count)
        return False

    def _is_notice(self, frame: bytes) -> bool:
        """Whether the frame is one that the dialect lets pass: a notice, or what only tells that something was read."""
        to_sender = self.dialect.to_sender
        prompt = isinstance(to_sender, Template) and not to_sender.has_body and to_sender.matches(frame)
        return prompt or frame in self.dialect.prompts or any(notice.matches(frame) for notice in self.dialect.notices)

    def _delivers(self, who: str, member: Member, frame: bytes, speaker: str, utterance: Utterance) -> bool:
        """Whether the frame is this utterance as the member should read it; what it says of its speaker is learned."""
        if who == speaker and isinstance(self.dialect.to_sender, Template):
            return self.dialect.to_sender.label(frame, utterance.body) is not None
        label = self.dialect.template.label(frame, utterance.body)
        if label is None:  # chunks of one speaker that were merged have one label, at the beginning
            merged = self.dialect.framing_in.kind == "chunk" and member.last_speaker == speaker
            return merged and frame == utterance.body
        return not self.dialect.template.has_sender or self._learn(speaker, label)

    def _learn(self, speaker: str, label: bytes) -> bool:
        """Learn a speaker's label, and return True, unless it or another has been heard under a different one."""
        known = self.members[speaker].label
        taken = any(
            member.label == label and not (member.gone or member.leaving)
            for name, member in self.members.items()
            if name != speaker
        )
        if known is None and not taken:
            self.members[speaker].label = known = label
        return known == label

    def _deliver(self, who: str, member: Member, speaker: str, count: int) -> bool:
        """Note that a member has heard what stands there in the queue; False if it breaks the one order."""
        dues = member.inbox[speaker]
        utterance = dues[count].utterance
        for _ in range(count + 1):
            dues.popleft()
        member.heard.append(utterance)
        member.last_speaker = speaker
        if not member.proven:  # from here on it must hear everything; what was said before, of this speaker alone
            member.proven = True
            sure = not (self.members[speaker].gone or member.leaving)
            for due in reversed(dues):
                if due.utterance.body == utterance.body:  # it may have been this one that it heard
                    break
                due.required = sure
        return not self.dialect.asks_one_order or self.order.follows(who, utterance.number)

    # What is wrong

    def lacks(self, who: str) -> bytes:
        return next((self._shown(utterance) for utterance in self._expected(who)), b"")

    def _expected(self, who: str) -> list[Utterance]:
        """Return what the client must read next, one for each speaker, what was said first before."""
        member = self.members[who]
        first = [next((due.utterance for due in dues if due.required), None) for dues in member.inbox.values()]
        return sorted((one for one in first if one is not None), key=lambda utterance: utterance.number)

    def _shown(self, utterance: Utterance) -> bytes:
        """Return an utterance as a member reads it, as far as its label is known."""
        return self.dialect.delivery(utterance.body, self.members[utterance.speaker].label)

    def misfit(self, who: str, data: bytes) -> Finding:  # noqa: ARG002  # the frame was kept
        member = self.members[who]
        expected = self._expected(who)
        clauses = [*self._misfit_clauses(member, expected), "CHAT-1" if not member.heard else "CHAT-4", "CHAT-4"]
        finding = Finding(
            ("CHAT-7",) if self._holds_quit(member.refused) else tuple(dict.fromkeys(clauses)),
            f"{who} reads {' or '.join(show(self._shown(one)) for one in expected)}" if expected else "nothing is sent",
            f"{who} reads {show(member.refused, 200)}",
            also=blame.CONTENT,
        )
        return self._late(finding)

    def _holds_quit(self, frame: bytes) -> bool:
        return any(self.dialect.template.label(frame, word) is not None for word in self.quits)

    def _misfit_clauses(self, member: Member, expected: list[Utterance]) -> list[str]:
        """Return the clauses that the refused frame may break, the likeliest first."""
        frame = member.refused
        disturbed = [blame.CLAUSE_OF[circumstance] for circumstance in reversed(self.circumstances)]
        if member.heard and self.order.broken:
            return ["CHAT-13", *disturbed]
        template = self.dialect.template
        if any(template.label(frame, utterance.body) is not None for utterance in member.heard):
            return ["CHAT-4", *disturbed]
        if any(self._ascribed(frame, due.utterance) for dues in member.inbox.values() for due in dues):
            return [*disturbed, "CHAT-4"]
        later = [due.utterance.body for dues in member.inbox.values() for due in dues]
        if any(template.label(frame, body) is not None for body in later):  # something before it was left out
            return [*disturbed, "CHAT-5", "CHAT-2", "CHAT-3"]
        if not expected:
            return disturbed
        known = [*later, *(utterance.body for utterance in member.heard)]
        mixed = any(body in frame for body in known) or len(self.outstanding()) > 1
        torn = ["CHAT-14", *disturbed] if mixed or member.owed_at_resume else disturbed
        changed = ["CHAT-6", "CHAT-3"] if len(expected[0].body) > blame.LINE else ["CHAT-3"]
        form = [] if expected[0].body in frame else changed
        return [*torn, *form, "CHAT-2", "CHAT-3"]

    def _ascribed(self, frame: bytes, utterance: Utterance) -> bool:
        """Whether the frame says that somebody else has said this."""
        label, known = self.dialect.template.label(frame, utterance.body), self.members[utterance.speaker].label
        return label is not None and known is not None and label != known

    def ends(self, who: str, how: Ending) -> Finding | None:
        member = self.members[who]
        whole = not member.frames.rest or self._is_notice(member.frames.rest)
        in_order = member.leaving and how == "eof" and whole and not member.required()
        if member.owed_at_resume >= WAITING or in_order:
            member.gone = True
            self._lose(who)
            return None
        return self._late(blame.cut_off(self._absence(who), how), newcomer=not member.proven)

    def _absence(self, who: str) -> blame.Absence:
        member = self.members[who]
        expected = [show(self._shown(utterance)) for utterance in self._expected(who)]
        return blame.Absence(
            who=who,
            expected=f"{who} reads {' or '.join(expected)}" if expected else "",
            leaving=member.leaving,
            lurker=not member.proven,
            begun=bool(member.frames.rest) and not self._is_notice(member.frames.rest),
            stalled_once=member.owed_at_resume > 0,
            utterance=self._unheard(who),
            circumstances=member.amid if member.leaving else self.circumstances,
        )
