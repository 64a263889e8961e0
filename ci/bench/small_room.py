"""A room as small as can be, with a lock around deliveries or without: both schedulers play these handlers.

Next: `interleaving.py`.
"""

import socketserver
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Room(socketserver.ThreadingTCPServer):
    """The members, and what is held during a delivery."""

    daemon_threads = True

    def __init__(self, guard: AbstractContextManager[Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.members: list[Any] = []
        self.joining = threading.Lock()
        self.guard = guard


class Handler(socketserver.BaseRequestHandler):
    """Deliver what one member says to all."""

    server: Any

    def setup(self) -> None:
        with self.server.joining:
            self.server.members.append(self.request)

    def handle(self) -> None:
        while chunk := self.request.recv(1024):
            with self.server.guard:
                for member in self.server.members:
                    member.sendall(b"ack" + chunk)


def locked() -> Room:
    """Return a room whose deliveries come one after another."""
    return Room(threading.Lock())


def unlocked() -> Room:
    """Return a room whose deliveries may cross."""
    return Room(nullcontext())
