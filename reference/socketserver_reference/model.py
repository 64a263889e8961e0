"""The protocol as a pure function of events: no sockets, no threads, no clock.

It imports no server, and no server imports it: the two say the same thing independently, and `conformance/`
holds one against the other. If you want to know what the chat *does*, read `step`; for the echo, `echo`.

What the model cannot say is how a byte stream falls into chunks: TCP decides that. `conformance/oracles/stream_chat.py`
asks the model about every way it might have.

Next: `echo.py`, the first server.
"""

from dataclasses import dataclass

CHUNK = 1024
"""Bytes the server asks of one recv(): the most that a chunk, or an echo request on a connection, can hold."""

DATAGRAM = 8192
"""Bytes of a datagram that are looked at; socketserver calls it max_packet_size."""

ACK = b"ack"
"""What a delivery puts before the chunk."""

QUIT = b"quit"
"""What a chunk is, once stripped of white space, when its sender means to leave."""


def echo(request: bytes) -> bytes:
    """Return the reply to a request that arrived whole: ECHO-2, and UDP-1 for datagrams.

    bytes.strip() and bytes.upper() know ASCII alone, so all other bytes pass unchanged.
    """
    return request.strip().upper()


@dataclass(frozen=True)
class Joins:
    """A client becomes a member: it is connected and the server will deliver to it."""

    who: str


@dataclass(frozen=True)
class Speaks:
    """One recv() on the server returned this chunk, 1 to 1024 bytes, from this member."""

    who: str
    chunk: bytes


@dataclass(frozen=True)
class Leaves:
    """The member's stream ended: in order, by reset, or because the server hung up."""

    who: str


Event = Joins | Speaks | Leaves

Members = frozenset[str]

NOBODY: Members = frozenset()


@dataclass(frozen=True)
class Outcome:
    """What an event leads to: who is a member afterwards, and the delivery that each of `heard_by` reads."""

    members: Members
    delivery: bytes = b""
    heard_by: Members = NOBODY


def is_quit(chunk: bytes) -> bool:
    """Whether this chunk makes its sender leave: CHAT-7, and CHAT-8 for all that only looks like it."""
    return chunk.strip() == QUIT


def delivery(chunk: bytes) -> bytes:
    """Return a chunk as a member receives it: CHAT-2, CHAT-3."""
    return ACK + chunk


def step(members: Members, event: Event) -> Outcome:
    """Return what the event does to the room.

    Every delivery belongs to one event and events are one sequence, so all members hear one order: CHAT-5, CHAT-13.
    Nothing is heard but through `Speaks`: CHAT-1, CHAT-4.
    """
    match event:
        case Joins(who):
            return Outcome(members | {who})
        case Leaves(who):
            return Outcome(members - {who})
        case Speaks(who, chunk) if is_quit(chunk):
            return Outcome(members - {who})
        case Speaks(_, chunk):
            return Outcome(members, delivery(chunk), heard_by=members)
