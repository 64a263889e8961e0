"""The rows of the table, and the results of playing them: data only. Next: `play.py`."""

from dataclasses import dataclass

GATE_TIMEOUT = 10.0
"""Seconds after which a wait at a gate fails."""


@dataclass(frozen=True)
class DemoRow:
    """Where the worker is when handle returns or joins it, and what follows from that.

    `blocked`: the worker is in recv by then. `timeout` is the socket's, in seconds. `speaks`: the client speaks;
    otherwise it closes.
    """

    case: str
    why: str
    blocked: bool = True
    timeout: float | None = None
    speaks: bool = True


ROWS = (
    DemoRow(
        "not yet in recv",
        "A closed socket has no descriptor, fileno() is -1: the worker calls recv(-1).",
        blocked=False,
    ),
    DemoRow(
        "blocked in recv, the client speaks",
        "close() wakes no thread: recv keeps the connection and returns the client's words. The reply is send(-1).",
    ),
    DemoRow(
        "blocked in recv, the client closes",
        "Again recv goes on, and returns end of stream, as it does without the bug: the bug hides.",
        speaks=False,
    ),
    DemoRow(
        "blocked in recv with a timeout set",
        "With a timeout, recv is a poll() first. Woken by the shutdown or by the client, it calls recv(-1).",
        timeout=GATE_TIMEOUT,
    ),
)
NEXT_CLIENT = DemoRow(
    "the next client's", "It is served correctly, in the room that the first client has left.", blocked=False
)


@dataclass(frozen=True)
class CallEvent:
    """One event: its side (handler, worker or client), the call, and the result."""

    lane: str
    call: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.call} {self.detail}".strip()


@dataclass(frozen=True)
class PlayedConnection:
    """One connection: its events in order, the worker's error ("recv: EBADF"), and the bytes that the client read."""

    events: tuple[CallEvent, ...]
    error: str
    heard: bytes

    def lane(self, lane: str) -> list[str]:
        """Return the events of one side."""
        return [str(event) for event in self.events if event.lane == lane]


@dataclass(frozen=True)
class PlayedRow:
    """A row that was played: its client, then the next one; after each, how many members were closed sockets."""

    row: DemoRow
    joined: bool
    first: PlayedConnection
    closed: int
    next: PlayedConnection
    closed_then: int
