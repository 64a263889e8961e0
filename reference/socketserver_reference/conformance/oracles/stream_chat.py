"""Judges what the clients of a chat saw by the model.

An oracle is fed with what happens, one step and one read at a time, and knows no socket: `begin` a step, then for each
client it wants to hear (`required_readers`, `due`) what was heard, how the stream ended, or that nothing came. Anything
illegal comes back as a Finding, at the first byte that shows it. The scenario's steps, not the server, decide what is
due, so the same oracle judges any implementation, over any kind of socket.

Two ideas carry it. The log (`segmentation.py`) holds every delivery in one order; a member is a place in it, and where
a newcomer's place begins is found out by comparing. What has to come is a *mark* in the log that everyone who reads
must reach. What all chats have in common, `chat_room.py` has.

`alignment.py` says what a mismatch is, and `attribution.py` whose clause; `framed_chat.py` judges chats whose
deliveries are framed, and `echo.py` the echo servers.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.alignment import Alignment, Piece, Possible, difference
from socketserver_reference.conformance.oracles.chat_findings import ChatFindings
from socketserver_reference.conformance.oracles.chat_room import Leaving, MemberState
from socketserver_reference.conformance.oracles.segmentation import Ambiguous, SegmentationParser
from socketserver_reference.conformance.scenario.step import OneClient, Utterance
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import common_prefix
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.scenario.violation import Finding

KEPT_LOG_BYTES = 1 << 20
"""Bytes of the log that are kept, at least, after all members have read them."""


@dataclass(frozen=True)
class Parting:
    """Where what a client has read parts from the log, at the beginning of a delivery."""

    known: bool  # whether others have read more
    next: list[Possible]
    later: list[Possible]
    heard: list[bytes]
    overheard: list[bytes]  # what others have read since it connected, and it has not
    came: bytes


@dataclass
class StreamMember(MemberState):
    """The state of one client, and its place in the log."""

    joined_at: int = 0  # the end of the log when it connected: what it may hear comes after
    place: int | None = None  # up to where in the log it has read, once it is certain where it began
    began: int = 0  # where that was
    held: bytearray = field(default_factory=bytearray)  # what it read before that was certain, or that broke the rules
    must_reach: int = 0  # the mark when it began to leave


class StreamChatOracle(ChatFindings[StreamMember]):
    """See the module."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.parser = SegmentationParser(dialect)
        self.mark = 0
        self.countable = True  # whether every prefix in the log begins a delivery
        self.quits: list[bytes] = []  # what clients said to leave, which no client may read

    def unheard(self) -> list[bytes]:
        return self.parser.waiting()

    def _says_late(self, who: str, data: bytes) -> None:
        self.parser.say_late(who, data)

    # What the clients do

    def begin(self, step: Step, *, idle_before: bool) -> None:
        if step.effect == "leaves":
            self.quits.append(step.said.strip())
        super().begin(step, idle_before=idle_before)

    def _newcomer(self) -> StreamMember:
        return StreamMember(joined_at=self.parser.end)

    def _says(self, who: str, data: bytes, *, settled: bool) -> None:
        member = self.members[who]
        member.proven = True
        if settled and member.joined_at == self.parser.end and not (member.held or self.parser.outstanding()):
            # Nothing is under way, nor will be before this utterance is heard: it can have begun nowhere else.
            member.place = member.began = self.parser.end
        self.countable = self.countable and self.dialect.prefix not in data
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
        member.fed = len(data)
        member.proven = True
        fits = self._follow(member) if member.place is not None else self._locate(member) or bool(self._fitting(member))
        member.heard_any = member.heard_any or fits
        return fits

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
            member.place = member.began = begins[0]
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
        return next(iter(self._wanted(who)), b"")

    def _wanted(self, who: str) -> list[bytes]:
        place, whole = self._place(self.members[who]), self.parser.read_until
        if place < whole:
            return [self.parser.bytes_at(place, whole - place)]
        unfinished = self.parser.bytes_at(whole, place - whole)
        return [d.removeprefix(unfinished) for d in self.parser.next_deliveries() if d.startswith(unfinished)]

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        member = self.members[who]
        member.held += data[member.fed :]
        parting = self._parting(member)
        member.heard_any = bool(parting.heard)
        seen = Alignment(
            came=self._pieces(parting),
            next=parting.next,
            later=parting.later,
            heard=parting.heard,
            overheard=parting.overheard,
            quits=self.quits,
            limit=self.dialect.chunk,
            together="concurrent" in self.circumstances(who),
        )
        found = difference(seen)
        if found.shape == "reordered" and parting.known and not self._of_one_speaker(seen.text, found.due):
            found = replace(found, shape="two orders")
        wanted = [self.dialect.delivery(due.text[: self.dialect.chunk]) for due in parting.next]
        return self._explain(who, found, parting.came, wanted)

    def _pieces(self, parting: Parting) -> list[Piece]:
        """Return what came, cut where deliveries begin; what was due may itself contain what they begin with."""
        prefix = self.dialect.prefix
        same = max((common_prefix(parting.came, prefix + due.text) for due in parting.next), default=0)
        begin = parting.came.find(prefix, max(same - len(prefix) + 1, 1))
        first, rest = (parting.came[:begin], parting.came[begin:]) if begin >= 0 else (parting.came, b"")
        return [Piece(first.removeprefix(prefix), first.startswith(prefix)), *map(Piece, rest.split(prefix)[1:])]

    def _of_one_speaker(self, *texts: bytes) -> bool:
        """Whether one client has said all this."""
        return any(all(text in b"".join(member.said) for text in texts) for member in self.members.values())

    def _begun(self, who: str) -> int:
        parting = self._parting(self.members[who])
        came = len(parting.came.removeprefix(self.dialect.prefix))
        return came or next((due.begun for due in parting.next if due.ends and not due.lossy), 0)

    def _number(self, who: str) -> str:
        parting = self._parting(self.members[who])
        if not self.countable or self.members[who].joined_at < self.parser.start:
            return "the next delivery"
        number, waiting = len(parting.heard) + 1, [*parting.next, *parting.later]
        known = waiting and not any(due.burst for due in waiting)
        return f"delivery {number} of {number + len(waiting) - 1}" if known else f"delivery {number}"

    def _parting(self, member: StreamMember) -> Parting:
        """Return where a client parts from the log, by all that it has read."""
        read = bytes(member.held)
        place = self._likely_begin(member, read) if member.place is None else member.place
        began = place if member.place is None else member.began
        same = common_prefix(self.parser.bytes_at(place, len(read)), read)
        known = place + same < self.parser.end
        begin, due, later = self.parser.parting(b"" if known else read[same:])
        if known:  # others have read more
            begin = max(self.parser.boundaries(0, place + same), default=place)
            there = [Possible(body) for body in self._bodies(begin, self.parser.end)]
            due, later = there[:1], [*there[1:], *due, *later]
        whole = max(self.parser.boundaries(began, min(begin, place)), default=began)
        further = self.parser.bytes_at(whole, max(0, place - whole)) + read[: begin - place] if begin > place else b""
        heard = self._bodies(began, whole) + further.split(self.dialect.prefix)[1:]
        unfinished = self.parser.bytes_at(begin, max(0, place - begin))
        overheard = self._bodies(member.joined_at, began)
        return Parting(known, due, later, heard, overheard, unfinished + read[max(0, begin - place) :])

    def _bodies(self, begin: int, end: int) -> list[bytes]:
        """Return what was delivered between two places in the log."""
        edges = pairwise(self.parser.boundaries(begin, end))
        return [self.parser.bytes_at(one, other - one).removeprefix(self.dialect.prefix) for one, other in edges]

    def _likely_begin(self, member: StreamMember, read: bytes) -> int:
        """Return where a newcomer most likely began: where it has most in common with the log, and what may follow."""

        def alike(begin: int) -> int:
            same = common_prefix(self.parser.bytes_at(begin, len(read)), read)
            end = begin + same < self.parser.end
            return same if end else self.parser.parting(read[same:])[0] - begin

        return max(self.parser.boundaries(member.joined_at, self.parser.end), key=alike, default=member.joined_at)

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        member = self.members[who]
        if self._cut_off_rightly(who, how) or (member.leaving and how == "eof" and self._heard_all(who)):
            member.gone = True
            self.parser.lose(who)
            return None
        return self._explain_end(who, how)

    def _heard_all(self, who: str) -> bool:
        """Whether a leaver has read all that it must: what was delivered before it left, and no part of a delivery."""
        member = self.members[who]
        if member.leaving == "half-close" and not self.parser.complete(who):
            return False
        if member.place is None:
            return not member.held or bool(self._fitting(member))
        return member.place >= member.must_reach and bool(self.parser.boundaries(member.place, member.place))
