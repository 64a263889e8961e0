"""Handlers under observation: they report every phase to the coordinator, and do what it answers.

`probe` makes a handler that does nothing else, for what is promised to any handler. `instrument` makes the program's
own handler report, for what depends on the program. Both run wherever the server runs its handlers, so they use nothing
but the address of the coordinator.

What is deliberately left out: any knowledge of the program. A probe never joins a room.
"""

import contextlib
import itertools
import json
import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from socketserver_reference.conformance.inprocess.coordinator import key

Handler = type[socketserver.BaseRequestHandler]

COORDINATOR_TIMEOUT = 60.0
"""Seconds after which a handler gives up on the coordinator: longer than any check, so only when the checker is
gone.
"""

STARTED_BY: WeakKeyDictionary[threading.Thread, threading.Thread] = WeakKeyDictionary()
"""Which thread started which, as long as `tracked_thread_starts` notes it."""

_numbers: Iterator[int] = itertools.count(1)


class Planned(Exception):
    """Raised in a handler because the checker wants to see what comes of it."""


class Reporting(socketserver.BaseRequestHandler):
    """What both kinds share: the way to the coordinator."""

    coordinator: ClassVar[tuple[str, int]]
    name = ""

    def report(self, phase: str, **more: Any) -> None:
        """Tell the coordinator, and do as it says."""
        if not self.name:  # numbers are copied when a process forks, so the process is part of the name
            self.name = f"{os.getpid()}/{next(_numbers)}"
        seen = {"handler": self.name, "phase": phase, **snapshot(self), **more}
        answer = report_to(self.coordinator, seen)
        if answer == "raise":
            raise Planned(f"planned by the checker, in {phase}")
        if answer == "send":
            send(self, phase.encode() + b" ")


class Probe(Reporting):
    """Report, and nothing else. It also counts on the server how many came before: shared memory, if there is any."""

    def setup(self) -> None:
        self.report("setup")

    def handle(self) -> None:
        server: Any = self.server
        before = getattr(server, "probed", 0)
        server.probed = before + 1
        self.report("handle", before=before)

    def finish(self) -> None:
        self.report("finish")


class Instrumented(Reporting):
    """Report, and be the program's own handler besides: mixed in before it."""

    def setup(self) -> None:
        self.report("setup")
        super().setup()

    def handle(self) -> None:
        self.report("handle")
        error = ""
        try:
            super().handle()
        except Exception as raised:
            error = repr(raised)
            raise
        finally:
            self.report("handled", error=error, workers=workers())

    def finish(self) -> None:
        self.report("finish")
        super().finish()


@contextlib.contextmanager
def tracked_thread_starts() -> Iterator[None]:
    """Note which thread starts which; nothing else tells, so this is put around Thread.start for everybody."""
    everybody: Any = threading.Thread
    start = everybody.start

    def noting(self: threading.Thread) -> None:
        STARTED_BY[self] = threading.current_thread()
        start(self)

    everybody.start = noting
    try:
        yield
    finally:
        everybody.start = start


def workers() -> int:
    """Return how many threads that this one has started go on."""
    return sum(STARTED_BY.get(thread) is threading.current_thread() for thread in threading.enumerate())


def probe(coordinator: tuple[str, int]) -> Handler:
    """Return a handler that only reports to this coordinator."""
    return type("Probe", (Probe,), {"coordinator": coordinator})


def instrument(server: Any, coordinator: tuple[str, int]) -> None:
    """Let the handlers of a server report to this coordinator while they do their work."""
    own = server.RequestHandlerClass
    server.RequestHandlerClass = type(
        own.__name__, (Instrumented, own), {"coordinator": coordinator, "__module__": own.__module__}
    )


def report_to(coordinator: tuple[str, int], seen: dict[str, Any]) -> str:
    """Report to the coordinator and return its answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(COORDINATOR_TIMEOUT)
        line.connect(coordinator)
        line.send(json.dumps(seen, default=repr).encode())
        return line.recv(64).decode()


def send(handler: socketserver.BaseRequestHandler, text: bytes) -> None:
    """Send to the client, in the way of the transport; that it fails is the client's to see."""
    request: Any = handler.request
    with contextlib.suppress(OSError):
        if isinstance(request, socket.socket):
            request.sendall(text)
        elif isinstance(request, tuple):
            request[1].sendto(text, handler.client_address)


def snapshot(handler: Any) -> dict[str, Any]:
    """Return what a handler sees of its request, its client and its server, and where it runs."""
    request = handler.request
    pair = isinstance(request, tuple) and len(request) == 2 and isinstance(request[0], bytes)
    return {
        "kind": "connection" if isinstance(request, socket.socket) else "pair" if pair else type(request).__name__,
        "peer": peer(request),
        "label": request[0].decode("ascii", "replace") if pair else "",
        "socket": pair and request[1] is handler.server.socket,
        "client_address": key(handler.client_address),
        "server": id(handler.server),
        "process": os.getpid(),
        "thread": threading.get_ident(),
    }


def peer(request: Any) -> str:
    """Return whom a request is connected to, or "" if it is no connection (any more)."""
    try:
        return key(request.getpeername())
    except (OSError, AttributeError):
        return ""
