"""Starts a command and ends it, with its children, whatever happens to the checker.

The command runs below a keeper (`keeper.py`), in a session of its own. What it prints is read all the time, so that it
never blocks on a full pipe, and the last of it is kept for the report.
"""

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

LAST_WORDS = 3
"""Lines of the command's output that a report quotes."""

KEPT = 4096
"""Bytes of the command's output that are kept."""

GRACE = 2.0
"""Seconds between asking the command to stop (SIGTERM) and ending it (SIGKILL)."""

RESTED_WITHIN = 0.5
"""Seconds to wait at most for all threads of the command to sleep; one that computes all the time never does."""

ASLEEP = ("S", "D", "Z", "")
DEAD = ("Z", "X", "")
"""Letters of /proc/*/stat: sleeping, waiting for a disk, a zombie, gone."""

KEEPER = Path(__file__).with_name("keeper.py")


class Launch:
    """A running command; `close` ends it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._stop, stopped = os.pipe()
        self._stopped = stopped
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(KEEPER), str(GRACE), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for the checker, who then ends us in order
        )
        self._output = b""
        self._reader = threading.Thread(target=self._listen, name="launched output", daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        """Keep the last of what the command prints, until it ends or `close` says so."""
        assert self._keeper.stdout is not None
        pipe = self._keeper.stdout.fileno()
        while True:
            readable, _, _ = select.select([pipe, self._stop], [], [])
            printed = os.read(pipe, KEPT) if pipe in readable else b""
            if not printed:
                return
            self._output = (self._output + printed)[-KEPT:]

    def ended_within(self, seconds: float) -> bool:
        """Wait so long for the command to end; return whether it has."""
        try:
            self._keeper.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def obituary(self) -> str:
        """Return how the command ended and its last words, or "" while it runs."""
        if self._keeper.poll() is None and _all_dead(self._keeper.pid):
            self.ended_within(GRACE)  # the keeper is about to say how
        status = self._keeper.poll()
        if status is None:
            return ""
        self._reader.join(GRACE)
        how = f"by signal {status - 128}" if status > 128 else f"with exit status {status}"
        lines = [line.decode("utf-8", "backslashreplace") for line in self._output.splitlines() if line.strip()]
        words = "; ".join(ascii(line.strip())[1:-1] for line in lines[-LAST_WORDS:])
        return f"the server ended {how}" + (f", its last words: {words}" if words else ", without a word")

    def rest(self) -> None:
        """Return when all threads of the command sleep, as far as this system can tell."""
        until = time.monotonic() + RESTED_WITHIN
        while not _at_rest(self._keeper.pid) and time.monotonic() < until:
            os.sched_yield()

    def close(self) -> None:
        """End the command and all it started, and wait for that."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        with contextlib.suppress(OSError):
            self._keeper.stdin.close()
        try:
            self._keeper.wait(2 * GRACE)
        except subprocess.TimeoutExpired:  # not even the keeper is obeyed
            self._keeper.kill()
            self._keeper.wait()
        os.close(self._stopped)
        self._reader.join()
        os.close(self._stop)
        self._keeper.stdout.close()


def _at_rest(keeper: int) -> bool:
    """Whether all threads below the keeper sleep and none has run while we looked (Linux; elsewhere: yes)."""
    before = list(_runs(keeper))
    return None not in before and before == list(_runs(keeper))


def _runs(keeper: int) -> Iterator[tuple[str, str] | None]:
    """Yield, for each thread below the keeper, its place and how often it has run; None for one that runs now."""
    for task in _tasks(keeper):
        yield (task, _read(f"{task}/schedstat")) if _state(task) in ASLEEP else None


def _all_dead(keeper: int) -> bool:
    """Whether nothing below the keeper lives (Linux; elsewhere only the keeper's own end tells)."""
    return os.path.exists(f"/proc/{keeper}/task") and all(_state(task) in DEAD for task in _tasks(keeper))


def _tasks(process: int) -> Iterator[str]:
    """Yield the place in /proc of each thread of each process below this one."""
    for thread in _listed(f"/proc/{process}/task"):
        for child in _read(f"/proc/{process}/task/{thread}/children").split():
            yield from (f"/proc/{child}/task/{task}" for task in _listed(f"/proc/{child}/task"))
            yield from _tasks(int(child))


def _state(task: str) -> str:
    """Return the letter of a thread's state, "" if it has ended."""
    return _read(f"{task}/stat").rpartition(")")[2].lstrip()[:1]


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:  # it has ended meanwhile, or this system has no /proc
        return []


def _read(file: str) -> str:
    try:
        with open(file) as opened:
            return opened.read()
    except OSError:  # likewise
        return ""
