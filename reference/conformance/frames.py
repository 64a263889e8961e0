"""A client's bytes, cut into the frames of a dialect."""

from collections.abc import Iterable

from reference.conformance.dialect import NOTE, Dialect


class Frames:
    """What one client has read and not yet understood."""

    def __init__(self, dialect: Dialect = NOTE) -> None:
        self._dialect = dialect
        self._held = bytearray()

    def add(self, data: bytes) -> None:
        """Append what was read."""
        self._held += data

    @property
    def rest(self) -> bytes:
        """The beginning of a frame that has not come whole."""
        return bytes(self._held)

    def next(self, bodies: Iterable[bytes]) -> bytes | None:
        """Return the next frame, or None if it has not come whole; `bodies` are what may be in it."""
        if self._dialect.framing_out.kind == "none":
            return self._unmarked(bodies)
        cut = self._dialect.framing_out.cut(bytes(self._held))
        if cut is None:
            return self._prompt()
        frame, taken = cut
        del self._held[:taken]
        return frame

    def _unmarked(self, bodies: Iterable[bytes]) -> bytes | None:
        """Return the frame that holds one of these, where nothing marks its end."""
        held = bytes(self._held)
        ends = [end for body in bodies if (end := self._dialect.template.find(held, body))]
        if not ends:
            return self._prompt()
        del self._held[: min(ends)]
        return held[: min(ends)]

    def _prompt(self) -> bytes | None:
        """Return what is there if it is a prompt, which ends in no frame's end."""
        held = bytes(self._held)
        if held in self._dialect.all_prompts:
            self._held.clear()
            return held
        return None
