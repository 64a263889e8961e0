"""Nobody comes for whom the server has no seat: a dialect may say how many members it takes at one time.

Who quits or half-closes reads the end of its stream, and has left; its seat is free. Of who closes or resets nobody can
know when the server notices, unless one can see it come to rest: then its seat is free as well, otherwise it stays
taken for the rest of the scenario.

A step of somebody who has not come is left out. If a scenario loses all its steps of one kind by that, a reset say, it
would not show what it was written for: `lost` says so.
"""

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.rewrite import Phrasing
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    Crowd,
    HalfClose,
    Heed,
    Quit,
    Reset,
    Say,
    Settle,
    Step,
)
from socketserver_reference.conformance.scenario.text import hyphenated


class Seats:
    """Phrases as another does, but for the steps of those who have no seat."""

    def __init__(self, inner: Phrasing, dialect: Dialect, *, sees_rest: bool) -> None:
        self._inner = inner
        witness = "chat" in dialect.protocols and not dialect.hears_itself  # who may have to come as well
        self._seats = dialect.limits.members - witness
        self._in_turn = "chat" not in dialect.protocols  # who has been answered leaves before another comes
        self._sees_rest = sees_rest
        self._here: set[str] = set()
        self._taken = 0
        self._turned_away: set[str] = set()
        self._asked: dict[type[Step], bool] = {}  # a kind of step -> whether one of them has been performed

    @property
    def lost(self) -> list[str]:
        """What was to be done and nobody did: the names of the kinds of steps that were left out whenever due."""
        return [hyphenated(kind.__name__) for kind, done in self._asked.items() if not done]

    def of(self, step: Step) -> list[Step]:
        """Return the steps to perform; none for a client who has no seat."""
        match step:
            case Connect(who):
                allowed = self._seat(who)
            case Crowd(everyone):
                step = Crowd(tuple(who for who in everyone if self._seat(who)))
                allowed = bool(step.everyone)
            case Heed(who, speaker):
                allowed = not {who, speaker} & self._turned_away
            case Settle():
                allowed = True
            case _:
                allowed = step.who not in self._turned_away
        self._asked[type(step)] = self._asked.get(type(step), False) or allowed
        if not allowed:
            return []
        self._leave(step)
        return self._inner.of(step)

    def _seat(self, who: str) -> bool:
        if len(self._here) + self._taken >= self._seats:
            self._turned_away.add(who)
            return False
        self._here.add(who)
        return True

    def _leave(self, step: Step) -> None:
        """Free the seat of who leaves by this step."""
        match step:
            case Quit(who) | HalfClose(who):
                self._here.discard(who)
            case Say(who) if self._in_turn:
                self._here.discard(who)
            case Close(who) | Reset(who) if who in self._here:
                self._here.discard(who)
                self._taken += not self._sees_rest
            case _:
                pass
