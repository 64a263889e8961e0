"""The log of a server: no handler waits for it, what it costs is bounded, and its numbers add up."""

import errno
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from socketserver_faults.cli.main import main as faults_main
from socketserver_reference.address import Address
from socketserver_reference.cli import log_handler
from socketserver_reference.cli.log_handler import ATOMIC, FORMAT, LONGEST, MOST_WAITING, LineFormatter, logging_to
from socketserver_reference.cli.main import main
from socketserver_reference.echo import LOGGED, brief
from tests.support.serving import TIMEOUT, connect, connect_to, read, read_to_end, serving, somewhere

LOOPBACK = Address("tcp", host="127.0.0.1")
BEGINS = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", re.MULTILINE)
LEFT_OUT = re.compile(r" log (\d+) lines left out: ")
FORGED = "\x1b[31m\n2001-01-01 00:00:00,000 MainThread forged"

log = logging.getLogger("tests.log")


def accounted(text: str) -> int:
    """Return how many lines a log accounts for: those that it has, and those that it says were left out."""
    told = LEFT_OUT.findall(text)
    return len(BEGINS.findall(text)) - len(told) + sum(map(int, told))


class Pipe:
    """The pipe that a server logs to."""

    def __init__(self) -> None:
        self.end, self.entrance = os.pipe()

    def fill(self) -> None:
        """Leave no room for a single byte; what fills it are empty lines."""
        os.set_blocking(self.entrance, False)  # for all that have this entrance, so not for longer
        for size in (65536, 1):
            with suppress(BlockingIOError):
                while True:
                    os.write(self.entrance, b"\n" * size)
        os.set_blocking(self.entrance, True)

    def read(self) -> bytes:
        """Return what comes next, b"" at the end."""
        assert select.select((self.end,), (), (), TIMEOUT)[0], "nothing more is logged"
        return os.read(self.end, 65536)

    def read_until(self, lines: int) -> str:
        """Return what comes until so many lines are accounted for."""
        text = ""
        while accounted(text) < lines:
            text += self.read().decode()
        return text

    def read_all(self) -> str:
        """Return what there is, and what comes before the end: when the server has ended."""
        self.shut()
        return b"".join(iter(self.read, b"")).decode()

    def shut(self) -> None:
        """Close the entrance, which a server that was started has as well."""
        os.close(self.entrance)
        self.entrance = -1

    def leave(self) -> None:
        """Close the end that is read."""
        os.close(self.end)
        self.end = -1

    def close(self) -> None:
        for descriptor in (self.end, self.entrance):
            if descriptor != -1:
                os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    opened = Pipe()
    yield opened
    opened.close()


# Servers in processes of their own, that log to a pipe


@contextmanager
def served(pipe: Pipe, *command: str) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    """Run a command that serves."""
    line = (sys.executable, "-m", *command)
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=pipe.entrance, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, Address.parse(process.stdout.readline().strip())
        finally:
            process.kill()


def stop(process: subprocess.Popen[str]) -> int:
    """Stop a server by a signal; return its exit status."""
    process.send_signal(signal.SIGTERM)
    return process.wait(TIMEOUT)


def say(speaker: socket.socket, utterance: bytes, *hearers: socket.socket) -> None:
    """Let a member speak, and all who are there hear it."""
    speaker.sendall(utterance)
    for hearer in hearers:
        assert read(hearer, len(utterance) + 3) == b"ack" + utterance


def join_two(address: Address) -> tuple[socket.socket, socket.socket]:
    """Return two members; 2 lines are logged about that, and 2 about what they said."""
    anna = connect_to(address)
    say(anna, b"anna", anna)
    bert = connect_to(address)
    say(bert, b"bert", bert, anna)
    return anna, bert


CHATS = {
    "chat": ("socketserver_reference", "serve", "chat", "--port", "0"),
    "overthreaded": ("socketserver_reference", "serve", "overthreaded", "--port", "0"),
    "a fault": ("socketserver_faults", "serve", "quits-in-any-case", "--port", "0"),
}


