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
from typing import Protocol

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import NOTE, WITNESS, Dialect
from socketserver_reference.conformance.scenario.steps import (
    Answer,
    Close,
    Connect,
    Crowd,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
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
        if isinstance(step, Answer):
            return []
        if isinstance(step, Quit) and not (dialect.exact and dialect.quit):
            return [HalfClose(step.who)]
        if isinstance(step, Quit) and dialect.quit != NOTE.quit:
            return [Quit(step.who, step.data.replace(NOTE.quit, dialect.quit))]
        return [step]


class FramedRewriter:
    """A chat in frames."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._present: dict[str, bool] = {}  # client -> whether it is known to hear the others
        self._stalled: set[str] = set()
        self._unsettled: dict[str, int] = {}
        self._witnesses = 0
        self._serial = 0
        self._said: set[bytes] = set()

    def rewrite(self, step: Step) -> list[Step]:
        """Return the steps to perform; none for a client that could not connect, or has left."""
        match step:
            case Connect(who):
                return self._coming(step, who)
            case Crowd(everyone):
                room = everyone[: self._seats()]
                self._present.update(dict.fromkeys(room, False))
                return [Crowd(room)] if room else []
            case Settle():
                self._unsettled.clear()
                return [step]
            case WaitUntilHeard(who, speaker):
                if not {who, speaker} <= set(self._present):
                    return []
                self._present[who] = True
                return [step]
            case Answer():
                return []
            case _ if step.who not in self._present:
                return []
            case Say(who, data):
                return self._saying(who, data)
            case Send(who, data):
                return self._sending(who, data)
            case HalfClose(who) if "CHAT-10" in effects.not_applicable(self._dialect):
                return [Settle(), *self._going(Close(who))]
            case Quit() | HalfClose() | Close() | Reset():
                return self._going(step)
            case Stall(who):
                self._stalled.add(who)
                return [step]
            case Resume(who):
                self._stalled.discard(who)
                return [step]

    def _seats(self) -> int:
        """Return how many clients may still connect; one place is reserved for a witness where it may be needed."""
        most = self._dialect.limits.members
        kept = 0 if self._dialect.hears_itself or self._witness() else 1
        return most - kept - len(self._present) if most else 1_000_000

    def _witness(self) -> str:
        return next((who for who in self._present if who.startswith(WITNESS) and who not in self._stalled), "")

    def _coming(self, step: Connect, who: str) -> list[Step]:
        if self._seats() < 1:
            return []
        self._present[who] = False
        return [step]

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
        return [*arriving, WaitUntilHeard(witness, speaker)]

    def _saying(self, who: str, data: bytes) -> list[Step]:
        said = self._dialect.sayable(data)
        if not said:
            return []
        steps = self._heard_by(who)
        if self._may_be_taken_for_another(said):
            said = self._numbered(said)
        self._said.add(said)
        return [*steps, *self._room_for(who, said), Say(who, said)]

    def _room_for(self, who: str, said: bytes) -> list[Step]:
        """Return the steps after which one recv() can take this utterance with all that may still be unread."""
        if self._dialect.framing_in.kind != "chunk":
            return []
        size = len(self._dialect.sent(said))
        before: list[Step] = []
        if self._unsettled.get(who, 0) + size > self._dialect.chunk:
            before = [Settle()]
            self._unsettled.clear()
        self._unsettled[who] = self._unsettled.get(who, 0) + size
        return before

    def _may_be_taken_for_another(self, said: bytes) -> bool:
        """Whether a client may be unable to tell this utterance from another in what it reads.

        A client that has heard nothing yet cannot tell which of two equal utterances it hears first. Where nothing
        marks the end of a delivery, a client with much unread cannot tell whether an utterance is whole.
        """
        unheard = not all(self._present.values())
        unmarked = self._dialect.framing_out.kind == "none"
        return (unheard and said in self._said) or (unmarked and (unheard or bool(self._stalled)))

    def _sending(self, who: str, data: bytes) -> list[Step]:
        steps = self._heard_by(who)
        for piece in self._pieces(data):
            if self._dialect.framing_out.kind == "none":
                steps.append(Say(who, piece))
                continue
            steps += self._room_for(who, piece)
            steps.append(Send(who, piece))
        return steps

    def _pieces(self, data: bytes) -> list[bytes]:
        """Return an utterance in as many pieces as it needs, each with a number, so that no two are equal."""
        if SERIAL.search(data) and data == self._dialect.sayable(data):
            return [data]
        longest = self._dialect.longest - SERIAL_BYTES
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

    def _audience(self, speaker: str) -> set[str]:
        """Return the clients that certainly hear the speaker, without the speaker."""
        return {who for who, hears in self._present.items() if hears} - self._stalled - {speaker}

    def _going(self, step: Quit | HalfClose | Close | Reset) -> list[Step]:
        leaving: list[Step] = self._quitting(step.who) if isinstance(step, Quit) else [step]
        del self._present[step.who]
        self._stalled.discard(step.who)
        if self._present and all(who.startswith(WITNESS) for who in self._present):
            witnesses, self._present = list(self._present), {}
            self._stalled.clear()
            way = Close if "CHAT-10" in effects.not_applicable(self._dialect) else HalfClose
            leaving += [Settle()] if way is Close else []
            leaving += [way(who) for who in witnesses]
        return leaving


class EchoRewriter:
    """An echo over connections."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._asked: list[str] = []

    def rewrite(self, step: Step) -> list[Step]:
        """Return the step; a client that was answered leaves before another connects: the server may serve one at a
        time.
        """
        match step:
            case Answer():
                return []
            case Connect() if self._dialect.persistent:
                leaving: list[Step] = [HalfClose(who) for who in self._asked]
                self._asked.clear()
                return [*leaving, step]
            case Say(who, data):
                request = self._request(data)
                self._asked += [who] if request and who not in self._asked else []
                return [Say(who, request)] if request else []
            case Send(who, data):
                request = self._request(data)
                return [Send(who, request)] if request else []
            case HalfClose(who) | Close(who) | Reset(who):
                self._asked = [other for other in self._asked if other != who]
                return [step]
            case _:
                return [step]

    def _request(self, data: bytes) -> bytes:
        if self._dialect.raw:
            return self._dialect.handled(data)[: self._dialect.limits.utterance or len(data)]
        return self._dialect.sayable(data)


class DatagramRewriter:
    """An echo over datagrams."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def rewrite(self, step: Step) -> list[Step]:
        """Return the step, with its datagram cut to the dialect's limit; none for an empty one that is not answered."""
        if not isinstance(step, Say | Send):
            return [step]
        data = self._dialect.handled(step.data)
        if self._dialect.datagram != NOTE.datagram:
            data = data[: self._dialect.datagram]
        return [type(step)(step.who, data)] if data or self._dialect.empty_datagrams else []


def chat_rewriter(dialect: Dialect) -> Rewriter:
    """Return the rewriter of a chat's scenarios."""
    return StreamRewriter(dialect) if dialect.stream else FramedRewriter(dialect)
