"""Judges what the clients of a chat saw by the model.

An oracle is fed with what happens, one step and one read at a time, and knows no socket: `begin` a step, then for each
client it wants to hear (`listeners`, `due`) what was heard, how the stream ended, or that nothing came. Anything
illegal comes back as a Finding, at the first byte that shows it. The scenario's steps, not the server, decide what is
due, so the same oracle judges any implementation, over any kind of socket.

Two ideas carry it. The log (`readings.py`) holds every delivery in one order; a member is a place in it, and where a
newcomer's place begins is found out by comparing. What has to come is a *mark* in the log that everyone who reads must
reach. What all chats have in common, `chat_room.py` has.

`attribution.py` says which clause a misfit breaks; `framed_chat.py` judges chats whose deliveries are framed, and
`echo.py` the echo servers.
"""

from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.chat_room import WAITING, Leaving, Presence, RoomOracle
from socketserver_reference.conformance.oracles.readings import Ambiguous, RoomLog
from socketserver_reference.conformance.scenario.steps import OneClient, Step, Utterance
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.scenario.violation import Finding

REMEMBERED = 1 << 20
"""Bytes of the log that are kept, at least, when nobody needs them any more."""


@dataclass
class Member(Presence):
    """What is known of one client's place in the room."""

    since: int = 0  # the end of the log when it connected: what it may hear comes after
    place: int | None = None  # up to where in the log it has read, once it is certain where it began
    held: bytearray = field(default_factory=bytearray)  # what it read before that was certain, or that broke the rules
    heard: bool = False
    must_reach: int = 0  # the mark when it began to leave


