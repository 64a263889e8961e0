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
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from socketserver_reference.address import Address
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.targets import processes
from socketserver_reference.conformance.targets.command import advice
from socketserver_reference.conformance.targets.listening import Sight, look
from socketserver_reference.conformance.targets.resources import DescriptorsLeft, Resources, few_descriptors, held_below
from socketserver_reference.conformance.targets.supervisor import EXECUTION_FAILURE, NOT_EXECUTED

MAX_OUTPUT_LINES = 3
"""Lines of the command's output that a report quotes."""

MAX_LINE_LETTERS = 200
"""Letters of each that it quotes: a server that prints what it receives prints long lines."""

ERROR_LINE = re.compile(r"^\S*(error|exception|panic(ked)?|fatal)\b", re.IGNORECASE)
"""A line that says why a program ends; Node and Go print it before the stack trace."""

TRACE_HEAD = re.compile(rb"^([^\s\"].*)\n[ \t].*\n(?:[ \t\"].*\n)*\Z", re.MULTILINE)
"""A line before the indented or quoted ones at the end: so Ruby and Tcl say why a program ends, in no such words."""

MARKS = "^~ "
"""What Python writes below the part of a line that has failed."""

MAX_OUTPUT_BYTES = 4096
"""Bytes of the command's output that are kept."""

GRACE_PERIOD = 2.0
"""Seconds between SIGTERM and SIGKILL."""

SUPERVISOR = Path(__file__).with_name("supervisor.py")


@contextlib.contextmanager
def supervised(command: Sequence[str], **settings: Any) -> Iterator[subprocess.Popen[Any]]:
    """Run a command within the block, at the end of which it and every process it started are ended.

    The settings are those of Popen but for the standard input. Ctrl-C signals the checker alone.
    """
    words = [sys.executable, "-I", "-S", str(SUPERVISOR), str(GRACE_PERIOD), *command]
    ended, held = map(os.fdopen, os.pipe(), "rw")  # the supervisor ends all of it when the other end is closed
    with ended, held, subprocess.Popen(words, stdin=ended, start_new_session=True, **settings) as supervisor:
        try:
            yield supervisor
        finally:
            held.close()


@contextlib.contextmanager
def _in_batches(yields: bool) -> Iterator[None]:
    """Let processes that this thread starts within the block be of those that the system lets wait (SCHED_BATCH), where
    it can, and allows it.
    """
    if not (yields and hasattr(os, "SCHED_BATCH")):
        yield
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, policy, priority)


class Launch:
    """A running command; `close` ends it.

    One that `yields` takes no processor from the checker, on Linux: on a busy machine, too, clients can send several
    datagrams before the server has answered the first. Under load each step then costs half as much again.
    """

    def __init__(self, command: Sequence[str], *, yields: bool = False) -> None:
        self._stop, stopped = os.pipe()
        self._stopped = stopped
        with _in_batches(yields):
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), str(GRACE_PERIOD), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C signals the checker alone, which then ends the command
            )
        self.wait_idle = processes.ServerWaiter(self._supervisor.pid, self._prints)
        self._parent = ""  # the process id of the command's parent
        self._output = b""
        assert self._supervisor.stdout is not None
        self._pipe = self._supervisor.stdout.fileno()
        self._reader = threading.Thread(target=self._listen, name="launched output", daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        """Keep the last output of the command, until the command ends or `close` stops this thread."""
        while True:
            readable, _, _ = select.select([self._pipe, self._stop], [], [])
            printed = os.read(self._pipe, MAX_OUTPUT_BYTES) if self._pipe in readable else b""
            if not printed:
                return
            self._output = (self._output + printed)[-MAX_OUTPUT_BYTES:]

    def _prints(self) -> bool:
        """Whether there is output that this process has not read yet."""
        return self._reader.is_alive() and bool(select.select([self._pipe], [], [], 0)[0])

    def look(self, address: Address, *, elsewhere: bool = False) -> Sight | None:
        """Look whether the command listens at this address, and, if asked, where else; None where that is not seen."""
        return look(self._supervisor.pid, address, elsewhere=elsewhere)

    def ended_within(self, seconds: float) -> bool:
        """Wait at most so many seconds for the command to end; return whether it has."""
        try:
            self._supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def cpu_time(self) -> float | None:
        """Return the seconds of processor time that the command has used so far; None where it cannot be seen."""
        return processes.cpu_time(self._supervisor.pid)

    def resources(self) -> Resources | None:
        """Return what the command holds; None where nobody can see it."""
        return held_below(self._supervisor.pid)

    def few_descriptors(self, spare: int) -> contextlib.AbstractContextManager[DescriptorsLeft] | None:
        """Return a block in which the command has only so many descriptors left; None where nobody can see them."""
        return few_descriptors(self._supervisor.pid, spare) if self.resources() is not None else None

    def exit_report(self) -> str:
        """Return how the command ended and its last output, or "" while it runs."""
        self._parent = self._parent or next(processes.processes_below(self._supervisor.pid), "")
        if self._supervisor.poll() is None and processes.all_dead(self._supervisor.pid, but=self._parent):
            self.ended_within(GRACE_PERIOD)  # the supervisor is about to exit with the status
        status = self._supervisor.poll()
        if status is None:
            return ""
        self._reader.join(GRACE_PERIOD)
        if status == NOT_EXECUTED and self._output.startswith(EXECUTION_FAILURE.encode()):
            why = self._output_lines()[0].removeprefix(EXECUTION_FAILURE)
            return f"it cannot be executed: {why}{advice(why)}"
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        return f"the server ended {how}{self.last_output()}"

    def last_output(self) -> str:
        """Return the last output of the command, escaped, as the end of a sentence."""
        lines = self._output_lines()
        told = [error] if (error := self.last_error()) else _readable(TRACE_HEAD.findall(self._output))
        above = [line for line in told[-1:] if line not in lines[-MAX_OUTPUT_LINES:]]
        words = "; ".join(_cut(line) for line in [*above, *lines[-MAX_OUTPUT_LINES:]])
        return f", its last output: {words}" if words else ", without output"

    def last_error(self) -> str:
        """Return the last line of the output that names an error, escaped, or ""."""
        return next((line for line in reversed(self._output_lines()) if ERROR_LINE.search(line)), "")

    def _output_lines(self) -> list[str]:
        return _readable(self._output.splitlines())

    def close(self) -> None:
        """End the command and every process it started; return when they have ended."""
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        with contextlib.suppress(OSError):
            self._supervisor.stdin.close()
        try:
            self._supervisor.wait(2 * GRACE_PERIOD)
        except subprocess.TimeoutExpired:  # the supervisor has failed, or the server has stopped it
            processes.kill_all_below(self._supervisor.pid)
            self._supervisor.kill()
            self._supervisor.wait()
        os.close(self._stopped)
        self._reader.join()
        os.close(self._stop)
        self._supervisor.stdout.close()


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE_LETTERS else f"{line[:MAX_LINE_LETTERS]}..."


def _readable(lines: Iterable[bytes]) -> list[str]:
    """Return lines of output, escaped; those that say something."""
    texts = (line.decode("utf-8", "backslashreplace").strip() for line in lines)
    return [printable(text) for text in texts if text.strip(MARKS)]