@pytest.mark.parametrize("command", CHATS.values(), ids=CHATS)
def test_members_talk_behind_a_log_that_nobody_reads_and_a_signal_ends_the_server(
    command: tuple[str, ...], pipe: Pipe
) -> None:
    pipe.fill()
    with served(pipe, *command) as (process, address):
        anna, bert = join_two(address)
        with anna, bert:
            for number in range(1000):
                say(anna, b"a%d" % number, anna, bert)
                say(bert, b"b%d" % number, anna, bert)
            assert stop(process) == 0
            assert read_to_end(anna) == read_to_end(bert) == b""


def test_the_notes_chat_talks_behind_a_log_that_nobody_reads(pipe: Pipe) -> None:
    pipe.fill()
    with served(pipe, "socketserver_faults.tutorial", "chat", "0") as (_, address), connect_to(address) as anna:
        for number in range(100):
            say(anna, b"%d" % number, anna)


@pytest.mark.parametrize("concurrency", ["sync", "threading", "forking"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_echo_answers_behind_a_log_that_nobody_reads(transport: str, concurrency: str, pipe: Pipe) -> None:
    pipe.fill()
    echo = ("echo", "--transport", transport, "--concurrency", concurrency, "--port", "0")
    with served(pipe, "socketserver_reference", "serve", *echo) as (process, address):
        for number in range(40 if concurrency == "forking" else 500):
            with connect_to(address) as client:
                client.send(b"a%d" % number)
                assert client.recv(100) == b"A%d" % number
        assert stop(process) == 0


def test_two_thousand_datagrams_of_one_client_are_answered_behind_a_log_that_nobody_reads(pipe: Pipe) -> None:
    pipe.fill()
    echo = ("socketserver_reference", "serve", "echo", "--transport", "udp", "--port", "0")
    with served(pipe, *echo) as (process, address), connect_to(address) as client:
        for number in range(2000):
            client.send(b"a%d" % number)
            assert client.recv(100) == b"A%d" % number
        assert stop(process) == 0


def test_the_proxy_carries_behind_a_log_that_nobody_reads(pipe: Pipe) -> None:
    pipe.fill()
    with serving("echo", LOOPBACK) as server:
        target = "tcp://{}:{}".format(*server.server_address)
        with served(pipe, "socketserver_faults", "proxy", "tcp://127.0.0.1:0", target) as (process, address):
            for _ in range(10):
                with connect_to(address) as client:
                    client.sendall(b"hello")
                    assert read_to_end(client) == b"HELLO"
            assert stop(process) == 0


def test_what_is_said_behind_a_full_pipe_is_written_or_counted_once_somebody_reads_again(pipe: Pipe) -> None:
    pipe.fill()
    with served(pipe, *CHATS["chat"]) as (process, address):
        anna, bert = join_two(address)
        with anna, bert:
            for number in range(MOST_WAITING):
                say(anna, b"a%d" % number, anna, bert)
                say(bert, b"b%d" % number, anna, bert)
            for client in (anna, bert):
                client.sendall(b"quit")  # whose end of stream comes when all is logged
                assert read_to_end(client) == b""
        logged = 4 + 2 * MOST_WAITING + 4
        text = pipe.read_until(logged)
        assert stop(process) == 0
        text += pipe.read_all()
    assert accounted(text) == logged
    assert LEFT_OUT.search(text)
    assert text.lstrip().partition("\n")[0].endswith(" joined")  # the earliest are kept


def test_what_was_logged_before_a_signal_is_not_lost_with_it(pipe: Pipe) -> None:
    with served(pipe, *CHATS["chat"]) as (process, address):
        anna, bert = join_two(address)
        with anna, bert:
            assert stop(process) == 0
    text = pipe.read_all()
    assert text.count(" joined\n") == text.count(" left\n") == 2
    assert text.count(" said b'anna'\n") == 1


def test_a_reader_that_goes_away_ends_the_log_and_nothing_else(pipe: Pipe) -> None:
    pipe.leave()
    with served(pipe, *CHATS["chat"]) as (process, address):
        anna, bert = join_two(address)
        with anna, bert:
            for number in range(100):
                say(anna, b"%d" % number, anna, bert)
            assert stop(process) == 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_forking_server_logs_from_its_children(transport: str, pipe: Pipe) -> None:
    echo = ("echo", "--transport", transport, "--concurrency", "forking", "--port", "0")
    with served(pipe, "socketserver_reference", "serve", *echo) as (process, address):
        for _ in range(3):
            with connect_to(address) as client:
                client.send(b"hello")
                assert client.recv(100) == b"HELLO"
        assert stop(process) == 0
    text = pipe.read_all()
    assert text.count(" MainThread ('127.0.0.1', ") == text.count(" wrote b'hello'\n") == 3


# What is logged


@pytest.mark.parametrize(
    ("words", "logged"),
    [
        ((), 4),
        (("--log-level", "debug"), 4),
        (("--log-level", "info"), 4),
        (("--log-level", "warning"), 0),
        (("--quiet",), 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_options_say_what_is_logged(words: tuple[str, ...], logged: int, pipe: Pipe) -> None:
    with served(pipe, *CHATS["chat"], *words) as (process, address), connect_to(address) as anna:
        say(anna, b"hi", anna)
        anna.sendall(b"quit")
        assert read_to_end(anna) == b""
        text = pipe.read_until(logged)
        assert stop(process) == 0
    assert accounted(text + pipe.read_all()) == logged


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--log-level", "loud"), "argument --log-level: invalid choice: 'loud'"),
        (("--log-level", "INFO"), "argument --log-level: invalid choice: 'INFO'"),
        (("--log-level",), "argument --log-level: expected one argument"),
        (("--quiet", "--log-level", "debug"), "argument --log-level: not allowed with argument --quiet"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize(
    ("run", "command"),
    [
        (main, ("serve", "chat")),
        (faults_main, ("serve", "greets")),
        (faults_main, ("proxy", "tcp://127.0.0.1:0", "tcp://127.0.0.1:1")),
    ],
    ids=["serve", "faults serve", "faults proxy"],
)
def test_what_cannot_be_a_level_is_refused_in_one_line(
    run: Callable[[list[str]], int],
    command: tuple[str, ...],
    words: tuple[str, ...],
    what: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run([*command, *words])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1


def test_what_is_long_is_shown_by_its_beginning_and_its_length() -> None:
    assert brief(b"\x00\xffhi'\n") == repr(b"\x00\xffhi'\n")
    assert brief(b"x" * LOGGED) == f"b'{'x' * LOGGED}'"
    assert brief(b"x" * (LOGGED + 1)) == f"b'{'x' * LOGGED}'... ({LOGGED + 1} bytes)"


@pytest.mark.parametrize(
    ("program", "transport", "size", "verb"),
    [("chat", "tcp", 1024, "said"), ("echo", "tcp", 1024, "wrote"), ("echo", "udp", 8192, "wrote")],
)
def test_of_what_a_client_sends_the_log_has_the_beginning_and_the_length(
    program: str, transport: str, size: int, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(program, Address(transport, host="127.0.0.1")) as server, connect(server) as client:
        client.send(b"x" * size)
        assert client.recv(9000)
    assert f" {verb} b'{'x' * LOGGED}'... ({size} bytes)\n" in caplog.text
    assert "x" * (LOGGED + 1) not in caplog.text


@pytest.mark.parametrize(("program", "transport"), [("echo", "unix-datagram"), ("echo", "unix"), ("chat", "unix")])
def test_the_path_of_a_client_is_logged_escaped(
    program: str, transport: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    address = somewhere(transport, tmp_path)
    with serving(program, address), socket.socket(address.family, address.kind) as client:
        client.settimeout(TIMEOUT)
        client.bind(f"{tmp_path}/a\x1b\n")
        client.connect(address.sockaddr)
        client.send(b"hello")
        assert client.recv(100)
    assert r"/a\x1b\n'" in caplog.text
    assert "\x1b" not in caplog.text
    assert "\n'" not in caplog.text


# The handler, in this process


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
    monkeypatch.setattr(log_handler, "LAST_WRITE", TIMEOUT)


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
    assert MOST_WAITING <= kept < MOST_WAITING + 8  # all eight may find the last place free
    for thread in threads:
        numbers = re.findall(rf" {re.escape(thread.name)} (\d+)\n", sink.text)
        assert numbers == [str(number) for number in range(len(numbers))]


def test_every_flood_is_told_once_behind_its_lines(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_handler, "PAUSE", 0.0)
    with logged(sink.stream(), "info"):
        for flood in (10, 20):
            sink.stall()
            log_many(MOST_WAITING + flood)
            sink.open()
            sink.wait_for(lambda flood=flood: f" {flood} lines left out" in sink.text)  # type: ignore[misc]
    assert LEFT_OUT.findall(sink.text) == ["10", "20"]
    lines = [line.rpartition("MainThread ")[2] for line in sink.text.splitlines()]
    assert [lines[0], lines[MOST_WAITING], lines[MOST_WAITING + 2]] == ["first", str(MOST_WAITING - 1), "first"]
    assert " log 10 lines left out: no more than " in lines[MOST_WAITING + 1]


class Pause(threading.Event):
    """The event that ends the pauses of the log's thread: it says when one begins, and how each ended."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.ended_early: list[bool] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == log_handler.PAUSE
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
        log_many(MOST_WAITING + 250)
    assert pause.ended_early == [True, True], "the end waits for the next write"
    assert LEFT_OUT.findall(sink.text) == ["250"]
    assert accounted(sink.text) == 1 + MOST_WAITING + 250


def test_lines_that_a_full_disk_does_not_take_are_counted_until_it_does(sink: Sink) -> None:
    sink.failures = [errno.ENOSPC, errno.ENOSPC]
    with logged(sink.stream(), "info"):
        sink.stall()
        log_many(MOST_WAITING + 10)
        sink.open()
        sink.wait_for(lambda: not sink.failures)
        log.info("again")
    assert accounted(sink.text) == 1 + MOST_WAITING + 10 + 1
    assert LEFT_OUT.search(sink.text)


def test_the_end_does_not_wait_for_a_reader_who_does_not_read(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_handler, "LAST_WRITE", 0.01)
    with logged(sink.stream(), "info"):
        sink.stall()
        thread = log_thread()
        assert thread.daemon  # so that the interpreter does not wait for it either
    assert thread.is_alive()
    sink.open()


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


# A process that forks


def test_a_line_that_does_not_fit_is_dropped_and_one_that_fits_is_written(pipe: Pipe) -> None:
    pipe.fill()
    with open(pipe.entrance, "w", closefd=False) as stream, logged(stream, "info", forks=True):
        log.info("dropped")
        while select.select((pipe.end,), (), (), 0)[0]:
            assert pipe.read().strip() == b""
        log.info("%s", "\x1b" * LONGEST)  # four times as long once escaped
    text = pipe.read_all()
    assert accounted(text) == 1
    assert text.count(r"\x1b") == text.count("\\")
    assert len(text) > ATOMIC


# The line


def record(message: str, *args: Any, **attributes: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "args": args, "threadName": "T", "levelname": "INFO"} | attributes)


def test_a_line_is_what_the_library_makes_of_it() -> None:
    ours, theirs = LineFormatter(FORMAT), logging.Formatter(FORMAT)
    for created in (0.0, 0.5, 1_000_000_000.25, 1_000_000_000.75, 1_700_000_000.0):
        one = record("%r said %s", ("127.0.0.1", 1), "b'x'", created=created, msecs=created % 1 * 1000)
        assert ours.format(one) == theirs.format(one)


def test_what_an_exception_says_can_neither_forge_a_line_nor_act_on_a_terminal() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        text = LineFormatter(FORMAT).format(record("%s", FORGED, exc_info=(ValueError, error, error.__traceback__)))
    lines = text.split("\n")
    assert len([line for line in lines if "MainThread forged" in line]) == 2
    assert [line for line in lines[1:] if not line.startswith("    ")] == []
    assert "\x1b" not in text
    assert r"\x1b[31m" in text
    assert "    ValueError: " in text


def test_of_a_line_without_end_the_beginning_and_the_end_are_kept() -> None:
    text = LineFormatter(FORMAT).format(record("begin %s end", "x" * 100_000))
    assert len(text) < LONGEST + 50
    assert " begin xxx" in text
    assert text.endswith("xxx end")
    left_out = int(re.findall(r"\.\.\. \((\d+) characters left out\) \.\.\.", text)[0])
    assert text.count("x") + left_out == 100_000


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