class ChatOracle(RoomOracle[Member]):
    """See the module."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.log = RoomLog(dialect)
        self.mark = 0
        self.quits: list[bytes] = []  # what nobody may read: the words by which members left, as deliveries

    def unheard(self) -> list[bytes]:
        return self.log.waiting()

    def _says_late(self, who: str, data: bytes) -> None:
        self.log.say(who, data, settled=False)
        self.log.lose(who)

    # What the clients do

    def begin(self, step: Step, *, rested: bool) -> None:
        if step.effect == "leaves":
            self.quits.append(self.dialect.delivery(step.said))
        super().begin(step, rested=rested)

    def _newcomer(self) -> Member:
        return Member(since=self.log.end)

    def _says(self, who: str, data: bytes, *, settled: bool) -> None:
        member = self.members[who]
        member.proven = True
        if settled and member.since == self.log.end and not (member.held or self.log.outstanding()):
            # Nothing is under way, nor will be before these words are heard: it can have begun nowhere else.
            member.place = self.log.end
        self.log.say(who, data, settled and self.dialect.exact)

    def _leaves(self, who: str, way: Leaving) -> None:
        self.members[who].must_reach = self.mark
        super()._leaves(who, way)

    def _lose(self, who: str) -> None:
        self.log.lose(who)

    def _is_behind(self, who: str) -> bool:
        return self._place(self.members[who]) < self.log.end

    def _owed(self, who: str) -> int:
        return self.log.end - self._place(self.members[who]) + self.log.at_most()

    def complete(self, who: str) -> bool:
        return self.log.complete(who)

    def outstanding(self) -> list[str]:
        return self.log.outstanding()

    # Whom to read

    def listeners(self, step: Step) -> list[str]:
        if not step.waits:
            return []
        match step:
            case OneClient(who) if step.leaves:
                # A leaver first, so that what is written into the log by then is what it heard; a newcomer last, to
                # compare.
                return [*self.readers(), who] if self.members[who].place is None else [who, *self.readers()]
            case Utterance(who):  # the speaker early: the others then only compare
                return sorted(self.readers(), key=lambda name: (self.members[name].place is None, name != who))
            case _:
                return self.readers()

    def readers(self) -> list[str]:
        """Return the proven members who read, those whose place is certain first: they find out what comes next."""
        able = [name for name, member in self.members.items() if member.proven and member.reads]
        return sorted(able, key=lambda name: self.members[name].place is None)

    def bystanders(self) -> list[str]:
        if not self.log.settled():  # others must find out first what there is to hear
            return []
        return [name for name, member in self.members.items() if not member.proven and member.reads]

    def due(self, who: str) -> bool:
        member = self.members[who]
        if member.gone or member.stalled:
            return False
        if member.leaving or not self.log.settled():
            return True
        self.mark = max(self.mark, self.log.read_until)
        if member.place is None and not self._locate(member):
            own = len(self.dialect.delivery(member.said[0])) if member.said else 0
            reached = [begin for begin in self._fitting(member) if begin + len(member.held) >= self.mark]
            return len(member.held) < own or not reached
        return self._place(member) < self.mark

    def settled(self, step: Step) -> None:
        super().settled(step)
        if self.log.end > REMEMBERED:
            here = [self._place(member) for member in self.members.values() if not member.gone]
            self.log.forget(min(here, default=self.log.end) - REMEMBERED // 2)

    # What the clients read

    def hears(self, who: str, data: bytes) -> bool:
        member = self.members[who]
        member.held += data
        member.heard = member.proven = True
        if member.place is None:
            return self._locate(member) or bool(self._fitting(member))
        return self._follow(member)

    def _follow(self, member: Member) -> bool:
        """Compare what the member read with the log, and write what goes beyond its end into it."""
        place = self._place(member)
        known = self.log.bytes_at(place, len(member.held))
        if not member.held.startswith(known):
            return False
        beyond = bytes(member.held[len(known) :])
        if beyond and not self.log.extend(beyond):
            return False
        member.place = place + len(member.held)
        member.held.clear()
        return True

    def _place(self, member: Member) -> int:
        """Return up to where the member has read; where it was when it came, if that is not certain yet."""
        return member.since if member.place is None else member.place

    # Where a newcomer began to hear

    def _locate(self, member: Member) -> bool:
        """Find out where the member began, from what others have read, or from its own if nobody else can tell."""
        begins = self._fitting(member)
        others = [other for other in self.members.values() if other is not member and not (other.gone or other.leaving)]
        alone = not any(other.place is not None and other.reads for other in others)
        if alone and member.held and (len(begins) > 1 or (begins and others and self.log.outstanding())):
            raise Ambiguous  # it may have begun elsewhere, or another may have heard something before
        if len(begins) == 1 and (alone or begins[0] + len(member.held) <= self.log.end):
            member.place = begins[0]
            self._follow(member)
        return member.place is not None

    def _fitting(self, member: Member) -> list[int]:
        """Return the places where a member may have begun, as far as what it has read tells."""
        held = bytes(member.held)
        return [begin for begin in self.log.boundaries(member.since, self.log.end) if self._fits(begin, held)]

    def _fits(self, begin: int, held: bytes) -> bool:
        known = self.log.bytes_at(begin, len(held))
        return held.startswith(known) and (len(known) == len(held) or self.log.allows(held[len(known) :]))

    # What is wrong

    def lacks(self, who: str) -> bytes:
        return next(iter(self._expected(who)), b"")

    def _expected(self, who: str) -> list[bytes]:
        """Return what the client may read next, the likeliest first, up to one delivery each."""
        place, whole = self._place(self.members[who]), self.log.read_until
        if place < whole:
            return [self.log.bytes_at(place, whole - place)]
        unfinished = self.log.bytes_at(whole, place - whole)
        return [d.removeprefix(unfinished) for d in self.log.next_deliveries() if d.startswith(unfinished)]

    def misfit(self, who: str, data: bytes) -> Finding:
        member = self.members[who]
        read = bytes(member.held) + data.removeprefix(member.held[-len(data) :])
        begin, expected = self._parting(member, read)
        unfinished = self.log.bytes_at(begin, max(0, self._place(member) - begin))
        return self._late(
            attribution.misfit(
                attribution.Misfit(
                    who=who,
                    expected=expected,
                    observed=(unfinished + read)[max(0, begin - self._place(member)) :]
                    if member.place is not None
                    else read,
                    before=self.log.bytes_at(0, self.log.end if member.place is None else begin),
                    first=not begin or begin == member.since,
                    utterance=self._unheard(who),
                    said=[b"".join(other.said) for other in self.members.values()],
                    stalled_once=member.owed_at_resume > 0,
                    quits=self.quits,
                    circumstances=self.circumstances,
                    speakers=len(self.log.outstanding()),
                ),
                self.dialect,
            )
        )

    def _parting(self, member: Member, read: bytes) -> tuple[int, list[bytes]]:
        """Return where the delivery begins in which the client and the log part, and what might have come there."""
        place = self._place(member)
        known = self.log.bytes_at(place, len(read))
        same = next((at for at, (one, other) in enumerate(zip(known, read, strict=False)) if one != other), None)
        if same is None or member.place is None:
            return self.log.read_until, self.log.next_deliveries()
        begin = max(self.log.boundaries(0, place + same), default=0)
        end = min(self.log.boundaries(place + same + 1, self.log.end), default=self.log.end)
        return begin, [self.log.bytes_at(begin, end - begin)]

    def ends(self, who: str, how: Ending) -> Finding | None:
        member = self.members[who]
        if member.owed_at_resume >= WAITING or (member.leaving and how == "eof" and self._heard_all(who)):
            member.gone = True
            self.log.lose(who)
            return None
        return self._late(attribution.cut_off(self._absence(who), how), newcomer=not member.proven)

    def _heard_all(self, who: str) -> bool:
        """Whether a leaver has read all that it must: what was delivered before it left, and no part of a delivery."""
        member = self.members[who]
        if member.leaving == "half-close" and not self.log.complete(who):
            return False
        if member.place is None:
            return not member.held or bool(self._fitting(member))
        return member.place >= member.must_reach and bool(self.log.boundaries(member.place, member.place))

    def _absence(self, who: str) -> attribution.Absence:
        member = self.members[who]
        expected = [show(delivery) for delivery in self._expected(who)]
        return attribution.Absence(
            who=who,
            expected=f"{who} reads {' or '.join(expected)}" if expected else "",
            leaving=member.leaving,
            lurker=not member.proven,
            begun=bool(member.held) or self._place(member) > self.log.read_until,
            stalled_once=member.owed_at_resume > 0,
            utterance=self._unheard(who),
            circumstances=member.amid if member.leaving else self.circumstances,
        )
