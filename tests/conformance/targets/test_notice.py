"""What is said while the checker waits."""

import io
import os
import sys

import pytest

from socketserver_reference.conformance.targets import notice
from socketserver_reference.conformance.targets.notice import ERASE_LINE, Notice, on_this_stderr, stands, tell


class Terminal(io.StringIO):
    """A stream to a terminal."""

    def isatty(self) -> bool:
        return True


def waits(clock: list[float], *seconds: float) -> None:
    """Wait, and look after so many seconds each."""
    with Notice("waiting for \x1b[31mit") as told:
        for each in seconds:
            clock[0] += each
            told()


def test_a_short_wait_is_not_told(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    waits(clock, 0.5, 0.4)
    assert capsys.readouterr().err == ""


def test_a_long_wait_is_told_once(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    waits(clock, 0.5, 0.6, 5.0)
    assert capsys.readouterr().err == "waiting for \\x1b[31mit\n"


def test_a_terminal_shows_the_seconds_while_it_lasts(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    waits(clock, 1.1, 0.1, 1.0)
    told = f"{ERASE_LINE}waiting for \\x1b[31mit"
    assert terminal.getvalue() == f"{told} (1 s){told} (2 s){ERASE_LINE}"


def test_a_notice_stands_on_a_terminal_from_its_first_second_to_its_end(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream, on_terminal in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with Notice("waiting") as told:
            told()
            before = stands()
            clock[0] += 1.1
            told()
            assert (before, stands()) == (False, on_terminal)
        assert not stands()


def test_a_closed_stderr_is_no_trouble(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", closed)
    closed.close()
    waits(clock, 2.0)


def test_it_is_told_on_what_was_stderr_before_it_was_captured(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    before = os.dup(2)
    os.dup2(writing, 2)
    try:
        with on_this_stderr():
            os.dup2(before, 2)
            monkeypatch.setattr(sys, "stderr", io.StringIO())
            waits(clock, 2.0)
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read() == "waiting for \\x1b[31mit\n"


def test_what_is_told_at_once_needs_a_stderr_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    tell("to nobody")
    with on_this_stderr():
        tell("the check was given \x1b[31mmore")
    assert capfd.readouterr().err == "the check was given \\x1b[31mmore\n"


def test_what_is_told_at_once_replaces_the_progress_line_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, closed = Terminal(), io.StringIO()
    closed.close()
    for stream in (terminal, closed):
        monkeypatch.setattr(notice, "_streams", [stream])
        tell("more time")
    assert terminal.getvalue() == f"{ERASE_LINE}more time\n"
