"""Keeps scenarios within the limits of a dialect: its members, its gaps, and the history that a server repeats.

A dialect may limit the members at one time: connects beyond the limit are dropped.

A client that quits or half-closes reads the end of its stream and has then left: its place is free. When the server
notices a close or a reset is unknown, unless its quiescence can be observed: then that place is free as well, otherwise
it stays taken for the rest of the scenario.

The later steps of a dropped client are dropped too. A scenario that loses all its steps of one kind, all resets for
example, no longer shows what it was written for: `lost` lists these kinds.

With gaps and rates, repetitions take long. So scenarios repeat less often (`Limits.rounds`), and a scenario that would
still take more than MAX_SCENARIO_SECONDS is not played; the verdict of its clause says so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.rewrite import Rewriter
from socketserver_reference.conformance.scenario.step import Speech, Utterance
from socketserver_reference.conformance.scenario.steps import Settle, Step
from socketserver_reference.conformance.scenario.text import hyphenated


class CapacityLimit:
    """Rewrites as the inner rewriter does, and drops the steps of clients beyond the limit."""

    def __init__(self, inner: Rewriter, dialect: Dialect, *, sees_idle: bool) -> None:
        self._inner = inner
        witness = "chat" in dialect.protocols and not dialect.hears_itself  # it may have to connect as well
        self._capacity = dialect.limits.members - witness
        self._in_turn = "chat" not in dialect.protocols  # a client that was answered leaves before another connects
        self._sees_idle = sees_idle
        self._here: set[str] = set()
        self._taken = 0
        self._turned_away: set[str] = set()
        self._asked: dict[type[Step], bool] = {}  # kind of step -> whether at least one was performed

    @property
    def lost(self) -> list[str]:
        """The names of the kinds of steps of which every one was dropped."""
        return [hyphenated(kind.__name__) for kind, done in self._asked.items() if not done]

    def rewrite(self, step: Step) -> list[Step]:
        """Return the steps to perform; none for a client who has no seat."""
        comes = step.comes
        refused = {who for who in step.clients if not self._admit(who)} if comes else self._turned_away
        allowed = step.without(refused)
        self._asked[type(step)] = self._asked.get(type(step), False) or allowed is not None
        if allowed is None:
            return []
        self._leave(allowed)
        return self._inner.rewrite(allowed)

    def _admit(self, who: str) -> bool:
        if len(self._here) + self._taken >= self._capacity:
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
            if step.effect == "is gone" and not self._sees_idle:
                self._taken += len(gone)


MARK_ROOM_BYTES = 16
"""Bytes of an utterance kept free for further additions."""


class ScenarioMarked:
    """Rewrites as the inner rewriter does, and marks each utterance so that no earlier scenario has said it: the server
    may repeat earlier deliveries to a new client. An utterance that only looks like a quit stays as it is.
    """

    def __init__(self, inner: Rewriter, dialect: Dialect, mark: str) -> None:
        self._inner = inner
        self._kept = dialect.quit_like() if dialect.quit else ()
        self._mark = mark.encode() + b" "
        self._size = dialect.longest - len(self._mark) - MARK_ROOM_BYTES

    def rewrite(self, step: Step) -> list[Step]:
        """Return the steps to perform in place of this one."""
        if not isinstance(step, Utterance) or step.data in self._kept:
            return self._inner.rewrite(step)
        data = step.data.removeprefix(self._mark)
        pieces = [data[at : at + self._size] for at in range(0, len(data), self._size)] or [data]
        said = pieces if step.burst else pieces[:1]
        return [one for piece in said for one in self._inner.rewrite(replace(step, data=self._mark + piece))]


MAX_SCENARIO_SECONDS = 60.0
"""Most seconds that the gaps of one scenario may take together."""


class RateLimited:
    """Rewrites as the inner rewriter does; a client speaks again only after the server has surely read what it said."""

    def __init__(self, inner: Rewriter, limits: Limits) -> None:
        self._inner = inner
        self._limits = limits
        self._spoken: Counter[str] = Counter()
        self._unread: set[str] = set()

    def rewrite(self, step: Step) -> list[Step]:
        """Return the steps to perform in place of this one."""
        rewritten: list[Step] = []
        for one in self._inner.rewrite(step):
            if isinstance(one, Speech) and one.who in self._unread and self._must_wait(one.who):
                rewritten.append(Settle())
                self._unread.clear()
            if one.burst:
                self._unread.add(one.spoken_by)
            elif one.settles or isinstance(one, Utterance):
                self._unread.clear()
            self._spoken[one.spoken_by] += 1
            rewritten.append(one)
        return rewritten

    def _must_wait(self, who: str) -> bool:
        """Whether the client has to wait before it speaks: so long after the server has read what it said."""
        return self._limits.gap > 0 or self._limits.rate.is_over(self._spoken[who])


def within_limits(
    rewriter: Rewriter, dialect: Dialect, *, sees_idle: bool, mark: str | None = None
) -> tuple[Rewriter, CapacityLimit | None]:
    """Return a rewriter that keeps the limits of the dialect, and its limit of members, if there is one.

    `mark` distinguishes utterances from those of earlier scenarios, where the server repeats its history.
    """
    capacity: CapacityLimit | None = None
    if dialect.history and mark is not None:
        rewriter = ScenarioMarked(rewriter, dialect, mark)
    if dialect.limits.members:
        rewriter = capacity = CapacityLimit(rewriter, dialect, sees_idle=sees_idle)
    if dialect.limits.pace and "chat" in dialect.protocols:
        rewriter = RateLimited(rewriter, dialect.limits)
    return rewriter, capacity


def too_long(steps: Sequence[Step], limits: Limits, rewriter: Rewriter) -> bool:
    """Whether the gaps of a scenario take more than MAX_SCENARIO_SECONDS together."""
    now = may_join = 0.0
    may_speak: dict[str, float] = {}
    counts: Counter[str] = Counter()
    for step in steps:
        for one in rewriter.rewrite(step):
            if one.comes:
                counts[""] += 1
                now = max(now, may_join)
                may_join = now + limits.join_gap + limits.join_rate.pause(counts[""])
                may_speak |= dict.fromkeys(one.clients, now + limits.join_delay)
            elif who := one.spoken_by:
                counts[who] += 1
                now = max(now, may_speak.get(who, 0.0))
                may_speak[who] = now + limits.gap + limits.rate.pause(counts[who])
            if now > MAX_SCENARIO_SECONDS:  # without reading the rest: it may be megabytes
                return True
    return False
