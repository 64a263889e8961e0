"""Rewrites any scenario for a dialect: the same scenario, in steps that the server under check understands.

Scenarios are written once, for the reference's dialect, where every step stays as it is. For another dialect, each step
is rewritten before it is performed: an utterance loses the bytes that the dialect cannot carry, a long one becomes
several, `quit` becomes the dialect's quit word, or a half-close if it has none.

Two kinds of steps are added. Where speakers do not hear themselves, another client must hear them: a client named
*witness* connects when a client would speak alone, and leaves with the last of the others. Where a chunk is what one
recv() returns, a client waits for its deliveries before it has sent more than one recv() takes.

Rewriting is idempotent in all that matters, so a run can be replayed.
"""

import re
from dataclasses import replace
from typing import Protocol

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import NOTE, WITNESS, Dialect
from socketserver_reference.conformance.scenario.step import Effect, OneClient, Speech, Utterance
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    HalfClose,
    Quit,
    Say,
    Send,
    Settle,
    Step,
    WaitUntilHeard,
)

SERIAL = re.compile(rb"(?:\A| )~\d+\Z")
"""The number at the end of an utterance that is not waited for, so that no two are equal."""

SERIAL_BYTES = 12
"""Bytes of an utterance kept free for that number."""


class Rewriter(Protocol):
    """Rewrites each step before the stage performs it."""

    def rewrite(self, step: Step) -> list[Step]:
        """Return the steps to perform in place of this one."""


class StreamRewriter:
    """The reference's own dialect, and other streams."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def rewrite(self, step: Step) -> list[Step]:
        """Return the step; a quit has the dialect's word, or is a half-close if no word can be used."""
        dialect = self._dialect
        if step.by_stage or step.effect == "falls silent":
            return []
        if not (isinstance(step, Speech) and step.leaves):
            return [step]
        if not (dialect.exact and dialect.quit):
            return [HalfClose(step.who)]
        return [replace(step, data=step.data.replace(NOTE.quit, dialect.quit))]


