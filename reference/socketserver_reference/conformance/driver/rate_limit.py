"""The rate limits that a dialect asks for: servers that limit rates, or tell clients apart by the second.

A server measures from when it read the last, not from when that was sent. So a gap is counted from where it is sure
that the server has read what went before; `dialects/rewrite_limits.py` makes it sure where it is not.
"""

import time

from socketserver_reference.conformance.dialects.dialect import Limits

CONNECT_GAP_MARGIN = 0.05
"""Seconds added to a gap between two connections, whose second nobody can be sure that the server saw late."""


class RateLimiter:
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

    def wait_to_send(self, who: str) -> None:
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

    def wait_to_connect(self) -> None:
        """Return when another client may connect."""
        if self._limits.join_gap:
            _sleep_until(self._may_join)

    def joined(self) -> None:
        """Note that the server has seen somebody connect."""
        if self._limits.join_gap:
            self._may_join = time.monotonic() + self._limits.join_gap + CONNECT_GAP_MARGIN


def _sleep_until(earliest: float) -> None:
    if (early := earliest - time.monotonic()) > 0:
        time.sleep(early)  # the gap itself is what the server wants; nothing else is waited for
