"""The base of the stream relay and the datagram relay: waiting for sockets and times."""

import math
import select
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from socketserver_faults.network.conditions import Conditions
from socketserver_faults.network.journal import Journal

POLLIN: int = getattr(select, "POLLIN", 0)
POLLOUT: int = getattr(select, "POLLOUT", 0)
POLLERR: int = getattr(select, "POLLERR", 0)
POLLHUP: int = getattr(select, "POLLHUP", 0)
"""Events of a socket; not known to Windows."""

RECV_BYTES = 64 * 1024
"""Bytes asked of one recv(); also the largest datagram there is."""

MAX_POLL_SECONDS = 3600.0
"""Most seconds of one poll(): it counts milliseconds in 32 bits."""

EventHandler = Callable[[int], None]


class CannotCarry(Exception):
    """A proxy between these addresses is impossible; the message says why, and what would be possible."""


class Poller:
    """Calls a handler when its socket is ready; for one thread. Raise CannotCarry if the system has no poll()."""

    def __init__(self) -> None:
        if not POLLIN:  # pragma: no cover - Linux has it
            raise CannotCarry("this system has no poll(): run the proxy on Linux or macOS")
        self._poll = select.poll()
        self._watched: dict[int, tuple[int, EventHandler]] = {}

    def watch(self, sock: socket.socket, mask: int, handler: EventHandler) -> None:
        """Call the handler at these events from now on, and always at errors and hang-ups."""
        before = self._watched.get(sock.fileno())
        if before is None or before[0] != mask:
            self._poll.register(sock, mask)
        self._watched[sock.fileno()] = (mask, handler)

    def ignore(self, sock: socket.socket) -> None:
        """Stop watching this socket; call this before it is closed."""
        if self._watched.pop(sock.fileno(), None):
            self._poll.unregister(sock)

    def turn(self, until: float) -> int:
        """Wait for events until that monotonic time at most, and call their handlers; return the number of events."""
        seconds = min(until - time.monotonic(), MAX_POLL_SECONDS)
        milliseconds = None if until == math.inf else max(0, math.ceil(1000 * seconds))
        ready = self._poll.poll(milliseconds)
        for descriptor, event in ready:
            if descriptor in self._watched:  # the handler of another event may have closed it
                self._watched[descriptor][1](event)
        return len(ready)


class Relay(ABC):
    """Base of `StreamRelay` and `DatagramRelay`: their arguments, and the methods that the proxy calls."""

    def __init__(
        self, poller: Poller, listener: socket.socket, target: Any, conditions: Conditions, seed: int, journal: Journal
    ) -> None:
        self.poller = poller
        self.listener = listener
        self.target = target
        """Family, kind and address of the server."""
        self.conditions = conditions
        self.seed = seed
        self.journal = journal
        self.began = time.monotonic()
        self.connections = 0

    @property
    @abstractmethod
    def due(self) -> float:
        """Return when something is due next; infinity if nothing is held."""

    @abstractmethod
    def pass_on(self, now: float) -> None:
        """Pass on what is due."""

    @abstractmethod
    def close(self) -> None:
        """Close every socket but the listener."""


def named(address: Any) -> str:
    """Return a socket's address for the log, always printable."""
    if isinstance(address, tuple):
        return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
    return ascii(address) if address else "a socket without a name"
