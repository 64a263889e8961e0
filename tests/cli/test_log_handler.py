"""The handler of the log, in this process: floods are bounded, its numbers add up, and nothing waits for it."""

import errno
import logging
import os
import re
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from socketserver_reference.cli import log_handler
from socketserver_reference.cli.log_handler import ATOMIC, MAX_QUEUED_LINES, MAX_RECORD_CHARACTERS, logging_to
from tests.support.log_pipes import BEGINS, LEFT_OUT, Pipe, accounted
from tests.support.serving import TIMEOUT

log = logging.getLogger("tests.log")


class Sink:
    """A file that takes what is written when it is let, some at a time, and fails as it is told."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.asked = 0
        self.let = False
        self.failures: list[int] = []
        self.text = ""

    def write(self, data: bytes) -> int:
        with self.changed:
            self.asked += 1
            self.changed.notify_all()
            self.wait_for(lambda: self.let)
            if self.failures:
                raise OSError(self.failures.pop(0), "as told")
            self.text += data[:5000].decode()
            self.changed.notify_all()
        return len(data[:5000])

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, TIMEOUT)

    def open(self, let: bool = True) -> None:
        with self.changed:
            self.let = let
            self.changed.notify_all()

    def stall(self) -> None:
        """Log one line that keeps the log's thread in write()."""
        before = self.asked
        self.open(False)
        log.info("first")
        self.wait_for(lambda: self.asked > before)

    def stream(self) -> Any:
        """Return it as the text stream that `logging_to` takes."""
        return SimpleNamespace(buffer=self)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture(autouse=True)
def _patient_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine be no reason for lines that are lost at the end."""
    monkeypatch.setattr(log_handler, "LAST_WRITE_TIMEOUT", TIMEOUT)


@contextmanager
def logged(stream: Any, level: str, forks: bool = False) -> Iterator[None]:
    """Log to the stream alone: pytest's handlers would format every line, and keep them all."""
    root = logging.getLogger()
    others, root.handlers = root.handlers, []
    try:
        with logging_to(stream, level, forks=forks):
            yield
    finally:
        assert root.handlers == []
        root.handlers = others


class Costly:
    """An argument that counts how often it is formatted."""

    formatted = 0

    def __str__(self) -> str:
        self.formatted += 1
        return "costly"


def log_many(lines: int) -> None:
    for number in range(lines):
        log.info("%d", number)


def log_thread() -> threading.Thread:
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "log")
    return thread


