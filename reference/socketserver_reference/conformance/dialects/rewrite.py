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
from dataclasses import replace
from typing import Protocol

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import NOTE, WITNESS, Dialect
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    Effect,
    HalfClose,
    Heed,
    OneClient,
    Quit,
    Say,
    Send,
    Settle,
    Speech,
    Step,
    Utterance,
)

SERIAL = re.compile(rb"(?:\A| )~\d+\Z")
"""What ends an utterance that nobody waits for, so that no two are the same."""

ROOM_FOR_SERIAL = 12
"""Bytes of an utterance that are kept free for it."""


class Phrasing(Protocol):
    """What the stage asks before it performs a step."""

    def of(self, step: Step) -> list[Step]:
        """Return the steps to perform in place of this one."""


class AsWritten:
    """The reference's own dialect, and others that are streams."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def of(self, step: Step) -> list[Step]:
        """Return the step itself; a quit in the dialect's own word, or as another way to leave if it has none."""
        dialect = self._dialect
        if step.by_stage:
            return []
        if not (isinstance(step, Speech) and step.leaves):
            return [step]
        if not (dialect.exact and dialect.quit):
            return [HalfClose(step.who)]
        return [replace(step, data=step.data.replace(NOTE.quit, dialect.quit))]


class Framed:
    """A chat in frames."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._present: dict[str, bool] = {}  # whether it is known to hear what is said
        self._stalled: set[str] = set()
        self._unsettled: dict[str, int] = {}
        self._witnesses = 0
        self._serial = 0
        self._said: set[bytes] = set()

    def of(self, step: Step) -> list[Step]:
        """Return the steps to perform; none for a client who could not come, or is gone."""
        if step.effect == "joins":
            return self._coming(step)
        if step.by_stage or not self._present.keys() >= set(step.clients):
            return []
        match step:
            case Utterance(who, data):
                return self._sending(who, data) if step.burst else self._saying(who, data)
            case OneClient(who) if step.effect == "half-closes" and self._must_close():
                return [Settle(), *self._going(who, Close(who))]
            case OneClient(who) if step.leaves:
                return self._going(who, step)
            case OneClient(who):
                self._changes(who, step.effect)
        if step.settles:
            self._unsettled.clear()
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

    def _seats(self) -> int:
        """Return how many may still come; one seat is kept for a witness, where one may be needed."""
        most = self._dialect.limits.members
        kept = 0 if self._dialect.hears_itself or self._witness() else 1
        return most - kept - len(self._present) if most else 1_000_000

    def _witness(self) -> str:
        return next((who for who in self._present if who.startswith(WITNESS) and who not in self._stalled), "")

    def _coming(self, step: Step) -> list[Step]:
        room = step.clients[: self._seats()]
        self._present.update(dict.fromkeys(room, False))
        coming = step.without(set(step.clients).difference(room))
        return [coming] if coming else []

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
        return [*arriving, Heed(witness, speaker)]

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
        longest = self._dialect.longest - ROOM_FOR_SERIAL
        return [self._numbered(data[at : at + longest]) for at in range(0, len(data), longest)]

    def _numbered(self, data: bytes) -> bytes:
        """Return what can be said of some bytes, with a number behind it."""
        self._serial += 1
        said = self._dialect.sayable(data)[: self._dialect.longest - ROOM_FOR_SERIAL]
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

    def _going(self, who: str, step: Step) -> list[Step]:
        leaving: list[Step] = self._quitting(who) if step.effect == "leaves" else [step]
        del self._present[who]
        self._stalled.discard(who)
        if self._present and all(who.startswith(WITNESS) for who in self._present):
            witnesses, self._present = list(self._present), {}
            self._stalled.clear()
            if self._must_close():
                leaving += [Settle(), *(Close(who) for who in witnesses)]
            else:
                leaving += [HalfClose(who) for who in witnesses]
        return leaving


class Requests:
    """An echo, over connections."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._asked: list[str] = []

    def of(self, step: Step) -> list[Step]:
        """Return the step; who has been answered leaves before another comes, since the server may serve one at a
        time.
        """
        if step.by_stage:
            return []
        if isinstance(step, Utterance):
            request = self._request(step.data)
            self._asked += [step.who] if request and step.waits and step.who not in self._asked else []
            return [replace(step, data=request)] if request else []
        leaving: list[Step] = []
        if step.effect == "joins" and self._dialect.persistent:
            leaving += [HalfClose(who) for who in self._asked]
            self._asked.clear()
        if step.leaves:
            self._asked = [who for who in self._asked if who not in step.clients]
        return [*leaving, step]

    def _request(self, data: bytes) -> bytes:
        if self._dialect.raw:
            return self._dialect.handled(data)[: self._dialect.limits.utterance or len(data)]
        return self._dialect.sayable(data)


class Datagrams:
    """An echo, over datagrams."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def of(self, step: Step) -> list[Step]:
        """Return the step, its datagram no longer and no shorter than the dialect allows."""
        if not isinstance(step, Utterance):
            return [step]
        data = self._dialect.handled(step.data)
        if self._dialect.datagram != NOTE.datagram:
            data = data[: self._dialect.datagram]
        return [replace(step, data=data)] if data or self._dialect.empty_datagrams else []


def chat(dialect: Dialect) -> Phrasing:
    """Return what phrases the scenarios of a chat."""
    return AsWritten(dialect) if dialect.stream else Framed(dialect)
