"""Bytes as Python that a reader can take in: repetitions and counting are said, not written out."""

import re


def literal(data: bytes, prefix: bytes = b"") -> str:
    """Return bytes as an expression that a reader can take in: repetitions and counting are said, not written out."""
    if len(data) <= SHORT:
        return repr(data)
    if data == bytes(range(256)):
        return "bytes(range(256))"
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


SHORT = 60
"""Bytes that are written out, whatever they are."""


def _factor(expression: str) -> str:
    return f"({expression})" if " + " in expression or " * " in expression else expression


def _counted(data: bytes) -> str:
    """Return the expression for `000000 000001 ...`, with a letter or none before each number; "" if it is no such."""
    label = data.partition(b"000000 ")[0]
    if further := _counted_from(data):
        return further
    if len(label) > 1 or not data.startswith(label + b"000000 " + label + b"000001 "):
        return ""
    count = len(data) // (len(label) + 7) + 1
    if b"".join(b"%s%06d " % (label, number) for number in range(count))[: len(data)] != data:
        return ""
    return f'b"".join(b"{label.decode()}%06d " % number for number in range({count}))[:{len(data)}]'


def _counted_from(data: bytes) -> str:
    """Return the expression for a stretch from within such a count, without letters; "" if it is no such."""
    found = re.search(rb"([0-9]{6}) ", data[:13])
    begin = int(found[1]) * 7 - found.start() if found else 0
    if begin < 1:
        return ""
    end = begin + len(data)
    first, last = begin // 7, end // 7 + 1
    if b"".join(b"%06d " % number for number in range(first, last))[begin - first * 7 :][: len(data)] != data:
        return ""
    return f'b"".join(b"%06d " % number for number in range({last}))[{begin}:{end}]'
