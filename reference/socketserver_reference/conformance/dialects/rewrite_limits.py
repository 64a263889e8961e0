"""Scenarios within the limits of a dialect: how many members, how often each may speak, and what a server repeats.

A dialect may say how many members the server takes at one time: then nobody comes for whom it has no seat.

Who quits or half-closes reads the end of its stream, and has left; its seat is free. Of who closes or resets nobody can
know when the server notices, unless one can see it come to rest: then its seat is free as well, otherwise it stays
taken for the rest of the scenario.

A step of somebody who has not come is left out. If a scenario loses all its steps of one kind by that, a reset say, it
would not show what it was written for: `lost` says so.

With gaps, what is said over and over takes long. Scenarios say it less often then (`Limits.rounds`), and one that would
still take longer than LONGEST is not played at all, which its clause's verdict says.
"""

from collections.abc import Sequence
from dataclasses import replace

from socketserver_reference.conformance.dialects.dialect import Dialect, Limits
from socketserver_reference.conformance.dialects.rewrite import Phrasing
from socketserver_reference.conformance.scenario.steps import Settle, Speech, Step, Utterance
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
        joins = step.effect == "joins"
        refused = {who for who in step.clients if not self._seat(who)} if joins else self._turned_away
        allowed = step.without(refused)
        self._asked[type(step)] = self._asked.get(type(step), False) or allowed is not None
        if allowed is None:
            return []
        self._leave(allowed)
        return self._inner.of(allowed)

    def _seat(self, who: str) -> bool:
        if len(self._here) + self._taken >= self._seats:
            self._turned_away.add(who)
            return False
        self._here.add(who)
        return True

    def _leave(self, step: Step) -> None:
        """Free the seat of who leaves by this step."""
        answered = self._in_turn and isinstance(step, Utterance) and step.waits
        if step.leaves or answered:
            gone = self._here.intersection(step.clients)
            self._here -= gone
            if step.effect == "is gone" and not self._sees_rest:
                self._taken += len(gone)


NUMBER = 16
"""Bytes that are left free in an utterance for what else may be added to it."""


class Marked:
    """Phrases as another does, and has nothing said that was said in an earlier scenario: the server may repeat that to
    whoever comes. What only looks like a quit stays as it is.
    """

    def __init__(self, inner: Phrasing, dialect: Dialect, mark: str) -> None:
        self._inner = inner
        self._kept = dialect.quit_like() if dialect.quit else ()
        self._mark = mark.encode() + b" "
        self._size = dialect.longest - len(self._mark) - NUMBER

    def of(self, step: Step) -> list[Step]:
        """Return the steps to perform in place of this one."""
        if not isinstance(step, Utterance) or step.data in self._kept:
            return self._inner.of(step)
        data = step.data.removeprefix(self._mark)
        pieces = [data[at : at + self._size] for at in range(0, len(data), self._size)] or [data]
        said = pieces if step.burst else pieces[:1]
        return [one for piece in said for one in self._inner.of(replace(step, data=self._mark + piece))]


LONGEST = 60.0
"""Seconds that the gaps of one scenario may take together."""


class Paced:
    """Phrases as another does, and has nobody speak twice before it is sure that the first has been read."""

    def __init__(self, inner: Phrasing) -> None:
        self._inner = inner
        self._unread: set[str] = set()

    def of(self, step: Step) -> list[Step]:
        """Return the steps to perform in place of this one."""
        phrased: list[Step] = []
        for one in self._inner.of(step):
            if isinstance(one, Speech) and one.who in self._unread:
                phrased.append(Settle())
                self._unread.clear()
            if one.burst:
                self._unread.add(one.spoken_by)
            elif one.settles or isinstance(one, Utterance):
                self._unread.clear()
            phrased.append(one)
        return phrased


def too_long(steps: Sequence[Step], limits: Limits, phrasing: Phrasing) -> bool:
    """Whether the gaps of a scenario take longer than LONGEST seconds together."""
    now = may_join = 0.0
    may_speak: dict[str, float] = {}
    for step in steps:
        for one in phrasing.of(step):
            if one.effect == "joins":
                now = max(now, may_join)
                may_join = now + limits.join_gap
            elif who := one.spoken_by:
                now = max(now, may_speak.get(who, 0.0))
                may_speak[who] = now + limits.gap
            if now > LONGEST:  # without looking at the rest: it may be megabytes
                return True
    return False
