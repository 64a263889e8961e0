"""Judges what the clients of a chat saw by the model.

An oracle is fed with what happens, one step and one read at a time, and knows no socket: `begin` a step, then for each
client it wants to hear (`required_readers`, `due`) what was heard, how the stream ended, or that nothing came. Anything
illegal comes back as a Finding, at the first byte that shows it. The scenario's steps, not the server, decide what is
due, so the same oracle judges any implementation, over any kind of socket.

Two ideas carry it. The log (`segmentation.py`) holds every delivery in one order; a member is a place in it, and where
a newcomer's place begins is found out by comparing. What has to come is a *mark* in the log that everyone who reads
must reach. What all chats have in common, `chat_room.py` has.

`attribution.py` says which clause a mismatch breaks; `framed_chat.py` judges chats whose deliveries are framed, and
`echo.py` the echo servers.
"""

from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.chat_room import ChatOracle, Leaving, MemberState
from socketserver_reference.conformance.oracles.segmentation import Ambiguous, SegmentationParser
from socketserver_reference.conformance.scenario.step import OneClient, Utterance
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.scenario.violation import Finding

KEPT_LOG_BYTES = 1 << 20
"""Bytes of the log that are kept, at least, after all members have read them."""


@dataclass
class StreamMember(MemberState):
    """The state of one client, and its place in the log."""

    joined_at: int = 0  # the end of the log when it connected: what it may hear comes after
    place: int | None = None  # up to where in the log it has read, once it is certain where it began
    held: bytearray = field(default_factory=bytearray)  # what it read before that was certain, or that broke the rules
    heard: bool = False
    must_reach: int = 0  # the mark when it began to leave


