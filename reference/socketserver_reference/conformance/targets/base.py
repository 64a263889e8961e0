"""Where the server under check is, and how to get a fresh one.

    InProcess(make_server)              a socketserver server in this process, served in a thread
    Launched("node server.js {port}")   a command that the suite starts and stops
    Running("tcp://127.0.0.1:10007")    a running server

A target is a description, cheap to make, even in a class body. `start` makes it a Site: a server that listens until the
site is closed. A server that has broken a clause may be in any state; `restart` replaces it where that is possible.
"""

from collections.abc import Mapping
from typing import Protocol

from socketserver_reference.address import Address

POLL_INTERVAL = 0.02
"""Seconds between two polls: of the server for a request to stop, of the checker for a listening server."""


class CannotCheck(Exception):
    """There is no server to check; the message says why, in one line."""


class Site(Protocol):
    """A server that listens at an address."""

    address: Address
    restartable: bool
    """Whether `restart` can replace the server."""
    unobservable: Mapping[str, str]
    """Clause -> why it cannot be observed from here: a network lies between, for example."""

    def restart(self) -> bool:
        """Replace the server by a fresh one; return False where that is impossible."""

    def wait_idle(self) -> None:
        """Wait, between two polite steps, until the server is idle, as far as that can be observed."""

    def drain(self) -> None:
        """The same before a scenario, so that nothing of the previous one leaks into it."""

    def cpu_time(self) -> float | None:
        """Return the seconds of processor time that the server has used so far; None where that cannot be seen."""

    def interference(self) -> str:
        """Return an event outside the server for which the server might be blamed, or ""."""

    def exit_report(self) -> str:
        """Return how the server ended and its last output, or "" while it runs or its state is unknown."""

    def close(self) -> None:
        """End the server, if the suite started it."""


class Target(Protocol):
    """A description of a server."""

    def start(self, timeout: float) -> Site:
        """Return the listening server; raise CannotCheck if none listens within the timeout, in seconds."""

    def __str__(self) -> str:
        """Return the target's name in reports."""


class DirectSite:
    """Mix-in for sites with nothing between checker and server."""

    unobservable: Mapping[str, str] = {}

    def interference(self) -> str:
        """Return "": nothing interferes."""
        return ""
