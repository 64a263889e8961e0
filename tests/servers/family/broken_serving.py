"""Servers of the family whose loop, shutdown() or start is broken: each breaks one of SRV-11 to SRV-15, or SRV-3 or
SRV-8, as handlers with files see it.
"""

import io
import os
import socketserver
import sys
import threading
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

from socketserver_reference.conformance.inprocess.hosts import ServerSpec
from socketserver_reference.lifecycle import Children, Server, SocketFile, StreamServer, Threads
from tests.servers.family.making_families import made


class JoinsHandlersInShutdown(Threads):
    def shutdown(self) -> None:
        super().shutdown()
        self.wait_for_handlers()


class Loop(socketserver.BaseServer):
    """A loop of its own, as it may be written."""

    def _handle_request_noblock(self) -> None:
        server: Any = self
        with suppress(OSError):
            request, client_address = server.get_request()
            try:
                self.take(request, client_address)
            except Exception:
                self.handle_error(request, client_address)
                server.shutdown_request(request)

    def take(self, request: Any, client_address: Any) -> None:
        raise NotImplementedError


class NeverVerifies(Loop):
    def take(self, request: Any, client_address: Any) -> None:
        self.process_request(request, client_address)


class NeverVerifiesDatagrams(NeverVerifies):
    """Nor those that come from itself."""


class VerifiesInVain(Loop):
    def take(self, request: Any, client_address: Any) -> None:
        self.verify_request(request, client_address)
        self.process_request(request, client_address)


class RefusesWithoutAWord(Loop):
    def take(self, request: Any, client_address: Any) -> None:
        if self.verify_request(request, client_address):
            self.process_request(request, client_address)
        else:
            self.__dict__.setdefault("refused", []).append(request)


class ProcessesItself(Loop):
    def take(self, request: Any, client_address: Any) -> None:
        if self.verify_request(request, client_address):
            self.finish_request(request, client_address)
        self.shutdown_request(request)


class Hurries(socketserver.BaseServer):
    """Its handlers wait 10 milliseconds for anything."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler: Any = self.RequestHandlerClass
        handler.timeout = 0.01
        super().finish_request(request, client_address)


class KeepsOutput(socketserver.BaseServer):
    """What a handler has written to a file of its own is not sent when it finishes."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler: Any = self.RequestHandlerClass
        kept = self.__dict__.setdefault("kept", [])

        def finish(self: Any) -> None:
            if hasattr(self, "wfile"):
                kept.append(self.wfile)
                self.wfile = io.BytesIO()
            handler.finish(self)

        type(handler.__name__, (handler,), {"finish": finish})(request, client_address, self)


class ReadsWhatIsThere(socketserver.BaseServer):
    """What a handler reads of a line is what has come of it."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler: Any = self.RequestHandlerClass

        def setup(self: Any) -> None:
            handler.setup(self)
            if hasattr(self, "rfile"):
                self.rfile = SimpleNamespace(readline=partial(request.recv, 1024), close=self.rfile.close)

        type(handler.__name__, (handler,), {"setup": setup})(request, client_address, self)


class ClosesInput(socketserver.BaseServer):
    """Its handlers cannot read from a file of their own."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler: Any = self.RequestHandlerClass

        def handle(self: Any) -> None:
            if hasattr(self, "rfile"):
                self.rfile.close()
            handler.handle(self)

        type(handler.__name__, (handler,), {"handle": handle})(request, client_address, self)


class OnlyCloses(socketserver.BaseServer):
    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)


