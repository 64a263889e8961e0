"""Says on stderr what the checker waits for, while it waits: a port that is not free yet, say."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TextIO

from socketserver_reference.conformance.scenario.text import printable

UNTOLD_SECONDS = 1.0
"""Seconds of waiting before it is said."""

ERASE_LINE = "\r\x1b[K"
"""Returns to the beginning of the line of a terminal, and erases it."""

_streams: list[TextIO] = []

_standing: "set[Notice]" = set()


def stands() -> bool:
    """Whether a notice stands on the last line of a terminal."""
    return bool(_standing)


@contextmanager
def on_this_stderr() -> Iterator[None]:
    """Say it on what is stderr now, even if stderr is captured later."""
    with os.fdopen(os.dup(2), "w", errors="backslashreplace") as stream:
        _streams.append(stream)
        try:
            yield
        finally:
            _streams.remove(stream)


def tell(what: str) -> str:
    """Say something at once, on the stderr of `on_this_stderr`, and return it; without one, only return it."""
    for stream in _streams[-1:]:
        with contextlib.suppress(OSError, ValueError):  # it is closed
            stream.write(f"{ERASE_LINE if stream.isatty() else ''}{printable(what)}\n")
            stream.flush()
    return what


class Notice:
    """One wait. On a terminal, the line has the seconds so far and goes away in the end; elsewhere it is said once."""

    def __init__(self, what: str) -> None:
        self._what = printable(what)
        self._begun = time.monotonic()
        self._told = 0

    def __call__(self) -> None:
        """Say it when the wait has lasted for a while; the caller calls this again and again."""
        waited = int((time.monotonic() - self._begun) / UNTOLD_SECONDS)
        if waited <= self._told or (self._told and not self._is_terminal()):
            return
        self._told = waited
        if self._is_terminal():
            _standing.add(self)
        self._write(f"{ERASE_LINE}{self._what} ({waited} s)" if self._is_terminal() else f"{self._what}\n")

    def _stream(self) -> TextIO:
        return _streams[-1] if _streams else sys.stderr

    def _is_terminal(self) -> bool:
        return not self._stream().closed and self._stream().isatty()

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # stderr is closed
            self._stream().write(text)
            self._stream().flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self in _standing:
            self._write(ERASE_LINE)
            _standing.remove(self)
