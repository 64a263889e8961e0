"""Framing: how one can tell where something ends that somebody says.

    chunk     nowhere: the server takes what one recv() returns. Everybody says lines all the same, so that what they
              say can be told apart when it comes back.
    line      at a terminator
    fixed     after so many bytes, padded
    length    after as many bytes as a number before it says
    none      nowhere, and what comes back is not a line either; only outwards

A frame is what lies between: without terminator, padding or length.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["chunk", "line", "fixed", "length", "none"]

LENGTH_HEADER = re.compile(r"%(0?)([1-9])d")
"""What a length prefix looks like: so many digits, padded by blanks or zeros."""

LENGTH_NUMBER = re.compile(rb" *[0-9]+ *")

MAX_FRAME_BYTES = 64 * 1024
"""Bytes of a frame that is not over which are taken for one that will never be."""


@dataclass(frozen=True)
class Framing:
    """One direction's framing; `newline` ends lines, `size` and `pad` make fixed frames, `header` writes lengths."""

    kind: Kind = "chunk"
    newline: bytes = b"\n"
    size: int = 0
    pad: bytes = b" "
    header: str = "%4d"

    @property
    def digits(self) -> int:
        """How long the number is that says how long a frame is."""
        found = LENGTH_HEADER.fullmatch(self.header)
        return int(found.group(2)) if found else 0

    @property
    def longest(self) -> int:
        """Bytes that fit into one frame."""
        if self.kind == "fixed":
            return self.size
        return min(MAX_FRAME_BYTES, 10**self.digits - 1) if self.kind == "length" else MAX_FRAME_BYTES

    def put(self, frame: bytes) -> bytes:
        """Return a frame as it goes over the wire."""
        match self.kind:
            case "fixed":
                return frame.ljust(self.size, self.pad)
            case "length":
                return (self.header % len(frame)).encode() + frame
            case "none":
                return frame
            case _:
                return frame + self.newline

    def cut(self, data: bytes, begin: int = 0) -> tuple[bytes, int] | None:
        """Return the first frame of what begins there, and how many bytes it takes; None if it has not come whole."""
        match self.kind:
            case "fixed":
                frame = data[begin : begin + self.size]
                return (frame.rstrip(self.pad), self.size) if len(frame) == self.size else None
            case "length":
                return self._counted(data, begin)
            case "none":
                return None
            case _:
                end = data.find(self.newline, begin)
                return (data[begin:end], end - begin + len(self.newline)) if end >= 0 else None

    def _counted(self, data: bytes, begin: int) -> tuple[bytes, int] | None:
        number = data[begin : begin + self.digits]
        if len(number) < self.digits:
            return None
        if not LENGTH_NUMBER.fullmatch(number):  # what comes is no frame, however long it is
            return data[begin:], len(data) - begin
        end = begin + self.digits + int(number)
        return (data[begin + self.digits : end], end - begin) if len(data) >= end else None

    def holds(self, byte: int) -> bool:
        """Whether a frame may contain this byte."""
        return self.kind in ("fixed", "length") or byte not in self.newline
