"""Servers whose handlers have files: they read a line from `rfile`, and write it to `wfile`."""

import socketserver
from dataclasses import dataclass
from typing import Any, ClassVar

from socketserver_reference.conformance.inprocess.hosts import Make
from socketserver_reference.conformance.inprocess.probes import Handler, Reporting


@dataclass(frozen=True)
class Streaming:
    """Makes servers as `make` does, with a `StreamProbe` for their handler.

    What it writes is `buffered`, or not. With `keeping`, its server keeps a file of the request, and so the descriptor.
    """

    make: Make
    buffered: bool = False
    keeping: bool = False

    def __call__(self, handler: Handler | None) -> Any:
        reporting: Any = handler
        wbufsize = -1 if self.buffered else 0
        ours = {"coordinator": reporting.coordinator, "wbufsize": wbufsize, "keeping": self.keeping}
        return self.make(type("StreamProbe", (StreamProbe,), ours))


class StreamProbe(Reporting, socketserver.StreamRequestHandler):
    """Give a line back, and report."""

    keeping: ClassVar[bool]

    def setup(self) -> None:
        super().setup()
        self.report("setup")

    def handle(self) -> None:
        self.report("handle")
        self.wfile.write(self.rfile.readline())
        if self.keeping:
            server: Any = self.server
            server.probed_file = self.request.makefile("rb")
        self.report("handled")

    def finish(self) -> None:
        self.report("finish")
        super().finish()
