"""`socketserver-faults list | show | serve`: what a learner types to meet a bug."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from socketserver_faults.catalogue.index import catalogue
from socketserver_faults.catalogue.registry import CATALOGUE, THEMES, fault
from socketserver_faults.cli.main import main
from socketserver_reference.chat import ChatHandler
from socketserver_reference.echo import EchoHandler
from tests.support.serving import LONG_TIMEOUT, TIMEOUT


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """Return what a command prints, on stdout if it succeeds, its one line on stderr if not."""
    assert main(words) == code
    out, err = capsys.readouterr()
    assert bool(out) == (code == 0)
    assert err.count("\n") == (code != 0)
    return out or err


def test_list_has_every_fault_with_its_clauses_and_a_line_theme_by_theme(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "list")
    lines = out.splitlines()
    assert len(lines) == len(THEMES) + 2 * len(catalogue())
    for one in catalogue().values():
        assert f"  {one.name:<30} {', '.join(one.breaks)}" in lines
        assert one.summary in out


def test_list_of_a_clause_has_the_faults_that_break_it(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "list", "CHAT-17")
    assert "has-a-hundred-seats" in out
    assert "delivers-quit" not in out
    assert "no fault breaks 'CHAT-99'" in told(capsys, "list", "CHAT-99", code=2)


def test_show_tells_the_story_and_the_difference_to_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "show", "quits-in-any-case")
    assert out.startswith("quits-in-any-case: CHAT-8 (threading chat over tcp)\n\nQUIT in capitals counts as quit.\n")
    assert "\nFixed: " in out
    before, after = "socketserver_reference.chat.ChatHandler", "socketserver_faults.catalogue.leaving.QuitsInAnyCase"
    assert f"--- {before}.leaves\n+++ {after}.leaves\n" in out
    assert "\n+    return super().leaves(chunk.lower())\n" in out
    assert "(threading echo over tcp, which promises to be sync)" in told(capsys, "show", "locks-for-itself")


@pytest.mark.parametrize("command", ["show", "serve"])
def test_a_name_that_is_none_is_told_with_those_that_come_close(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    line = told(capsys, command, "delivers-twise", code=2)
    assert line.startswith(
        f"socketserver-faults {command}: 'delivers-twise' is no fault of the catalogue: did you mean delivers-twice"
    )


def test_what_cannot_be_served_is_refused_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--port 'x' is not a port" in told(capsys, "serve", "greets", "--port", "x", code=2)
    assert "has no path" in told(capsys, "serve", "greets", "--path", "x", code=2)


@contextmanager
def served(name: str) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    """A fault served by the command, and a client of it."""
    command = [sys.executable, "-m", "socketserver_faults", "serve", name, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
                yield process, client
        finally:
            process.kill()


@pytest.mark.slow
def test_a_fault_that_is_served_can_be_met_and_ended() -> None:
    with served("greets") as (process, client):
        assert client.recv(100) == b"welcome\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG_TIMEOUT) == 0


@pytest.mark.slow
def test_a_fault_that_never_lets_go_is_ended_by_a_signal_as_any_process() -> None:
    with served("spins-at-the-end") as (process, client):
        client.sendall(b"hello")
        assert client.recv(100) == b"ackhello"
        client.shutdown(socket.SHUT_WR)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG_TIMEOUT) == -signal.SIGTERM


# The catalogue


def test_a_fault_that_breaks_nothing_or_has_the_name_of_another_does_not_enter_the_catalogue() -> None:
    with pytest.raises(AssertionError, match="breaks no clause"):

        @fault()
        class Harmless(ChatHandler):
            pass

    with pytest.raises(AssertionError, match="greets is in the catalogue already"):

        @fault("ECHO-1")
        class Greets(EchoHandler):
            pass

    assert "harmless" not in CATALOGUE


@pytest.mark.slow
def test_only_what_reads_can_break_the_pipe() -> None:
    command = [sys.executable, "-m", "socketserver_faults", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(LONG_TIMEOUT) == 2
