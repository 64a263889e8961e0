"""A client's bytes, cut into the frames of a dialect."""

from collections.abc import Iterable

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.template import Template

MAX_PROMPT_BYTES = 256
"""Bytes of prompts without anything behind them that are kept."""


class FrameReader:
    """The bytes that one client has read and not yet parsed."""

    def __init__(self, dialect: Dialect = NOTE) -> None:
        self._dialect = dialect
        self._held = b""
        self._begin = 0  # of the unparsed bytes: to cut off every frame would copy the rest each time
        self.headless = False
        """Whether the last frame does not begin with a length, where all do."""

    def add(self, data: bytes) -> None:
        """Append bytes that were read."""
        self._held = self.rest + data
        self._begin = 0

    def resume(self, frame: bytes, wanted: Iterable[bytes]) -> bytes:
        """Return what of the last frame comes before what a client is to read next: where it does not begin with a
        length, nothing else shows where it ends. The rest is parsed again.
        """
        ends = [end for one in wanted if (end := frame.find(one)) > 0] if self.headless else []
        if not ends:
            return frame
        self._held, self._begin, self.headless = frame[min(ends) :] + self.rest, 0, False
        return frame[: min(ends)]

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
        self.headless = self._dialect.framing_out.kind == "length" and taken == len(frame)
        self._begin += taken
        return frame

    def _unmarked(self, possible: Iterable[tuple[Template, bytes]]) -> bytes | None:
        """Return the frame that holds one of these, where nothing marks its end."""
        forms = list(possible)
        for bare in stripped(self.rest, self._dialect):
            ends = [end for template, body in forms if (end := template.find(bare, body))]
            if ends:
                self._begin = len(self._held) - len(bare) + min(ends)
                return bare[: min(ends)]
        self._forget_prompts()
        return None

    def _forget_prompts(self) -> None:
        """Forget prompts of which there are very many: who never hears anything else is told nothing by them."""
        rest = self.rest
        if len(rest) > MAX_PROMPT_BYTES and not unprompted(rest, self._dialect):
            self._held, self._begin = b"", 0


def unprompted(data: bytes, dialect: Dialect) -> bytes:
    """Return bytes without the prompts at their beginning."""
    return stripped(data, dialect)[0]


def stripped(data: bytes, dialect: Dialect) -> list[bytes]:
    """Return bytes without the prompts at their beginning, with the last of them, and so on until they are whole."""
    found = [data]
    while size := next((size for prompt in dialect.all_prompts if (size := prompt.prefix(found[0]))), 0):
        found.insert(0, found[0][size:])
    return found
