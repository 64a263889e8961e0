"""A client's bytes, cut into the frames of a dialect."""

from collections.abc import Iterable

from reference.conformance.dialect import NOTE, Dialect
from reference.conformance.template import Template

LEADING = 256
"""Bytes of prompts without anything behind them that are kept."""


class Frames:
    """What one client has read and not yet understood."""

    def __init__(self, dialect: Dialect = NOTE) -> None:
        self._dialect = dialect
        self._held = b""
        self._begin = 0  # of what has not been understood: to cut off every frame would copy the rest each time

    def add(self, data: bytes) -> None:
        """Append what was read."""
        self._held = self.rest + data
        self._begin = 0

    @property
    def rest(self) -> bytes:
        """The beginning of a frame that has not come whole, prompts that may stand before it included."""
        return self._held[self._begin :]

    def next(self, possible: Iterable[tuple[Template, bytes]]) -> bytes | None:
        """Return the next frame, or None if it has not come whole; `possible` is what may be in it, in what form."""
        if self._dialect.framing_out.kind == "none":
            return self._unmarked(possible)
        cut = self._dialect.framing_out.cut(self._held, self._begin)
        if cut is None:
            self._forget_prompts()
            return None
        frame, taken = cut
        self._begin += taken
        return frame

    def _unmarked(self, possible: Iterable[tuple[Template, bytes]]) -> bytes | None:
        """Return the frame that holds one of these, where nothing marks its end."""
        rest = self.rest
        bare = unprompted(rest, self._dialect)
        ends = [end for template, body in possible if (end := template.find(bare, body))]
        if not ends:
            self._forget_prompts()
            return None
        self._begin += len(rest) - len(bare) + min(ends)
        return bare[: min(ends)]

    def _forget_prompts(self) -> None:
        """Forget prompts of which there are very many: who never hears anything else is told nothing by them."""
        rest = self.rest
        if len(rest) > LEADING and not unprompted(rest, self._dialect):
            self._held, self._begin = b"", 0


def unprompted(data: bytes, dialect: Dialect) -> bytes:
    """Return bytes without the prompts at their beginning."""
    begin = 0
    while prompt := next((prompt for prompt in dialect.all_prompts if data.startswith(prompt, begin)), b""):
        begin += len(prompt)
    return data[begin:]
