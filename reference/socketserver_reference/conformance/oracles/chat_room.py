"""The state that every oracle of a chat keeps: the members, how they join and leave, and the disruptions.

A *disruption* is an abrupt event since all clients were last seen served in full: a delivery that is then missing is
attributed to it, not to the utterance that showed it. A client that has spoken twice since, and was heard by all, has
survived it.

`chat_findings.py` explains what goes wrong in it; `stream_chat.py` adds how deliveries are told apart in a stream,
`framed_chat.py` in frames.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.step import Utterance
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Answer,
    Approach,
    Begin,
    Close,
    Connect,
    Crowd,
    HalfClose,
    Quit,
    Reset,
    Rest,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
)
from socketserver_reference.conformance.scenario.transcript import Ending

MIN_BACKLOG_BYTES = 64 * 1024
"""Bytes of deliveries that must be able to wait for a member that does not read: CHAT-15."""

MAX_KEPT_UTTERANCES = 40
"""Utterances of a burst that are kept, to explain what goes wrong."""

MANY_MEMBERS = 64
"""Members from which on one more may be one too many."""

MAX_FINAL_SPEAKERS = 8
"""Members that speak, at most, in the final steps; all members hear them."""

Leaving = Literal["quit", "half-close"]


@dataclass
class MemberState:
    """The state of one client."""

    proven: bool = False  # it has spoken or has heard: from here on it must hear everything
    heard_any: bool = False  # it has read something that it should
    fed: int = 0  # bytes that it read last
    said: list[bytes] = field(default_factory=list)  # its last utterances, to explain what goes wrong
    stalled: bool = False
    lagged: bool = False  # as much may have been waiting for it as lets the server end it
    owed_at_resume: int = 0  # bytes that were waiting when it last began to read again
    leaving: Leaving | None = None
    disruptions_at_leave: tuple[attribution.Disruption, ...] = ()  # the disruptions when it began to leave
    gone: bool = False

    @property
    def reads(self) -> bool:
        """Whether the stage reads it when there is something to read."""
        return not (self.gone or self.stalled or self.leaving)


MemberT = TypeVar("MemberT", bound=MemberState)


class ChatOracle(ABC, Generic[MemberT]):
    """See the module. One oracle judges one scenario in one room."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.members: dict[str, MemberT] = {}
        self.active_disruptions: list[attribution.Disruption] = []  # the latest last
        self.all_disruptions: list[attribution.Disruption] = []  # all so far: their effects may show late
        self.fresh = True  # whether the server has had no client before this scenario
        self.in_order = False  # whether all clients have been seen served in full since the start
        self.outside: set[str] = set()  # clients within a handshake or an utterance: nothing is due to them
        self.unended: list[bytes] = []  # utterances without an end: they may be delivered, with or without one
        self.in_pieces: set[bytes] = set()  # utterances that come to the server in several segments, or with an answer
        self.answering: set[str] = set()  # whose last answer comes with what they say first
        self.survived: set[str] = set()  # clients that have been heard by all since the latest of them

    # What is different where deliveries are told apart in another way

    @abstractmethod
    def _newcomer(self) -> MemberT:
        """Return the state of a client that connects now."""

    @abstractmethod
    def _says(self, who: str, data: bytes, *, settled: bool) -> None:
        """Note an utterance: from now on its delivery is legal."""

    @abstractmethod
    def _lose(self, who: str) -> None:
        """Note that the speaker has gone: its utterances that no client has heard may come, in part or not at all."""

    @abstractmethod
    def _doubt(self, who: str) -> None:
        """Note the same of a speaker who is still there, and may say more."""

    @abstractmethod
    def _is_behind(self, who: str) -> bool:
        """Whether the client has not read all that others have."""

    @abstractmethod
    def _owed(self, who: str) -> int:
        """Return how many bytes may be waiting for a client that did not read."""

    @abstractmethod
    def _unread(self, who: str) -> int:
        """Return how many bytes of what was said the client may have to read yet."""

    @abstractmethod
    def complete(self, who: str) -> bool:
        """Whether all that `who` said may have been heard."""

    @abstractmethod
    def outstanding(self) -> list[str]:
        """Return the speakers of whose words something may still come, those that have gone included."""

    @abstractmethod
    def readers(self) -> list[str]:
        """Return the proven members that read, in the order in which to read them."""

    @abstractmethod
    def optional_readers(self) -> list[str]:
        """Return the clients that may have something to read, though nothing is due to them."""

    # What an earlier scenario leaves behind

    @abstractmethod
    def unheard(self) -> list[bytes]:
        """Return the utterances that may still be delivered, now that all clients have left."""

    @abstractmethod
    def _says_late(self, who: str, data: bytes) -> None:
        """Note an utterance of a client that has gone: from now on it may be delivered, in part or not at all."""

    def expect_late(self, words: list[bytes]) -> None:
        """Take words of an earlier scenario that may still be under way, before anything else happens."""
        for count, data in enumerate(words, 1):
            who = f"somebody before, {count}"
            self.members[who] = replace(self._newcomer(), gone=True, said=[data])
            self._says_late(who, data)

    # What the clients do

    def rested(self) -> None:
        """Note that the server has been at rest, and that all have read what it had sent."""

    def begin(self, step: Step, *, idle_before: bool) -> None:
        """Note that the clients do this now, and whether the server had come to rest before."""
        if step.in_pieces or step.spoken_by in self.answering:
            self.in_pieces.add(step.said)
            self.answering.discard(step.spoken_by)
        match step:
            case Approach(who):
                self.outside.add(who)
                if not step.namesake:
                    self._disrupt("silent")
            case Begin(who, data):
                self.members[who].gone = True
                self.outside.add(who)
                self.unended.append(data)
                self.in_pieces.add(data)
                self._disrupt("silent")
            case HalfClose(who) | Close(who) | Abandon(who) | Reset(who) if who in self.outside:
                self.outside.discard(who)
                self._end_silence()
                rude = isinstance(step, Abandon | Reset)
                self._disrupt("reset" if rude else "half-closed" if isinstance(step, HalfClose) else "left")
            case Connect(who):
                self._comes(who)
                self.answering.update([who] if step.with_words else [])
            case Crowd(everyone):
                for who in everyone:
                    self._comes(who)
                self._disrupt("crowded")
            case Say(who, data):
                self._speaks(who, data, settled=True)
            case Send(who, data):
                self._speaks(who, data, settled=False)
                if len(self.outstanding()) > 1:
                    self._disrupt("concurrent")
            case Quit(who):
                self._leaves(who, "quit")
            case HalfClose(who):
                self._leaves(who, "half-close")
            case Close(who) | Abandon(who) | Reset(who):
                # To close with something still to come resets as well, and so does what is said before the server has
                # noticed.
                rude = isinstance(step, Abandon | Reset)
                resets = rude or not idle_before or self._is_behind(who) or bool(self.outstanding())
                self._disrupt("reset" if resets else "left")
                if isinstance(step, Abandon) and len(self.members) == 1 and not self.members[who].said:
                    self._disrupt("left")  # nothing can have come that it does not read
                self._lose(who)
                self.members[who].gone = True
            case Stall(who):
                self.members[who].stalled = True
                self._disrupt("stalled")
            case Resume(who):
                self._wakes(who)
            case Rest():
                self._disrupt("idle")
            case WaitUntilHeard() | Settle() | Answer():
                pass
        # A server at rest may wait for room to send to a client that does not read.
        rests = idle_before and not any(member.stalled for member in self.members.values())
        if not rests and isinstance(step, Connect | Quit | HalfClose | Close):
            self._disrupt("concurrent", least=True)  # the last delivery may still be going round

    def _end_silence(self) -> None:
        """Note that no client is silent in a handshake any more: what goes wrong from now on is another event's."""
        for disruptions in (self.active_disruptions, self.all_disruptions):
            if not self.outside and "silent" in disruptions:
                disruptions.remove("silent")

    def _comes(self, who: str) -> None:
        self.members[who] = self._newcomer()
        if self.outstanding():
            self._disrupt("concurrent")
        if sum(not member.gone for member in self.members.values()) > MANY_MEMBERS:
            self._disrupt("crowded")

    def _speaks(self, who: str, data: bytes, *, settled: bool) -> None:
        member = self.members[who]
        self._says(who, data, settled=settled)
        heard = settled and self.dialect.hears_itself  # else it may still come to its speaker, by mistake
        member.said = [data] if heard else [*member.said[-MAX_KEPT_UTTERANCES:], data]
        if member.stalled:  # it may be cut off for what waits for it, answers to this included, before this is read
            self._doubt(who)
            self.lags(who)
        if len(self.outstanding()) > 1 and "concurrent" not in self.all_disruptions:
            self.all_disruptions.insert(0, "concurrent")

    def _leaves(self, who: str, way: Leaving) -> None:
        member = self.members[who]
        member.leaving = way
        member.disruptions_at_leave = tuple(self.active_disruptions)
        self._wakes(who)
        if way == "quit":
            self._lose(who)
        self._disrupt("left")

    def _wakes(self, who: str) -> None:
        """Note that the member reads again, if it did not."""
        member = self.members[who]
        if member.stalled:
            member.stalled = False
            member.owed_at_resume = self._owed(who)

    def _disrupt(self, disruption: attribution.Disruption, *, least: bool = False) -> None:
        """Note a disruption: as the latest, or as the `least` likely to be to blame."""
        for disruptions in (self.active_disruptions, self.all_disruptions):
            if disruption not in disruptions:
                disruptions.insert(0 if least else len(disruptions), disruption)
        self.survived.clear()

    def final_steps(self) -> list[Step]:
        """Return the steps that show that every client is served in full; the server is idle before them."""
        self.reset_survived()
        here = self.readers()
        some = (
            here
            if len(here) <= MAX_FINAL_SPEAKERS
            else [*here[: MAX_FINAL_SPEAKERS // 2], *here[-MAX_FINAL_SPEAKERS // 2 :]]
        )
        words = [Say(who, f"{who} is still here".encode()) for who in some]
        leaving = [HalfClose(who) for who in here]
        giving_up = [Close(who) for who in sorted(self.outside)]
        served: list[Step] = [*words, *words, *giving_up, *(2 * words if giving_up else [])]
        # The room must work after all clients have left, too; otherwise the next scenario fails.
        last: list[Step] = [Connect("last"), Say("last", b"last is here"), Say("last", b"nobody else?")]
        return [Settle(), *served, *leaving, *last]

    def lags(self, who: str) -> None:
        """Note that so much may have been waiting for a client that the server may have ended it."""
        self.members[who].lagged = True

    def settled(self, step: Step) -> None:
        """Note that all listeners of the step have been read, and nothing more is due."""
        if isinstance(step, Utterance) and step.waits:
            if step.who in self.survived:  # a client that is heard again has survived delivering what it said before
                self._end_disruptions()
            self.survived.add(step.who)

    def reset_survived(self) -> None:
        """Forget the survivors so far: a disruption may have had its effect only now."""
        self.survived.clear()

    def _end_disruptions(self) -> None:
        """Drop the disruptions, which have harmed no client; keep those that are not over."""
        self.in_order = True
        here = [member for member in self.members.values() if not member.gone]
        lasting = {
            "silent": bool(self.outside),
            "stalled": any(member.stalled for member in here),
            "crowded": any(not member.proven for member in here),
        }
        self.active_disruptions = [disruption for disruption in self.active_disruptions if lasting.get(disruption)]

    # Who may be cut off

    def _fell_behind(self, who: str) -> bool:
        """Whether so much was waiting for the client when it began to read again that the server may have ended it."""
        return self.members[who].owed_at_resume >= MIN_BACKLOG_BYTES

    def _cut_off_rightly(self, who: str, how: Ending) -> bool:
        """Whether the server may have ended the client because too much was waiting for it, whether it read or not.

        Of what was waiting when a connection is reset, nobody reads all: then it is as much as there can have been.
        """
        if how == "reset" and self._unread(who) >= MIN_BACKLOG_BYTES:
            return True
        return self._fell_behind(who) or self.members[who].lagged
