"""Where the server under check is, and how to get a fresh one.

    InProcess(make_server)              a socketserver server in this process, served in a thread
    Launched("node server.js {port}")   a command that the suite starts and stops
    Running("tcp://127.0.0.1:10007")    a running server

A target is a description, cheap to make, even in a class body. `start` makes it a Site: a server that serves until the
site is closed. It makes no connection: see `first_contact.py`. A server that has broken a clause may be in any state;
`restart` replaces it where that is possible.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.resources import DescriptorsLeft, Resources

POLL_INTERVAL = 0.02
"""Seconds between two polls: of the server for a request to stop, of the checker for a listening server."""


class CannotCheck(Exception):
    """There is no server to check; the message says why, in one line."""


class Site(Protocol):
    """A server at an address, where it listens, or where it shall."""

    address: Address
    restartable: bool
    """Whether `restart` can replace the server."""
    unobservable: Mapping[str, str]
    """Clause -> why it cannot be observed from here: a network lies between, for example."""
    start_timeout: float
    """Seconds in which the server may begin to listen; 0.0 if it was seen to listen."""

    deadline: float
    """The monotonic time until which a restart may wait."""

    def absence(self, why: str) -> str:
        """Return in words that no client could ever connect, and what would help."""

    def restart(self) -> bool:
        """Replace the server by a fresh one; return False where that is impossible."""

    def wait_idle(self) -> bool:
        """Wait, between two polite steps, until the server is idle; return whether it is, as far as can be seen."""

    def note_flood(self) -> None:
        """Note that the server has sent what was due to no client, or fails as it is known to. If it still computes, it
        may do so without end: this server and the next ones are waited for less.
        """

    def drain(self) -> object:
        """The same before a scenario, so that nothing of the previous one leaks into it."""

    def cpu_time(self) -> float | None:
        """Return the seconds of processor time that the server has used so far; None where that cannot be seen."""

    def resources(self) -> Resources | None:
        """Return what the server holds; None where that cannot be seen."""

    def few_descriptors(self, spare: int) -> AbstractContextManager[DescriptorsLeft] | None:
        """Return a block in which the server has only so many descriptors left; None where it cannot be limited."""

    def come_back(self, clients_leave: Callable[[], None]) -> str | None:
        """End the server, let the clients leave, and start it again at the same address at once, as it is.

        Return how that failed, or "" if it did not; None where it cannot be tried, or nothing keeps the address. Raise
        CannotCheck if it cannot be started where nothing keeps the address.
        """

    def interference(self) -> str:
        """Return an event outside the server for which the server might be blamed, or ""."""

    def exit_report(self) -> str:
        """Return how the server ended and its last output, or "" while it runs or its state is unknown."""

    def last_error(self) -> str:
        """Return the last line of the server's output that names an error, escaped, or "" where none is seen."""

    def close(self) -> None:
        """End the server, if the suite started it."""


class Target(Protocol):
    """A description of a server."""

    def start(self, timeout: float) -> Site:
        """Return the server; raise CannotCheck if it is seen not to listen within the timeout, in seconds."""

    def __str__(self) -> str:
        """Return the target's name in reports."""


class DirectSite:
    """Mix-in for sites with nothing between checker and server."""

    address: Address
    unobservable: Mapping[str, str] = {}
    start_timeout = 0.0
    deadline = math.inf

    def absence(self, why: str) -> str:
        """Return in words that no client could ever connect."""
        return f"no client can connect to {self.address}: {why}"

    def note_flood(self) -> None:
        """Do nothing: no client waits for it."""

    def resources(self) -> Resources | None:
        """Return None: what a server at an address holds is not seen from here."""
        return None

    def few_descriptors(self, spare: int) -> AbstractContextManager[DescriptorsLeft] | None:  # noqa: ARG002
        """Return None: a server that was not launched, or is a part of this process, cannot be limited."""
        return None

    def come_back(self, clients_leave: Callable[[], None]) -> str | None:  # noqa: ARG002
        """Return None: only a server that was launched can be ended like that."""
        return None

    def interference(self) -> str:
        """Return "": nothing interferes."""
        return ""

    def last_error(self) -> str:
        """Return "": the output of a server that was not launched is not seen."""
        return ""
