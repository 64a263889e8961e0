"""Servers whose methods are overridden: they report to the coordinator, wrap connections, or have one handler."""

import errno
import itertools
import os
import socket
import threading
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from socketserver_reference.conformance.inprocess.hosts import Make
from socketserver_reference.conformance.inprocess.probes import Handler, report_to, snapshot

OVERRIDDEN = {"verify": "verify_request()", "process": "process_request()"}
"""Phase of a request before its handler runs -> the method of the server."""

REPORTED_ATTEMPTS = 30
"""Attempts to start one handler that are reported: a server that does not wait makes thousands."""


@dataclass(frozen=True)
class Overriding:
    """Makes servers as `make` does, whose verify_request() and process_request() report before they do their work."""

    make: Make

    def __call__(self, handler: Handler | None) -> Any:
        server: Any = self.make(handler)
        verify, process = server.verify_request, server.process_request

        def verify_request(request: Any, client_address: Any) -> bool:
            return reported(server, "verify", request, client_address) != "refuse" and verify(request, client_address)

        def process_request(request: Any, client_address: Any) -> None:
            reported(server, "process", request, client_address)
            process(request, client_address)

        server.verify_request, server.process_request = verify_request, process_request
        return server


@dataclass(frozen=True)
class Wrapping:
    """Makes servers as `make` does, whose get_request() returns another object for the connection, as TLS does."""

    make: Make

    def __call__(self, handler: Handler | None) -> Any:
        server: Any = self.make(handler)
        get, verify = server.get_request, server.verify_request

        def verify_request(request: Any, client_address: Any) -> bool:
            reported(server, "verify", request, client_address)
            return bool(verify(request, client_address))

        def get_request() -> tuple[socket.socket, Any]:
            accepted, client_address = get()
            request = socket.socket(fileno=accepted.detach())
            reported(server, "accept", request, client_address)
            return request, client_address

        server.get_request, server.verify_request = get_request, verify_request
        return server


@dataclass(frozen=True)
class OneHandler:
    """Makes servers as `make` does, in a system in which the loop of each can start one thread, or process if it forks,
    at a time: the next when that has ended, and a process has been waited for. Attempts are reported.
    """

    make: Make
    forks: bool

    def __call__(self, handler: Handler | None) -> Any:
        server: Any = self.make(handler)
        process = server.process_request
        where: Any = os if self.forks else threading.Thread
        name = "fork" if self.forks else "start"
        full = BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        error = full if self.forks else RuntimeError("can't start new thread")
        started: list[Any] = []  # each says whether it is still there

        def process_request(request: Any, client_address: Any) -> None:
            start, loop, attempts = getattr(where, name), threading.get_ident(), itertools.count()

            def limited(*thread: threading.Thread) -> Any:
                if threading.get_ident() != loop:
                    return start(*thread)
                if next(attempts) < REPORTED_ATTEMPTS:
                    reported(server, "start", request, client_address)
                if any(is_there() for is_there in started):
                    raise error
                child = start(*thread)
                started.append(thread[0].is_alive if thread else partial(_is_there, child))
                return child

            setattr(where, name, limited)
            try:
                process(request, client_address)
            finally:
                setattr(where, name, start)

        server.process_request = process_request
        return server


def _is_there(process: int) -> bool:
    """Whether that process runs, or has not been waited for."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def reported(server: Any, phase: str, request: Any, client_address: Any) -> str:
    """Report for a server that has no handler of this request yet; return the answer."""
    of_request = SimpleNamespace(request=request, client_address=client_address, server=server)
    return report_to(server.RequestHandlerClass.coordinator, {"handler": "", "phase": phase, **snapshot(of_request)})
