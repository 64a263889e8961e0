"""The supervisor, run as a script: what it is told to keep ends when it should, and with it all that it started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from socketserver_reference.conformance.targets import supervisor
from socketserver_reference.conformance.targets.process import SUPERVISOR, supervised
from socketserver_reference.conformance.targets.supervisor import EXECUTION_FAILURE, NOT_EXECUTED
from tests.support.checking import Lifeline
from tests.support.serving import LONG_TIMEOUT

PROMPT = "import os; os.write(1, b'up');"
"""What a kept program says first, so that a test knows it runs."""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans are adopted by init")


class Kept:
    """A supervisor with a program; `end` is what the checker does when it ends."""

    def __init__(self, *command: str, grace: float = 5.0) -> None:
        self.supervisor = subprocess.Popen(
            [sys.executable, str(SUPERVISOR), str(grace), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def said(self, count: int) -> bytes:
        """Return so many bytes that it prints."""
        assert self.supervisor.stdout is not None
        return self.supervisor.stdout.read(count)

    def wait(self) -> int:
        """Return the exit status."""
        return self.supervisor.wait()

    def end(self) -> int:
        """Break the pipe; return the exit status."""
        assert self.supervisor.stdin is not None
        self.supervisor.stdin.close()
        return self.supervisor.wait()


class Keep:
    """Makes supervisors, and ends them after the test."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, program: str, grace: float = 5.0) -> Kept:
        return self.command(sys.executable, "-c", program, grace=grace)

    def command(self, *command: str, grace: float = 5.0) -> Kept:
        kept = Kept(*command, grace=grace)
        self._stack.enter_context(kept.supervisor)
        self._stack.callback(kept.supervisor.kill)
        return kept


@pytest.fixture
def keep() -> Iterator[Keep]:
    with ExitStack() as stack:
        yield Keep(stack)


@pytest.mark.parametrize("status", [7, 137, 255])
def test_the_exit_status_is_the_commands_own(keep: Keep, status: int) -> None:
    assert keep(f"raise SystemExit({status})").wait() == status


def test_a_command_ended_by_a_signal_says_which(keep: Keep) -> None:
    assert keep("import os; os.kill(os.getpid(), 9)").wait() == -9


def test_when_the_checker_ends_the_command_is_asked_to(keep: Keep) -> None:
    kept = keep(PROMPT + "import signal; signal.pause()")
    assert kept.said(2) == b"up"
    assert kept.end() == -15


def test_a_command_that_ends_in_order_when_it_is_asked_to_says_so(keep: Keep) -> None:
    kept = keep("import signal; signal.signal(signal.SIGTERM, lambda *_: exit(3));" + PROMPT + "signal.pause()")
    assert kept.said(2) == b"up"
    assert kept.end() == 3


def test_a_command_that_does_not_listen_is_ended_after_a_grace(keep: Keep) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    kept = keep(deaf + PROMPT + "import signal; signal.pause()", grace=0.05)
    assert kept.said(2) == b"up"
    assert kept.end() == -9


# What cannot be executed


