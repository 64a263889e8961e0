"""The log of a server: it never blocks a handler, and its cost is bounded.

`logging.StreamHandler` writes in the thread that logs, under a lock. When its reader stops (a suspended pager, a slow
supervisor), the pipe fills up: the thread blocks in write(), all others at the lock, and the server stops, since every
handler logs what it receives. Here a handler's thread only formats its line and queues it::

    handlers' threads        the log's own thread                    stderr
      format, put  ------->    get all queued lines, one write() --->  a reader, slow or stopped

Measured (`make bench`, "reference" beside "reference --quiet"): the line of an utterance costs the processor time of
two to four deliveries. So it shows in rooms of ten alone, where --quiet saves a fifth to a quarter.

The queue is bounded. When it is full, a line is counted and not even formatted; the next write says how many lines
were left out. The thread pauses between two writes, so the bound of the queue also bounds the lines per second, however
fast they are read.

The process owns the thread: `logging_to` starts it and ends it. At the end, the queued lines are still written if the
reader takes them within a bounded time; the thread is a daemon, so no reader can keep the process alive.

A forking server logs in processes that share no memory and live for one request, and a process with threads cannot
safely fork. So it has no thread and no queue: it asks the kernel whether a line would fit, and writes it or drops it
(`UnqueuedHandler`). It counts no dropped lines: a child ends before it could report them, and shares no memory with
its parent. It forks for every client, which costs more than the lines of that client can.

Deliberately left out: files, rotation, a log that loses nothing. A pipe to a program that does these is enough.
"""

import argparse
import itertools
import logging
import queue
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TextIO

from socketserver_reference.conformance.scenario.text import printable

log = logging.getLogger(__name__)

LEVELS = ("debug", "info", "warning", "error")

LINE_FORMAT = "%(asctime)s %(threadName)s %(message)s"
"""The parts of a line: the time, the name of the thread that logged it, and the message."""

MAX_QUEUED_LINES = 500
"""The most lines in the queue; a line that finds it full is counted and dropped.

A burst of so many lines is logged in full. They take 60 KB of memory, with the lines that these servers log.
"""

WRITE_INTERVAL = 0.1
"""Seconds between two writes.

So at most MAX_QUEUED_LINES / WRITE_INTERVAL = 5,000 lines are written in a second: 0.6 MB, and 4 % of a processor, as
measured. A person who follows the log sees the first line after a pause at once, and any line within this time.
"""

LAST_WRITE_TIMEOUT = 1.0
"""Seconds that the exit of the process waits for the reader to take the last lines."""

MAX_RECORD_CHARACTERS = 4000
"""Longest line, in characters; a traceback is one line here. Of a longer one, the beginning and the end are kept."""

ATOMIC = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe which is not full takes in one piece, not mixed with other writes: POSIX guarantees it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options for the log."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--log-level", choices=LEVELS, default="info", help="lowest level that is logged (default: %(default)s)"
    )
    group.add_argument(
        "--quiet",
        action="store_const",
        dest="log_level",
        const="warning",
        help="log only warnings and errors: --log-level warning",
    )


@contextmanager
def logging_to(
    stream: TextIO | None, level: str, line_format: str = LINE_FORMAT, forks: bool = False
) -> Iterator[None]:
    """Log to a stream within the block, and leave nothing behind: no thread, no handler, no level.

    An exception that ends a thread is logged too; the library would print it, and block if stderr is not read. `forks`
    is for a process that forks. Without a stream, as in a process whose stderr is closed, nothing is logged.
    """
    formatter = LineFormatter(line_format)
    root, handler = logging.getLogger(), _handler(stream, formatter, forks)
    before, hook = root.level, threading.excepthook
    root.addHandler(handler)
    root.setLevel(level.upper())
    threading.excepthook = log_uncaught
    try:
        yield
    finally:
        threading.excepthook = hook
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()


def _handler(stream: TextIO | None, formatter: logging.Formatter, forks: bool) -> logging.Handler:
    if stream is None:
        return logging.NullHandler()
    # Bypass the buffer of the stream: a thread that blocks while it holds its lock makes Python abort at exit.
    raw: Raw = getattr(stream.buffer, "raw", stream.buffer)
    return UnqueuedHandler(raw, formatter) if forks else QueuedHandler(raw, formatter)


def log_uncaught(args: threading.ExceptHookArgs) -> None:
    """Log the exception that ends a thread, instead of printing it as the library does."""
    if args.exc_type is not SystemExit:
        log.error("an exception ends this thread", exc_info=args.exc_value)


class Raw(Protocol):
    """The file that the bytes are written to, without a buffer."""

    def write(self, data: bytes, /) -> int | None:
        """Write some of the data; return how many bytes, or None if the file does not block and takes none now."""

    def fileno(self) -> int:
        """Return the descriptor of the file."""


