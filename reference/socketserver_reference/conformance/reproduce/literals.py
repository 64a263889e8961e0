"""Bytes as readable Python expressions: repetitions and counts are not written out."""

import re


def literal(data: bytes, prefix: bytes = b"") -> str:
    """Return bytes as a readable Python expression: repetitions and counts are not written out."""
    if len(data) <= MAX_LITERAL_BYTES:
        return repr(data)
    if data == bytes(range(data[0], data[-1] + 1)):
        return f"bytes(range({f'{data[0]}, ' if data[0] else ''}{data[-1] + 1}))"
    unit = data[: (data + data).find(data, 1)]
    if len(unit) < len(data):
        return f"{_factor(literal(unit, prefix))} * {len(data) // len(unit)}"
    if prefix and data.startswith(prefix):
        return f"{prefix!r} + {literal(data[len(prefix) :])}"
    if counted := _counted(data):
        return counted
    if run := re.search(rb"(.)\1{19,}", data, re.DOTALL):
        parts = [data[: run.start()], run[0], data[run.end() :]]
        return " + ".join(literal(part) for part in parts if part)
    return repr(data)


MAX_LITERAL_BYTES = 60
"""Most bytes that are always written out."""


def _factor(expression: str) -> str:
    return f"({expression})" if " + " in expression or " * " in expression else expression


COUNTING = re.compile(rb"([a-z]?)([0-9]{6}) ")


def counts(data: bytes) -> bool:
    """Whether this is a part of `000000 000001 ...`, with or without a letter before each number."""
    return bool(_counted(data))


def _counted(data: bytes) -> str:
    """Return the expression for a part of such a count, or "" if this is none."""
    found = COUNTING.search(data[: 2 * MAX_LITERAL_BYTES])
    if found is None or found.start() > len(found[0]):
        return ""
    label, size = found[1], len(found[0])
    begin = int(found[2]) * size - found.start()
    last = (begin + len(data)) // size + 1
    if (
        begin < 0
        or b"".join(b"%s%06d " % (label, number) for number in range(begin // size, last))[begin % size :][: len(data)]
        != data
    ):
        return ""
    stretch = f"{begin}:{begin + len(data)}" if begin else f":{len(data)}"
    return f'b"".join(b"{label.decode()}%06d " % number for number in range({last}))[{stretch}]'
