"""Bytes and names as people read them in a report: escaped, so that a terminal obeys nothing in them."""

import re

MAX_SHOWN_BYTES = 48
"""Bytes of a longer utterance or delivery that a report shows."""

MAX_OBSERVED_BYTES = 200
"""The same of what a client read and should not have read."""

CONTEXT_BYTES = 12
"""Bytes before the first that differs, which a report shows."""


def show(data: bytes, limit: int = MAX_SHOWN_BYTES) -> str:
    """Return bytes as Python writes them, in printable ASCII; cut long ones and give their length."""
    if len(data) <= limit:
        return repr(data)
    return f"{data[:limit]!r}... ({len(data)} bytes)"


def common_prefix(one: bytes, other: bytes) -> int:
    """Return how many leading bytes are the same."""
    same, length = 0, min(len(one), len(other))
    while same < length:  # half of what is left is the same, or one of its bytes differs
        half = (length - same + 1) // 2
        if one[same : same + half] == other[same : same + half]:
            same += half
        else:
            length = same + half - 1
    return same


def show_against(data: bytes, other: bytes, limit: int = MAX_SHOWN_BYTES) -> str:
    """Return bytes like `show`, but never cut before the first byte that differs from the others.

    Both sides begin at the same byte, whatever their limits, so that a reader can compare them.
    """
    same = common_prefix(data, other)
    if same < MAX_SHOWN_BYTES:
        return show(data, limit)
    begin = same - CONTEXT_BYTES
    rest = data[begin : begin + limit]
    cut = "..." if len(data) > begin + limit else ""
    return f"{begin} bytes, then {rest!r}{cut} ({len(data)} bytes)"


def printable(text: str) -> str:
    """Return text on one line, with an escape for each unprintable character: a terminal obeys none of it."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def numbered(size: int, word: bytes = b"%06d-") -> bytes:
    """Return `size` bytes in which no stretch repeats soon: numbers, each in a word of the same length.

    There is no white space in them: a server that strips it would show that wherever it cuts them.
    """
    numbers = range(size // len(word % 0) + 1)
    stretches = (tuple(numbers[begin : begin + 1000]) for begin in range(0, len(numbers), 1000))
    return b"".join(word * len(stretch) % stretch for stretch in stretches)[:size]


def counted(number: int, noun: str) -> str:
    """Return a number and a noun of whose plural only the s tells: 1 member, 2 members."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def hyphenated(name: str) -> str:
    """Return the name of a class as words: half-close for HalfClose, quits-in-any-case for QuitsInAnyCase."""
    return re.sub(r"(?<!^)(?=[A-Z])|(?<=[a-z])(?=\d)", "-", name).lower()
