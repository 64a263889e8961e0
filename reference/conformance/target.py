"""Where the server under check is, and how to get a fresh one.

    InProcess(make_server)              a socketserver server in this process, served in a thread
    Launched("node server.js {port}")   a command that is started and stopped
    Running("tcp://127.0.0.1:10007")    a server that somebody else runs

A target is a description: cheap to make, in a class body if you like. `start` makes it a Site: a server that listens,
until the site is closed. A server that was seen to break a clause may be in any state; `renew` replaces it where that
is possible.
"""

import os
import random
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reference.address import Address, BadAddress
from reference.conformance import threads
from reference.conformance.client import Client, Unreachable

if TYPE_CHECKING:
    from reference.conformance.launched import LaunchedSite

PORTS = range(20000, 32000)
"""Where a free port is looked for: below the ports that Linux gives to outgoing connections, which could take it again.
"""

ENDING = 10.0
"""Seconds for a server in this process to end."""

LEAVING = 0.25
"""Seconds for a server to hang up on a client that has only looked whether it listens."""

POLL = 0.02
"""Seconds between two looks of a server at whether it shall stop, and of the checker at whether it listens."""

RARELY = 0.1
"""Seconds between two looks of a server at whether it shall stop, where each look disturbs its rest."""


class CannotCheck(Exception):
    """There is no server to check; the message is the one line that says why."""


class Site(Protocol):
    """A server that listens at an address."""

    address: Address
    renewable: bool
    """Whether `renew` can replace the server."""
    hidden: Mapping[str, str]
    """Clause -> why nobody can see from here whether it holds: a network that lies between, say."""

    def renew(self) -> bool:
        """Replace the server by a fresh one; False where that is impossible."""

    def rest(self) -> None:
        """Give the server time to finish what it is doing, as far as one can know: between two polite steps."""

    def calm(self) -> None:
        """The same before a scenario, so that nothing of the one before leaks into it."""

    def cpu_time(self) -> float | None:
        """Return the seconds of processor time that the server has used so far; None where nobody can see it."""

    def interference(self) -> str:
        """Return what somebody else did that the server might be blamed for, or ""."""

    def obituary(self) -> str:
        """Return how the server died and its last words, or "" as long as it lives or nobody can know."""

    def close(self) -> None:
        """End the server, if it is ours."""


class Target(Protocol):
    """A description of a server."""

    def start(self, patience: float) -> Site:
        """Return the server, listening; raise CannotCheck if there is none within the patience, in seconds."""

    def __str__(self) -> str:
        """Return the target as a report names it."""


class Alone:
    """Mix-in for sites with nothing between checker and server."""

    hidden: Mapping[str, str] = {}

    def interference(self) -> str:
        """Return "": nobody interferes."""
        return ""


# In this process


@dataclass(frozen=True)
class InProcess:
    """A `socketserver` server in this process: `make` returns one that is bound to a free port and not yet served."""

    make: Callable[[], socketserver.BaseServer]
    name: str = "in process"

    def start(self, patience: float) -> "InProcessSite":  # noqa: ARG002  # it listens already
        return InProcessSite(self)

    def __str__(self) -> str:
        return self.name


class InProcessSite(Alone):
    """A thread that serves a server."""

    renewable = True

    def __init__(self, target: InProcess) -> None:
        self._target = target
        self.rest = self.calm = threads.Rest(threads.others)
        self._serve()

    def _serve(self) -> None:
        self.server = self._target.make()
        self.address = bound_address(self.server)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(RARELY,), name="serve", daemon=True)
        self._thread.start()

    def renew(self) -> bool:
        self.close()
        self._serve()
        return True

    def cpu_time(self) -> float | None:
        """Return what all threads of this process have used but the one that asks, which plays the clients."""
        return time.process_time() - time.thread_time()

    def obituary(self) -> str:
        return "" if self._thread.is_alive() else "serve_forever() ended by itself"

    def close(self) -> None:
        """End the server, unless it does not end: then leave it to the end of the process."""
        ending = threading.Thread(target=self._end, name="end", daemon=True)
        ending.start()
        ending.join(ENDING)

    def _end(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def bound_address(server: Any) -> Address:
    """Return where a bound server listens."""
    datagram = server.socket.type == socket.SOCK_DGRAM
    name = server.socket.getsockname()
    if isinstance(name, str):
        return Address("unix-datagram" if datagram else "unix", path=name)
    return Address("udp" if datagram else "tcp", host=name[0], port=name[1])


# Running


@dataclass(frozen=True)
class Running:
    """A server that somebody else runs, at an address such as tcp://127.0.0.1:10007."""

    address: Address | str

    def start(self, patience: float) -> "RunningSite":
        try:
            address = Address.parse(self.address) if isinstance(self.address, str) else self.address
        except BadAddress as error:
            raise CannotCheck(str(error)) from None
        try:
            reach(address, patience)
        except Unreachable as error:
            raise CannotCheck(f"nothing to check at {address}: {error}; is the server running?") from None
        return RunningSite(address)

    def __str__(self) -> str:
        return str(self.address)


@dataclass
class RunningSite(Alone):
    """A server that can neither be renewed nor looked into."""

    address: Address
    renewable = False

    def renew(self) -> bool:
        return False

    def rest(self) -> None:
        """Let the server run for a moment: nothing tells when it has come to rest."""
        os.sched_yield()

    def calm(self) -> None:
        self.rest()

    def cpu_time(self) -> float | None:
        return None

    def obituary(self) -> str:
        return ""

    def close(self) -> None:
        """Leave it alone."""


def reach(address: Address, patience: float) -> None:
    """Connect once, or send a datagram that asks for nothing; raise Unreachable if nobody listens there."""
    with Client(address, patience) as probe:
        if address.datagram:
            probe.probe()
        else:  # to close with a greeting unread would be a reset, which is not how to make a server's acquaintance
            probe.leave(LEAVING)


# Launched


@dataclass(frozen=True)
class Launched:
    """A command that serves in the foreground, started without a shell and stopped, with its children, in the end.

    The command is told where to listen by `{host}`, `{port}` and `{path}`: the port is a free one, the path is in a
    directory of its own. A command that knows its own port does without, and `at` says where it listens.
    """

    command: str
    at: Address | str | None = None
    transport: str | None = None

    @property
    def guessed_transport(self) -> str:
        """The transport it will be checked over."""
        if self.at is not None:
            return self.at.transport if isinstance(self.at, Address) else self.at.partition("://")[0]
        return self.transport or ("unix" if "{path}" in self.command else "tcp")

    def start(self, patience: float) -> "LaunchedSite":
        from reference.conformance.launched import LaunchedSite

        return LaunchedSite(self, patience)

    def __str__(self) -> str:
        return self.command


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free for TCP and UDP."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            try:
                stream.bind(("127.0.0.1", port))
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CannotCheck(f"no free port on 127.0.0.1 among a hundred tried from {PORTS.start} to {PORTS.stop - 1}")
