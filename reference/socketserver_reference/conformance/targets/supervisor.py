"""Runs a command in a session of its own and ends all of it when standard input ends. Run as a script, by `process.py`.

The checker holds the other end of standard input. However the checker ends, even killed or crashed, that pipe breaks,
and no process that it started stays behind. That includes processes that leave the session, as daemons do: on Linux the
supervisor adopts orphans. A command that ends with status 0 and leaves such a daemon behind has not ended yet.

The command is a child not of the supervisor but of its parent, a process that only waits:

    checker -- supervisor -- parent -- command

So a command may kill or stop its parent, or the group of its parent: the supervisor goes on, and ends it. (On Linux a
command whose parent is killed ends at once.)

The supervisor ends as the command does, with its exit status or by the same signal. A command that cannot be executed
makes it print a line that begins with EXECUTION_FAILURE.

Usage: supervisor.py GRACE COMMAND [ARGUMENT ...], GRACE in seconds between SIGTERM and SIGKILL.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

SIGNAL_WHEN_PARENT_ENDS, ADOPT_ORPHANS = 1, 36
"""Options of Linux's prctl(): PR_SET_PDEATHSIG, and PR_SET_CHILD_SUBREAPER, which makes orphans below a process its
children.
"""

EXECUTION_FAILURE = "supervisor: cannot execute the command: "
"""What the line begins with that says why a command cannot be executed."""

KILL_INTERVAL = 0.05
"""Seconds between two attempts to kill what is left: a killed process may leave orphans."""

NOT_EXECUTED = 126
"""Exit status of a command that cannot be executed."""


def supervise(grace: float, command: list[str]) -> int:
    """Run the command until it ends or standard input does; return its exit status, -n if signal n ended it."""
    control(ADOPT_ORPHANS, 1)
    reading, writing = os.pipe()
    parent = os.fork()
    if not parent:  # pragma: no cover - a forked process, which is not measured
        os.close(reading)
        os._exit(end_like(run(command, writing)))
    os.close(writing)
    group = int(os.read(reading, 20) or 0)  # 0 if no process could be made for the command
    over = threading.Event()

    def end_with_the_checker() -> None:
        os.read(0, 1)  # nothing is ever written there: it returns when standard input ends
        signal_all(group, signal.SIGTERM, but=parent)
        over.wait(grace)
        while not over.wait(KILL_INTERVAL):  # pragma: no cover - one that is killed then is not measured
            signal_all(group, signal.SIGKILL)

    threading.Thread(target=end_with_the_checker, daemon=True).start()
    status = await_command(parent)
    in_order = status == 0
    while in_order and children():  # it has become a daemon
        status = await_any()
    over.set()
    signal_all(group, signal.SIGKILL)
    while children():
        await_any()
        signal_all(group, signal.SIGKILL)  # those that it has left behind in turn
    return status


def run(command: list[str], writing: int) -> int:  # pragma: no cover - likewise
    """Run the command as its parent, and write its process id; return its exit status, -n if signal n ended it."""
    os.setsid()
    control(SIGNAL_WHEN_PARENT_ENDS, signal.SIGKILL)

    def begin() -> None:
        control(SIGNAL_WHEN_PARENT_ENDS, signal.SIGKILL)
        os.write(writing, b"%d" % os.getpid())  # here, since the command may stop its parent at once

    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=begin)
    except OSError as error:
        print(EXECUTION_FAILURE + (error.strerror or str(error)), file=sys.stderr)
        return NOT_EXECUTED
    os.close(writing)
    return process.wait()


def await_command(parent: int) -> int:
    """Wait until the parent of the command ends, which it does when the command has; return its exit status."""
    while True:
        _, status = os.waitpid(parent, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.kill(parent, signal.SIGCONT)  # only the command can have stopped it


def await_any() -> int:
    """Wait until some child ends; return its exit status, -n if signal n ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1])


def children() -> list[int]:
    """Return the ids of this process's children, adopted ones included; none on a system without /proc."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children") as listed:
                found += listed.read().split()
    return [int(child) for child in found]


def signal_all(group: int, number: signal.Signals, but: int = 0) -> None:
    """Send a signal to the processes that are left of the command's group, and to the children of this process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if group:
            os.killpg(group, number)
    for child in children():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if child != but:
                os.kill(child, number)


def control(option: int, value: int) -> None:
    """Set an option of this process, on Linux."""
    if sys.platform == "linux":  # pragma: no branch - elsewhere orphans are init's
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def end_like(status: int) -> int:
    """Return this exit status; end this process by signal n if it is -n."""
    if status < 0:  # pragma: no cover - a process that is killed is not measured
        with contextlib.suppress(ImportError):
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # there is none for SIGKILL
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
        time.sleep(1.0)  # until the signal has come
    return status


if __name__ == "__main__":  # pragma: no branch - it is never run otherwise
    sys.exit(end_like(supervise(float(sys.argv[1]), sys.argv[2:])))
