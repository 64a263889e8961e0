"""The log of a server: it never blocks a handler, and what it may cost is bounded.

`logging.StreamHandler` writes in the thread that logs, under a lock. When nobody reads what it writes (a pager that
was stopped, a slow supervisor), the pipe fills up: the thread blocks in write(), all others at the lock, and the server
stands still, since every handler logs what it hears. Here a handler's thread only formats its line and queues it::

    handlers' threads        the log's own thread                    stderr
      format, put  ------->    get all that waits, one write()  --->   somebody who reads, or does not

The queue is bounded. A line that finds it full is counted and not even formatted; the next write tells how many lines
were left out. The thread pauses between two writes, so the bound of the queue bounds the lines of a second as well: a
flood that is read as fast as it comes costs no more than that.

The process owns the thread: `logging_to` starts it and ends it. At the end, what waits is still written, as long as the
reader takes it within a bounded time; the thread is a daemon, so no reader keeps the process.

A forking server logs in processes that share no memory and live for one request, and a process with threads cannot
safely fork. So it has no thread and no queue: it asks the kernel whether a line would fit, and writes it or drops it
(`UnqueuedHandler`). It forks for every client, which costs more than the lines of that client can.

What is deliberately left out: files, rotation, a log that loses nothing. A pipe to a program that does these is enough.
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

FORMAT = "%(asctime)s %(threadName)s %(message)s"
"""What a line has: the time, the name of the thread that logged it, and what happened."""

MOST_WAITING = 500
"""Lines that wait to be written, at most; a line that comes when so many wait is counted and dropped.

So a burst of so many is logged in full. It takes 60 KB of memory, with the lines that these servers log.
"""

PAUSE = 0.1
"""Seconds between two writes.

So at most MOST_WAITING / PAUSE = 5,000 lines are written in a second: 0.6 MB, and 4 % of a processor, as measured.
Somebody who follows the log sees the first line after a quiet moment at once, and any line within this time.
"""

LAST_WRITE = 1.0
"""Seconds that the end of the process waits for a reader to take the last lines."""

LONGEST = 4000
"""Characters of a line; a traceback is one line here. Of a longer one, the beginning and the end are kept."""

ATOMIC = getattr(select, "PIPE_BUF", 512)
"""Bytes that fit at once into a pipe that is not full, and are not mixed with what others write: POSIX says so."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what is logged."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--log-level", choices=LEVELS, default="info", help="log what is at least so important (default: %(default)s)"
    )
    group.add_argument(
        "--quiet",
        action="store_const",
        dest="log_level",
        const="warning",
        help="log only what goes wrong: --log-level warning",
    )