def test_a_command_that_the_system_refuses_to_execute_is_one_line(keep: Keep, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("no first line with an interpreter")
    script.chmod(0o700)
    kept = keep.command(str(script))
    assert kept.wait() == NOT_EXECUTED
    assert kept.supervisor.stderr is not None
    assert kept.supervisor.stderr.read().decode() == f"{EXECUTION_FAILURE}Exec format error\n"


# Daemons


DAEMON = """
import os, signal
%s
pid = os.fork() or os.setsid() or signal.pause()
os.write(1, b"%%10d" %% pid)
os._exit(%d)
"""
"""A program that leaves a process behind, in a session of its own."""


def gone(process: int) -> bool:
    """Whether there is no such process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def adopted(kept: Kept) -> int:
    """Return the process that a command has left behind, once it is the supervisor's."""
    daemon = int(kept.said(10))
    while f") S {kept.supervisor.pid} " not in Path(f"/proc/{daemon}/stat").read_text():
        os.sched_yield()
    return daemon


@on_linux
def test_what_a_command_that_fails_leaves_behind_is_ended(keep: Keep) -> None:
    kept = keep(DAEMON % ("", 3))
    orphan = int(kept.said(10))
    assert kept.wait() == 3
    assert gone(orphan)


@on_linux
def test_a_daemon_that_a_command_leaves_behind_in_order_goes_on_until_the_checker_ends(keep: Keep) -> None:
    kept = keep(DAEMON % ("", 0))
    daemon = adopted(kept)
    assert not gone(daemon)
    assert kept.end() == -15
    assert gone(daemon)


@on_linux
def test_the_exit_status_of_a_daemon_is_that_of_the_command(keep: Keep) -> None:
    kept = keep(DAEMON % ("signal.signal(signal.SIGTERM, lambda *_: os._exit(4))", 0))
    os.kill(adopted(kept), 15)
    assert kept.wait() == 4


@on_linux
def test_a_daemon_that_does_not_listen_is_ended_after_a_grace(keep: Keep) -> None:
    kept = keep(DAEMON % ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", 0), grace=0.05)
    daemon = adopted(kept)
    assert kept.end() == -9
    assert gone(daemon)


# A command that turns on those above it

FAMILY = """
import os, signal
child = os.fork() or signal.pause()
os.write(1, b"%%10d%%10d" %% (os.getpid(), child))
%s
signal.pause()
"""
"""A program with a child, that turns on its parent."""


@on_linux
@pytest.mark.parametrize(
    "turns",
    [
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)",
        "os.killpg(0, signal.SIGKILL)",
    ],
)
def test_a_command_that_kills_its_parent_ends_and_so_do_its_children(keep: Keep, turns: str) -> None:
    kept = keep(FAMILY % turns)
    both = kept.said(20)
    assert kept.wait() == -9
    assert gone(int(both[:10]))
    assert gone(int(both[10:]))


@on_linux
@pytest.mark.parametrize(
    "turns",
    ["os.kill(os.getppid(), signal.SIGSTOP)", "os.killpg(os.getpgid(os.getppid()), signal.SIGSTOP)"],
)
def test_a_command_that_stops_its_parent_is_ended_all_the_same(keep: Keep, turns: str) -> None:
    kept = keep(FAMILY % (turns + "; os.write(1, b'did')"))
    both = kept.said(20)
    assert kept.said(3) == b"did"
    assert kept.end() == -15
    assert gone(int(both[:10]))
    assert gone(int(both[10:]))


def test_a_command_that_has_stopped_its_parent_still_tells_its_exit_status(keep: Keep) -> None:
    assert keep("import os, signal; os.kill(os.getppid(), signal.SIGSTOP); raise SystemExit(5)").wait() == 5


SLOW = """
import os, runpy, subprocess, sys
class Slow(subprocess.Popen):
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
subprocess.Popen = Slow
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""A supervisor that goes on with nothing before the command has ended."""


@on_linux
def test_a_command_may_stop_its_parent_before_that_has_done_anything_more() -> None:
    stops = "import os, signal; os.kill(os.getppid(), signal.SIGSTOP); raise SystemExit(5)"
    words = [sys.executable, "-c", SLOW, str(SUPERVISOR), "5", sys.executable, "-c", stops]
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as supervisor:
        try:
            assert supervisor.wait(LONG_TIMEOUT) == 5
        finally:
            with suppress(ProcessLookupError):
                os.killpg(supervisor.pid, signal.SIGKILL)


HANGS = """
import subprocess, sys
lives = "import sys, time; file = open(sys.argv[1], 'w'); print('up', file=file, flush=True); time.sleep(1000)"
subprocess.run([sys.executable, "-c", lives, sys.argv[1]], start_new_session=True)
"""


def test_at_the_end_of_the_block_a_command_that_hangs_and_what_it_has_started_are_ended(lifeline: Lifeline) -> None:
    with supervised([sys.executable, "-c", HANGS, str(lifeline.path)]):
        lifeline.wait_for(b"up")
    lifeline.wait_for_the_end()


def test_without_a_group_only_children_get_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(supervisor, "children", lambda: [5, 6])
    monkeypatch.setattr(os, "kill", lambda process, _: sent.append(("process", process)))
    monkeypatch.setattr(os, "killpg", lambda group, _: sent.append(("group", group)))
    supervisor.signal_all(0, signal.SIGTERM, but=6)
    supervisor.signal_all(7, signal.SIGTERM)
    assert sent == [("process", 5), ("group", 7), ("process", 5), ("process", 6)]