class LineFormatter(logging.Formatter):
    """Makes a record one line of bounded length that no peer can forge: nothing in it acts on a terminal.

    A text with line breaks, such as a traceback, continues in indented lines; so every line that is not indented begins
    a record.
    """

    known: tuple[int | None, str] = (None, "")
    """The last second that was logged, and its text."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - logging's
        """Return the time as the library does, but compute it once a second only: that is half the cost of a line."""
        second = int(record.created)
        known = self.known
        if known[0] != second:
            known = self.known = second, time.strftime(self.default_time_format, self.converter(second))
        return f"{known[1]},{int(record.msecs):03}"

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break at its end; raise nothing: the line says if it cannot be formatted."""
        try:
            text = super().format(record)
        except Exception as error:  # a wrong argument of log.info() must not end the handler that logs
            text = f"{record.pathname}:{record.lineno} logs what cannot be formatted: {error!r}"
        if len(text) > MAX_RECORD_CHARACTERS:
            half = MAX_RECORD_CHARACTERS // 2
            text = f"{text[:half]}... ({len(text) - 2 * half} characters left out) ...{text[-half:]}"
        return text if text.isprintable() else "\n    ".join(map(printable, text.split("\n")))


class Tally:
    """A counter that threads and signal handlers increment without a lock, and that one thread reads."""

    def __init__(self) -> None:
        self._count = itertools.count()  # its next() is one operation, which nothing interrupts
        self._readings = 0

    def add(self) -> None:
        """Count one more."""
        next(self._count)

    def total(self) -> int:
        """Return the count; reading an itertools.count() adds one to it, which is subtracted again."""
        self._readings += 1
        return next(self._count) + 1 - self._readings


class QueuedHandler(logging.Handler):
    """Queues the lines of all threads, and writes them in a thread of its own until it is closed."""

    END = ""
    """The mark that `close` queues: no line is empty."""

    def __init__(self, raw: Raw, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.raw = raw
        # Not a queue.Queue: a signal handler that logs may interrupt a put() of its own thread.
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.dropped = Tally()
        self.told = 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.write_lines, name="log", daemon=True)
        self.thread.start()

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the line of a record, or count it if the queue is full; never wait, not even for the handler's lock."""
        if self.lines.qsize() >= MAX_QUEUED_LINES:
            self.dropped.add()
        else:
            self.lines.put(self.format(record) + "\n")
        return True

    def close(self) -> None:
        """Write the queued lines, and end the thread; return within LAST_WRITE_TIMEOUT seconds, written or not.

        Once: `logging` closes each handler again when the process exits.
        """
        if self.ending.is_set():
            return
        self.ending.set()
        self.lines.put(self.END)
        self.thread.join(LAST_WRITE_TIMEOUT)
        super().close()

    # In the thread of the log

    def write_lines(self) -> None:
        """Write the queued lines, again and again, until the end or until the reader has gone."""
        ended = False
        while not ended:
            batch = [self.lines.get(), *(self.lines.get() for _ in range(self.lines.qsize()))]
            ended = self.END in batch
            try:
                self.write_batch(batch)
            except BrokenPipeError:  # its reader has gone for good
                self.setLevel(sys.maxsize)
                return
            self.ending.wait(WRITE_INTERVAL)

    def write_batch(self, batch: list[str]) -> None:
        """Write some lines, then how many were dropped; raise BrokenPipeError if the reader has gone."""
        left_out = self.dropped.total() - self.told
        try:
            self.write("".join([*batch, *self.about(left_out)]))
        except BrokenPipeError:
            raise
        except OSError:  # the disk is full, say: it may have room for later lines
            for _ in filter(None, batch):  # all but END
                self.dropped.add()
        else:
            self.told += left_out

    def about(self, left_out: int) -> Iterator[str]:
        """Yield the line about the lines that were left out, if there were any."""
        if left_out:
            what = {
                "msg": "%d lines left out: no more than %d wait to be written",
                "args": (left_out, MAX_QUEUED_LINES),
            }
            yield self.format(logging.makeLogRecord(what)) + "\n"

    def write(self, text: str) -> None:
        """Write all of a text, however long the reader takes."""
        data = encoded(text)
        while data:
            written = self.raw.write(data)
            if written is None:  # the file is in non-blocking mode, as another process may have set it
                select.select((), (self.raw,), ())
            data = data[written or 0 :]


class UnqueuedHandler(logging.Handler):
    """Writes each line at once if it fits, and drops it if not: the log of a process that forks.

    Dropped lines are not counted, since each child would count for itself. Between select() and write() another process
    may take the room; it would have to fill a page of the pipe (4096 bytes) in that moment to block this one.
    """

    def __init__(self, raw: Raw, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.raw = raw

    def emit(self, record: logging.LogRecord) -> None:
        """Write as much of the line of a record as fits."""
        data = encoded(self.format(record) + "\n")
        with suppress(OSError):  # the reader has gone, or the disk is full
            while data and select.select((), (self.raw,), (), 0)[1]:
                data = data[self.raw.write(data[:ATOMIC]) or 0 :]


def encoded(text: str) -> bytes:
    """Return a text in ASCII, which every terminal can show."""
    return text.encode("ascii", "backslashreplace")
