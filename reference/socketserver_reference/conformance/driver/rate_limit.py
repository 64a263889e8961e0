"""The gaps that a dialect demands, for servers that limit rates or distinguish clients by the second.

A server measures a gap from when it read the previous utterance, not from when the client sent it. So a gap begins when
the server has certainly read that; `dialects/rewrite_limits.py` inserts the steps that make this certain.
"""

import time
from collections import Counter

from socketserver_reference.conformance.dialects.limits import Limits

CONNECT_GAP_MARGIN = 0.05
"""Seconds added to a gap between two connections: when exactly the server sees them is unknown."""


def remark(limit: str) -> str:
    """Return a message for the user: after that many clients the server refuses the next."""
    return (
        f"the server serves {limit}, and refuses the next: it limits their number or their rate. Every scenario was "
        "given a fresh server; limits.join_gap, limits.members or limits.fresh in the dialect states the limit"
    )


class RateLimiter:
    """Keeps the gaps and rates, from the first connection of a check to the last.

    Clients speak, and connect, as many at a time as the rate allows, and then wait for all of its time: so no time of
    that length has more, wherever it begins.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._may_speak: dict[str, float] = {}
        self._spoken: Counter[str] = Counter()
        self._unread: set[str] = set()
        self._may_join = 0.0
        self._joined = 0

    def begin(self) -> None:
        """Note that new clients connect: what earlier ones said does not matter."""
        self._may_speak.clear()
        self._spoken.clear()
        self._unread.clear()

    def wait_to_send(self, who: str) -> None:
        """Return when this client may speak again."""
        if self._limits.paced:
            _sleep_until(self._may_speak.get(who, 0.0))
            self._unread.add(who)
            self._spoken[who] += 1
            self._rest(who)

    def read(self) -> None:
        """Note that the server has read everything."""
        for who in self._unread:
            self._rest(who)
        self._unread.clear()

    def _rest(self, who: str) -> None:
        """Let a client wait before it speaks again."""
        self._may_speak[who] = time.monotonic() + self._limits.gap + self._limits.rate.pause(self._spoken[who])

    def wait_to_connect(self) -> None:
        """Return when another client may connect."""
        if self._limits.join_pace:
            _sleep_until(self._may_join)

    def connected(self) -> None:
        """Note that the server has seen a connection."""
        if self._limits.join_pace:
            self._joined += 1
            pause = self._limits.join_gap + self._limits.join_rate.pause(self._joined)
            self._may_join = time.monotonic() + pause + (CONNECT_GAP_MARGIN if pause else 0.0)

    def joined(self, who: str) -> None:
        """Note that a client has finished its handshake."""
        if self._limits.join_delay:
            self._may_speak[who] = time.monotonic() + self._limits.join_delay


def _sleep_until(earliest: float) -> None:
    if (early := earliest - time.monotonic()) > 0:
        time.sleep(early)  # the server demands this gap; the sleep waits for no event
