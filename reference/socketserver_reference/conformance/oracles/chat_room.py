"""What every oracle of a chat knows: who is there, how they come and go, and what was abrupt.

A *circumstance* is an abrupt thing that happened since everyone was last seen whole: a delivery that is then missing is
put down to it, not to the innocent utterance that showed it. Whoever has spoken twice since, and was heard by all, has
survived it.

`stream_chat.py` adds how deliveries are told apart in a stream, `framed_chat.py` in frames.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    Crowd,
    HalfClose,
    Heed,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    Utterance,
)
from socketserver_reference.conformance.scenario.violation import Finding

WAITING = 64 * 1024
"""Bytes of deliveries that must be able to wait for a member that does not read: CHAT-15."""

SAID = 40
"""Utterances of a burst that are kept, to explain what goes wrong."""

SOME = 8
"""Members who speak at most when everybody is seen whole in the end; everybody hears them."""

Leaving = Literal["quit", "half-close"]


@dataclass
class Presence:
    """What is known of one client."""

    proven: bool = False  # it has spoken or has heard: from here on it must hear everything
    said: list[bytes] = field(default_factory=list)  # its last utterances, to explain what goes wrong
    stalled: bool = False
    owed_at_resume: int = 0  # bytes that were waiting when it last began to read again
    leaving: Leaving | None = None
    amid: tuple[attribution.Circumstance, ...] = ()  # the circumstances when it began to leave
    gone: bool = False

    @property
    def reads(self) -> bool:
        """Whether the stage reads it when there is something to read."""
        return not (self.gone or self.stalled or self.leaving)


Member = TypeVar("Member", bound=Presence)


class RoomOracle(ABC, Generic[Member]):
    """See the module. One oracle judges one scenario in one room."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.members: dict[str, Member] = {}
        self.circumstances: list[attribution.Circumstance] = []  # the latest last
        self.ever: list[attribution.Circumstance] = []  # all there have been: what they broke may show itself late
        self.in_order = False  # whether everybody has been seen whole since the scenario began
        self.survivors: set[str] = set()  # who has spoken, and been heard by all, since the latest of them

    # What is different where deliveries are told apart in another way

    @abstractmethod
    def _newcomer(self) -> Member:
        """Return what is known of a client that connects now."""

    @abstractmethod
    def _says(self, who: str, data: bytes, *, settled: bool) -> None:
        """Note an utterance: from now on its delivery is legal."""

    @abstractmethod
    def _lose(self, who: str) -> None:
        """Note that the speaker has gone: what it said and nobody has heard may come, in part or not at all."""

    @abstractmethod
    def _is_behind(self, who: str) -> bool:
        """Whether the client has not read all that others have."""

    @abstractmethod
    def _owed(self, who: str) -> int:
        """Return how many bytes may be waiting for a client that did not read."""

    @abstractmethod
    def complete(self, who: str) -> bool:
        """Whether all that `who` said may have been heard."""

    @abstractmethod
    def outstanding(self) -> list[str]:
        """Return the speakers of whose words something may still come, those that have gone included."""

    @abstractmethod
    def readers(self) -> list[str]:
        """Return the proven members who read, in the order in which to read them."""

    @abstractmethod
    def bystanders(self) -> list[str]:
        """Return the clients who may have something to read, though nothing is due to them."""

    @abstractmethod
    def _absence(self, who: str) -> attribution.Absence:
        """Return what is known about something that a client should have read."""

    # What an earlier scenario leaves behind

    @abstractmethod
    def unheard(self) -> list[bytes]:
        """Return what was said and may still be delivered, now that everybody has left."""

    @abstractmethod
    def _says_late(self, who: str, data: bytes) -> None:
        """Note that a client who has gone said this: from now on it may be delivered, in part or not at all."""

    def expect_late(self, words: list[bytes]) -> None:
        """Take words of an earlier scenario that may still be under way, before anything else happens."""
        for count, data in enumerate(words, 1):
            who = f"somebody before, {count}"
            self.members[who] = replace(self._newcomer(), gone=True, said=[data])
            self._says_late(who, data)

    # What the clients do

    def begin(self, step: Step, *, rested: bool) -> None:
        """Note that the clients do this now, and whether the server had come to rest before."""
        match step:
            case Connect(who):
                self._comes(who)
            case Crowd(everyone):
                for who in everyone:
                    self._comes(who)
                self._disturbed("crowded")
            case Say(who, data):
                self._speaks(who, data, settled=True)
            case Send(who, data):
                self._speaks(who, data, settled=False)
                if len(self.outstanding()) > 1:
                    self._disturbed("concurrent")
            case Quit(who):
                self._leaves(who, "quit")
            case HalfClose(who):
                self._leaves(who, "half-close")
            case Close(who) | Reset(who):
                # To close with something unread, or with something still to come, resets as well; and so does what is
                # said before the server has noticed.
                resets = isinstance(step, Reset) or not rested or self._is_behind(who) or bool(self.outstanding())
                self._disturbed("reset" if resets else "left")
                self._lose(who)
                self.members[who].gone = True
            case Stall(who):
                self.members[who].stalled = True
                self._disturbed("stalled")
            case Resume(who):
                self._wakes(who)
            case Heed() | Settle():
                pass
        if not rested and isinstance(step, Connect | Quit | HalfClose | Close):
            self._disturbed("concurrent", least=True)  # the last delivery may still be going round

    def _comes(self, who: str) -> None:
        self.members[who] = self._newcomer()
        if self.outstanding():
            self._disturbed("concurrent")

    def _speaks(self, who: str, data: bytes, *, settled: bool) -> None:
        member = self.members[who]
        self._says(who, data, settled=settled)
        member.said = [data] if settled else [*member.said[-SAID:], data]
        if len(self.outstanding()) > 1 and "concurrent" not in self.ever:
            self.ever.insert(0, "concurrent")

    def _leaves(self, who: str, way: Leaving) -> None:
        member = self.members[who]
        member.leaving = way
        member.amid = tuple(self.circumstances)
        self._wakes(who)
        if way == "quit":
            self._lose(who)
        self._disturbed("left")

    def _wakes(self, who: str) -> None:
        """Note that the member reads again, if it did not."""
        member = self.members[who]
        if member.stalled:
            member.stalled = False
            member.owed_at_resume = self._owed(who)

    def _disturbed(self, circumstance: attribution.Circumstance, *, least: bool = False) -> None:
        """Note a circumstance: as the latest, or as the `least` likely to be to blame."""
        for circumstances in (self.circumstances, self.ever):
            if circumstance not in circumstances:
                circumstances.insert(0 if least else len(circumstances), circumstance)
        self.survivors.clear()

    def farewell(self) -> list[Step]:
        """Return the steps after which everybody has been seen whole; the server has come to rest before."""
        self.nobody_has_survived()
        here = self.readers()
        some = here if len(here) <= SOME else [*here[: SOME // 2], *here[-SOME // 2 :]]
        words = [Say(who, f"{who} is still here".encode()) for who in some]
        leaving = [HalfClose(who) for who in here]
        # After everybody has left the room must be in order too; otherwise it is the next scenario that suffers.
        last: list[Step] = [Connect("last"), Say("last", b"last is here"), Say("last", b"nobody else?")]
        return [Settle(), *words, *words, *leaving, *last]

    def settled(self, step: Step) -> None:
        """Note that all listeners of the step have been read, and nothing more is due."""
        if isinstance(step, Utterance) and step.waits:
            if step.who in self.survivors:  # whoever is heard again has survived delivering what it said before
                self._forget_circumstances()
            self.survivors.add(step.who)

    def nobody_has_survived(self) -> None:
        """Take nobody for a survivor who has spoken before now: what was abrupt may have had its effect only now."""
        self.survivors.clear()

    def _forget_circumstances(self) -> None:
        """Whatever was abrupt has harmed nobody; but what is not over yet may still."""
        self.in_order = True
        here = [member for member in self.members.values() if not member.gone]
        lasting = {
            "stalled": any(member.stalled for member in here),
            "crowded": any(not member.proven for member in here),
        }
        self.circumstances = [circumstance for circumstance in self.circumstances if lasting.get(circumstance)]

    # What is wrong

    def silent(self, who: str) -> Finding:
        """Explain that nothing came, though something was due."""
        return self._late(attribution.missing(self._absence(who)))

    def refused(self, who: str, why: str) -> Finding:
        """Explain that a client could not connect."""
        return self._late(attribution.refused(who, why, self.circumstances))

    def _late(self, finding: Finding, *, newcomer: bool = False) -> Finding:
        """Return the finding with what earlier circumstances may have broken as well."""
        if finding.clauses == ("CHAT-7",):  # there is no doubt
            return finding
        late = [attribution.CLAUSE_OF[circumstance] for circumstance in reversed(self.ever)]
        # To be cut off is to leave, too; and others have left before this scenario: a newcomer may have to pay for it.
        others_left = newcomer or not self.in_order or {"reset", "stalled"} & set(self.ever)
        leaving = ["CHAT-11"] if others_left else []
        return replace(finding, also=(*finding.also, *late, *leaving))

    def _unheard(self, who: str) -> bytes:
        """Return what was said and not heard by all yet: by those who are pending, or last by the client itself."""
        return b"".join(data for name in self.outstanding() or [who] for data in self.members[name].said)
