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

from reference.conformance.dialect import NOTE, WITNESS, Dialect
from reference.conformance.scenario import (
    Answer,
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
)

SERIAL = re.compile(rb" ~\d+\Z")


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
        if isinstance(step, Answer):
            return []
        if isinstance(step, Quit) and not (dialect.exact and dialect.quit):
            return [HalfClose(step.who)]
        if isinstance(step, Quit) and dialect.quit != NOTE.quit:
            return [Quit(step.who, step.data.replace(NOTE.quit, dialect.quit))]
        return [step]


class Framed:
    """A chat in frames."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._present: dict[str, bool] = {}  # whether it is known to hear what is said
        self._stalled: set[str] = set()
        self._unsettled: dict[str, int] = {}
        self._witnesses = 0
        self._serial = 0

    def of(self, step: Step) -> list[Step]:
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
            case Heed(who, speaker):
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
            case HalfClose(who) if "CHAT-10" in self._dialect.not_applicable:
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
        most = self._dialect.limits.members
        return most - len(self._present) if most else 1_000_000

    def _coming(self, step: Connect, who: str) -> list[Step]:
        if self._seats() < 1:
            return []
        self._present[who] = False
        return [step]

    def _heard_by(self, speaker: str) -> list[Step]:
        """Return what must be done so that somebody surely hears the speaker."""
        audience = {who for who, hears in self._present.items() if hears} - self._stalled - {speaker}
        self._present[speaker] = True
        if self._dialect.hears_itself or audience:
            return []
        arriving: list[Step] = []
        witness = next((who for who in self._present if who.startswith(WITNESS) and who not in self._stalled), "")
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
        self._unsettled.clear()
        return [*self._heard_by(who), Say(who, said)]

    def _sending(self, who: str, data: bytes) -> list[Step]:
        steps = self._heard_by(who)
        for piece in self._pieces(data):
            if self._dialect.framing_out.kind == "none":
                steps.append(Say(who, piece))
                continue
            size = len(self._dialect.sent(piece))
            if self._dialect.framing_in.kind == "chunk" and self._unsettled.get(who, 0) + size > self._dialect.chunk:
                steps.append(Settle())
                self._unsettled.clear()
            self._unsettled[who] = self._unsettled.get(who, 0) + size
            steps.append(Send(who, piece))
        return steps

    def _pieces(self, data: bytes) -> list[bytes]:
        """Return an utterance in as many as it needs, each with a number, so that no two are the same."""
        if SERIAL.search(data) and data == self._dialect.sayable(data):
            return [data]
        longest = self._dialect.longest - 12
        pieces = []
        for at in range(0, len(data), longest):
            said = self._dialect.sayable(data[at : at + longest])
            self._serial += 1
            pieces.append(said + b" ~%d" % self._serial)
        return pieces

    def _going(self, step: Quit | HalfClose | Close | Reset) -> list[Step]:
        del self._present[step.who]
        self._stalled.discard(step.who)
        leaving: list[Step] = [step]
        if isinstance(step, Quit):
            leaving = [Quit(step.who, self._dialect.quit)] if self._dialect.quit else [HalfClose(step.who)]
        if self._present and all(who.startswith(WITNESS) for who in self._present):
            leaving += [HalfClose(who) for who in self._present]
            self._present.clear()
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
            return self._dialect.passing(data)[: self._dialect.limits.utterance or len(data)]
        return self._dialect.sayable(data)


class Datagrams:
    """An echo, over datagrams."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def of(self, step: Step) -> list[Step]:
        """Return the step, its datagram no longer and no shorter than the dialect allows."""
        if not isinstance(step, Say | Send) or self._dialect.datagram == NOTE.datagram:
            kept: Step = step
        else:
            kept = type(step)(step.who, step.data[: self._dialect.datagram])
        silent = isinstance(kept, Say | Send) and not (kept.data or self._dialect.empty_datagrams)
        return [] if silent else [kept]


def chat(dialect: Dialect) -> Phrasing:
    """Return what phrases the scenarios of a chat."""
    return AsWritten(dialect) if dialect.stream else Framed(dialect)
