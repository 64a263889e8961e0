"""A server in this process, served in a thread."""

import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from socketserver_reference.address import server_address
from socketserver_reference.conformance.targets import quiescence
from socketserver_reference.conformance.targets.base import DirectSite
from socketserver_reference.conformance.targets.resources import Resources, held_here

STOP_TIMEOUT = 10.0
"""Seconds for a server in this process to end."""

IDLE_POLL_INTERVAL = 0.1
"""Seconds between two polls of the server for a request to stop; each poll interrupts its idleness."""


@dataclass(frozen=True)
class InProcess:
    """A `socketserver` server in this process: `make` returns one that is bound to a free port and not yet served."""

    make: Callable[[], socketserver.BaseServer]
    name: str = "in process"

    def start(self, timeout: float) -> "InProcessSite":  # noqa: ARG002  # it listens already
        return InProcessSite(self)

    def __str__(self) -> str:
        return self.name


class InProcessSite(DirectSite):
    """A thread that serves a server."""

    restartable = True

    def __init__(self, target: InProcess) -> None:
        self._target = target
        self.wait_idle = self.drain = quiescence.IdleWaiter(quiescence.other_threads)
        self._serve()

    def note_flood(self) -> None:
        if self.wait_idle.gave_up:
            self.wait_idle.timeout = quiescence.FLOODING_TIMEOUT

    def _serve(self) -> None:
        self.server = self._target.make()
        self.address = server_address(self.server)
        self._thread = threading.Thread(
            target=self.server.serve_forever, args=(IDLE_POLL_INTERVAL,), name="serve", daemon=True
        )
        self._thread.start()

    def restart(self) -> bool:
        self.close()
        self._serve()
        return True

    def cpu_time(self) -> float | None:
        """Return what all threads of this process have used but the one that asks, which plays the clients."""
        return time.process_time() - time.thread_time()

    def resources(self) -> Resources | None:
        return held_here()

    def exit_report(self) -> str:
        return "" if self._thread.is_alive() else "serve_forever() ended by itself"

    def close(self) -> None:
        """End the server; one that does not end in STOP_TIMEOUT seconds ends with the process."""
        ending = threading.Thread(target=self._end, name="end", daemon=True)
        ending.start()
        ending.join(STOP_TIMEOUT)

    def _end(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()
