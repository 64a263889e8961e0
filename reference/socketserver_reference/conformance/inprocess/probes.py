"""Observed handlers: they report every phase to the coordinator, and follow its answer.

`probe` makes a handler that does nothing else, for promises to any handler. `instrument` makes the program's own
handler report, for promises that depend on the program. Both may run in another process, so they use only the address
of the coordinator.

Deliberately left out: any knowledge of the program. A probe never joins a room.
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
"""Timeout of a handler for the coordinator, in seconds: longer than any check, so it expires only if the checker has
ended.
"""

STARTED_BY: WeakKeyDictionary[threading.Thread, threading.Thread] = WeakKeyDictionary()
"""Thread -> the thread that started it, within `tracked_thread_starts`."""

_numbers: Iterator[int] = itertools.count(1)


class Planned(Exception):
    """Raised in a handler on request of a check, to observe the effect on the server."""


class Reporting(socketserver.BaseRequestHandler):
    """The base of both kinds: the exchange with the coordinator."""

    coordinator: ClassVar[tuple[str, int]]
    name = ""

    def report(self, phase: str, **more: Any) -> None:
        """Report a phase, and follow the answer."""
        if not self.name:  # a fork copies the counter, so the process id is part of the name
            self.name = f"{os.getpid()}/{next(_numbers)}"
        seen = {"handler": self.name, "phase": phase, **snapshot(self), **more}
        answer = report_to(self.coordinator, seen)
        if answer == "raise":
            raise Planned(f"planned by the checker, in {phase}")
        if answer == "shut down":
            self.server.shutdown()
        if answer == "send":
            send(self, phase.encode() + b" ")


class Probe(Reporting):
    """Only report. It also counts the handlers on the server object, which shows whether they share memory."""

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
    """Report as well: a mix-in before the program's own handler."""

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
    """Record which thread starts which, by wrapping Thread.start for the whole process; no other source says it."""
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
    """Return how many threads that this one started still run."""
    return sum(STARTED_BY.get(thread) is threading.current_thread() for thread in threading.enumerate())


def probe(coordinator: tuple[str, int]) -> Handler:
    """Return a handler that only reports to this coordinator."""
    return type("Probe", (Probe,), {"coordinator": coordinator})


def instrument(server: Any, coordinator: tuple[str, int]) -> None:
    """Make the handlers of a server report to this coordinator while they do their work."""
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
    """Send to the client over its transport; the client observes a failure."""
    request: Any = handler.request
    with contextlib.suppress(OSError):
        if isinstance(request, socket.socket):
            request.sendall(text)
        elif isinstance(request, tuple):
            request[1].sendto(text, handler.client_address)


def snapshot(handler: Any) -> dict[str, Any]:
    """Return the request, client and server of a handler, as plain data, and its process and thread."""
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
    """Return the peer of a request, or "" if it is not a connection, or no longer one."""
    try:
        return key(request.getpeername())
    except (OSError, AttributeError):
        return ""
