"""The deliveries that members must and may hear, where deliveries come in frames.

Every utterance is one frame, so every member has, for each speaker, a queue of what may come next; what it must hear of
that is required, what it may is not: what was said while it came, or by a client that has gone.

Next: `framed_chat.py`, which judges what they hear.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator
from itertools import pairwise

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.template import ANY_FIELD
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.chat_findings import ChatFindings
from socketserver_reference.conformance.oracles.chat_room import Leaving
from socketserver_reference.conformance.oracles.frame_reader import FrameReader
from socketserver_reference.conformance.oracles.inbox import DeliveryOrder, Due, FramedMember, Spoken
from socketserver_reference.conformance.scenario.steps import Step

MIN_HEAD_BYTES = 3
"""Bytes before a body, `7: ` for example, that show where a delivery begins if nothing marks the end of one."""


class FramedChatState(ChatFindings[FramedMember]):
    """The members, and what each must and may hear."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.order = DeliveryOrder()
        self.said = 0
        self.bodies: Counter[bytes] = Counter()
        self.under_way: list[Spoken] = []  # a client that connects now may still hear these
        self.late: list[Spoken] = []  # of an earlier scenario: any new client may hear them
        self.quitters: list[str] = []

    def unheard(self) -> list[bytes]:
        dues = (due for member in self.members.values() for queue in member.inbox.values() for due in queue)
        waiting = {due.utterance.number: due.utterance.body for due in dues}
        return [waiting[number] for number in sorted(waiting)]

    def _says_late(self, who: str, data: bytes) -> None:
        self.said += 1
        self.late.append(Spoken(self.said, who, data))

    # What the clients do

    def begin(self, step: Step, *, idle_before: bool) -> None:
        if step.effect == "leaves":
            self.quitters += step.clients
        super().begin(step, idle_before=idle_before)
        if step.effect == "falls silent":
            self._expect_a_part()

    def _end_silence(self) -> None:
        super()._end_silence()
        self._expect_a_part()

    def _expect_a_part(self) -> None:
        """Note that an utterance without its end may be delivered now."""
        for member in self.members.values():
            member.count_before, member.may_hear_a_part = member.count, True

    def _end_disruptions(self) -> None:
        """Note besides that it has been, to those who have heard what was said later."""
        super()._end_disruptions()
        for member in self.members.values() if not self.outside else []:
            member.may_hear_a_part = member.may_hear_a_part and member.count == member.count_before

    def _newcomer(self) -> FramedMember:
        member = FramedMember(frames=FrameReader(self.dialect), earlier=self.dialect.history, joined_at=self.said)
        for utterance in (*self.late, *self.under_way):
            self._offer(member, utterance, required=False)
        return member

    def rested(self) -> None:
        """Note that the server has been at rest, and all read what it had sent: earlier deliveries had come by then."""
        for member in self.members.values():
            member.had_history = True

    def _is_history(self, member: FramedMember, frame: bytes) -> bool:
        """Take a frame for an earlier delivery, or for a part of one, while the member has heard nothing else.

        A server may pause before it repeats the next: what comes after a rest is doubted only if what is due does not.
        """
        if not self.dialect.template.matches(frame):
            within = member.may_be_in_history or 0 <= member.earlier < self.dialect.history
            return self.dialect.framing_in.kind == "chunk" and within
        member.earlier -= 1
        if member.earlier >= 0 and member.had_history:
            member.doubted = frame
        return member.earlier >= 0

    @staticmethod
    def _offer(member: FramedMember, utterance: Spoken, *, required: bool) -> None:
        member.inbox.setdefault(utterance.speaker, deque()).append(Due(utterance, required))

    def _says(self, who: str, data: bytes, *, settled: bool) -> None:
        speaker = self.members[who]
        speaker.proven = True
        self.said += 1
        utterance = Spoken(self.said, who, data, settled)
        self.under_way.append(utterance)
        self.bodies[data] += 1
        heard = self.dialect.hears_itself or not self._may_be_cut_off(who)
        for name, member in self.members.items():
            if member.gone or (name == who and not self.dialect.hears_itself):
                continue
            listed = member.listed or name == who  # it may have spoken before the server has seen it come
            self._offer(member, utterance, required=heard and member.proven and listed and not member.leaving)

    def _may_be_cut_off(self, who: str) -> bool:
        """Whether the member has fallen so far behind that the server may have ended it, and has not caught up."""
        return self._fell_behind(who) and self._is_behind(who)

    def _leaves(self, who: str, way: Leaving) -> None:
        """What is under way while it leaves may come too late for it; its own words may not."""
        surely_before = self.under_way[0].number if self.under_way else self.said + 1
        for speaker, dues in self.members[who].inbox.items():
            for due in dues:
                due.required = due.required and (speaker == who or due.utterance.number < surely_before)
        super()._leaves(who, way)

    def _lose(self, who: str) -> None:
        for member in self.members.values():
            for due in member.inbox.get(who, ()):
                due.required = False

    def _doubt(self, who: str) -> None:
        self._lose(who)

    def _is_behind(self, who: str) -> bool:
        return any(self.members[who].inbox.values())

    def _unread(self, who: str) -> int:
        return sum(len(self.dialect.delivery(due.body)) for due in self._dues(who) if not due.settled)

    def _owed(self, who: str) -> int:
        return sum(len(self.dialect.delivery(due.body)) for due in self._dues(who))

    def _dues(self, who: str) -> Iterator[Spoken]:
        """Yield what the client may have to read yet."""
        return (due.utterance for dues in self.members[who].inbox.values() for due in dues)

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

    # The clients to read

    def required_readers(self, step: Step) -> list[str]:
        if not step.waits:
            return []
        leaving = [who for who in step.clients if step.leaves and who in self.members]
        return [*leaving, *self.readers()]

    def readers(self) -> list[str]:
        return [name for name, member in self.members.items() if member.proven and member.reads]

    def optional_readers(self) -> list[str]:
        return [name for name, member in self.members.items() if not member.proven and member.reads]

    def due(self, who: str) -> bool:
        member = self.members[who]
        if member.gone or member.stalled:
            return False
        return bool(member.leaving) or any(due.required for dues in member.inbox.values() for due in dues)

    def circumstances(self, who: str) -> list[attribution.Circumstance]:
        found = super().circumstances(who)
        if max(Counter(one.speaker for one in self.under_way).values(), default=0) > 1:
            found.append("in a row")
        return found

    def settled(self, step: Step) -> None:
        super().settled(step)
        audience = len(self.readers()) - (0 if self.dialect.hears_itself else 1)
        if audience > 0 and not self.outstanding():  # a client has heard it all, so no later client will
            self.under_way.clear()
        if not any(member.required() for member in self.members.values() if not member.gone):
            self.order.clear()
            for member in self.members.values():
                member.inbox = {who: dues for who, dues in member.inbox.items() if dues}

    # What a client must read

    @staticmethod
    def _first(member: FramedMember) -> list[Spoken]:
        """Return what a client must read next, one utterance for each speaker, what was said first before."""
        first = [next((due.utterance for due in dues if due.required), None) for dues in member.inbox.values()]
        return sorted((one for one in first if one is not None), key=lambda utterance: utterance.number)

    @staticmethod
    def _is_merged(member: FramedMember, frame: bytes) -> bool:
        """Whether the frame is bare, and its speaker's next words in a burst: the server took several for one."""
        dues = member.inbox.get(member.last_speaker, ())
        return any(not due.utterance.settled and due.utterance.body == frame for due in dues)

    # What deliveries begin with

    def _heads(self) -> set[bytes]:  # what begins the deliveries of speakers whose labels are known
        return {self._head(member.label) for member in self.members.values() if member.label is not None}

    def _head(self, label: bytes) -> bytes:
        return self.dialect.template.head.replace(b"{sender}", label)

    def _begun_in(self, data: bytes) -> list[bytes]:
        """Return some bytes, cut where they hold what begins a delivery."""
        marks = b"|".join(
            re.escape(head) for head in self._heads() if ANY_FIELD not in head and len(head) >= MIN_HEAD_BYTES
        )
        places = [found.start() for found in re.finditer(marks, data)] if marks else []
        return [data[begin:end] for begin, end in pairwise(sorted({0, *places, len(data)}))]