def test_a_flood_is_summarised_and_its_numbers_add_up(sink: Sink) -> None:
    with logged(sink.stream(), "info"):
        sink.stall()
        threads = [threading.Thread(target=log_many, args=(1000,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)  # though nobody reads
            assert not thread.is_alive()
        costly = Costly()
        log.info("%s", costly)
        assert costly.formatted == 0
        assert sink.text == ""
        sink.open()
    assert accounted(sink.text) == 1 + 8 * 1000 + 1
    assert len(LEFT_OUT.findall(sink.text)) == 1
    kept = len(BEGINS.findall(sink.text)) - len(["first", "left out"])
    assert MAX_QUEUED_LINES <= kept < MAX_QUEUED_LINES + 8  # all eight may find the last place free
    for thread in threads:
        numbers = re.findall(rf" {re.escape(thread.name)} (\d+)\n", sink.text)
        assert numbers == [str(number) for number in range(len(numbers))]


def test_every_flood_is_told_once_behind_its_lines(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_handler, "WRITE_INTERVAL", 0.0)
    with logged(sink.stream(), "info"):
        for flood in (10, 20):
            sink.stall()
            log_many(MAX_QUEUED_LINES + flood)
            sink.open()
            sink.wait_for(lambda flood=flood: f" {flood} lines left out" in sink.text)  # type: ignore[misc]
    assert LEFT_OUT.findall(sink.text) == ["10", "20"]
    lines = [line.rpartition("MainThread ")[2] for line in sink.text.splitlines()]
    assert [lines[0], lines[MAX_QUEUED_LINES], lines[MAX_QUEUED_LINES + 2]] == [
        "first",
        str(MAX_QUEUED_LINES - 1),
        "first",
    ]
    assert " log 10 lines left out: no more than " in lines[MAX_QUEUED_LINES + 1]


class Pause(threading.Event):
    """The event that ends the pauses of the log's thread: it says when one begins, and how each ended."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.ended_early: list[bool] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == log_handler.WRITE_INTERVAL
        self.begun.set()
        self.ended_early.append(super().wait(TIMEOUT))
        return self.ended_early[-1]


def test_a_flood_that_is_read_as_fast_as_it_comes_is_bounded_too(sink: Sink) -> None:
    pause = Pause()
    sink.open()
    with logged(sink.stream(), "info"):
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, log_handler.QueuedHandler)
        handler.ending = pause
        log.info("first")
        assert pause.begun.wait(TIMEOUT)
        log_many(MAX_QUEUED_LINES + 250)
    assert pause.ended_early == [True, True], "the end waits for the next write"
    assert LEFT_OUT.findall(sink.text) == ["250"]
    assert accounted(sink.text) == 1 + MAX_QUEUED_LINES + 250


def test_lines_that_a_full_disk_does_not_take_are_counted_until_it_does(sink: Sink) -> None:
    sink.failures = [errno.ENOSPC, errno.ENOSPC]
    with logged(sink.stream(), "info"):
        sink.stall()
        log_many(MAX_QUEUED_LINES + 10)
        sink.open()
        sink.wait_for(lambda: not sink.failures)
        log.info("again")
    assert accounted(sink.text) == 1 + MAX_QUEUED_LINES + 10 + 1
    assert LEFT_OUT.search(sink.text)


def test_the_end_does_not_wait_for_a_pipe_that_is_not_read(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_handler, "LAST_WRITE_TIMEOUT", 0.01)
    with logged(sink.stream(), "info"):
        sink.stall()
        thread = log_thread()
        assert thread.daemon  # so that the interpreter does not wait for it either
    assert thread.is_alive()
    sink.open()


def test_the_end_waits_for_its_reader_once(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    with logged(sink.stream(), "info"):
        sink.stall()
        (handler,) = logging.getLogger().handlers
        thread = log_thread()
        monkeypatch.setattr(thread, "join", waits.append)
    handler.close()  # as logging.shutdown() does when the process exits
    assert waits == [TIMEOUT]
    monkeypatch.undo()
    sink.open()
    thread.join(TIMEOUT)


def test_nothing_is_left_behind(sink: Sink) -> None:
    def state() -> list[Any]:
        root = logging.getLogger()
        return [root.level, list(root.handlers), threading.excepthook, threading.enumerate()]

    before = state()
    sink.open()
    for forks in (False, True):
        with logging_to(sink.stream(), "error", forks=forks):
            assert state() != before
            assert (len(threading.enumerate()) == len(before[-1])) == forks  # a process with threads must not fork
        assert state() == before
    assert threading.excepthook is not log_handler.log_uncaught


@pytest.mark.parametrize("forks", [False, True])
def test_a_reader_that_has_gone_is_not_written_to_and_raises_nothing(
    forks: bool, pipe: Pipe, capfd: pytest.CaptureFixture[str]
) -> None:
    pipe.leave()
    with open(pipe.entrance, "w", closefd=False) as stream, logged(stream, "info", forks=forks):
        log.info("hello")
        if not forks:
            log_thread().join(TIMEOUT)
            costly = Costly()
            log.info("%s", costly)
            assert costly.formatted == 0
    assert capfd.readouterr() == ("", "")


def test_without_a_stream_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with logged(None, "info"):
        log.error("hello")
    assert capfd.readouterr() == ("", "")


def test_a_pipe_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    written: list[int | None] = []
    full = threading.Event()

    def write(data: bytes) -> int | None:
        written.append(raw.write(data))
        full.set()
        return written[-1]

    pipe.fill()
    os.set_blocking(pipe.entrance, False)
    with open(pipe.entrance, "wb", buffering=0, closefd=False) as raw:
        stream = SimpleNamespace(buffer=SimpleNamespace(write=write, fileno=raw.fileno))
        with logged(stream, "info"):
            log.info("hello")
            assert full.wait(TIMEOUT)
            text = b""
            while b" hello\n" not in text:
                text += pipe.read()
    assert [written[0], len(written)] == [None, 2]  # tried again when there is room, and not before


def test_a_signal_handler_may_log_while_its_own_thread_does(sink: Sink) -> None:
    class Interrupted:
        def __str__(self) -> str:
            signal.raise_signal(signal.SIGUSR1)
            return "interrupted"

    before = signal.signal(signal.SIGUSR1, lambda *_: log.info("signal"))
    try:
        sink.open()
        with logged(sink.stream(), "info"):
            log.info("%s", Interrupted())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [line.split()[-1] for line in sink.text.splitlines()] == ["signal", "interrupted"]


def test_what_cannot_be_formatted_is_told_and_raises_nothing(sink: Sink) -> None:
    sink.open()
    with logged(sink.stream(), "info"):
        log.info("%d", "no number")
    assert f"{__file__}:" in sink.text
    assert " logs what cannot be formatted: TypeError(" in sink.text


def test_an_exception_that_ends_a_thread_is_logged(sink: Sink, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(error: BaseException) -> None:
        raise error

    sink.open()
    with logged(sink.stream(), "error"):
        for error in (ValueError("seen"), SystemExit("not an error")):
            thread = threading.Thread(target=fail, args=(error,), name="worker")
            thread.start()
            thread.join()
    assert " worker an exception ends this thread\n    Traceback (most recent call last):\n" in sink.text
    assert sink.text.endswith("\n    ValueError: seen\n")
    assert capfd.readouterr() == ("", "")


# A process that forks


def test_a_line_that_does_not_fit_is_dropped_and_one_that_fits_is_written(pipe: Pipe) -> None:
    pipe.fill()
    with open(pipe.entrance, "w", closefd=False) as stream, logged(stream, "info", forks=True):
        log.info("dropped")
        while select.select((pipe.end,), (), (), 0)[0]:
            assert pipe.read().strip() == b""
        log.info("%s", "\x1b" * MAX_RECORD_CHARACTERS)  # four times as long once escaped
    text = pipe.read_all()
    assert accounted(text) == 1
    assert text.count(r"\x1b") == text.count("\\")
    assert len(text) > ATOMIC
