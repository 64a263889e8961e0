"""Runs a command in a session of its own and ends all of it when standard input ends. Run as a script, by `launch.py`.

The checker holds the other end of standard input. However the checker ends, killed or crashed, the pipe breaks, and
nothing that it started stays behind. The exit status is the command's own, 128 + n if signal n ended it.

Usage: keeper.py GRACE COMMAND [ARGUMENT ...], GRACE in seconds between SIGTERM and SIGKILL.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def keep(grace: float, command: list[str]) -> int:
    """Run the command until it ends or standard input does; return its exit status."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end_with_the_checker() -> None:
        while os.read(0, 1):
            pass
        signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)

    threading.Thread(target=end_with_the_checker, daemon=True).start()
    status = process.wait()
    signal_group(process.pid, signal.SIGKILL)  # children it left behind
    return 128 - status if status < 0 else status


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to all that is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(keep(float(sys.argv[1]), sys.argv[2:]))
