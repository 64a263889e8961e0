"""Judges what the clients of a chat saw where deliveries come in frames: see `dialects/dialect.py`.

What each member has to hear, and may, `framed_room.py` says. A delivery is told by its body; the label that the server
gives to its speaker is learned from it, and holds from then on.

Where all must hear one order (CHAT-13), what each member heard in which order makes a graph, and the order is one as
long as the graph has no cycle. So it does not matter that speakers may not hear themselves.

`frame_reader.py` cuts a client's bytes into frames; `dialects/rewrite.py` makes any scenario one that can be said in
them.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.oracles.alignment import (
    MIN_PIECE_BYTES,
    Alignment,
    Difference,
    Piece,
    Possible,
    difference,
    without_empty,
)
from socketserver_reference.conformance.oracles.chat_findings import FLOOD_FRAMES
from socketserver_reference.conformance.oracles.frame_reader import stripped, unprompted
from socketserver_reference.conformance.oracles.framed_room import MIN_HEAD_BYTES, FramedChatState
from socketserver_reference.conformance.oracles.inbox import Due, FramedMember, Spoken
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.scenario.violation import Finding, Shape

FRAME_SLACK_BYTES = 4096
"""Bytes by which a frame may be longer than anything that was said, before it is taken for one without end."""


class FramedChatOracle(FramedChatState):
    """See the module."""

    # What the clients read

    def feed(self, who: str, data: bytes) -> bool:
        member = self.members[who]
        member.frames.add(data)
        member.fed = len(data)
        while (frame := member.frames.next(self._possible(who, member))) is not None:
            frame = member.frames.resume(frame, self._wanted(who)) if member.frames.headless else frame
            if not self._takes(who, member, frame):
                member.rejected_frame = frame
                return False
        member.rejected_frame = member.frames.rest
        return len(member.rejected_frame) <= self.dialect.longest + FRAME_SLACK_BYTES

    def _possible(self, who: str, member: FramedMember) -> Iterator[tuple[Template, bytes]]:
        """Yield the possible next frames, for framings that only these can delimit."""
        for speaker, dues in member.inbox.items():
            template = self._read_by(who, speaker)
            yield from ((template, due.utterance.body) for due in self._next(dues))
        yield from ((self.dialect.template, data) for data in self.unended)

    def _read_by(self, who: str, speaker: str) -> Template:
        """Return the form in which a client reads the utterances of a speaker."""
        own = who == speaker and isinstance(self.dialect.to_sender, Template)
        return self.dialect.to_sender if own and isinstance(self.dialect.to_sender, Template) else self.dialect.template

    def _takes(self, who: str, member: FramedMember, frame: bytes) -> bool:
        """Take a frame for the delivery that it may be, or for what means nothing; what looks like both is a delivery.

        As far as that goes, prompts may stand before it; those that belong to it do, too.
        """
        for bare in (found := stripped(frame, self.dialect)):
            fits = self._delivered(who, member, bare)
            if fits is not None:
                return fits
        if self._means_nothing(frame) or any(self._is_history(member, bare) for bare in found):
            return True
        follows = max(self._unended(frame), default=0) if member.may_hear_a_part else 0
        return 0 < follows < len(frame) and self._takes(who, member, frame[follows:])

    def _unended(self, frame: bytes) -> Iterator[int]:
        """Yield where the delivery of an utterance without an end ends, if the frame begins with one."""
        return (self.dialect.template.find(frame, data) for data in self.unended)

    def _delivered(self, who: str, member: FramedMember, frame: bytes) -> bool | None:
        """Take a frame for the delivery of an utterance, if it may be one; return whether it comes in order.

        Where it may be what must come or what may, it is what must: the other may still come.
        """
        for only_required in (True, False):
            for speaker, dues in member.inbox.items():
                for count, due in enumerate(self._next(dues)):
                    if due.required is only_required and self._delivers(who, member, frame, speaker, due.utterance):
                        return self._deliver(who, member, speaker, count)
        return None

    @staticmethod
    def _next(dues: deque[Due]) -> Iterator[Due]:
        """Yield what of one speaker may come next: all up to the first that must."""
        for due in dues:
            yield due
            if due.required:
                return

    def _means_nothing(self, rest: bytes) -> bool:
        """Whether bytes are such as the dialect lets pass: prompts, a notice, or what only tells that something was
        read.
        """
        bare = unprompted(rest, self.dialect)
        if (rest and not bare) or (bare and len(bare) in self._unended(bare)):
            return True
        to_sender = self.dialect.to_sender
        receipt = isinstance(to_sender, Template) and not to_sender.has_body and to_sender.matches(bare)
        return receipt or any(notice.matches(bare) for notice in self.dialect.notices)

    def _delivers(self, who: str, member: FramedMember, frame: bytes, speaker: str, utterance: Spoken) -> bool:
        """Whether the frame is this utterance as the member should read it; what it says of its speaker is learned."""
        template = self._read_by(who, speaker)
        label = template.label(frame, utterance.body)
        if label is None:  # chunks of one speaker that were merged have one label, at the beginning
            merged = self.dialect.framing_in.kind == "chunk" and member.last_speaker == speaker
            return merged and frame == utterance.body
        # A frame to the speaker itself teaches no label.
        if not template.has_sender or template is self.dialect.to_sender:
            return True
        return self._learn(speaker, label)

    def _learn(self, speaker: str, label: bytes) -> bool:
        """Learn a speaker's label, and return True, unless it or another has been heard under a different one."""
        known = self.members[speaker].label
        if known is None and not (self._is_anothers(label, speaker) or self._follows_another(label)):
            self.members[speaker].label = known = label
        return known == label

    def _is_anothers(self, label: bytes, speaker: str) -> bool:
        """Whether somebody else is there who has this label."""
        others = (one for name, one in self.members.items() if name != speaker and not (one.gone or one.leaving))
        return any(one.label == label for one in others)

    def _follows_another(self, label: bytes) -> bool:
        """Whether another delivery comes before this label, where nothing marks the end of one."""
        own, known = self._head(label), self._heads()
        before = any(own.startswith(head) for head in known if len(head) >= MIN_HEAD_BYTES)
        return self.dialect.framing_out.kind == "none" and own not in known and before

    def _deliver(self, who: str, member: FramedMember, speaker: str, count: int) -> bool:
        """Note that a member has heard what stands there in the queue; False if it breaks the one order."""
        dues = member.inbox[speaker]
        utterance = dues[count].utterance
        for _ in range(count + 1):
            dues.popleft()
        member.heard.append(utterance)
        member.heard_any, member.count = True, member.count + 1
        member.listed = self.members[speaker].listed = True
        member.last_speaker, member.doubted = speaker, b""
        member.may_be_in_history = bool(self.dialect.history) and utterance.number <= member.joined_at
        if member.may_be_in_history:
            return True
        member.earlier = -1
        if not member.proven:  # from here on it must hear everything; what was said before, of this speaker alone
            member.proven = True
            sure = not (self.members[speaker].gone or member.leaving)
            for due in reversed(dues):
                if due.utterance.body == utterance.body:  # it may have been this one that it heard
                    break
                due.required = sure
        # Of two that are equal, either may have been delivered.
        if not effects.asks_one_order(self.dialect) or self.bodies[utterance.body] > 1:
            return True
        return self.order.follows(who, utterance.number)

    # What is wrong

    def explain_silence(self, who: str) -> Finding:
        return self._explain_rest(who) or self._explain_doubted(who) or super().explain_silence(who)

    def _explain_doubted(self, who: str) -> Finding | None:
        """Explain what was hardly an earlier delivery, where what is due does not come."""
        member = self.members[who]
        if not (member.doubted and self._first(member)):
            return None
        member.rejected_frame, member.doubted = member.doubted, b""
        return self.explain_mismatch(who, b"")

    def _explain_rest(self, who: str, *, ended: bool = False) -> Finding | None:
        """Explain what is not due in what a client has read, where nothing marks the end of a delivery, or nothing more
        comes.
        """
        member = self.members[who]
        rest = unprompted(member.frames.rest, self.dialect)
        unmarked = self.dialect.framing_out.kind in ("chunk", "none", *(["line"] if ended else []))
        unexplained = unmarked and rest and not self._means_nothing(rest)
        if not unexplained or any(self._may_go_on(who, rest, due) for due in self._first(member)):
            return None
        member.rejected_frame = rest
        return self.explain_mismatch(who, b"")

    def _may_go_on(self, who: str, rest: bytes, due: Spoken) -> bool:
        """Whether bytes may be the beginning of a delivery."""
        return self._read_by(who, due.speaker).may_go_on(rest, due.body, self.members[due.speaker].label)

    def _cut_unmarked(self, who: str, rest: bytes, known: Iterable[Spoken]) -> list[bytes]:
        """Return the deliveries in bytes in which nothing marks the end of one, and what is between them."""
        found: list[bytes] = []
        places = [(self._read_by(who, one.speaker), one.body, self.members[one.speaker].label) for one in known]
        while rest:
            found_at = ((label is None, *form.place(rest, body, label)) for form, body, label in places)
            spans = sorted((begin, unsure, -end) for unsure, begin, end in found_at if end)
            begin, _, end = spans[0] if spans else (len(rest), False, -len(rest))
            found += [*self._begun_in(rest[:begin]), rest[begin:-end]]
            rest = rest[-end:]
        return [unprompted(piece, self.dialect) for piece in found if piece and not self._means_nothing(piece)]

    def expected_bytes(self, who: str) -> bytes:
        return next(iter(self._wanted(who)), b"")

    def _wanted(self, who: str) -> list[bytes]:
        """Return what the client must read next, one for each speaker, what was said first before."""
        wanted = self._first(self.members[who])
        return [self.dialect.delivery(one.body, self.members[one.speaker].label) for one in wanted]

    def _begun(self, who: str) -> int:
        rest = self.members[who].frames.rest
        return 0 if self._means_nothing(rest) else len(rest)

    def _number(self, who: str) -> str:
        member = self.members[who]
        waiting = sum(map(len, member.inbox.values()))
        return f"delivery {member.count + 1}" + (f" of {member.count + waiting}" if waiting else "")

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        member = self.members[who]
        frames = self._frames(who, data[member.fed :])
        frame = frames[0]
        waiting = [due.utterance for dues in member.inbox.values() for due in dues]
        shape: Shape | None = None
        if member.heard and self.order.broken:
            shape = "two orders"
        elif 0 < max(self._unended(frame), default=0) < len(frame):  # kept for whoever speaks next
            shape = "mixed"
        elif self._is_merged(member, frame):
            shape = "merged"
        elif any(self._misattributed(frame, utterance) for utterance in waiting):
            shape = "misattributed"
        elif not self.dialect.hears_itself and any(
            self.dialect.template.label(frame, said) is not None for said in member.said
        ):
            shape = "misdirected"
        found = Difference(shape) if shape else difference(self._alignment(who, frames))
        often = frames.count(frame) >= FLOOD_FRAMES
        return self._explain(who, found, member.rejected_frame, self._wanted(who), often=often)

    def _frames(self, who: str, more: bytes) -> list[bytes]:
        """Return a frame that a client should not have read, with all that followed."""
        member = self.members[who]
        frame = unprompted(member.rejected_frame, self.dialect)
        member.frames.add(more)
        if self.dialect.framing_out.kind == "none":
            more = b"" if member.rejected_frame == member.frames.rest else member.frames.rest
            return self._cut_unmarked(who, frame + more, self._known(member)) or [frame]
        frames = [frame]
        while frame != member.frames.rest and (one := member.frames.next(self._possible(who, member))) is not None:
            frames.append(unprompted(one, self.dialect))
        return frames

    def _quits(self) -> list[Spoken]:
        """Return the words by which clients left, which no member may hear."""
        return [Spoken(0, speaker, self.dialect.quit) for speaker in self.quitters]

    def _known(self, member: FramedMember) -> list[Spoken]:
        """Return what may be in a frame."""
        return [*(due.utterance for dues in member.inbox.values() for due in dues), *member.heard, *self._quits()]

    def _alignment(self, who: str, frames: Sequence[bytes]) -> Alignment:
        """Return what the client could have read, and what it read, from a frame that it should not have read on."""
        member = self.members[who]
        firsts = [
            next((due.utterance for due in dues if due.required), dues[0].utterance)
            for dues in member.inbox.values()
            if dues
        ]
        firsts.sort(key=lambda utterance: utterance.number)
        waiting = [due.utterance for dues in member.inbox.values() for due in dues]
        return Alignment(
            came=[piece for one in frames for piece in self._pieces(who, one, self._known(member))],
            next=[Possible(one.body, frame=self.dialect.around(one.body)) for one in firsts],
            later=[Possible(one.body, frame=self.dialect.around(one.body)) for one in waiting if one not in firsts],
            heard=[utterance.body for utterance in member.heard],
            quits=[utterance.body for utterance in self._quits()],
            beside=self._beside(),
            together="concurrent" in self.circumstances(who),
            unended=self.dialect.framing_out.kind in ("chunk", "none"),
            unfinished=self.unended,
        )

    def _pieces(self, who: str, frame: bytes, known: list[Spoken]) -> list[Piece]:
        """Return what is in a frame, never nothing: it may be, or begin with, an empty delivery."""
        label = self.dialect.template.sender(frame)
        heads = self._heads() | ({self._head(label)} if label is not None else set())
        endless = self.dialect.framing_out.kind == "chunk" and not self.dialect.template.tail
        rest = without_empty(frame, heads) if endless else frame
        parts = [rest] if rest or not frame else []  # an empty frame is a delivery, too
        if self.dialect.framing_out.kind == "chunk" and "concurrent" not in self.circumstances(who):
            parts = [part for one in parts for part in self._begun_in(one) or [one]]  # said by one, in several
        return [*([Piece(b"")] if rest != frame else []), *(self._piece(who, part, known) for part in parts)]

    def _piece(self, who: str, frame: bytes, known: Iterable[Spoken]) -> Piece:
        """Return what is in a frame, one of the known utterances rather than anything else."""
        for utterance in known:
            if self._read_by(who, utterance.speaker).label(frame, utterance.body) is not None:
                return Piece(utterance.body)
        forms = (self._read_by(who, who), self.dialect.template)
        bodies = [body for form in forms if (body := form.body(frame)) is not None]
        # Of a delivery that breaks off, what stands before the words has come.
        return Piece(bodies[0]) if bodies else Piece(min((form.bare(frame) for form in forms), key=len), formed=False)

    def _beside(self) -> list[bytes]:
        """Return what may stand beside deliveries in a stream: notices, and the labels of other speakers."""
        template = self.dialect.template
        parts = {part for notice in self.dialect.notices for part in notice.parts if len(part) >= MIN_PIECE_BYTES}
        speakers = [self.members[name].label for name in self.outstanding()] if template.has_sender else []
        named = [part for part in (template.head, template.tail) if b"{sender}" in part]
        around = [part.replace(b"{sender}", label) for label in speakers if label is not None for part in named]
        return [*(part for part in parts if part not in template.literal.encode()), *around]

    def _misattributed(self, frame: bytes, utterance: Spoken) -> bool:
        """Whether the frame carries another label than the speaker's; one with two is a mix, and carries neither."""
        label, known = self.dialect.template.label(frame, utterance.body), self.members[utterance.speaker].label
        if label is None or known is None:
            return label is not None and self._is_anothers(label, utterance.speaker)
        behind = self.dialect.template.behind_label
        if label == known or (behind and label.startswith(known + behind)):
            return False
        return len(self.outstanding()) < 2 or any(member.label == label for member in self.members.values())

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        member = self.members[who]
        rest = unprompted(member.frames.rest, self.dialect)
        # Some servers repeat the word to the client that leaves by it, which is no delivery of it.
        farewell = member.leaving == "quit" and rest == self.dialect.quit and not self.dialect.template.matches(rest)
        whole = not rest or farewell or self._means_nothing(rest)
        in_order = member.leaving and how == "eof" and whole and not member.required()
        if self._cut_off_rightly(who, how) or in_order:
            member.gone = True
            if not in_order:  # all has been heard of a client that left in order
                self._lose(who)
            return None
        return self._explain_rest(who, ended=True) or self._explain_end(who, how)
