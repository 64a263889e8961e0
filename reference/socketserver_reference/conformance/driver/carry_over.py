"""What one scenario leaves behind for the next, where the server is the same.

Nothing of it may be held against the server in the next. Names that clients give in a handshake are never given twice,
since it may keep them taken. And words of clients who have gone may still be under way: where nobody can see the server
come to rest, the next oracle is told of them, and takes them whenever they come.
"""

import random
import string
import time
from collections.abc import Iterator

from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.oracles.chat_room import ChatOracle

DIGITS = string.digits + string.ascii_lowercase
MARK_LENGTH = 4
"""Digits of a mark: letters and numbers alone, since a server may allow nothing else in a name."""

MAX_LATE_WORDS = 16
"""Words at most that the next scenario is told of: the last."""


def marks() -> Iterator[str]:
    """Yield marks, each another, beginning anywhere: another check of the same server may just have been."""
    number = random.SystemRandom().randrange(len(DIGITS) ** MARK_LENGTH)
    while True:
        number += 1
        yield "".join(DIGITS[number // len(DIGITS) ** place % len(DIGITS)] for place in reversed(range(MARK_LENGTH)))


class CarryOver:
    """The scenarios that have been played against one server."""

    def __init__(self, within: float) -> None:
        self._within = within  # seconds that words may take to come
        self._marks = marks()
        self._before: Oracle | None = None
        self._until: dict[bytes, float] = {}

    def forget(self) -> None:
        """Note that the server is a fresh one, or was seen to come to rest."""
        self._before = None
        self._until.clear()

    def begin(self, oracle: Oracle) -> str:
        """Tell the oracle of a scenario that begins what may still come; return the mark of its clients' names."""
        if isinstance(self._before, ChatOracle) and isinstance(oracle, ChatOracle):
            now = time.monotonic()
            words = self._before.unheard()[-MAX_LATE_WORDS:]
            self._until = {word: self._until.get(word, now + self._within) for word in words}
            oracle.expect_late([word for word, until in self._until.items() if now < until])
        self._before = oracle
        return next(self._marks)
