"""The rows of the table, and what is seen when one is played: data only. Next: `play.py`."""

from dataclasses import dataclass

GATE_TIMEOUT = 10.0
"""Seconds after which whoever waits says so and gives up."""


@dataclass(frozen=True)
class DemoRow:
    """Where the worker is when handle returns or joins it, and why it then sees what it sees.

    `blocked` is whether it is in recv by then, `timeout` the socket's, in seconds; `speaks` is what the client does,
    who otherwise closes.
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
        "close() wakes nobody: recv keeps the connection and returns the client's words. The answer is send(-1).",
    ),
    DemoRow(
        "blocked in recv, the client closes",
        "Again recv goes on, and returns end of stream as it does on any good day: the bug hides.",
        speaks=False,
    ),
    DemoRow(
        "blocked in recv with a timeout set",
        "With a timeout, recv is a poll() first. Woken by the shutdown, or else by the client, it calls recv(-1).",
        timeout=GATE_TIMEOUT,
    ),
)
NEXT_CLIENT = DemoRow(
    "the next client's", "It is served as it should be, in the room that the first one has left.", blocked=False
)


@dataclass(frozen=True)
class CallEvent:
    """One thing that happened: on which side (handler, worker or client), what, and how it went."""

    lane: str
    call: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.call} {self.detail}".strip()


@dataclass(frozen=True)
class PlayedConnection:
    """One connection: its events in their order, what the worker died of ("recv: EBADF"), what the client heard."""

    events: tuple[CallEvent, ...]
    error: str
    heard: bytes

    def lane(self, lane: str) -> list[str]:
        """What happened on one side."""
        return [str(event) for event in self.events if event.lane == lane]


@dataclass(frozen=True)
class PlayedRow:
    """A row as it was played: its client, then the next one; after each, how many members were closed sockets."""

    row: DemoRow
    joined: bool
    first: PlayedConnection
    closed: int
    next: PlayedConnection
    closed_then: int
