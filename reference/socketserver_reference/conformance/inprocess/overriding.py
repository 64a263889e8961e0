"""Servers whose methods are overridden: they report to the coordinator, or wrap connections."""

import socket
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from socketserver_reference.conformance.inprocess.hosts import Make
from socketserver_reference.conformance.inprocess.probes import Handler, report_to, snapshot

OVERRIDDEN = {"verify": "verify_request()", "process": "process_request()"}
"""Phase of a request before its handler runs -> the method of the server."""


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


def reported(server: Any, phase: str, request: Any, client_address: Any) -> str:
    """Report for a server that has no handler of this request yet; return the answer."""
    of_request = SimpleNamespace(request=request, client_address=client_address, server=server)
    return report_to(server.RequestHandlerClass.coordinator, {"handler": "", "phase": phase, **snapshot(of_request)})
