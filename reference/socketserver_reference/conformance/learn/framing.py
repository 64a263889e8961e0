"""The framing of deliveries that came one at a time: where each ends, and what is added to the text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from socketserver_reference.conformance.dialects.framing import BINARY_HEADERS, MAX_DIGITS, Framing
from socketserver_reference.conformance.dialects.template import Template

KNOWN_HEADERS = (
    *(f"%{pad}{digits}d" for digits in (*range(1, 21), 32, MAX_DIGITS) for pad in ("", "0", "-")),
    *BINARY_HEADERS,
)
"""The formats of lengths."""

DELIVERY_ENDS = (b"\r\n\r\n", b"\n\n", b"\r\n", b"\n")
"""What ends the lines of servers: a blank line behind each, or just the line's end."""

CRLF, NEWLINE = DELIVERY_ENDS[-2:]

MAX_AROUND_BYTES = 4096
"""Most bytes around the text in a delivery."""


@dataclass(frozen=True)
class ObservedDelivery:
    """The bytes that one client heard when another said a text that occurs nowhere else."""

    speaker: str
    listener: str
    text: bytes
    data: bytes


@dataclass(frozen=True)
class ObservedFraming:
    """The framing of deliveries, and the bytes before and after the text in each frame."""

    framing: Framing
    heads: tuple[bytes, ...]
    """One for each delivery."""
    tails: tuple[bytes, ...]
    """Likewise."""
    why: str
    prompt: bytes = b""
    """The bytes after each frame that belong to no frame."""
    around: tuple[tuple[bytes, ...], ...] = ()
    """The other lines that came with each delivery."""
    beside: tuple[Template, ...] = ()
    """What these lines have in common."""

    @property
    def by_newline(self) -> "ObservedFraming":
        """The same deliveries, if \\n alone ends lines: what is before it belongs to them."""
        rest = self.framing.newline.removesuffix(NEWLINE)
        return replace(
            self,
            framing=replace(self.framing, newline=NEWLINE),
            tails=tuple(tail + rest for tail in self.tails),
            around=tuple(tuple(line + rest for line in lines) for lines in self.around),
            beside=tuple(Template(f"{template.text}{rest.decode()}") for template in self.beside),
        )


class NotUnderstood(Exception):
    """The end of a delivery is unknown; the message says what was observed."""


def understand(deliveries: Sequence[ObservedDelivery], said: Framing) -> ObservedFraming:
    """Return the framing of these deliveries; `said` is the framing of the utterances."""
    around = max(len(one.data) - len(one.text) for one in deliveries)
    if around > MAX_AROUND_BYTES:
        raise NotUnderstood(f"{around} bytes came with a text, too many to be a label")
    return _fixed(deliveries, said) or _counted(deliveries, said) or _ended(deliveries, said)


def _fixed(deliveries: Sequence[ObservedDelivery], said: Framing) -> ObservedFraming | None:
    """Recognise frames of one size that end in padding; a text may fill one to its end."""
    sizes = {len(one.data) for one in deliveries}
    tails = [one.data.partition(one.text)[2] for one in deliveries]
    pads = {tail[-1:] for tail in tails if tail}
    if len(sizes) > 1 or len(pads) != 1 or len(set(map(len, tails))) == 1:
        return None
    framing = Framing("fixed", said.newline, size=sizes.pop(), pad=pads.pop())
    heads = tuple(one.data.partition(one.text)[0] for one in deliveries)
    why = f"deliveries of different texts have {framing.size} bytes each, filled up with {framing.pad!r}"
    return ObservedFraming(framing, heads, tuple(tail.rstrip(framing.pad) for tail in tails), why)


def ends_in_two_ways(framing: Framing, data: bytes) -> bool:
    """Whether there are lines in these bytes that end in \\n alone, in a framing of lines that end in CR LF, and none
    is empty: with \\n as the end of all, a template says whether a carriage return stands before it.
    """
    lines = data.split(NEWLINE)[:-1]
    mixed = framing.kind == "line" and framing.newline == CRLF and any(not line.endswith(b"\r") for line in lines)
    return mixed and all(line.strip(b"\r") for line in lines)


def length_framings(newline: bytes = b"\n") -> Iterator[Framing]:
    """Yield each framing with lengths, those in which each delivery is one frame first."""
    for parts, header, counted in product((1, 2), KNOWN_HEADERS, (False, True)):
        yield Framing("length", newline, header=header, header_counted=counted, parts=parts)


def counts(framing: Framing, data: bytes) -> bool:
    """Whether these bytes are one frame, its length written just so."""
    cut = framing.cut(data)
    return cut is not None and cut[1] == len(data) and bool(cut[0]) and framing.put(cut[0]) == data


def _counted(deliveries: Sequence[ObservedDelivery], said: Framing) -> ObservedFraming | None:
    """Recognise frames after a number that says how many bytes follow."""
    for framing in length_framings(said.newline):
        if not all(counts(framing, one.data) for one in deliveries):
            continue
        size = framing.header_bytes
        inner = [(framing.cut(one.data) or (b"", 0))[0].partition(one.text) for one in deliveries]
        why = f"deliveries begin with their length in bytes, such as {deliveries[0].data[:size]!r}"
        heads, _, tails = zip(*inner, strict=True)
        return ObservedFraming(framing, heads, tails, why)
    return None


def _ended(deliveries: Sequence[ObservedDelivery], said: Framing) -> ObservedFraming:
    """Recognise frames that end with a line, or that have no end."""
    parts = [one.data.partition(one.text) for one in deliveries]
    for newline in DELIVERY_ENDS:
        if (framed := _lines(parts, newline)) is not None:
            return framed
    heads, _, tails = zip(*parts, strict=True)
    why = f"deliveries do not end in a line's end, but in {tails[0]!r}"
    return ObservedFraming(Framing("none", said.newline), heads, tails, why)


def _lines(parts: Sequence[tuple[bytes, bytes, bytes]], newline: bytes) -> ObservedFraming | None:
    """Recognise lines with this end. Other lines may come with the text's own, before and behind it."""
    above = [before.split(newline) for before, _, _ in parts]
    below = [after.split(newline) for _, _, after in parts]
    if min(map(len, below)) < 2 or any(NEWLINE in line for lines in (*above, *below) for line in lines):
        return None
    if len(set(map(len, below))) > 1:
        _only([after for _, _, after in parts])  # raises: they differ
    tails, prompt = tuple(lines[0] for lines in below), _only([lines[-1] for lines in below])
    always = min(map(len, above))  # what came before one text alone told something else
    around = tuple((*before[-always:-1], *after[1:-1]) for before, after in zip(above, below, strict=True))
    why = f"deliveries end in {newline!r}" + (f", and {prompt!r} comes behind" if prompt else "")
    return ObservedFraming(Framing("line", newline), tuple(lines[-1] for lines in above), tails, why, prompt, around)


def _only(rests: Sequence[bytes]) -> bytes:
    """Return the bytes after the line of the text, which are the same in every delivery."""
    if len(set(rests)) > 1:
        raise NotUnderstood(f"what follows a text differs from one to the next: {rests[0][:60]!r}, {rests[-1][:60]!r}")
    return rests[0]