@contextmanager
def logging_to(stream: TextIO | None, level: str, line_format: str = FORMAT, forks: bool = False) -> Iterator[None]:
    """Log to a stream in the length of the block, and leave nothing behind: no thread, no handler, no level.

    An exception that ends a thread is logged too; the library would print it, and block if nobody reads. `forks` is for
    a process that forks. Without a stream, as of a process whose stderr is closed, nothing is logged.
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
    # Past the buffer of the stream: it has a lock, and a thread that blocks with it in hand makes Python abort at exit.
    raw: Raw = getattr(stream.buffer, "raw", stream.buffer)
    return UnqueuedHandler(raw, formatter) if forks else QueuedHandler(raw, formatter)


def log_uncaught(args: threading.ExceptHookArgs) -> None:
    """Log the exception that ends a thread, where the library would print it."""
    if args.exc_type is not SystemExit:
        log.error("an exception ends this thread", exc_info=args.exc_value)


class Raw(Protocol):
    """What the bytes are written to: a file without a buffer."""

    def write(self, data: bytes, /) -> int | None:
        """Write some of it; return how many bytes, or None if the file does not block and takes none now."""

    def fileno(self) -> int:
        """Return its descriptor."""


class LineFormatter(logging.Formatter):
    """Makes a record one line, in bounded space, which no peer can write: nothing in it acts on a terminal.

    What has line breaks of its own, such as a traceback, goes on in lines that are indented; so every line that is not
    has been logged here.
    """

    known: tuple[int | None, str] = (None, "")
    """The last second that was logged, and how it is written."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - logging's
        """Return the time as the library does, and work it out once a second only: it is half of what a line costs."""
        second = int(record.created)
        known = self.known
        if known[0] != second:
            known = self.known = second, time.strftime(self.default_time_format, self.converter(second))
        return f"{known[1]},{int(record.msecs):03}"

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break behind it; what cannot be formatted says so, and raises nothing."""
        try:
            text = super().format(record)
        except Exception as error:  # a wrong argument of log.info() must not end the handler that logs
            text = f"{record.pathname}:{record.lineno} logs what cannot be formatted: {error!r}"
        if len(text) > LONGEST:
            half = LONGEST // 2
            text = f"{text[:half]}... ({len(text) - 2 * half} characters left out) ...{text[-half:]}"
        return text if text.isprintable() else "\n    ".join(map(printable, text.split("\n")))


class Tally:
    """A count that threads and signal handlers add to without a lock, and that one thread reads."""

    def __init__(self) -> None:
        self._count = itertools.count()  # next() of it is one operation, which nothing interrupts
        self._readings = 0

    def add(self) -> None:
        """Count one more."""
        next(self._count)

    def total(self) -> int:
        """Return how many were counted; to read an itertools.count() adds one to it, which is left out again."""
        self._readings += 1
        return next(self._count) + 1 - self._readings


class QueuedHandler(logging.Handler):
    """Queues the lines of all threads, and writes them in one of its own, from now until it is closed."""

    END = ""
    """What `close` queues: no line is empty."""

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
        """Queue the line of a record, or count it if too many wait; never wait, not even for the lock of a handler."""
        if self.lines.qsize() >= MOST_WAITING:
            self.dropped.add()
        else:
            self.lines.put(self.format(record) + "\n")
        return True

    def close(self) -> None:
        """Write what waits, and end the thread; return within LAST_WRITE seconds, written or not."""
        self.ending.set()
        self.lines.put(self.END)
        self.thread.join(LAST_WRITE)
        super().close()

    # What the thread does

    def write_lines(self) -> None:
        """Write what waits, again and again until the end, or until the reader has gone."""
        ended = False
        while not ended:
            batch = [self.lines.get(), *(self.lines.get() for _ in range(self.lines.qsize()))]
            ended = self.END in batch
            try:
                self.write_batch(batch)
            except BrokenPipeError:  # nobody will ever read it
                self.setLevel(sys.maxsize)
                return
            self.ending.wait(PAUSE)

    def write_batch(self, batch: list[str]) -> None:
        """Write some lines, and how many were dropped behind them; raise BrokenPipeError if the reader has gone."""
        left_out = self.dropped.total() - self.told
        try:
            self.write("".join([*batch, *self.about(left_out)]))
        except BrokenPipeError:
            raise
        except OSError:  # the disk is full, say: it may have room for what comes later
            for _ in filter(None, batch):  # all but END
                self.dropped.add()
        else:
            self.told += left_out

    def about(self, left_out: int) -> Iterator[str]:
        """Yield the line about those that were left out, if there were any."""
        if left_out:
            what = {"msg": "%d lines left out: no more than %d wait to be written", "args": (left_out, MOST_WAITING)}
            yield self.format(logging.makeLogRecord(what)) + "\n"

    def write(self, text: str) -> None:
        """Write all of a text, however long the reader takes."""
        data = encoded(text)
        while data:
            written = self.raw.write(data)
            if written is None:  # somebody has made it a file that does not block
                select.select((), (self.raw,), ())
            data = data[written or 0 :]


class UnqueuedHandler(logging.Handler):
    """Writes each line at once if it fits, and drops it if not: the log of a process that forks.

    What no longer fits is not counted, since each child would count for itself. Between asking and writing another
    process may take the room; a page of a pipe (4096 bytes) would have to be used up in that moment to block this one.
    """

    def __init__(self, raw: Raw, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.raw = raw

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record, as far as there is room."""
        data = encoded(self.format(record) + "\n")
        with suppress(OSError):  # the reader has gone, or the disk is full
            while data and select.select((), (self.raw,), (), 0)[1]:
                data = data[self.raw.write(data[:ATOMIC]) or 0 :]


def encoded(text: str) -> bytes:
    """Return a text as it is written: in ASCII, which every terminal can show."""
    return text.encode("ascii", "backslashreplace")
