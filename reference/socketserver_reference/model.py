"""The protocol as a pure function of events: no sockets, no threads, no clock.

`step` is the chat, `echo` the echo. TCP decides how a byte stream falls into chunks, so the suite asks the model about
every possibility.

Next: `echo.py`, the first server.
"""

from dataclasses import dataclass

CHUNK_BYTES = 1024
"""Most bytes of one recv(), so of a chunk or of a request on a connection."""

DATAGRAM_BYTES = 8192
"""Most bytes of a datagram that the server takes: max_packet_size of socketserver."""

ACK = b"ack"
"""Prefix of a delivery."""

QUIT = b"quit"
"""The chunk by which its sender leaves, stripped of white space."""


def echo(request: bytes) -> bytes:
    """Return the reply to a whole request: ECHO-2, UDP-1. bytes.strip() and bytes.upper() know ASCII alone."""
    return request.strip().upper()


@dataclass(frozen=True)
class Joins:
    """A client becomes a member: the server will deliver to it."""

    who: str


@dataclass(frozen=True)
class Speaks:
    """One recv() on the server returned this chunk of a member, 1 to 1024 bytes."""

    who: str
    chunk: bytes


@dataclass(frozen=True)
class Leaves:
    """A member's stream ends: in an orderly way, by reset, or because the server hangs up."""

    who: str


RoomEvent = Joins | Speaks | Leaves

Members = frozenset[str]

NOBODY: Members = frozenset()


@dataclass(frozen=True)
class StepResult:
    """The effect of an event: the members afterwards, and the delivery that each of `heard_by` reads."""

    members: Members
    delivery: bytes = b""
    heard_by: Members = NOBODY


def is_quit(chunk: bytes) -> bool:
    """Whether the sender of this chunk leaves: CHAT-7, CHAT-8."""
    return chunk.strip() == QUIT


def delivery(chunk: bytes) -> bytes:
    """Return a chunk as a member receives it: CHAT-2, CHAT-3."""
    return ACK + chunk


def step(members: Members, event: RoomEvent) -> StepResult:
    """Return the effect of an event on the room.

    Events are one sequence, so all members hear one order: CHAT-5, CHAT-13. Only `Speaks` is heard: CHAT-1, CHAT-4.
    """
    match event:
        case Joins(who):
            return StepResult(members | {who})
        case Leaves(who):
            return StepResult(members - {who})
        case Speaks(who, chunk) if is_quit(chunk):
            return StepResult(members - {who})
        case Speaks(_, chunk):
            return StepResult(members, delivery(chunk), heard_by=members)
