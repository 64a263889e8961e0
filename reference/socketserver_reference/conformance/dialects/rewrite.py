"""Says any scenario in a dialect: the same story, in words that the server under check can take.

Scenarios are written once, in what the reference understands. Before a step is performed it is phrased: an utterance
loses what the dialect has no way to say, a long one falls into several, `quit` becomes the dialect's word for it, or a
half-close where there is none. In the reference's own dialect every step is as it is written.

Two things are added where they are needed. Where speakers do not hear themselves, somebody else has to be there to
hear them: a client named *witness* comes when one speaks who would be alone, and leaves with the last of the others.
And where the server takes what one recv() returns, nobody says more than that without waiting until it was heard.

To phrase a step that has been phrased changes nothing that matters, so a run can be played again.
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
"""What ends an utterance that nobody waits for, so that no two are the same."""

SERIAL_BYTES = 12
"""Bytes of an utterance that are kept free for it."""


class Rewriter(Protocol):
    """What the stage asks before it performs a step."""

    def rewrite(self, step: Step) -> list[Step]:
        """Return the steps to perform in place of this one."""


class StreamRewriter:
    """The reference's own dialect, and others that are streams."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def rewrite(self, step: Step) -> list[Step]:
        """Return the step itself; a quit in the dialect's own word, or as another way to leave if it has none."""
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
        self._present: dict[str, bool] = {}  # whether it is known to hear what is said
        self._stalled: set[str] = set()
        self._unsettled: dict[str, int] = {}
        self._witnesses = 0
        self._serial = 0
        self._said: set[bytes] = set()

    def rewrite(self, step: Step) -> list[Step]:
        """Return the steps to perform; none for a client who could not come, or is gone."""
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
        """Return how many may still come; one seat is kept for a witness, where one may be needed."""
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
        """Return what must be done so that somebody surely hears the speaker."""
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
        """Return what must be done so that the server can take this at once with all that it may not have taken yet."""
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
        """Whether somebody cannot tell by the words alone what it hears.

        Who has heard nothing yet does not know which of two that are the same it is that it hears first; and who has
        much to hear, where nothing marks the ends, not whether a word is whole.
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
        """Return an utterance in as many as it needs, each with a number, so that no two are the same."""
        if SERIAL.search(data) and data == self._dialect.sayable(data):
            return [data]
        longest = self._dialect.longest - SERIAL_BYTES
        return [self._numbered(data[at : at + longest]) for at in range(0, len(data), longest)]

    def _numbered(self, data: bytes) -> bytes:
        """Return what can be said of some bytes, with a number behind it."""
        self._serial += 1
        said = self._dialect.sayable(data)[: self._dialect.longest - SERIAL_BYTES]
        return self._dialect.sayable(b"%s ~%06d" % (said, self._serial) if said else b"~%06d" % self._serial)

    def _quitting(self, who: str) -> list[Step]:
        """Return how a client leaves by its own word: not in one chunk with others, where nothing keeps them apart."""
        alone = not self._unsettled.get(who)
        heard = self._dialect.hears_itself or bool(self._audience(who))
        if not self._dialect.quit or not (alone or heard):
            return [HalfClose(who)]
        return [*([] if alone else [Settle()]), Quit(who, self._dialect.quit)]

    def _audience(self, speaker: str) -> set[str]:
        """Return who surely hears what somebody says, besides itself."""
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
    """An echo, over connections."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._asked: list[str] = []

    def rewrite(self, step: Step) -> list[Step]:
        """Return the step; who has been answered leaves before another comes, since the server may serve one at a
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
    """An echo, over datagrams."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def rewrite(self, step: Step) -> list[Step]:
        """Return the step, its datagram no longer and no shorter than the dialect allows."""
        if not isinstance(step, Say | Send):
            return [step]
        data = self._dialect.handled(step.data)
        if self._dialect.datagram != NOTE.datagram:
            data = data[: self._dialect.datagram]
        return [type(step)(step.who, data)] if data or self._dialect.empty_datagrams else []


def chat_rewriter(dialect: Dialect) -> Rewriter:
    """Return what phrases the scenarios of a chat."""
    return StreamRewriter(dialect) if dialect.stream else FramedRewriter(dialect)
