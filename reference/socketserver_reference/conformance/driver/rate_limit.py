"""The pace that a dialect asks for: servers that limit rates, or tell clients apart by the second.

A server measures from when it read the last, not from when that was sent. So a gap is counted from where it is sure
that the server has read what went before; where it is not sure, it is made so first, by a Settle.

With gaps, what is said over and over takes long. Scenarios say it less often then (`Limits.rounds`), and one that would
still take longer than LONGEST is not played at all, which its clause's verdict says.
"""

import time
from collections.abc import Sequence

from socketserver_reference.conformance.dialects.dialect import Limits
from socketserver_reference.conformance.dialects.rewrite import Phrasing
from socketserver_reference.conformance.scenario.steps import Connect, Crowd, Heed, Quit, Say, Send, Settle, Step

LONGEST = 60.0
"""Seconds that the gaps of one scenario may take together."""

MARGIN = 0.05
"""Seconds added to a gap between two connections, whose second nobody can be sure that the server saw late."""


class Pace:
    """Keeps the gaps, from the first connection of a check to the last."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._may_speak: dict[str, float] = {}
        self._unread: set[str] = set()
        self._may_join = 0.0

    def begin(self) -> None:
        """Note that clients with new names come: what others said before them does not matter."""
        self._may_speak.clear()
        self._unread.clear()

    def await_speaking(self, who: str) -> None:
        """Return when this client may speak again."""
        if self._limits.gap:
            _sleep_until(self._may_speak.get(who, 0.0))
            self._unread.add(who)
            self._may_speak[who] = time.monotonic() + self._limits.gap

    def read(self) -> None:
        """Note that the server has read all that was said."""
        for who in self._unread:
            self._may_speak[who] = time.monotonic() + self._limits.gap
        self._unread.clear()

    def await_joining(self) -> None:
        """Return when another client may connect."""
        if self._limits.join_gap:
            _sleep_until(self._may_join)

    def joined(self) -> None:
        """Note that the server has seen somebody connect."""
        if self._limits.join_gap:
            self._may_join = time.monotonic() + self._limits.join_gap + MARGIN


def _sleep_until(earliest: float) -> None:
    if (early := earliest - time.monotonic()) > 0:
        time.sleep(early)  # the gap itself is what the server wants; nothing else is waited for


class Paced:
    """Phrases as another does, and has nobody speak twice before it is sure that the first has been read."""

    def __init__(self, inner: Phrasing) -> None:
        self._inner = inner
        self._unread: set[str] = set()

    def of(self, step: Step) -> list[Step]:
        """Return the steps to perform in place of this one."""
        phrased: list[Step] = []
        for one in self._inner.of(step):
            if isinstance(one, Say | Send | Quit) and one.who in self._unread:
                phrased.append(Settle())
                self._unread.clear()
            if isinstance(one, Send):
                self._unread.add(one.who)
            elif isinstance(one, Say | Settle):
                self._unread.clear()
            phrased.append(one)
        return phrased


def too_long(steps: Sequence[Step], limits: Limits, phrasing: Phrasing) -> bool:
    """Whether the gaps of a scenario take longer than LONGEST seconds together."""
    now = may_join = 0.0
    may_speak: dict[str, float] = {}
    for step in steps:
        for one in phrasing.of(step):
            if isinstance(one, Connect | Crowd):
                now = max(now, may_join)
                may_join = now + limits.join_gap
            elif isinstance(one, Say | Send | Quit | Heed):
                who = one.speaker if isinstance(one, Heed) else one.who
                now = max(now, may_speak.get(who, 0.0))
                may_speak[who] = now + limits.gap
            if now > LONGEST:  # without looking at the rest: it may be megabytes
                return True
    return False
