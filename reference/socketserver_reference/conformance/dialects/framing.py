"""Framing: what marks the end of an utterance or a delivery.

    chunk     nothing: the server takes what one recv() returns. Clients say lines all the same, so that their
              utterances can be told apart in deliveries.
    line      a terminator
    fixed     a fixed size in bytes, with padding
    length    a number before it, its length in bytes: in decimal digits, or binary
    none      nothing, and deliveries are not lines either; only outwards

A frame is the content: without terminator, padding or length. Where a delivery comes in several frames with a length,
its name in one and the words in the next, these parts count as one frame, with a newline between them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["chunk", "line", "fixed", "length", "none"]

Order = Literal["big", "little"]

MAX_DIGITS = 64
"""Most digits of a decimal length, in the headers of a popular tutorial; the largest number of 64 bits has 20."""

DECIMAL_HEADER = re.compile(r"%([0-]?)([1-9]|[1-5][0-9]|6[0-4])d")
"""The format of a decimal length: its number of digits, padded with zeros or, on one side, with blanks."""

BINARY_HEADERS: Mapping[str, tuple[int, Order]] = {
    "u8": (1, "big"),
    **{f"u{8 * size}{order[0]}e": (size, order) for size in (2, 4, 8) for order in get_args(Order)},
}
"""The format of a binary length -> its size in bytes, and their order."""

LENGTH_NUMBER = re.compile(rb" *[0-9]+ *")

PARTS_END = b"\n"
"""What stands between the parts of a frame; no utterance holds it then."""

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
    header_counted: bool = False
    """Whether a length includes the header's own bytes."""
    parts: int = 1
    """Parts of a frame, each with its own length."""

    @property
    def header_bytes(self) -> int:
        """Bytes of a length header."""
        found = DECIMAL_HEADER.fullmatch(self.header)
        return int(found.group(2)) if found else BINARY_HEADERS[self.header][0]

    @property
    def _counted(self) -> int:
        """Bytes that a length counts besides the frame."""
        return self.header_bytes if self.header_counted else 0

    @property
    def longest(self) -> int:
        """Most bytes that fit into one frame."""
        if self.kind == "fixed":
            return self.size
        base = 10 if DECIMAL_HEADER.fullmatch(self.header) else 256
        most = base**self.header_bytes - 1 - self._counted
        return min(MAX_FRAME_BYTES, most) if self.kind == "length" else MAX_FRAME_BYTES

    def _header(self, size: int) -> bytes:
        """Return the length header of a frame of that size."""
        length = min(size, self.longest) + self._counted
        if self.header in BINARY_HEADERS:
            return length.to_bytes(*BINARY_HEADERS[self.header])
        return (self.header % length).encode()

    def length(self, header: bytes) -> int | None:
        """Return the size of the frame after a header; None if no frame has this header."""
        if self.header in BINARY_HEADERS:
            number = int.from_bytes(header, BINARY_HEADERS[self.header][1])
        else:
            number = int(header) if LENGTH_NUMBER.fullmatch(header) else -1
        return number - self._counted if number >= self._counted else None

    def put(self, frame: bytes) -> bytes:
        """Return a frame as it is on the wire."""
        match self.kind:
            case "fixed":
                return frame.ljust(self.size, self.pad)
            case "length":
                return b"".join(self._header(len(part)) + part for part in frame.split(PARTS_END, self.parts - 1))
            case "none":
                return frame
            case _:
                return frame + self.newline

    def begin(self, frame: bytes, *, bad: bool) -> bytes:
        """Return the beginning of a frame on the wire, without its end; or a bad length, where lengths come first."""
        match self.kind:
            case "length" if bad:
                return (b"\xff" if self.header in BINARY_HEADERS else b"?") * self.header_bytes
            case "length":
                return self._header(2 * len(frame)) + frame
            case _:
                return frame[: self.size // 2] if self.kind == "fixed" else frame

    def cut(self, data: bytes, begin: int = 0) -> tuple[bytes, int] | None:
        """Return the first frame from `begin` on, and its bytes on the wire; None while it is incomplete."""
        match self.kind:
            case "fixed":
                frame = data[begin : begin + self.size]
                return (frame.rstrip(self.pad), self.size) if len(frame) == self.size else None
            case "length":
                return self._counted_parts(data, begin)
            case "none":
                return None
            case _:
                end = data.find(self.newline, begin)
                return (data[begin:end], end - begin + len(self.newline)) if end >= 0 else None

    def _counted_parts(self, data: bytes, begin: int) -> tuple[bytes, int] | None:
        found: list[bytes] = []
        end = begin
        for _ in range(self.parts):
            part = self._after_header(data, end)
            if part is None:
                return None
            found.append(part[0])
            end += part[1]
        return PARTS_END.join(found), end - begin

    def _after_header(self, data: bytes, begin: int) -> tuple[bytes, int] | None:
        header = data[begin : begin + self.header_bytes]
        if len(header) < self.header_bytes:
            return None
        size = self.length(header)
        if size is None:  # no frame, whatever follows
            return data[begin:], len(data) - begin
        first = begin + self.header_bytes
        return (data[first : first + size], self.header_bytes + size) if len(data) >= first + size else None

    def holds(self, byte: int) -> bool:
        """Whether an utterance in a frame may contain this byte."""
        if self.parts > 1:
            return byte not in PARTS_END
        return self.kind in ("fixed", "length") or byte not in self.newline
