"""Starts a command, and ends it and its children even if the checker crashes.

The command is a child of a supervisor (`supervisor.py`), in a session of its own. Its output is read continuously, so
that it never blocks on a full pipe, and the last lines are kept for the report.
"""

import contextlib
import os
import re
import select
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from socketserver_reference.conformance.targets import quiescence

MAX_OUTPUT_LINES = 3
"""Lines of the command's output that a report quotes."""

ERROR_LINE = re.compile(r"^\S*(error|exception|panic(ked)?|fatal)\b", re.IGNORECASE)
"""A line that says why a program ends; Node and Go print it before the stack trace."""

MAX_OUTPUT_BYTES = 4096
"""Bytes of the command's output that are kept."""

GRACE_PERIOD = 2.0
"""Seconds between SIGTERM and SIGKILL."""

SUPERVISOR = Path(__file__).with_name("supervisor.py")


class Launch:
    """A running command; `close` ends it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._stop, stopped = os.pipe()
        self._stopped = stopped
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), str(GRACE_PERIOD), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C signals the checker alone, which then ends the command
        )
        self.wait_idle = quiescence.IdleWaiter(lambda: quiescence.threads_below(self._supervisor.pid))
        self._output = b""
        self._reader = threading.Thread(target=self._listen, name="launched output", daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        """Keep the last output of the command, until the command ends or `close` stops this thread."""
        assert self._supervisor.stdout is not None
        pipe = self._supervisor.stdout.fileno()
        while True:
            readable, _, _ = select.select([pipe, self._stop], [], [])
            printed = os.read(pipe, MAX_OUTPUT_BYTES) if pipe in readable else b""
            if not printed:
                return
            self._output = (self._output + printed)[-MAX_OUTPUT_BYTES:]

    def ended_within(self, seconds: float) -> bool:
        """Wait at most so many seconds for the command to end; return whether it has."""
        try:
            self._supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def cpu_time(self) -> float | None:
        """Return the seconds of processor time that the command has used so far; None where nobody can see it."""
        return quiescence.cpu_time(self._supervisor.pid)

    def exit_report(self) -> str:
        """Return how the command ended and its last output, or "" while it runs."""
        if self._supervisor.poll() is None and quiescence.all_dead(self._supervisor.pid):
            self.ended_within(GRACE_PERIOD)  # the supervisor is about to exit with the status
        status = self._supervisor.poll()
        if status is None:
            return ""
        self._reader.join(GRACE_PERIOD)
        how = f"by signal {status - 128}" if status > 128 else f"with exit status {status}"
        lines = [line.decode("utf-8", "backslashreplace") for line in self._output.splitlines() if line.strip()]
        told = [line for line in lines[:-MAX_OUTPUT_LINES] if ERROR_LINE.search(line)]
        words = "; ".join(ascii(line.strip())[1:-1] for line in [*told[-1:], *lines[-MAX_OUTPUT_LINES:]])
        return f"the server ended {how}" + (f", its last output: {words}" if words else ", without output")

    def close(self) -> None:
        """End the command and every process it started; return when they have ended."""
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        with contextlib.suppress(OSError):
            self._supervisor.stdin.close()
        try:
            self._supervisor.wait(2 * GRACE_PERIOD)
        except subprocess.TimeoutExpired:  # the supervisor has failed
            self._supervisor.kill()
            self._supervisor.wait()
        os.close(self._stopped)
        self._reader.join()
        os.close(self._stop)
        self._supervisor.stdout.close()
