"""Servers two of whose methods report to the coordinator, as if a subclass had overridden them."""

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
        coordinator = server.RequestHandlerClass.coordinator
        verify, process = server.verify_request, server.process_request

        def reported(phase: str, request: Any, client_address: Any) -> str:
            of_request = SimpleNamespace(request=request, client_address=client_address, server=server)
            return report_to(coordinator, {"handler": "", "phase": phase, **snapshot(of_request)})

        def verify_request(request: Any, client_address: Any) -> bool:
            return reported("verify", request, client_address) != "refuse" and verify(request, client_address)

        def process_request(request: Any, client_address: Any) -> None:
            reported("process", request, client_address)
            process(request, client_address)

        server.verify_request, server.process_request = verify_request, process_request
        return server
