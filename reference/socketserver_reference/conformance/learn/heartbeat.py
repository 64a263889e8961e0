"""What a server sends by itself, again and again: the time, a count, a sign of life.

Such lines answer nobody, so they end no silence. Nothing that a client does makes a server send lines that differ in
numbers alone, as far apart each time: three of them show what it repeats. What they are like passes from then on, and
is a notice of the dialect.
"""

import time
from collections import deque
from itertools import pairwise

from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.patterns import Field, Pattern

MIN_BEATS = 3
"""Times that the same must have come."""

MIN_BEAT_SECONDS = 0.1
"""Least time between two: what comes faster may be answers."""

MAX_UNEVENNESS = 0.3
"""The times between two differ by at most this share, on a busy machine as well."""

MAX_BEAT_BYTES = 400
"""Longest text that is sent so."""


class Heartbeat:
    """What one server sends by itself."""

    def __init__(self) -> None:
        self.passes = False
        """Whether what it sends so may pass: a dialect of chats can say it."""
        self.lines: list[Template] = []
        """What its lines are like."""
        self._last: dict[str, deque[tuple[float, list[Pattern]]]] = {}

    def listen(self) -> None:
        """Note that clients have done something: what comes next may be an answer."""
        self._last.clear()

    def is_news(self, who: str, data: bytes) -> bool:
        """Note what has come to a client at once; return whether it is more than the server sends by itself."""
        if self.passes and data.endswith(b"\n") and len(data) <= MAX_BEAT_BYTES:
            last = self._last.setdefault(who, deque(maxlen=MIN_BEATS))
            last.append((time.monotonic(), [*map(_shape, data.splitlines())]))
            if len(last) == MIN_BEATS and self._is_regular(last):
                self.lines += [one for one in map(_template, last[0][1]) if one is not None and one not in self.lines]
        return bool(self.without(data))

    @staticmethod
    def _is_regular(last: "deque[tuple[float, list[Pattern]]]") -> bool:
        gaps = [later - earlier for (earlier, _), (later, _) in pairwise(last)]
        even = max(gaps) - min(gaps) <= MAX_UNEVENNESS * max(gaps)
        return min(gaps) >= MIN_BEAT_SECONDS and even and all(lines == last[0][1] for _, lines in last)

    def without(self, data: bytes) -> bytes:
        """Return what else is in some bytes than such lines."""
        if not self.lines:
            return data
        lines = data.splitlines(keepends=True)
        return b"".join(line for line in lines if not (line.endswith(b"\n") and self._is_own(line.rstrip(b"\r\n"))))

    def _is_own(self, line: bytes) -> bool:
        return any(one.matches(line) for one in self.lines)


def _shape(line: bytes) -> Pattern:
    """Return a line as a pattern, in which numbers and times of day vary."""
    read = patterns.reader()(line)
    return tuple(Field.ANY if isinstance(part, str) and part.isdecimal() else part for part in read)


def _template(shape: Pattern) -> Template | None:
    """Return the template of a line; None if it might be any line."""
    found = Template.parse(patterns.template(shape), "any")
    return found if found.literal.strip() else None
