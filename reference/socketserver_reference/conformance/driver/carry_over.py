"""What one scenario leaves behind for the next, where the server is the same.

Nothing of it may be held against the server in the next. Names that clients give in a handshake are never given twice,
since it may keep them taken. And words of clients who have gone may still be under way: where nobody can see the server
come to rest, the next oracle is told of them, and takes them whenever they come.
"""

import random
import string
import time
from collections.abc import Iterator

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.rewrite import Phrasing
from socketserver_reference.conformance.oracles.chat_room import RoomOracle
from socketserver_reference.conformance.oracles.stream_chat import Oracle
from socketserver_reference.conformance.scenario.steps import Say, Send, Step

DIGITS = string.digits + string.ascii_lowercase
PLACES = 4
"""Digits of a mark: letters and numbers alone, since a server may allow nothing else in a name."""

NUMBER = 16
"""Bytes that are left free in an utterance for what else may be added to it."""

KEPT = 16
"""Words at most that the next scenario is told of: the last."""


def marks() -> Iterator[str]:
    """Yield marks, each another, beginning anywhere: another check of the same server may just have been."""
    number = random.SystemRandom().randrange(len(DIGITS) ** PLACES)
    while True:
        number += 1
        yield "".join(DIGITS[number // len(DIGITS) ** place % len(DIGITS)] for place in reversed(range(PLACES)))


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
        if not isinstance(step, Say | Send) or step.data in self._kept:
            return self._inner.of(step)
        data = step.data.removeprefix(self._mark)
        pieces = [data[at : at + self._size] for at in range(0, len(data), self._size)] or [data]
        said = pieces if isinstance(step, Send) else pieces[:1]
        return [one for piece in said for one in self._inner.of(type(step)(step.who, self._mark + piece))]


class Past:
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
        if isinstance(self._before, RoomOracle) and isinstance(oracle, RoomOracle):
            now = time.monotonic()
            words = self._before.unheard()[-KEPT:]
            self._until = {word: self._until.get(word, now + self._within) for word in words}
            oracle.expect_late([word for word, until in self._until.items() if now < until])
        self._before = oracle
        return next(self._marks)
