"""Framing: what marks the end of an utterance or a delivery.

    chunk     nothing: the server takes what one recv() returns. Clients say lines all the same, so that their
              utterances can be told apart in deliveries.
    line      a terminator
    fixed     a fixed size in bytes, with padding
    length    a number before it, its length in bytes
    none      nothing, and deliveries are not lines either; only outwards

A frame is the content: without terminator, padding or length.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["chunk", "line", "fixed", "length", "none"]

LENGTH_HEADER = re.compile(r"%(0?)([1-9])d")
"""The format of a length prefix: its number of digits, padded with blanks or zeros."""

LENGTH_NUMBER = re.compile(rb" *[0-9]+ *")

MAX_FRAME_BYTES = 128 * 1024
"""Most bytes of an incomplete frame: a longer one counts as one that never ends."""


@dataclass(frozen=True)
class Framing:
    """The framing of one direction: `newline` ends lines, `size` and `pad` are of fixed frames, `header` of lengths."""

    kind: Kind = "chunk"
    newline: bytes = b"\n"
    size: int = 0
    pad: bytes = b" "
    header: str = "%4d"

    @property
    def digits(self) -> int:
        """Digits of a length prefix."""
        found = LENGTH_HEADER.fullmatch(self.header)
        return int(found.group(2)) if found else 0

    @property
    def longest(self) -> int:
        """Most bytes that fit into one frame."""
        if self.kind == "fixed":
            return self.size
        return min(MAX_FRAME_BYTES, 10**self.digits - 1) if self.kind == "length" else MAX_FRAME_BYTES

    def put(self, frame: bytes) -> bytes:
        """Return a frame as it is on the wire."""
        match self.kind:
            case "fixed":
                return frame.ljust(self.size, self.pad)
            case "length":
                return (self.header % len(frame)).encode() + frame
            case "none":
                return frame
            case _:
                return frame + self.newline

    def begin(self, frame: bytes, *, bad: bool) -> bytes:
        """Return the beginning of a frame on the wire, without its end; or a bad length, where lengths come first."""
        match self.kind:
            case "length" if bad:
                return b"?" * self.digits
            case "length":
                return (self.header % (2 * len(frame))).encode() + frame
            case _:
                return frame[: self.size // 2] if self.kind == "fixed" else frame

    def cut(self, data: bytes, begin: int = 0) -> tuple[bytes, int] | None:
        """Return the first frame from `begin` on, and its bytes on the wire; None while it is incomplete."""
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
        if not LENGTH_NUMBER.fullmatch(number):  # no frame, whatever follows
            return data[begin:], len(data) - begin
        end = begin + self.digits + int(number)
        return (data[begin + self.digits : end], end - begin) if len(data) >= end else None

    def holds(self, byte: int) -> bool:
        """Whether a frame may contain this byte."""
        return self.kind in ("fixed", "length") or byte not in self.newline