class FramedRewriter:
    """A chat in frames."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._present: dict[str, bool] = {}  # client -> whether it is known to hear the others
        self._outside: set[str] = set()  # who have not finished the handshake
        self._stalled: set[str] = set()
        self._unsettled: dict[str, int] = {}
        self._witnesses = 0
        self._serial = 0
        self._said: set[bytes] = set()

    def rewrite(self, step: Step) -> list[Step]:
        """Return the steps to perform; none for a client who could not come, or is gone."""
        if step.comes:
            return self._coming(step)
        if self._outside.issuperset(step.clients) and step.clients:
            self._outside.difference_update(step.clients if step.leaves else ())
            return [step]
        if step.by_stage or not self._present.keys() >= set(step.clients):
            return []
        match step:
            case Utterance(who, data):
                return self._sending(step) if step.burst else self._saying(who, data, in_pieces=step.in_pieces)
            case OneClient(who) if step.effect == "half-closes" and self._must_close():
                return [Settle(), *self._going(who, Close(who))]
            case OneClient() if step.effect == "hears" and self._is_mute(step.spoken_by):
                return []
            case OneClient(who) if step.effect == "falls silent":
                return self._falling_silent(who, step)
            case OneClient(who) if step.leaves:
                return self._going(who, step)
            case OneClient(who):
                self._changes(who, step.effect)
            case _:  # all clients, or a crowd
                pass
        if step.settles:
            self._settle()
        return [step]

    def _must_close(self) -> bool:
        """Whether to half-close is not to leave."""
        return "CHAT-10" in effects.not_applicable(self._dialect)

    def _changes(self, who: str, effect: Effect | None) -> None:
        """Note what becomes of a client who stays."""
        match effect:
            case "hears":
                self._present[who] = True
            case "stops reading":
                self._stalled.add(who)
            case "reads again":
                self._stalled.discard(who)
            case _:  # nothing does that concerns its deliveries
                pass

    def _seats(self) -> int:
        """Return how many clients may still connect; one place is reserved for a witness where it may be needed."""
        most = self._dialect.limits.members
        kept = 0 if self._dialect.hears_itself or self._witness() else 1
        return most - kept - len(self._present) - len(self._outside) if most else 1_000_000

    def _witness(self) -> str:
        return next((who for who in self._present if who.startswith(WITNESS) and who not in self._stalled), "")

    def _coming(self, step: Step) -> list[Step]:
        room = step.clients[: self._seats()]
        if step.effect == "approaches":
            self._outside.update(room)
        else:
            self._present.update(dict.fromkeys(room, False))
        coming = step.without(set(step.clients).difference(room))
        return [coming] if coming else []

    def _heard_by(self, speaker: str) -> list[Step]:
        """Return the steps after which some client certainly hears the speaker."""
        self._present[speaker] = True
        if self._dialect.hears_itself or self._audience(speaker):
            return []
        arriving: list[Step] = []
        witness = self._witness()
        if not witness or witness == speaker:
            self._witnesses += 1
            witness = f"{WITNESS}{self._witnesses}"
            arriving = [Connect(witness)]
        self._present[witness] = True
        last: list[Step] = [Settle()] if self._dialect.one_by_one else []  # the last probe is read before what follows
        return [*arriving, WaitUntilHeard(witness, speaker), *last]

    def _is_mute(self, who: str) -> bool:
        """Whether a client cannot speak: it does not read, so it would not know when it may say the next utterance."""
        return self._dialect.one_by_one and who in self._stalled

    def _saying(self, who: str, data: bytes, *, in_pieces: bool) -> list[Step]:
        said = self._dialect.sayable(data)
        if not said or self._is_mute(who):
            return []
        # what a newcomer hears first may be the same, as history
        remembered = bool(self._dialect.history) and not self._present[who] and said in self._said
        steps = self._heard_by(who)
        if remembered or self._may_be_taken_for_another(said):
            said = self._numbered(said)
        self._said.add(said)
        return [*steps, *self._in_one_chunk(who, Say(who, said, in_pieces))]

    def _in_one_chunk(self, who: str, utterance: Say | Send) -> list[Step]:
        """Return the steps after which one recv() can take this utterance with all that may still be unread.

        The server may end a member that does not read, and need not deliver what that member said. So nothing shows
        that its words have been read, and what exceeds one chunk is not said.
        """
        if self._dialect.framing_in.kind != "chunk":
            return [utterance]
        size = len(self._dialect.sent(utterance.data))
        before: list[Step] = []
        unsettled = self._unsettled.get(who, 0)
        if unsettled + size > self._dialect.chunk or (unsettled and self._dialect.one_by_one):
            if who in self._stalled:
                return []
            before = [Settle()]
            self._settle()
        self._unsettled[who] = self._unsettled.get(who, 0) + size
        return [*before, utterance]

    def _settle(self) -> None:
        """Note that all utterances have been read, but for those of members that do not read."""
        self._unsettled = {who: size for who, size in self._unsettled.items() if who in self._stalled}

    def _may_be_taken_for_another(self, said: bytes) -> bool:
        """Whether a client may be unable to tell this utterance from another in what it reads.

        A client that has heard nothing yet cannot tell which of two equal utterances it hears first. Where nothing
        marks the end of a delivery, a client with much unread cannot tell whether an utterance is whole.
        """
        unheard = not all(self._present.values())
        unmarked = self._dialect.framing_out.kind == "none"
        return (unheard and said in self._said) or (unmarked and (unheard or bool(self._stalled)))

    def _sending(self, step: Utterance) -> list[Step]:
        who = step.who
        if self._is_mute(who):
            return []
        steps = self._heard_by(who)
        for piece in self._pieces(step.data):
            if self._dialect.framing_out.kind == "none":
                steps.append(Say(who, piece))
                continue
            steps += self._in_one_chunk(who, Send(who, piece, with_next=step.with_next))
        return steps

    def _pieces(self, data: bytes) -> list[bytes]:
        """Return an utterance in as many pieces as it needs, each with a number, so that no two are equal."""
        if SERIAL.search(data) and data == self._dialect.sayable(data):
            return [data]
        longest = self._dialect.piece - SERIAL_BYTES
        return [self._numbered(data[at : at + longest]) for at in range(0, len(data), longest)]

    def _numbered(self, data: bytes) -> bytes:
        """Return the part of some bytes that can be said, with a number after it."""
        self._serial += 1
        said = self._dialect.sayable(data)[: self._dialect.longest - SERIAL_BYTES]
        return self._dialect.sayable(b"%s ~%06d" % (said, self._serial) if said else b"~%06d" % self._serial)

    def _quitting(self, who: str) -> list[Step]:
        """Return how a client quits: the quit word must not share a chunk with other utterances."""
        alone = not self._unsettled.get(who)
        heard = self._dialect.hears_itself or bool(self._audience(who))
        if not self._dialect.quit or not (alone or heard):
            return [HalfClose(who)]
        return [*([] if alone else [Settle()]), Quit(who, self._dialect.quit)]

    def _falling_silent(self, who: str, step: Step) -> list[Step]:
        """Return the step, unless a chunk has no end that could be left out."""
        if self._dialect.framing_in.kind == "chunk":
            return []
        del self._present[who]
        self._stalled.discard(who)
        self._outside.add(who)
        return [step]

    def _audience(self, speaker: str) -> set[str]:
        """Return the clients that certainly hear the speaker, without the speaker."""
        return {who for who, hears in self._present.items() if hears} - self._stalled - {speaker}

    def _going(self, who: str, step: Step) -> list[Step]:
        leaving: list[Step] = self._quitting(who) if step.effect == "leaves" else [step]
        del self._present[who]
        self._stalled.discard(who)
        if self._present and all(who.startswith(WITNESS) for who in self._present):
            witnesses, self._present = list(self._present), {}
            self._stalled.clear()
            if self._must_close() or step.effect == "is gone":
                leaving += [Settle(), *(Close(who) for who in witnesses)]
            else:
                leaving += [HalfClose(who) for who in witnesses]
        return leaving


class EchoRewriter:
    """An echo over connections."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._asked: list[str] = []
        self._unread: set[str] = set()  # who may have sent what the server has not read yet
        self.demands_ends = True
        """Whether the server ends the stream of a client that half-closes, or that it answers once."""

    def rewrite(self, step: Step) -> list[Step]:
        """Return the step; a client that was answered leaves before another connects: the server may serve one at a
        time.
        """
        if step.by_stage:
            return []
        if isinstance(step, Utterance):
            request = self._request(step.data)
            self._asked += [step.who] if request and step.waits and step.who not in self._asked else []
            said = step if request == step.data else replace(step, data=request)
            return [*self._room_for(step), said] if request else []
        leaving: list[Step] = []
        if step.effect == "leaves":
            step = self._quitting(step.spoken_by)
        if step.comes and (self._dialect.persistent or not self.demands_ends):
            leaving += [HalfClose(who) if self.demands_ends else Close(who) for who in self._asked]
            self._asked.clear()
        if step.leaves:
            self._asked = [who for who in self._asked if who not in step.clients]
        return [*leaving, step]

    def _room_for(self, step: Utterance) -> list[Step]:
        """Return the step after which one recv() takes this request alone, where something is replied to each chunk."""
        before: list[Step] = []
        if self._dialect.one_by_one and step.who in self._unread:
            before = [Settle()]
            self._unread.clear()
        self._unread.update([step.who] if step.burst else [])
        return before

    def _quitting(self, who: str) -> Step:
        if self._dialect.echo_quits and self._dialect.persistent:
            return Quit(who, self._dialect.quit)
        return HalfClose(who)

    def _request(self, data: bytes) -> bytes:
        dialect = self._dialect
        if not dialect.raw:
            return dialect.sayable(data)
        longest = dialect.longest if dialect.one_by_one else dialect.limits.utterance or len(data)
        request = dialect.handled_up_to(longest, data)
        return b"" if dialect.echo_quits and dialect.is_quit(request) else request


class DatagramRewriter:
    """An echo over datagrams."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def rewrite(self, step: Step) -> list[Step]:
        """Return the step, its datagram no longer and no shorter than the dialect allows."""
        if not isinstance(step, Utterance):
            return [step]
        longest = self._dialect.datagram if self._dialect.datagram != NOTE.datagram else len(step.data)
        data = self._dialect.handled_up_to(longest, step.data)
        return [replace(step, data=data)] if data or self._dialect.empty_datagrams else []


def chat_rewriter(dialect: Dialect) -> Rewriter:
    """Return the rewriter of a chat's scenarios."""
    return StreamRewriter(dialect) if dialect.stream else FramedRewriter(dialect)
