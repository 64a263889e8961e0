"""State that one scenario leaves for the next on the same server.

The next scenario must not count it against the server. Clients never give a handshake name twice, since the server may
keep it taken. Utterances of clients that have left may still be on their way: where the server's quiescence cannot be
observed, the next oracle gets a list of them, and accepts each whenever it comes.
"""

import random
import string
import time
from collections.abc import Iterator

from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.oracles.chat_room import ChatOracle

MARK_DIGITS = string.digits + string.ascii_lowercase
MARK_LENGTH = 4
"""Digits of a mark: letters and numbers alone, since a server may allow no other characters in a name."""

MAX_LATE_WORDS = 16
"""Most late utterances that the next oracle accepts: the last ones."""


def marks() -> Iterator[str]:
    """Yield distinct marks from a random start: another check of the same server may just have ended."""
    number = random.SystemRandom().randrange(len(MARK_DIGITS) ** MARK_LENGTH)
    while True:
        number += 1
        yield "".join(
            MARK_DIGITS[number // len(MARK_DIGITS) ** place % len(MARK_DIGITS)]
            for place in reversed(range(MARK_LENGTH))
        )


class CarryOver:
    """The scenarios that have been played against one server."""

    def __init__(self, within: float) -> None:
        self._within = within  # seconds that late utterances may take to come
        self._marks = marks()
        self._before: Oracle | None = None
        self._until: dict[bytes, float] = {}

    def forget(self) -> None:
        """Note that the server is fresh, or was seen idle."""
        self._before = None
        self._until.clear()

    def begin(self, oracle: Oracle) -> str:
        """Give the oracle of a new scenario the utterances that may still come; return the mark of its names."""
        if isinstance(self._before, ChatOracle) and isinstance(oracle, ChatOracle):
            now = time.monotonic()
            words = self._before.unheard()[-MAX_LATE_WORDS:]
            self._until = {word: self._until.get(word, now + self._within) for word in words}
            oracle.expect_late([word for word, until in self._until.items() if now < until])
        self._before = oracle
        return next(self._marks)
