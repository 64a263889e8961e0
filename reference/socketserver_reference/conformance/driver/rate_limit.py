"""The gaps that a dialect demands, for servers that limit rates or distinguish clients by the second.

A server measures a gap from when it read the previous utterance, not from when the client sent it. So a gap begins when
the server has certainly read that; `dialects/rewrite_limits.py` inserts the steps that make this certain.
"""

import time

from socketserver_reference.conformance.dialects.dialect import Limits

CONNECT_GAP_MARGIN = 0.05
"""Seconds added to a gap between two connections: when exactly the server sees them is unknown."""


class RateLimiter:
    """Keeps the gaps, from the first connection of a check to the last."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._may_speak: dict[str, float] = {}
        self._unread: set[str] = set()
        self._may_join = 0.0

    def begin(self) -> None:
        """Note that new clients connect: what earlier ones said does not matter."""
        self._may_speak.clear()
        self._unread.clear()

    def wait_to_send(self, who: str) -> None:
        """Return when this client may speak again."""
        if self._limits.gap:
            _sleep_until(self._may_speak.get(who, 0.0))
            self._unread.add(who)
            self._may_speak[who] = time.monotonic() + self._limits.gap

    def read(self) -> None:
        """Note that the server has read everything."""
        for who in self._unread:
            self._may_speak[who] = time.monotonic() + self._limits.gap
        self._unread.clear()

    def wait_to_connect(self) -> None:
        """Return when another client may connect."""
        if self._limits.join_gap:
            _sleep_until(self._may_join)

    def joined(self) -> None:
        """Note that the server has seen a connection."""
        if self._limits.join_gap:
            self._may_join = time.monotonic() + self._limits.join_gap + CONNECT_GAP_MARGIN


def _sleep_until(earliest: float) -> None:
    if (early := earliest - time.monotonic()) > 0:
        time.sleep(early)  # the server demands this gap; the sleep waits for no event
