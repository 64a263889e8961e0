"""Runs a command in a session of its own and ends all of it when standard input ends. Run as a script, by `process.py`.

The checker holds the other end of standard input. However the checker ends, even killed or crashed, that pipe breaks,
and no process that it started stays behind. That includes processes that leave the session, as daemons do: on Linux the
supervisor adopts orphans. The exit status is the command's own, or 128 + n if signal n ended it.

Usage: supervisor.py GRACE COMMAND [ARGUMENT ...], GRACE in seconds between SIGTERM and SIGKILL.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading

ADOPT_ORPHANS = 36
"""Linux's prctl() option that makes orphans below this process its children (PR_SET_CHILD_SUBREAPER)."""


def supervise(grace: float, command: list[str]) -> int:
    """Run the command until it ends or standard input does; return its exit status."""
    if sys.platform == "linux":  # pragma: no branch - elsewhere orphans are init's
        ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end_with_the_checker() -> None:
        os.read(0, 1)  # nothing is ever written there: it returns when standard input ends
        signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)

    threading.Thread(target=end_with_the_checker, daemon=True).start()
    status = process.wait()
    signal_group(process.pid, signal.SIGKILL)  # children that it left behind
    end_orphans()
    return 128 - status if status < 0 else status


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to the processes that are left of a group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def end_orphans() -> None:
    """End the adopted processes, and the orphans that these leave in turn (Linux alone adopts any)."""
    while orphans := [int(child) for child in _read_children()]:
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(orphan, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(orphan, 0)


def _read_children() -> list[str]:
    """Return the ids of this process's children, of all its threads."""
    children: list[str] = []
    with contextlib.suppress(OSError):  # this system has no /proc
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children") as listed:
                children += listed.read().split()
    return children


if __name__ == "__main__":  # pragma: no branch - it is never imported
    sys.exit(supervise(float(sys.argv[1]), sys.argv[2:]))
