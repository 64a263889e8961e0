"""Where the server under check is, and how to get a fresh one.

    InProcess(make_server)              a socketserver server in this process, served in a thread
    Launched("node server.js {port}")   a command that is started and stopped
    Running("tcp://127.0.0.1:10007")    a server that somebody else runs

A target is a description: cheap to make, in a class body if you like. `start` makes it a Site: a server that listens,
until the site is closed. A server that was seen to break a clause may be in any state; `restart` replaces it where that
is possible.
"""

from collections.abc import Mapping
from typing import Protocol

from socketserver_reference.address import Address

POLL_INTERVAL = 0.02
"""Seconds between two looks of a server at whether it shall stop, and of the checker at whether it listens."""


class CannotCheck(Exception):
    """There is no server to check; the message is the one line that says why."""


class Site(Protocol):
    """A server that listens at an address."""

    address: Address
    restartable: bool
    """Whether `restart` can replace the server."""
    unobservable: Mapping[str, str]
    """Clause -> why nobody can see from here whether it holds: a network that lies between, say."""

    def restart(self) -> bool:
        """Replace the server by a fresh one; False where that is impossible."""

    def wait_idle(self) -> None:
        """Give the server time to finish what it is doing, as far as one can know: between two polite steps."""

    def drain(self) -> None:
        """The same before a scenario, so that nothing of the one before leaks into it."""

    def cpu_time(self) -> float | None:
        """Return the seconds of processor time that the server has used so far; None where that cannot be seen."""

    def interference(self) -> str:
        """Return what somebody else did that the server might be blamed for, or ""."""

    def exit_report(self) -> str:
        """Return how the server died and its last words, or "" as long as it lives or nobody can know."""

    def close(self) -> None:
        """End the server, if it is ours."""


class Target(Protocol):
    """A description of a server."""

    def start(self, timeout: float) -> Site:
        """Return the server, listening; raise CannotCheck if there is none within the timeout, in seconds."""

    def __str__(self) -> str:
        """Return the target as a report names it."""


class DirectSite:
    """Mix-in for sites with nothing between checker and server."""

    unobservable: Mapping[str, str] = {}

    def interference(self) -> str:
        """Return "": nobody interferes."""
        return ""
