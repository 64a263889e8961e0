"""What happened: the shape of a difference between what a client could have read and what it read.

What could come next, what could come only later and what had come before are compared with what came, from the first
delivery that does not fit. The result is a word for what happened, without a word on whose fault it is: that says
`attribution.py`.

Pure functions of bytes: the same for deliveries in frames and for those in a stream.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.scenario.text import common_prefix
from socketserver_reference.conformance.scenario.violation import Shape

MIN_PIECE_BYTES = 4
"""Bytes of another delivery that are not taken for chance."""


@dataclass(frozen=True)
class Piece:
    """Something that came: the body of a delivery, or all of it where it does not have the form of one."""

    text: bytes
    formed: bool = True


@dataclass(frozen=True)
class Possible:
    """What is due of one speaker: an utterance, or a burst, of which a delivery may be any beginning."""

    text: bytes
    burst: bool = False
    before: bytes = b""
    """What has been delivered of the burst."""
    ends: Collection[int] = ()
    """Where its utterances end, those that have been delivered included."""
    lossy: bool = False
    """Whether any part of it may never come, since its speaker has gone."""
    frame: tuple[bytes, bytes] = (b"", b"")
    """What stands before and behind it in the frame in which it was said."""

    @property
    def begun(self) -> int:
        """How many bytes have been delivered of the utterance of which more is due."""
        return -max(end for end in self.ends if end <= 0)

    def may_be(self, text: bytes) -> bool:
        """Whether a delivery of it may be this."""
        return bool(text) and self.text.startswith(text) if self.burst else self.text == text

    def follows(self, before: "Possible", text: bytes) -> bool:
        """Whether a text begins with it, be it with what its frame and that of the one before have between them."""
        between = before.frame[1] + self.frame[0]
        return any(self.may_be(rest[: len(self.text)]) for rest in (text, text.removeprefix(between)))


@dataclass(frozen=True)
class Alignment:
    """What a client could have read, and what it read."""

    came: Sequence[Piece]
    """What came, from the first that does not fit on; never empty."""
    next: Sequence[Possible]
    """What could come next, of each speaker, the likeliest first."""
    later: Sequence[Possible] = ()
    """What could come only after that."""
    heard: Sequence[bytes] = ()
    """What this client has read before."""
    overheard: Sequence[bytes] = ()
    """What others have read before it, and this client has not."""
    quits: Sequence[bytes] = ()
    """The words by which clients left."""
    beside: Sequence[bytes] = ()
    """What else is in a stream: parts of notices, the names of other speakers."""
    limit: int = 0
    """Bytes of the longest delivery out of a burst."""
    together: bool = False
    """Whether several clients were speaking at once."""
    unended: bool = False
    """Whether a text that nothing ends may stand before a delivery."""
    unfinished: Sequence[bytes] = ()
    """Utterances of which only the beginning was said."""

    @property
    def text(self) -> bytes:
        """What did not fit."""
        return self.came[0].text

    @property
    def then(self) -> list[bytes]:
        """The deliveries that came after it."""
        return [piece.text for piece in self.came[1:] if piece.formed]


@dataclass(frozen=True)
class Difference:
    """What happened, with the delivery that was due, and how many bytes of it are as they should be."""

    shape: Shape
    due: bytes = b""
    same: int = 0


def difference(seen: Alignment) -> Difference:
    """Return what happened."""
    if whole := _unfinished(seen):
        return Difference("split", whole, len(seen.text))
    due = _closest(seen, seen.text)
    shape = _as_delivery(seen) if seen.came[0].formed else _out_of_form(seen)
    return Difference(shape or _in_parts(seen), due, _alike(seen.text, due)[0])


def _unfinished(seen: Alignment) -> bytes:
    """Return the unfinished utterance of which a beginning was delivered already; b"" if there is none."""
    text = seen.text
    if len(text) < MIN_PIECE_BYTES or any(due.may_be(text) for due in (*seen.next, *seen.later)):
        return b""
    return next((one for one in seen.unfinished if one.startswith(text)), b"")


def _as_delivery(seen: Alignment) -> Shape | None:
    """Return what is wrong with something in the form of a delivery; None if its parts have to be looked at."""
    text = seen.text
    if text.strip() in seen.quits:
        return "quit delivered"
    if any(_without_space(text, due) for due in seen.next):
        return "altered"
    if not text:
        content = next(filter(None, seen.then), b"")
        return "mixed" if seen.together and _is_mixed(seen, content) else "empty"
    if text in seen.overheard:
        return "two orders"
    again = text in seen.heard or (not seen.next and any(one.startswith(text) for one in seen.heard))
    if again and not any(due.may_be(text) for due in (*seen.next, *seen.later)):
        return "duplicated"
    if any(due.may_be(text) for due in seen.later):
        return "reordered" if _comes_then(seen) else "missing"
    for due in seen.next:
        if due.burst and (shape := _elsewhere_in_burst(seen, due)):
            return shape
    further = [due for due in seen.later if len(text) >= MIN_PIECE_BYTES]
    return next((shape for due in (*seen.next, *further) if (shape := _part(seen, due))), None)


def _without_space(text: bytes, due: Possible) -> bool:
    """Whether nothing is missing but white space."""
    if due.burst:
        return due.text[:1].isspace() and due.text.lstrip().startswith(text)
    return text != due.text and text == due.text.strip()


def _elsewhere_in_burst(seen: Alignment, due: Possible) -> Shape | None:
    """Return what is wrong with a delivery out of a burst that is a part of it, but not the next."""
    said = due.before + due.text
    place = said.find(seen.text) - len(due.before)
    whole = {place, place + len(seen.text)} <= {*due.ends}
    if place in (0, -1 - len(due.before)) or not (whole or len(seen.text) >= MIN_PIECE_BYTES):
        return None
    if len(seen.text) > seen.limit:
        return "merged"
    if place < 0 or any(then and due.text[:place].startswith(then) for then in seen.then):
        return "reordered"
    return "missing" if {0, place} <= {*due.ends} else "torn"


def _part(seen: Alignment, due: Possible) -> Shape | None:
    """Return what is wrong if a delivery is less than what was due of a speaker, or more."""
    text = seen.text
    if due.text.startswith(text):
        if due.burst:
            return "merged" if len(text) > seen.limit else None
        rest = due.text[len(text) :]
        return "split" if any(seen.then[:1]) and rest.startswith(seen.then[0]) else "torn"
    rest = text.removeprefix(due.text)
    return "merged" if rest != text and any(then.follows(due, rest) for then in seen.later) else None


def _out_of_form(seen: Alignment) -> Shape | None:
    """Return what is wrong with something that is not in the form of a delivery; None as above."""
    text = seen.text
    for due in (due for due in seen.next if due.text and not any(map(due.may_be, seen.then))):
        whole = due.text in text and (len(due.text) >= MIN_PIECE_BYTES or text.endswith(due.text))
        part_of_burst = due.burst and len(text) >= MIN_PIECE_BYTES and text in due.text
        if (whole or part_of_burst) and not _is_mixed(seen, text):
            return "other form"
    return None


def _in_parts(seen: Alignment) -> Shape:
    """Return what is wrong with something that is no whole delivery."""
    text, formed = seen.text, seen.came[0].formed
    if _is_mixed(seen, text):
        return "mixed"
    if (seen.together and _ends_in_more(seen, text)) or (seen.unended and _begins_with_more(seen, text)):
        return "extra"
    tails = [*seen.heard[-1:], *(due.text for due in seen.next)]
    begun = len(text) >= MIN_PIECE_BYTES and any(due.text.startswith(text) for due in seen.next)
    if not formed and len(text) > 1 and (begun or any(one.endswith(text) for one in tails)):
        return "torn"
    left_out = [due.text for due in seen.next if not any(map(due.may_be, seen.then))]
    if len(left_out) < len(seen.next):  # something that was due comes then, so it may be that this came besides
        left_out = [due for due in left_out if 2 * sum(_alike(text, due)) >= len(due)]
    return (
        "altered" if formed and left_out and not any(_goes_on(text, due, seen.limit) for due in seen.next) else "extra"
    )


def _ends_in_more(seen: Alignment, text: bytes) -> bool:
    """Whether a whole delivery is followed by something that is no part of any: nothing marks its beginning."""
    whole = max((due.text for due in seen.next if text.startswith(due.text)), key=len, default=b"")
    return bool(whole) and len(text) - len(whole) >= MIN_PIECE_BYTES


def _begins_with_more(seen: Alignment, text: bytes) -> bool:
    """Whether a whole delivery comes after something that is no part of any."""
    before = [text.removesuffix(due.text) for due in seen.next if len(due.text) >= MIN_PIECE_BYTES]
    return any(len(one) >= MIN_PIECE_BYTES and one != text for one in before)


def _goes_on(text: bytes, due: Possible, limit: int) -> bool:
    """Whether a chunk out of a burst is followed by something that is not of it.

    A chunk surely ends where an utterance does, or when it is as long as one can be; of one byte said over and over, it
    may end anywhere.
    """
    same = common_prefix(text, due.text)
    rest = text[same:]
    pieces = [rest[at : at + MIN_PIECE_BYTES] for at in range(len(rest) - MIN_PIECE_BYTES + 1)]
    ends = same in (*due.ends, limit) or len(set(due.text)) == 1
    return due.burst and same > 0 and ends and not any(piece in due.text for piece in pieces)


def _comes_then(seen: Alignment) -> bool:
    """Whether something that was due comes after what did not fit."""
    return any(due.may_be(then) for due in seen.next for then in seen.then)


def _is_mixed(seen: Alignment, text: bytes) -> bool:
    """Whether there is a part of what was due in it, and a part of something else."""
    others = [*(due.text for due in (*seen.next, *seen.later)), *seen.heard]
    due_here = [due.text for due in seen.next]
    for due in due_here:
        same, end = _alike(text, due)
        if any(text.startswith(whole) and len(whole) > same for whole in due_here):
            continue  # what it begins with is all of another
        foreign = text[same : len(text) - end] if due not in text else text.replace(due, b"", 1)
        if same + end and any(_holds_piece(seen, foreign, other) for other in others if other not in due):
            return True
        if same + end and any(one in foreign for one in seen.beside):
            return True
    return False


def _holds_piece(seen: Alignment, foreign: bytes, other: bytes) -> bool:
    """Whether bytes hold a piece of another delivery: its beginning, its end or, of short ones, all of it."""
    least = 2 if seen.together else MIN_PIECE_BYTES
    pieces = [piece for piece in (other[:MIN_PIECE_BYTES], other[-MIN_PIECE_BYTES:]) if len(piece) >= least]
    return any(piece in foreign for piece in pieces) or (seen.together and len(foreign) >= least and foreign in other)


def _closest(seen: Alignment, text: bytes) -> bytes:
    """Return, of what was due, what has most in common with it."""
    return max((due.text for due in seen.next), key=lambda due: sum(_alike(text, due)), default=b"")


def _alike(one: bytes, other: bytes) -> tuple[int, int]:
    """Return how many bytes are the same at the beginning, and, of the rest, at the end."""
    same = common_prefix(one, other)
    return same, common_prefix(one[same:][::-1], other[same:][::-1])


def without_empty(frame: bytes, heads: Collection[bytes]) -> bytes:
    """Return a frame without the empty deliveries that it begins with: one head follows another, or nothing does."""

    def begun(data: bytes) -> int:
        return max((len(head) for head in heads if head and data.startswith(head)), default=0)

    rest = frame
    while (size := begun(rest)) and (len(rest) == size or begun(rest[size:])):
        rest = rest[size:]
    return rest


SHAPE_WORDS: dict[Shape, str] = {
    "missing": "{delivery} is missing for {who}",
    "cut": "{delivery} is missing for {who}, {same} bytes of it came",
    "torn": "{delivery} breaks off for {who} after {same} bytes, and something else follows",
    "altered": "{delivery} is not as it was said for {who}, from byte {next} on",
    "other form": "{delivery} comes to {who} without what should stand around it",
    "split": "{delivery} comes to {who} as several, the first of {same} bytes",
    "merged": "{delivery} and what follows it come to {who} as one",
    "mixed": "{delivery} has something else in it for {who}, from byte {next} on",
    "empty": "an empty delivery comes to {who} before {delivery}",
    "extra": "something that is no delivery comes to {who} before {delivery}",
    "duplicated": "what {who} has read already comes again before {delivery}",
    "misattributed": "{delivery} comes to {who} under the name of another client",
    "misdirected": "{who} reads its own words, which are for the others",
    "reordered": "{delivery} comes to {who} after what was said later",
    "two orders": "{who} reads {delivery} and another in a different order than another client",
    "quit delivered": "the word by which a client left comes to {who} before {delivery}",
    "early end": "the stream of {who} ends before {delivery}",
    "no end": "the stream of {who} does not end after the last delivery",
}
"""Shape -> where it begins; `{delivery}` says which one."""


def told(shape: Shape, who: str, delivery: str, same: int) -> str:
    """Return in a sentence what happened, and where; "" if there is nothing to add to the word for it."""
    return SHAPE_WORDS.get(shape, "").format(who=who, delivery=delivery, same=same, next=same + 1)
