"""What signals do to a program that serves: the first ends it in order, a second at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.__main__ import end_at_interrupts
from socketserver_reference.address import Address
from socketserver_reference.cli.serving import serve
from socketserver_reference.cli.signals import SIGNALS, Signals, interrupted_without_traceback, stopped_by_signals
from socketserver_reference.family import make_server
from tests.support.serving import LONG_TIMEOUT, connect_to, read_to_end

SERVE_WHAT_NEVER_ENDS = """
import threading
from dataclasses import replace

from socketserver_reference.address import Address
from socketserver_reference.cli.serving import serve
from socketserver_reference.cli.signals import stopped_by_signals
from socketserver_reference.echo import EchoHandler
from socketserver_reference.family import PROGRAMS, make_server


class Stuck(EchoHandler):
    def deliver(self, reply):
        super().deliver(reply)
        threading.Event().wait()


with stopped_by_signals() as signals:
    program = replace(PROGRAMS["echo"], connection_handler=Stuck)
    serve(make_server(program, Address("tcp", host="127.0.0.1")), signals)
"""

START_SLOWLY = """
import sys

from socketserver_reference.address import Address
from socketserver_reference.cli.serving import serve
from socketserver_reference.cli.signals import stopped_by_signals
from socketserver_reference.family import make_server

with stopped_by_signals() as signals:
    print("starting", flush=True)
    sys.stdin.read()
    sys.exit(serve(make_server("echo", Address("tcp", host="127.0.0.1")), signals))
"""

INTERRUPTED_IMPORT = """
import os, signal, sys


class Interrupts:
    def find_spec(self, name, *_):
        if name == os.environ["INTERRUPT_AT"]:
            signal.raise_signal(signal.SIGINT)


sys.meta_path.insert(0, Interrupts())
"""
"""What Python runs before a program, from the module `sitecustomize`: Ctrl-C comes during the import of a module."""

PROGRAMS = [
    [str(Path(sys.executable).with_name("socketserver-reference"))],
    [str(Path(sys.executable).with_name("socketserver-faults"))],
    [sys.executable, "-m", "socketserver_reference"],
    [sys.executable, "-m", "socketserver_faults"],
]


@dataclass
class Ended:
    code: int
    errors: str


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end_of(process: subprocess.Popen[str]) -> Ended:
    _, errors = process.communicate(timeout=LONG_TIMEOUT)
    return Ended(process.returncode, errors)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once_what_the_first_could_not(second: signal.Signals) -> None:
    with running(SERVE_WHAT_NEVER_ENDS) as process, connect_to(Address.parse(first_line(process))) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"HELLO"
        process.send_signal(signal.SIGINT)
        assert read_to_end(client) == b""  # hung up on: the first signal has been handled
        process.send_signal(second)
        ended = end_of(process)
    assert ended.code == -second
    assert "Traceback" not in ended.errors


def test_a_signal_while_a_server_starts_ends_it_in_order_when_it_has_started() -> None:
    with running(START_SLOWLY) as process:
        assert first_line(process) == "starting"
        process.send_signal(signal.SIGTERM)
        assert end_of(process) == Ended(0, "")


def test_a_second_signal_while_a_server_starts_ends_it_at_once() -> None:
    with running(START_SLOWLY) as process:
        assert first_line(process) == "starting"
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert process.wait(LONG_TIMEOUT) in (-signal.SIGTERM, -signal.SIGINT)  # whichever the system delivers last
        assert end_of(process).errors == ""


def test_a_server_that_is_told_to_stop_before_it_serves_stops_when_it_does() -> None:
    with make_server("echo", Address("tcp", host="127.0.0.1")) as server, restored():
        with stopped_by_signals() as signals:
            signal.raise_signal(signal.SIGTERM)
            signals.stop(server)
        assert [signal.getsignal(number) for number in SIGNALS] == [signal.SIG_DFL] * 2
        server.serve_forever()  # returns


def test_the_system_acts_on_a_second_signal_while_handlers_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handled_by: list[object] = []
    server = make_server("echo", Address("tcp", host="127.0.0.1"))
    monkeypatch.setattr(server, "wait_for_handlers", lambda: handled_by.append(signal.getsignal(signal.SIGINT)))
    with restored(), stopped_by_signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        assert serve(server, signals) == 0
    assert handled_by == [signal.SIG_DFL]
    assert capsys.readouterr().out.startswith("tcp://127.0.0.1:")


def test_a_second_signal_is_raised_again_as_the_system_handles_it(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[object] = []
    with restored():
        monkeypatch.setattr(signal, "raise_signal", lambda number: raised.append((number, signal.getsignal(number))))
        signals = Signals()
        signal.signal(signal.SIGTERM, signals)
        signals(signal.SIGTERM, None)
        assert raised == []
        signals(signal.SIGTERM, None)
    assert raised == [(signal.SIGTERM, signal.SIG_DFL)]


def test_an_interrupt_while_a_command_is_imported_ends_it_without_a_traceback() -> None:
    with restored():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with interrupted_without_traceback():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("module", ["argparse", "cli.main", "cli.command"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda words: Path(words[-1]).name)
def test_an_interrupt_while_a_program_imports_ends_it_without_a_word(
    program: list[str], module: str, tmp_path: Path
) -> None:
    faults = "faults" in program[-1]
    package, command = ("socketserver_faults", "matrix") if faults else ("socketserver_reference", "check")
    name = module if module == "argparse" else f"{package}.{module.replace('command', command)}"
    assert interrupted_at(name, [*program, command, "--help"], tmp_path) == Ended(-signal.SIGINT, "")


@pytest.mark.slow
def test_an_ignored_interrupt_stays_ignored_while_a_program_imports(tmp_path: Path) -> None:
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    for program in PROGRAMS:
        assert interrupted_at("argparse", [*ignoring, *program, "--version"], tmp_path) == Ended(0, "")


def interrupted_at(module: str, command: list[str], folder: Path) -> Ended:
    """Run a command that Ctrl-C interrupts while it imports a module."""
    (folder / "sitecustomize.py").write_text(INTERRUPTED_IMPORT)
    surroundings = {**os.environ, "PYTHONPATH": str(folder), "INTERRUPT_AT": module}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False, timeout=LONG_TIMEOUT)
    return Ended(done.returncode, done.stderr)


def test_an_ignored_interrupt_stays_ignored_while_a_command_is_imported() -> None:
    with restored():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with interrupted_without_traceback():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize(
    ("before", "after"), [(signal.SIG_IGN, signal.SIG_IGN), (signal.default_int_handler, signal.SIG_DFL)]
)
def test_a_program_that_begins_is_ended_by_what_it_does_not_ignore(before: Any, after: Any) -> None:
    with restored():
        signal.signal(signal.SIGINT, before)
        end_at_interrupts()
        assert signal.getsignal(signal.SIGINT) is after


@contextmanager
def restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
