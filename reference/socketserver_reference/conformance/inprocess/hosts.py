"""Where a server runs for the SRV clauses: in a thread of this process, or, if it forks, in a process of its own.

A `ServerSpec` is a description. A `HostedServer` is one server and a record of the threads and sockets before it, which
shows those that it leaves behind. A host serves it: `ThreadHost` here, `ProcessHost` in `fork_host.py`; checks are the
same for both.
"""

import contextlib
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from socketserver_reference.address import Address, server_address
from socketserver_reference.conformance.inprocess.coordinator import THREAD_NAME_PREFIX
from socketserver_reference.conformance.inprocess.probes import Handler, instrument, probe
from socketserver_reference.conformance.targets.client import describe

ConcurrencyName = Literal["sync", "threading", "forking"]
Make = Callable[[Handler | None], socketserver.BaseServer]

FD_DIRECTORY = Path("/proc/self/fd")


@dataclass(frozen=True)
class ServerSpec:
    """A program and its kind of server.

    `make` returns a server that is bound to a free port or path and not yet served, with the given handler or, for
    None, the program's own. If it forks, its `make` is sent to another process, so it must be importable by name: a
    function of a module, or an instance of a module's class. `chat` says that the program has a room.
    """

    name: str
    transport: str
    concurrency: ConcurrencyName
    make: Make
    chat: bool = False

    @property
    def datagram(self) -> bool:
        """Whether it serves datagrams; otherwise connections."""
        return Address(self.transport).datagram

    def __str__(self) -> str:
        return self.name


SHUTDOWN_POLL_INTERVAL = 0.005
"""Seconds after which a server sees that it is to end: hundreds are started and ended."""


class HostedServer:
    """A server, made and observed."""

    def __init__(self, make: Make, own: bool, coordinator: tuple[str, int]) -> None:
        self.threads = set(threading.enumerate())
        self.sockets = open_sockets()
        self.server: Any = make(None if own else probe(coordinator))
        if own:
            instrument(self.server, coordinator)
        self.address = server_address(self.server)
        self.failure = ""

    def serve(self) -> None:
        """Serve until the server is shut down, or fails."""
        try:
            self.server.serve_forever(SHUTDOWN_POLL_INTERVAL)
        except Exception as error:
            self.failure = f"serve_forever() ended with {error!r}"

    def leftovers(self, besides: Set[str] = frozenset()) -> list[str]:
        """Return in words what the closed server left behind, except for these sockets of others."""
        threads = [thread for thread in threading.enumerate() if thread not in self.threads]
        things = [f"a thread, {thread.name!r}" for thread in threads if not thread.name.startswith(THREAD_NAME_PREFIX)]
        if sockets := open_sockets() - self.sockets - besides:
            things.append(f"{len(sockets)} open socket{'s' if len(sockets) > 1 else ''}")
        if reason := taken(self.address):
            things.append(reason)
        return things


class Host(Protocol):
    """A server being served."""

    address: Address
    server: int
    """id() of the server, where it runs."""
    loop: tuple[int, int]
    """The process and the thread of serve_forever()."""

    def failure(self) -> str:
        """Return how an exception ended serve_forever() or server_close(), or "" if none did."""

    def ask_to_end(self) -> None:
        """Call shutdown(), then server_close(), without waiting for them."""

    def stuck(self, timeout: float) -> str:
        """Wait so many seconds for both calls; return the one that has not returned, or ""."""

    def leftovers(self, besides: Set[str]) -> list[str]:
        """Return the resources that stayed behind after the end."""

    def close(self, timeout: float) -> None:
        """End the server if it has not been asked to end, and wait for its threads and processes."""


class ThreadHost:
    """A server in a thread of this process."""

    def __init__(self, spec: ServerSpec, own: bool, coordinator: tuple[str, int]) -> None:
        self._hosted = HostedServer(spec.make, own, coordinator)
        self.address = self._hosted.address
        self.server = id(self._hosted.server)
        self._serving = threading.Thread(target=self._hosted.serve, name=f"{THREAD_NAME_PREFIX}serve", daemon=True)
        self._ending = threading.Thread(target=self._end, name=f"{THREAD_NAME_PREFIX}end", daemon=True)
        self._asked = False
        self._calling = "shutdown()"
        self._serving.start()
        assert self._serving.ident is not None
        self.loop = os.getpid(), self._serving.ident

    def send_to_itself(self, datagram: bytes) -> None:
        """Have the server's own socket send it a datagram, as if somebody had forged the source."""
        own: Any = self._hosted.server.socket
        own.sendto(datagram, own.getsockname())

    def failure(self) -> str:
        return self._hosted.failure

    def ask_to_end(self) -> None:
        self._asked = True
        self._ending.start()

    def _end(self) -> None:
        self._hosted.server.shutdown()
        self._calling = "serve_forever()"
        self._serving.join()
        self._calling = "server_close()"
        try:
            self._hosted.server.server_close()
        except Exception as error:
            self._hosted.failure = f"server_close() raised {error!r}"
        else:
            self._calling = ""

    def stuck(self, timeout: float) -> str:
        self._ending.join(timeout)
        return self._calling

    def leftovers(self, besides: Set[str]) -> list[str]:
        return self._hosted.leftovers(besides)

    def close(self, timeout: float) -> None:
        if not self._asked:
            self.ask_to_end()
        self._ending.join(timeout)
        until = time.monotonic() + timeout
        for thread in set(threading.enumerate()) - self._hosted.threads - {threading.current_thread()}:
            _join(thread, until)  # handlers and their workers, whose clients have gone
        remove_path(self.address)


def _join(thread: threading.Thread, until: float) -> None:
    """Wait for the end of a thread until that monotonic time; a thread that is about to start cannot be joined yet."""
    while (left := until - time.monotonic()) > 0:
        try:
            thread.join(left)
        except RuntimeError:
            os.sched_yield()
        else:
            return


def open_sockets() -> frozenset[str]:
    """Return the open sockets of this process, where the system lists them (Linux)."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in FD_DIRECTORY.iterdir():
            with contextlib.suppress(OSError):  # the descriptor that lists the directory is closed by now
                found.add(os.readlink(descriptor))
    return frozenset(name for name in found if name.startswith("socket:"))


def taken(address: Address) -> str:
    """Return the resource that blocks an address for other servers, or ""."""
    if address.path:
        return f"the socket file {address.path}" if os.path.exists(address.path) else ""
    with socket.socket(address.family, address.kind) as other:
        if not address.datagram:  # connections in TIME_WAIT are no fault of the server
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(address.sockaddr)
        except OSError as error:
            return f"port {address.port} ({describe(error)})"
    return ""


def remove_path(address: Address) -> None:
    """Remove the file of a Unix socket that its server has left behind."""
    if address.path:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address.path)
