"""The supervisor, run as a script: what it is told to keep ends when it should, and with it all that it started."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from socketserver_reference.conformance.targets.process import SUPERVISOR

PROMPT = "import os; os.write(1, b'up');"
"""What a kept program says first, so that a test knows it runs."""


class Kept:
    """A supervisor with a program; `end` is what the checker does when it ends."""

    def __init__(self, program: str, grace: float = 5.0) -> None:
        self.supervisor = subprocess.Popen(
            [sys.executable, str(SUPERVISOR), str(grace), sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def said(self, count: int) -> bytes:
        """Return so many bytes that it prints."""
        assert self.supervisor.stdout is not None
        return self.supervisor.stdout.read(count)

    def end(self) -> int:
        """Break the pipe; return the exit status."""
        assert self.supervisor.stdin is not None
        self.supervisor.stdin.close()
        return self.supervisor.wait()


@pytest.fixture
def keep() -> Iterator[type[Kept]]:
    with ExitStack() as stack:

        class Owned(Kept):
            def __init__(self, program: str, grace: float = 5.0) -> None:
                super().__init__(program, grace)
                stack.enter_context(self.supervisor)
                stack.callback(self.supervisor.kill)

        yield Owned


def test_the_exit_status_is_the_commands_own(keep: type[Kept]) -> None:
    assert keep("raise SystemExit(7)").supervisor.wait() == 7


def test_a_command_ended_by_a_signal_says_which(keep: type[Kept]) -> None:
    assert keep("import os; os.kill(os.getpid(), 9)").supervisor.wait() == 128 + 9


def test_when_the_checker_ends_the_command_is_asked_to(keep: type[Kept]) -> None:
    kept = keep(PROMPT + "import signal; signal.pause()")
    assert kept.said(2) == b"up"
    assert kept.end() == 128 + 15


def test_a_command_that_does_not_listen_is_ended_after_a_grace(keep: type[Kept]) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    kept = keep(deaf + PROMPT + "import signal; signal.pause()", grace=0.05)
    assert kept.said(2) == b"up"
    assert kept.end() == 128 + 9


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans are adopted by init")
def test_what_has_left_the_session_is_ended_too(keep: type[Kept]) -> None:
    daemon = "pid = os.fork() or os.setsid() or signal.pause(); os.write(1, b'%10d' % pid)"
    kept = keep(f"import os, signal; {daemon}")
    orphan = int(kept.said(10))
    assert kept.supervisor.wait() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(orphan, 0)
