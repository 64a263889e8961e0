"""A conforming chat without sockets, as unhelpful as a conforming chat may be: it decides by chance, but a chance that
Hypothesis draws, when it accepts, how it cuts bursts into chunks, whose turn it is, and how much of what is there a
client reads.

`stage(...)` is the suite's own Stage on such a room. Whatever it reports is a false alarm, unless a `spoil` changes
what one member, or everybody, reads. This room speaks the reference's dialect; `framed_room.py` has one for all others.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast
from unittest import mock

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.checks.chat import oracle_for
from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver import connecting
from socketserver_reference.conformance.driver import stage as stage_module
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.oracles.chat_room import ChatOracle
from socketserver_reference.conformance.scenario.scene import Politeness
from socketserver_reference.conformance.scenario.steps import (
    HalfClose,
    Quit,
    Resume,
    Say,
    Stall,
    Step,
)
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Violation

LOSS = 0.15
"""How likely the server is, at each of its turns, to notice that a client has gone and to forget what it said."""


@dataclass
class Connection:
    """One connection as the server has it: what comes in, what goes out, how each ends."""

    number: int
    incoming: list[bytes] = field(default_factory=list)  # utterances; the first may have been read in part
    settled: list[bool] = field(default_factory=list)
    finished: bool = False  # the client sends no more
    gone: bool = False  # the client reads no more, and what it said may be lost
    stalled: bool = False
    queued: int = 0  # bytes that waited for it when it stopped reading
    outgoing: bytearray = field(default_factory=bytearray)
    ending: Ending | None = None  # what comes after the last outgoing byte
    member: bool = False
    left: bool = False


Spoil = Callable[[int, list[tuple[Connection, bytes]]], list[tuple[Connection, bytes]]]
"""Takes the number of a chunk and its deliveries, by member; returns the deliveries to make instead."""


class Room:
    """The server. A turn is one thing that it may do now."""

    dialect: Dialect = NOTE

    def __init__(self, chance: Random, spoil: Spoil = lambda _, outgoing: outgoing, buffer: int = 1 << 30) -> None:
        self.chance = chance
        self.spoil = spoil
        self.buffer = buffer
        self.connections: list[Connection] = []
        self.chunks = 0

    def turns(self) -> list[Callable[[], None]]:
        """Return everything that the server may do now."""
        found: list[Callable[[], None]] = []
        for connection in self.connections:
            if connection.left or self.awaits(connection):
                continue
            if not connection.member:
                found.append(lambda c=connection: self.accept(c))  # type: ignore[misc]
            elif connection.incoming:
                found.append(lambda c=connection: self.receive(c))  # type: ignore[misc]
            elif connection.finished:
                found.append(lambda c=connection: self.leave(c, "eof"))  # type: ignore[misc]
        return found

    def awaits(self, connection: Connection) -> bool:  # noqa: ARG002  # there is no handshake
        """Whether it can do nothing for a client before that says something."""
        return False

    def turn(self) -> bool:
        """Do one thing; return whether there was one."""
        turns = self.turns()
        if turns:
            self.chance.choice(turns)()
        return bool(turns)

    def wait_idle(self) -> None:
        """Do everything."""
        while self.turn():
            pass

    def accept(self, connection: Connection) -> None:
        connection.member = True

    def receive(self, connection: Connection) -> None:
        if connection.gone and self.chance.random() < LOSS:
            connection.incoming.clear()
            self.leave(connection, "reset")
            return
        chunk = self.cut(connection)
        if self.dialect.is_quit(chunk):
            self.leave(connection, "eof")
            return
        for member, data in self.spoil(self.chunks, self.deliveries(connection, chunk)):
            self.offer(member, data)
        self.chunks += 1

    def members(self) -> list[Connection]:
        """Return the members that receive deliveries."""
        return [member for member in self.connections if member.member and not member.left]

    def deliveries(self, speaker: Connection, chunk: bytes) -> list[tuple[Connection, bytes]]:  # noqa: ARG002
        """Return the deliveries of a chunk, by member: the same to all, whichever member spoke."""
        return [(member, self.dialect.delivery(chunk)) for member in self.members()]

    def cut(self, connection: Connection) -> bytes:
        """Return the next chunk: a settled utterance whole, any piece of a burst."""
        if connection.settled[0]:
            connection.settled.pop(0)
            return connection.incoming.pop(0)
        together = 1
        while together < len(connection.incoming) and not connection.settled[together]:
            together += 1
        there = b"".join(connection.incoming[:together])
        most = min(self.dialect.chunk, len(there))
        chunk = there[: self.chance.choice([most, self.chance.randint(1, most)])]
        connection.incoming[:together] = [rest for rest in [there[len(chunk) :]] if rest]
        connection.settled[:together] = [False] * bool(there[len(chunk) :])
        return chunk

    def offer(self, member: Connection, delivery: bytes) -> None:
        if member.gone:
            return
        room = member.queued + self.buffer - len(member.outgoing) if member.stalled else len(delivery)
        member.outgoing += delivery[:room]
        if room < len(delivery):
            member.finished = True
            member.incoming.clear()
            self.leave(member, self.chance.choice(["eof", "reset"]))

    def leave(self, connection: Connection, ending: Ending) -> None:
        connection.left = True
        connection.ending = ending


class SimulatedClient:
    """What the stage takes for a Client."""

    def __init__(self, room: Room, timeout: float) -> None:
        self.room = room
        self.timeout = timeout
        self.connection = Connection(len(room.connections))
        self.taken: list[bytes | Ending] = []
        room.connections.append(self.connection)

    def set_timeout(self, timeout: float) -> None:
        self.timeout = timeout

    def say(self, data: bytes, *, settled: bool) -> None:
        self.connection.incoming.append(data)
        self.connection.settled.append(settled)

    def take(self) -> int:
        timeout, self.timeout = self.timeout, 0
        while (self.taken[-1:] or [b""])[0] not in ENDINGS and (got := self.read()) is not None:
            self.taken.append(got)
        self.timeout = timeout
        return 0

    def receive(self) -> bytes | Ending | None:
        return self.taken.pop(0) if self.taken else self.read()

    def read(self) -> bytes | Ending | None:
        chance, outgoing = self.room.chance, self.connection.outgoing
        while chance.random() < 0.3 and self.room.turn():
            pass
        while self.timeout and not outgoing and not self.connection.ending and self.room.turn():
            pass
        if outgoing:
            count = chance.choice([len(outgoing), chance.randint(1, len(outgoing))])
            data = bytes(outgoing[:count])
            del outgoing[:count]
            return data
        return self.connection.ending

    def half_close(self) -> None:
        self.connection.finished = True

    def leave(self, _: float) -> None:
        self.half_close()
        while isinstance(self.receive(), bytes):
            pass

    def reset(self) -> None:
        self.close()

    def close(self) -> None:
        self.connection.gone = self.connection.finished = True


class SimulatedStage(Stage):
    """The suite's stage, but for the one thing that TCP cannot be told: which utterances stay whole."""

    settling = False

    def _perform(self, step: Step) -> None:
        self.settling = isinstance(step, Say | Quit)
        if isinstance(step, Stall | Resume | Quit | HalfClose) and step.who in self._clients:
            connection = cast(Any, self._clients[step.who]).connection
            connection.stalled, connection.queued = isinstance(step, Stall), len(connection.outgoing)
        super()._perform(step)


