"""Starts a command and ends it, with its children, whatever happens to the checker.

The command runs below a keeper (`keeper.py`), in a session of its own. What it prints is read all the time, so that it
never blocks on a full pipe, and the last of it is kept for the report.
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

from reference.conformance import threads

LAST_WORDS = 3
"""Lines of the command's output that a report quotes."""

TELLING = re.compile(r"^\S*(error|exception|panic(ked)?|fatal)\b", re.IGNORECASE)
"""A line that says why a program ends; Node and Go print it first, and where it was behind it."""

KEPT = 4096
"""Bytes of the command's output that are kept."""

GRACE = 2.0
"""Seconds between asking the command to stop (SIGTERM) and ending it (SIGKILL)."""

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
        self.rest = threads.Rest(lambda: threads.below(self._keeper.pid))
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

    def cpu_time(self) -> float | None:
        """Return the seconds of processor time that the command has used so far; None where nobody can see it."""
        return threads.cpu_time(self._keeper.pid)

    def obituary(self) -> str:
        """Return how the command ended and its last words, or "" while it runs."""
        if self._keeper.poll() is None and threads.all_dead(self._keeper.pid):
            self.ended_within(GRACE)  # the keeper is about to say how
        status = self._keeper.poll()
        if status is None:
            return ""
        self._reader.join(GRACE)
        how = f"by signal {status - 128}" if status > 128 else f"with exit status {status}"
        lines = [line.decode("utf-8", "backslashreplace") for line in self._output.splitlines() if line.strip()]
        told = [line for line in lines[:-LAST_WORDS] if TELLING.search(line)]
        words = "; ".join(ascii(line.strip())[1:-1] for line in [*told[-1:], *lines[-LAST_WORDS:]])
        return f"the server ended {how}" + (f", its last words: {words}" if words else ", without a word")

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
