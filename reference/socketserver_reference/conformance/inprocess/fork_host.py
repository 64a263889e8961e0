"""Serves forking servers in a process of their own, which has no threads and serves one server after the other.

A fork copies one thread and every lock, held or not, so it is safe only without other threads; the checker has some.
`Launch` starts the process, so it ends with the checker, however that ends. The two talk over a Unix socket in a
private directory.

    checker                     process
      make, own, coordinator -->  makes the server
      <-------------------------  Ready, or the error
      SIGUSR1          -------->  shutdown(), then server_close()
      <-------------------------  "shutdown()" when that has returned, then what is left
"""

import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Set
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from socketserver_reference.address import Address
from socketserver_reference.conformance.inprocess.coordinator import THREAD_NAME_PREFIX
from socketserver_reference.conformance.inprocess.hosts import HostedServer, Make, ServerSpec, remove_path
from socketserver_reference.conformance.inprocess.probes import tracked_thread_starts
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.targets.launched import START_TIMEOUT
from socketserver_reference.conformance.targets.process import GRACE_PERIOD, Launch

HOST_CODE = f"import sys; sys.path[:] = sys.argv[2:]; from {__name__} import main; main(sys.argv[1])"


@dataclass(frozen=True)
class Ready:
    """The server listens."""

    address: Address
    server: int
    loop: tuple[int, int]


# In the process


def main(path: str) -> None:
    """Serve the servers that the checker at this path sends, one after the other, until it closes the connection."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(path)
    with Connection(line.detach()) as checker, tracked_thread_starts():
        while True:
            try:
                make, own, coordinator = checker.recv()
                hosted = HostedServer(make, own, coordinator)
            except EOFError:
                return
            except Exception as error:  # any exception of the maker, or of its import
                checker.send(f"{type(error).__name__}: {error}")
            else:
                host(checker, hosted)


def host(checker: Any, hosted: HostedServer) -> None:
    """Serve until the signal comes; its handler starts the only thread, as shutdown() must not run in the loop."""
    stopped = threading.Event()

    def stop() -> None:
        hosted.server.shutdown()
        stopped.set()

    stopping = threading.Thread(target=stop, name=f"{THREAD_NAME_PREFIX}end", daemon=True)
    before = signal.signal(signal.SIGUSR1, lambda *_: stopping.start())
    checker.send(Ready(hosted.address, id(hosted.server), (os.getpid(), threading.get_ident())))
    hosted.serve()
    checker.send(hosted.failure)
    stopped.wait()
    stopping.join()
    signal.signal(signal.SIGUSR1, before)
    checker.send("shutdown()")
    hosted.server.server_close()
    leftovers = hosted.leftovers()
    if count := children():
        leftovers.append(count)
    checker.send(leftovers)


def children() -> str:
    """Return the words of a report for child processes that still run or were not waited for, if there are any."""
    try:
        child, _ = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return ""
    return "a child process that was not waited for" if child else "a child process"


# In the checker


class Forker:
    """The process, started when it is first needed, and replaced after a server that did not end in it."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._process: Connection[Any, Any] | None = None

    def _start(self) -> "Connection[Any, Any]":
        with contextlib.ExitStack() as stack:
            path = os.path.join(stack.enter_context(tempfile.TemporaryDirectory(prefix="forking-")), "socket")
            listening = stack.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(path)
            listening.listen()
            listening.settimeout(START_TIMEOUT)
            launch = Launch([sys.executable, "-c", HOST_CODE, path, *sys.path])
            stack.callback(launch.close)
            try:
                line, _ = listening.accept()
            except TimeoutError:
                raise NotChecked(f"no process to fork in: {launch.exit_report() or 'it does not start'}") from None
            stack.callback(launch.ended_within, GRACE_PERIOD)  # it ends by itself when its connection is closed
            process = stack.enter_context(Connection(line.detach()))
            self._stack = stack.pop_all()
        self._process = process
        return process

    def host(self, spec: ServerSpec, own: bool, coordinator: tuple[str, int]) -> "ProcessHost":
        """Serve a server in the process; raise NotChecked if that is impossible."""
        if not hasattr(signal, "SIGUSR1"):
            raise NotChecked("this platform has no fork")
        process = self._process or self._start()
        return ProcessHost(self, process, spec.make, own, coordinator)

    def close(self) -> None:
        """End the process."""
        self._process = None
        self._stack.close()


class ProcessHost:
    """A server in the process."""

    def __init__(
        self, forker: Forker, process: "Connection[Any, Any]", make: Make, own: bool, coordinator: tuple[str, int]
    ) -> None:
        self._forker = forker
        self._process = process
        try:
            process.send((make, own, coordinator))
        except Exception as error:  # pickle raises many kinds of errors
            raise NotChecked(f"the maker of a forking server must be importable by name: {error}") from None
        ready = self._receive(START_TIMEOUT)
        if not isinstance(ready, Ready):
            forker.close()
            raise NotChecked(f"the server cannot be made: {ready or 'nothing happens'}")
        self.address, self.server, self.loop = ready.address, ready.server, ready.loop
        self._asked = False
        self._failure = ""
        self._calling = "shutdown()"
        self._leftovers: list[str] = []

    def _receive(self, timeout: float) -> Any:
        """Return the next message of the process, or None if none comes within the timeout, or it has ended."""
        try:
            return self._process.recv() if self._process.poll(timeout) else None
        except (EOFError, OSError):
            return None

    def failure(self) -> str:
        while self._calling and (news := self._receive(0)) is not None:
            self._take_news(news)
        return self._failure

    def _take_news(self, news: Any) -> None:
        if isinstance(news, list):
            self._leftovers, self._calling = news, ""
        elif news == "shutdown()":
            self._calling = "server_close()"
        else:
            self._failure = news

    def ask_to_end(self) -> None:
        self._asked = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.loop[0], signal.SIGUSR1)

    def stuck(self, timeout: float) -> str:
        while self._calling and (news := self._receive(timeout)) is not None:
            self._take_news(news)
        return self._calling

    def leftovers(self, besides: Set[str]) -> list[str]:  # noqa: ARG002 - only the server opens sockets in that process
        return self._leftovers

    def close(self, timeout: float) -> None:
        if not self._asked:
            self.ask_to_end()
        if self.stuck(timeout) or self._leftovers:
            self._forker.close()
        remove_path(self.address)