@contextmanager
def stage(room: Room, *, politeness: Politeness = "abrupt", about: str | None = None) -> Iterator[Stage]:
    """Yield a stage whose clients are in the room."""
    session: SimulatedStage

    class Client(SimulatedClient):
        def __init__(self, _: Address, timeout: float, *__: object) -> None:
            super().__init__(room, timeout)

        def send(self, data: bytes, *, held: bool = False) -> None:  # noqa: ARG002  # there are no segments here
            self.say(data, settled=session.settling)

    def crowd(address: Address, timeout: float, count: int) -> tuple[list[Any], str]:
        return [Client(address, timeout) for _ in range(count)], ""

    with (
        mock.patch.object(connecting, "Client", Client),
        mock.patch.object(stage_module, "connect_at_once", crowd),
    ):
        session = SimulatedStage(
            Address("tcp", "127.0.0.1"),
            oracle_for(room.dialect),
            timeout=60,
            about=about,
            wait_idle=room.wait_idle,
            politeness=politeness,
            dialect=room.dialect,
            rewriter=rewrite.chat_rewriter(room.dialect),
        )
        with session:
            yield session


def room_of(session: Stage) -> ChatOracle[Any]:
    """Return the oracle of a stage on a simulated room."""
    return cast("ChatOracle[Any]", session.oracle)


def violation_in(room: Room, *steps: Step, timeout: float = 60) -> Violation:
    """Return what is found wrong with a room, from the first of these steps to the last goodbye."""

    def all_steps(oracle: Oracle) -> Iterator[Step]:
        yield from steps
        yield from oracle.final_steps()

    with stage(room, politeness="polite") as played:
        played.timeout = timeout
        with pytest.raises(Violation) as raised:
            played.play(all_steps(played.oracle))
    return raised.value
