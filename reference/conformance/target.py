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
import re
import shlex
import shutil
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from reference.address import Address, BadAddress
from reference.conformance import threads
from reference.conformance.client import Client, Unreachable
from reference.conformance.launch import Launch

PORTS = range(20000, 32000)
"""Where a free port is looked for: below the ports that Linux gives to outgoing connections, which could take it again.
"""

STARTING = 10.0
"""Seconds that a launched command has at least until it must listen."""

ENDING = 10.0
"""Seconds for a server in this process to end."""

LEAVING = 0.25
"""Seconds for a server to hang up on a client that has only looked whether it listens."""

FREE = 1.0
"""Seconds to find out whether an address is taken."""

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
        return LaunchedSite(self, patience)

    def __str__(self) -> str:
        return self.command


class LaunchedSite(Alone):
    """A process, or one after the other, each at an address of its own where the command allows it."""

    renewable = True

    def __init__(self, target: Launched, patience: float) -> None:
        self._target = target
        self._patience = max(patience, STARTING)
        self._directory: str | None = None
        self._launch: Launch | None = None
        self._serve()

    def _serve(self) -> None:
        command = split_command(self._target.command)
        self._fixed = fixed_address(self._target)
        self.address = self._fixed or self._free_address()
        self._launch = Launch([fill_in(word, self.address) for word in command])
        try:
            self._await_listening()
        except BaseException:
            self.close()
            raise

    def _free_address(self) -> Address:
        """Return an address for the command to listen at."""
        transport = self._target.guessed_transport
        if transport.startswith("unix"):
            self._directory = tempfile.mkdtemp(prefix="served-")
            return Address(transport, path=os.path.join(self._directory, "socket"))
        return Address(transport, host="127.0.0.1", port=free_port())

    def _await_listening(self) -> None:
        assert self._launch is not None
        until = time.monotonic() + self._patience
        while True:
            try:
                reach(self.address, self._patience)
            except Unreachable as error:
                if self._launch.ended_within(POLL):
                    raise CannotCheck(f"{self._target.command!r} cannot be checked: {self.obituary()}") from None
                if time.monotonic() > until:
                    raise CannotCheck(
                        f"{self._target.command!r} does not listen at {self.address} after {self._patience:g} s: "
                        f"{error}"
                    ) from None
            else:
                return

    def renew(self) -> bool:
        self.close()
        self._serve()
        return True

    def rest(self) -> None:
        if self._launch is not None:
            self._launch.rest()

    def calm(self) -> None:
        self.rest()

    def obituary(self) -> str:
        return self._launch.obituary() if self._launch is not None else ""

    def close(self) -> None:
        if self._launch is not None:
            self._launch.close()
            self._launch = None
        if self._directory is not None:
            shutil.rmtree(self._directory)
            self._directory = None


def split_command(command: str) -> list[str]:
    """Return the words of a command as a shell would split them; raise CannotCheck unless the first can be run."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CannotCheck(f"{command!r} is no command: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise CannotCheck(f"cannot launch {command!r}: {words[0] if words else ''!r} is no program that can be run")
    return words


def fill_in(word: str, address: Address) -> str:
    """Return a word of a command with the address in place of its placeholders; other braces stay as they are."""
    return word.replace("{host}", address.host).replace("{port}", str(address.port)).replace("{path}", address.path)


def fixed_address(target: Launched) -> Address | None:
    """Return where a command listens that is not told; raise CannotCheck if nobody knows, or if the place is taken."""
    try:
        address = Address.parse(target.at) if isinstance(target.at, str) else target.at
    except BadAddress as error:
        raise CannotCheck(str(error)) from None
    if address is None:
        if not {"{port}", "{path}"} & set(re.findall(r"{\w+}", target.command)):
            raise CannotCheck(
                f"{target.command!r} is not told where to listen: write {{port}} or {{path}} in it, or give the "
                "address it listens at as the target"
            )
        return None
    try:
        reach(address, FREE)
    except Unreachable:
        return address
    raise CannotCheck(f"something else listens at {address} already: end it, or let the command listen elsewhere")


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
