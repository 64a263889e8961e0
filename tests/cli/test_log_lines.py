"""The lines of the log: what the library makes of them, that nothing in them can be forged, and that they end."""

import logging
import re
from typing import Any

from socketserver_reference.cli.log_handler import LINE_FORMAT, MAX_RECORD_CHARACTERS, LineFormatter

FORGED = "\x1b[31m\n2001-01-01 00:00:00,000 MainThread forged"


def record(message: str, *args: Any, **attributes: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "args": args, "threadName": "T", "levelname": "INFO"} | attributes)


def test_a_line_is_what_the_library_makes_of_it() -> None:
    ours, theirs = LineFormatter(LINE_FORMAT), logging.Formatter(LINE_FORMAT)
    for created in (0.0, 0.5, 1_000_000_000.25, 1_000_000_000.75, 1_700_000_000.0):
        one = record("%r said %s", ("127.0.0.1", 1), "b'x'", created=created, msecs=created % 1 * 1000)
        assert ours.format(one) == theirs.format(one)


def test_what_an_exception_says_can_neither_forge_a_line_nor_act_on_a_terminal() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        text = LineFormatter(LINE_FORMAT).format(
            record("%s", FORGED, exc_info=(ValueError, error, error.__traceback__))
        )
    lines = text.split("\n")
    assert len([line for line in lines if "MainThread forged" in line]) == 2
    assert [line for line in lines[1:] if not line.startswith("    ")] == []
    assert "\x1b" not in text
    assert r"\x1b[31m" in text
    assert "    ValueError: " in text


def test_of_a_line_without_end_the_beginning_and_the_end_are_kept() -> None:
    text = LineFormatter(LINE_FORMAT).format(record("begin %s end", "x" * 100_000))
    assert len(text) < MAX_RECORD_CHARACTERS + 50
    assert " begin xxx" in text
    assert text.endswith("xxx end")
    left_out = int(re.findall(r"\.\.\. \((\d+) characters left out\) \.\.\.", text)[0])
    assert text.count("x") + left_out == 100_000