class EndsOfABrokenPipe(socketserver.BaseServer):
    """Of all that goes wrong in a handler, one thing ends the loop, too."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        if isinstance(sys.exception(), BrokenPipeError | ConnectionResetError):
            raise


class TurnsAway(socketserver.ThreadingMixIn):
    """Serves in threads as the library does."""


class TriesAllTheTime(Threads):
    def wait_until_freed(self, error: Exception) -> None:
        pass


class ForksAllTheTime(Children):
    def wait_until_freed(self, error: Exception) -> None:
        pass


class WaitsForNoChild(Children):
    """Tries again when a process is lacking, but has the system forget none that has ended."""

    waits = False

    def wait_until_freed(self, error: Exception) -> None:
        super().wait_until_freed(error)
        self.waits = True

    def collect_children(self, *, blocking: bool = False) -> None:
        if blocking or not self.waits:
            super().collect_children(blocking=blocking)
        self.waits = False


class KeepsWhoWaited(Server):
    """Closes no connection for which no handler could be started before the end."""

    loop = 0

    def serve_forever(self, poll_interval: float = 0.05) -> None:
        self.loop = threading.get_ident()
        super().serve_forever(poll_interval)

    def shutdown_request(self, request: Any) -> None:
        if not (self.stopping and threading.get_ident() == self.loop):
            super().shutdown_request(request)


class StopsWithoutThreads(Threads):
    """No handler finishes while a thread is lacking."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.goes_on = threading.Event()
        self.goes_on.set()
        super().__init__(*args, **keywords)

    def wait_until_freed(self, error: Exception) -> None:
        self.goes_on.clear()
        super().wait_until_freed(error)

    def hang_up(self) -> None:
        self.goes_on.set()
        super().hang_up()

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler: Any = self.RequestHandlerClass

        def finish(self: Any) -> None:
            self.server.goes_on.wait()
            handler.finish(self)

        type(handler.__name__, (handler,), {"finish": finish})(request, client_address, self)


class DoesNotWaitForTheLoop(StreamServer):
    def shutdown(self) -> None:
        self.stop()


class ForgetsToClose(StreamServer):
    def server_close(self) -> None:
        if self.stopping:
            super().server_close()


class TakesTheFile(SocketFile):
    def server_bind(self) -> None:
        self.path = str(self.server_address)
        super().server_bind()


class RemovesWhateverIsThere(SocketFile):
    def server_close(self) -> None:
        super().server_close()
        with suppress(FileNotFoundError):
            os.unlink(str(self.server_address))


class LeavesItsFile(SocketFile):
    def server_close(self) -> None:
        self.path = ""
        super().server_close()


BROKEN_SERVING: list[tuple[str, ServerSpec]] = [
    ("SRV-11", made(JoinsHandlersInShutdown, "tcp", "threading")),
    ("SRV-11", made(JoinsHandlersInShutdown, "udp", "threading")),
    ("SRV-12", made(NeverVerifies, "tcp", "threading")),
    ("SRV-12", made(NeverVerifiesDatagrams, "udp", "sync")),
    ("SRV-12", made(VerifiesInVain, "tcp", "forking")),
    ("SRV-12", made(RefusesWithoutAWord, "unix", "sync")),
    ("SRV-12", made(ProcessesItself, "unix-datagram", "sync")),
    ("SRV-12", made(ProcessesItself, "tcp", "sync")),
    ("SRV-13", made(ForgetsToClose, "tcp", "threading", "chat")),
    ("SRV-13", made(TakesTheFile, "unix", "forking")),
    ("SRV-13", made(RemovesWhateverIsThere, "unix", "sync")),
    ("SRV-9", made(LeavesItsFile, "unix-datagram", "threading")),
    ("SRV-14", made(Hurries, "unix", "sync")),
    ("SRV-14", made(KeepsOutput, "tcp", "threading")),
    ("SRV-14", made(ReadsWhatIsThere, "tcp", "sync")),
    ("SRV-14", made(ClosesInput, "unix", "threading")),
    ("SRV-9", made(DoesNotWaitForTheLoop, "tcp", "sync")),
    ("SRV-15", made(TurnsAway, "tcp", "sync", claims="threading")),
    ("SRV-15", made(TriesAllTheTime, "udp", "threading")),
    ("SRV-15", made(StopsWithoutThreads, "tcp", "threading")),
    ("SRV-15", made(ForksAllTheTime, "tcp", "forking")),
    ("SRV-15", made(WaitsForNoChild, "udp", "forking")),
    ("SRV-9", made(KeepsWhoWaited, "tcp", "threading")),
    ("SRV-9", made(KeepsWhoWaited, "unix", "forking")),
    ("SRV-3", made(OnlyCloses, "tcp", "threading")),
    ("SRV-8", made(EndsOfABrokenPipe, "tcp", "sync")),
]
