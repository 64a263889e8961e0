"""What a check shows while it runs, on a terminal and elsewhere."""

import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from select import select
from types import SimpleNamespace

import pytest

from socketserver_reference.conformance.runner import display as module
from socketserver_reference.conformance.runner.display import NORMAL, QUIET, VERBOSE, Display, has_colours, painted
from socketserver_reference.conformance.targets import notice
from tests.support.serving import LONG_TIMEOUT


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Unwritable(io.StringIO):
    """Takes nothing."""

    tries = 0

    def write(self, _: str) -> int:
        self.tries += 1
        raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")


@pytest.mark.parametrize(
    ("settings", "on_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_colours_are_for_terminals_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], on_terminal: bool, elsewhere: bool
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert (has_colours(Terminal()), has_colours(io.StringIO())) == (on_terminal, elsewhere)


def test_the_verdict_of_a_line_is_painted_and_nothing_else() -> None:
    assert painted("  CHAT-1   VIOLATED: it holds") == "  CHAT-1   \x1b[1;31mVIOLATED\x1b[0m: it holds"
    assert painted("conforms") == "\x1b[1;32mconforms\x1b[0m"
    assert painted("expected: ann holds") == "expected: ann holds"


def test_a_terminal_shows_one_line_of_progress_and_removes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = Terminal()
    monkeypatch.setattr("sys.stdout", stdout)
    display = Display()
    display.progress("a lurker hears the others, and much else", 2, 44)
    display.print("  CHAT-9   VIOLATED", "")
    display.clear()
    shown, after = stdout.getvalue().split("\r\x1b[K")[1:]
    assert shown == "  2 of 44, 0 s: a lurker hears the othe"
    assert after == "  CHAT-9   \x1b[1;31mVIOLATED\x1b[0m\n\n"


@contextmanager
def terminal_as_stdout(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Let the standard output be a terminal within the block; yield the descriptor of its other end."""
    monkeypatch.setattr(module, "TICK_SECONDS", 0.001)
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        yield ours
    os.close(ours)


def test_the_seconds_pass_while_one_check_is_played_whose_output_is_captured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seconds = count()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    captured = (tmp_path / "captured").open("w")
    with captured, terminal_as_stdout(monkeypatch) as terminal, (display := Display()).ticking():
        display.progress("a flood", 2, 44)
        os.dup2(captured.fileno(), sys.stdout.fileno())
        shown = b""
        while b", 3 s: " not in shown:
            assert select([terminal], [], [], LONG_TIMEOUT)[0]
            shown += os.read(terminal, 1000)
    assert shown.startswith(
        b"\r\x1b[K  2 of 44, 1 s: a flood\r\x1b[K  2 of 44, 2 s: a flood\r\x1b[K  2 of 44, 3 s: a flood"
    )
    assert (tmp_path / "captured").read_bytes() == b"\r\x1b[K"


def test_the_progress_line_leaves_the_terminal_to_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Semaphore(0)
    monkeypatch.setattr(notice, "stands", lambda: asked.release() or True)  # type: ignore[func-returns-value]
    with terminal_as_stdout(monkeypatch) as terminal:
        with (display := Display()).ticking():
            display.progress("a flood", 2, 44)
            for _ in range(3):
                assert asked.acquire(timeout=LONG_TIMEOUT)
        shown = b""
        while shown.count(b"\x1b[K") < 2:  # a terminal may give it in pieces
            shown += os.read(terminal, 1000)
        assert re.fullmatch(rb"\r\x1b\[K  2 of 44, \d+ s: a flood\r\x1b\[K", shown)


@pytest.mark.parametrize(("verbosity", "shown"), [(QUIET, "c\n"), (NORMAL, "b\nc\n"), (VERBOSE, "a\nb\nc\n")])
def test_elsewhere_there_are_plain_lines_and_no_progress(
    capsys: pytest.CaptureFixture[str], verbosity: int, shown: str
) -> None:
    display = Display(verbosity)
    display.progress("a lurker hears the others", 2, 44)
    display.print("a", least=VERBOSE)
    display.print("b")
    display.print("c", least=QUIET)
    assert capsys.readouterr().out == shown


def test_once_a_line_cannot_be_printed_no_other_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "output").open("w") as file:
        stdout = Unwritable()
        monkeypatch.setattr(stdout, "fileno", file.fileno, raising=False)
        monkeypatch.setattr("sys.stdout", stdout)
        display = Display()
        display.print("one")
        display.print("two")
        file.write("what vanishes")
    assert stdout.tries == 1
    assert display.unprinted is not None
    assert (tmp_path / "output").read_text() == ""
