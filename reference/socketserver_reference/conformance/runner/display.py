"""What a check shows while it runs: a row for each check that tells something, and one line about its progress."""

import contextlib
import io
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

from socketserver_reference.conformance.targets import notice

CLEAR = "\r\x1b[K"
"""Empties the last line of a terminal."""

STYLES = {
    "VIOLATED": "1;31",
    "STALE": "1;31",
    "does not conform": "1;31",
    "conforms": "1;32",
    "holds": "32",
    "unconfirmed": "33",
    "known failure": "33",
    "not checked": "33",
    "not applicable": "2",
}
"""Words of a report that have a colour, and its ANSI code."""

PAINTED = re.compile(
    r"(?P<before>^|^  \S+ +)(?P<word>{})".format("|".join(sorted(map(re.escape, STYLES), key=len, reverse=True)))
)

TICK_SECONDS = 1.0
"""Seconds until the progress line is written again."""

QUIET, NORMAL, VERBOSE = -1, 0, 1
"""How much is shown: the verdict alone; what does not hold; every check and whole exchanges."""


def has_colours(stream: TextIO) -> bool:
    """Whether to write colours to a stream: https://no-color.org and https://force-color.org go before the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def painted(line: str) -> str:
    """Return a line of a report, its verdict in colour."""
    found = PAINTED.match(line)
    if found is None:
        return line
    before, word = found["before"], found["word"]
    return f"{before}\x1b[{STYLES[word]}m{word}\x1b[0m{line[found.end() :]}"


class Display:
    """Writes to the standard output. Once that has failed, it shows no more, but the checks go on."""

    def __init__(self, verbosity: int = NORMAL) -> None:
        self.verbosity = verbosity
        self.unprinted: OSError | None = None
        """Why no more could be printed, if so."""
        self._colours = has_colours(sys.stdout)
        self._live = verbosity >= NORMAL and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._begun = time.monotonic()
        self._writing = threading.Lock()
        self._progress: tuple[str, str] | None = None
        """The parts of the progress line before and after the seconds, if it stands on the terminal."""

    def progress(self, what: str, number: int, of: int) -> None:
        """Show on a terminal which check is played, how many of how many it is, and the seconds so far."""
        if self._live:
            with self._writing:
                self._progress = f"  {number} of {of}, ", f" s: {what}"
                self._write(self._progress_line())

    @contextlib.contextmanager
    def ticking(self) -> Iterator[None]:
        """Let the seconds of the progress line pass within the block, at the end of which it goes away."""
        if not self._live:
            yield
            return
        ended = threading.Event()
        with _duplicate(sys.stdout) as terminal:  # while pytest plays a check, it captures the standard output
            ticker = threading.Thread(target=self._tick, args=[ended, terminal], name="progress", daemon=True)
            ticker.start()
            try:
                yield
            finally:
                ended.set()
                ticker.join()
                self.clear()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """If the verdict alone is to be shown, discard what others print within the block, pytest's empty line say."""
        with contextlib.redirect_stdout(io.StringIO()) if self.verbosity < NORMAL else contextlib.nullcontext():
            yield

    def _tick(self, ended: threading.Event, terminal: TextIO) -> None:
        while not ended.wait(TICK_SECONDS):
            with self._writing, contextlib.suppress(OSError):
                if self._progress is not None and not notice.stands():
                    terminal.write(self._progress_line())
                    terminal.flush()

    def _progress_line(self) -> str:
        assert self._progress is not None
        before, after = self._progress
        text = f"{before}{time.monotonic() - self._begun:.0f}{after}"
        return f"{CLEAR}{text[: shutil.get_terminal_size().columns - 1]}"

    def clear(self) -> None:
        """Remove the progress line."""
        with self._writing:
            if self._progress is not None:
                self._progress = None
                self._write(CLEAR)

    def print(self, *lines: str, least: int = NORMAL) -> None:
        """Print lines, unless less than that is to be shown."""
        if self.verbosity >= least:
            self.clear()
            with self._writing:
                self._write("".join(f"{painted(line) if self._colours else line}\n" for line in lines))

    def _write(self, text: str) -> None:
        if self.unprinted is None:
            try:
                sys.stdout.write(text)
                sys.stdout.flush()
            except OSError as error:
                self.unprinted = error
                with contextlib.suppress(OSError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _duplicate(stream: TextIO) -> Iterator[TextIO]:
    """Yield a stream to the same terminal, which stays there when the descriptor of the other is redirected."""
    with os.fdopen(os.dup(stream.fileno()), "w", encoding=stream.encoding, errors=stream.errors) as other:
        yield other
