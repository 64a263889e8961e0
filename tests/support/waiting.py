"""Two worlds, a real and a virtual one, for stories of threads that wait at sockets.

In each a thread begins an operation and has to wait; what follows is done by whoever tells the story.
"""

import os
import select
import socket
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

from socketserver_faults.schedule.virtual.network import Network
from tests.support.scheduling.two_worlds import BOUND, CAPACITY, Outcome, WouldWait, outcome, real_pair, wait_until
from tests.support.scheduling.unrecorded import Unrecorded
from tests.support.serving import read

LARGE = b"x" * (1024 * 1024)
"""More than a connection takes."""

LONG = 3600.0
SHORT = 0.01
"""Seconds of a timeout that is never up, and of one that is."""

BAD, BROKEN, RESETS = (("raised", name) for name in ("EBADF", "EPIPE", "ECONNRESET"))
TIMED_OUT = ("raised", "TimeoutError")
NOTHING = ("returned", b"")

TOLD = os.path.exists("/proc/self/syscall")
"""Whether the system tells where a thread waits."""


class World(Protocol):
    """Where a story is played: a module with sockets, a connection, and a thread."""

    socket: ModuleType
    server: Any
    client: Any

    def begin(self, sock: Any, operation: Callable[[Any], Any]) -> None:
        """Let the thread begin an operation with a socket; return when it waits in it."""

    def end(self) -> Outcome:
        """Return what has become of it."""

    def until_lost(self, sock: Any) -> None:
        """Return when the socket has got the reset that is on its way."""

    def close(self) -> None:
        """End the thread, close the sockets."""


class RealWorld:
    """A loopback connection, and a thread that Linux runs."""

    socket = socket

    def __init__(self) -> None:
        self.server, self.client = real_pair()
        self._outcome: Outcome | None = None
        self._thread = threading.Thread()
        self._waits_at: Any = None

    def begin(self, sock: Any, operation: Callable[[Any], Any]) -> None:
        def run() -> None:
            self._outcome = outcome(operation, sock)

        self._thread = threading.Thread(target=run)
        self._thread.start()
        self._waits_at = sock
        wait_until(self._waits, lambda: f"it does not wait, but comes back with {self._outcome}")

    def _waits(self) -> bool:
        """Whether the thread is in a system call with the socket, or in poll() for one."""
        with open(f"/proc/self/task/{self._thread.native_id}/syscall") as file:
            words = file.read().split()
        return len(words) > 2 and (int(words[1], 0) == self._waits_at.fileno() or int(words[2], 0) == 1)

    def end(self) -> Outcome:
        self._thread.join(BOUND)
        assert self._outcome, "it still waits"
        return self._outcome

    def until_lost(self, sock: Any) -> None:
        poll = select.poll()
        poll.register(sock, 0)
        assert poll.poll(BOUND * 1000), "it has not been reset"

    def close(self) -> None:
        for sock in (self.server, self.client, self._waits_at):
            if sock and sock.fileno() >= 0:
                outcome(sock.shutdown, socket.SHUT_RDWR)
                sock.close()
        if self._thread.ident:
            self._thread.join(BOUND)


class VirtualWorld(Unrecorded):
    """A virtual connection, and a thread that is let go on between two operations of the other, if it can."""

    now = 0.0
    aborting = False
    eager = True
    """Whether the thread is let go on before the other's next operation, not only in the end."""

    def __init__(self, partial: bool = False) -> None:
        network = Network(self, capacity=CAPACITY, partial=partial)
        self.socket = network.module
        self.server, self.client = network.pair("the client")
        self.waits_for = ""
        self._ready: Callable[[], bool] | None = None
        self._outcome: Outcome | None = None
        self._thread = threading.Thread()
        self._go, self._rest = threading.Semaphore(0), threading.Semaphore(0)

    def point(self, what: str, ready: Callable[[], bool] | None = None, timeout: float | None = None) -> bool:
        if threading.current_thread() is self._thread:
            if ready and not ready():
                self._wait(what, ready)
        else:
            while self.eager and self._ready and self._ready() and not (ready and ready()):
                self._let_go()
        if not ready or ready():
            return True
        if timeout is None:
            raise WouldWait(what)
        self.now += timeout
        return False

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        self.waits_for, self._ready = what, ready
        self._rest.release()
        self._go.acquire()
        self._ready = None
        if self.aborting:
            raise WouldWait(what)

    def _let_go(self) -> None:
        self._go.release()
        assert self._rest.acquire(timeout=BOUND)

    def begin(self, sock: Any, operation: Callable[[Any], Any]) -> None:
        def run() -> None:
            try:
                self._outcome = outcome(operation, sock)
            except WouldWait as waiting:
                self._outcome = "waits for ever", str(waiting)
            self._rest.release()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        assert self._rest.acquire(timeout=BOUND)
        assert self._ready, f"it does not wait, but comes back with {self._outcome}"

    def end(self) -> Outcome:
        while self._ready and self._ready():
            self._let_go()
        if self._ready:  # only time can help
            self._let_go()
        assert self._outcome, "it still waits"
        return self._outcome

    def until_lost(self, sock: Any) -> None:
        pass

    def close(self) -> None:
        self.aborting = True
        if self._ready:
            self._let_go()
        if self._thread.ident:
            self._thread.join(BOUND)


def listener(world: World) -> Any:
    listening = world.socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


def accept(sock: Any) -> bytes:
    """Accept a connection, and return what it says."""
    accepted, _ = sock.accept()
    with accepted:
        return read(accepted, len(LARGE))