class StreamChatOracle(ChatOracle[StreamMember]):
    """See the module."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.parser = SegmentationParser(dialect)
        self.mark = 0
        self.quits: list[bytes] = []  # the quit words of members, as the deliveries that no client may read

    def unheard(self) -> list[bytes]:
        return self.parser.waiting()

    def _says_late(self, who: str, data: bytes) -> None:
        self.parser.say_late(who, data)

    # What the clients do

    def begin(self, step: Step, *, idle_before: bool) -> None:
        if step.effect == "leaves":
            self.quits.append(self.dialect.delivery(step.said))
        super().begin(step, idle_before=idle_before)

    def _newcomer(self) -> StreamMember:
        return StreamMember(joined_at=self.parser.end)

    def _says(self, who: str, data: bytes, *, settled: bool) -> None:
        member = self.members[who]
        member.proven = True
        if settled and member.joined_at == self.parser.end and not (member.held or self.parser.outstanding()):
            # Nothing is under way, nor will be before this utterance is heard: it can have begun nowhere else.
            member.place = self.parser.end
        self.parser.say(who, data, settled and self.dialect.exact)

    def _leaves(self, who: str, way: Leaving) -> None:
        self.members[who].must_reach = self.mark
        super()._leaves(who, way)

    def _lose(self, who: str) -> None:
        self.parser.lose(who)

    def _doubt(self, who: str) -> None:
        self.parser.doubt(who)

    def _is_behind(self, who: str) -> bool:
        return self._place(self.members[who]) < self.parser.end

    def _owed(self, who: str) -> int:
        return self.parser.end - self._place(self.members[who]) + self.parser.max_undelivered_bytes()

    def _unread(self, who: str) -> int:
        return self.parser.end - self._place(self.members[who]) + self.parser.undelivered()

    def complete(self, who: str) -> bool:
        return self.parser.complete(who)

    def outstanding(self) -> list[str]:
        return self.parser.outstanding()

    # The clients to read

    def required_readers(self, step: Step) -> list[str]:
        if not step.waits:
            return []
        match step:
            case OneClient(who) if step.leaves and who in self.members:
                # A leaving member first, so that the log then ends with what it heard; a newcomer last, to compare.
                return [*self.readers(), who] if self.members[who].place is None else [who, *self.readers()]
            case Utterance(who):  # the speaker early: the others then only compare
                return sorted(self.readers(), key=lambda name: (self.members[name].place is None, name != who))
            case _:
                return self.readers()

    def readers(self) -> list[str]:
        """Return the proven members that read, those with a certain place first: they extend the log."""
        able = [name for name, member in self.members.items() if member.proven and member.reads]
        return sorted(able, key=lambda name: self.members[name].place is None)

    def optional_readers(self) -> list[str]:
        if not self.parser.settled():  # the members with a certain place must read first
            return []
        return [name for name, member in self.members.items() if not member.proven and member.reads]

    def due(self, who: str) -> bool:
        member = self.members[who]
        if member.gone or member.stalled:
            return False
        if member.leaving or not self.parser.settled():
            return True
        self.mark = max(self.mark, self.parser.read_until)
        if member.place is None and not self._locate(member):
            own = len(self.dialect.delivery(member.said[0])) if member.said else 0
            reached = [begin for begin in self._fitting(member) if begin + len(member.held) >= self.mark]
            return len(member.held) < own or not reached
        return self._place(member) < self.mark

    def settled(self, step: Step) -> None:
        super().settled(step)
        if self.parser.end > KEPT_LOG_BYTES:
            here = [self._place(member) for member in self.members.values() if not member.gone]
            self.parser.forget(min(here, default=self.parser.end) - KEPT_LOG_BYTES // 2)

    # What the clients read

    def feed(self, who: str, data: bytes) -> bool:
        member = self.members[who]
        member.held += data
        member.heard = member.proven = True
        if member.place is None:
            return self._locate(member) or bool(self._fitting(member))
        return self._follow(member)

    def _follow(self, member: StreamMember) -> bool:
        """Compare what the member read with the log, and write what goes beyond its end into it."""
        place = self._place(member)
        known = self.parser.bytes_at(place, len(member.held))
        if not member.held.startswith(known):
            return False
        beyond = bytes(member.held[len(known) :])
        if beyond and not self.parser.extend(beyond):
            return False
        member.place = place + len(member.held)
        member.held.clear()
        return True

    def _place(self, member: StreamMember) -> int:
        """Return up to where the member has read; where it was when it came, if that is not certain yet."""
        return member.joined_at if member.place is None else member.place

    # Where a newcomer began to hear

    def _locate(self, member: StreamMember) -> bool:
        """Find out where the member began, from what others have read, or from its own if no other is reading."""
        begins = self._fitting(member)
        others = [other for other in self.members.values() if other is not member and not (other.gone or other.leaving)]
        alone = not any(other.place is not None and other.reads for other in others)
        if alone and member.held and (len(begins) > 1 or (begins and others and self.parser.outstanding())):
            raise Ambiguous  # it may have begun elsewhere, or another may have heard something before
        if len(begins) == 1 and (alone or begins[0] + len(member.held) <= self.parser.end):
            member.place = begins[0]
            self._follow(member)
        return member.place is not None

    def _fitting(self, member: StreamMember) -> list[int]:
        """Return the places where a member may have begun, as far as what it has read tells."""
        held = bytes(member.held)
        return [begin for begin in self.parser.boundaries(member.joined_at, self.parser.end) if self._fits(begin, held)]

    def _fits(self, begin: int, held: bytes) -> bool:
        known = self.parser.bytes_at(begin, len(held))
        return held.startswith(known) and (len(known) == len(held) or self.parser.allows(held[len(known) :]))

    # What is wrong

    def expected_bytes(self, who: str) -> bytes:
        return next(iter(self._expected(who)), b"")

    def _expected(self, who: str) -> list[bytes]:
        """Return what the client may read next, the likeliest first, up to one delivery each."""
        place, whole = self._place(self.members[who]), self.parser.read_until
        if place < whole:
            return [self.parser.bytes_at(place, whole - place)]
        unfinished = self.parser.bytes_at(whole, place - whole)
        return [d.removeprefix(unfinished) for d in self.parser.next_deliveries() if d.startswith(unfinished)]

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        member = self.members[who]
        read = bytes(member.held) + data.removeprefix(member.held[-len(data) :])
        begin, expected = self._parting(member, read)
        unfinished = self.parser.bytes_at(begin, max(0, self._place(member) - begin))
        return self._late(
            attribution.explain_mismatch(
                attribution.Mismatch(
                    who=who,
                    expected=expected,
                    observed=(unfinished + read)[max(0, begin - self._place(member)) :]
                    if member.place is not None
                    else read,
                    before=self.parser.bytes_at(0, self.parser.end if member.place is None else begin),
                    first=not begin or begin == member.joined_at,
                    utterance=self._unheard(who),
                    said=[b"".join(other.said) for other in self.members.values()],
                    lagged=member.lagged,
                    stalled_once=member.owed_at_resume > 0,
                    quits=self.quits,
                    disruptions=self.active_disruptions,
                    speakers=len(self.parser.outstanding()),
                ),
                self.dialect,
            )
        )

    def _parting(self, member: StreamMember, read: bytes) -> tuple[int, list[bytes]]:
        """Return where the delivery begins in which the client and the log part, and what might have come there."""
        place = self._place(member)
        known = self.parser.bytes_at(place, len(read))
        same = next((at for at, (one, other) in enumerate(zip(known, read, strict=False)) if one != other), None)
        if same is None or member.place is None:
            return self.parser.read_until, self.parser.next_deliveries()
        begin = max(self.parser.boundaries(0, place + same), default=0)
        end = min(self.parser.boundaries(place + same + 1, self.parser.end), default=self.parser.end)
        return begin, [self.parser.bytes_at(begin, end - begin)]

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        member = self.members[who]
        if self._cut_off_rightly(who, how) or (member.leaving and how == "eof" and self._heard_all(who)):
            member.gone = True
            self.parser.lose(who)
            return None
        return self._late(attribution.explain_cut_off(self._missing_delivery(who), how), newcomer=not member.proven)

    def _heard_all(self, who: str) -> bool:
        """Whether a leaver has read all that it must: what was delivered before it left, and no part of a delivery."""
        member = self.members[who]
        if member.leaving == "half-close" and not self.parser.complete(who):
            return False
        if member.place is None:
            return not member.held or bool(self._fitting(member))
        return member.place >= member.must_reach and bool(self.parser.boundaries(member.place, member.place))

    def _missing_delivery(self, who: str) -> attribution.MissingDelivery:
        member = self.members[who]
        expected = [show(delivery) for delivery in self._expected(who)]
        return attribution.MissingDelivery(
            who=who,
            expected=f"{who} reads {' or '.join(expected)}" if expected else "",
            leaving=member.leaving,
            lurker=not member.proven,
            begun=bool(member.held) or self._place(member) > self.parser.read_until,
            stalled_once=member.owed_at_resume > 0,
            utterance=self._unheard(who),
            disruptions=member.disruptions_at_leave if member.leaving else self.active_disruptions,
        )
