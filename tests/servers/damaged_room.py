"""Small broken rooms, each with one damage to one chunk: the shapes that no fault of the catalogue shows."""

from collections.abc import Callable
from random import Random

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.transcript import Ending
from tests.servers.framed_room import FramedRoom
from tests.support.simulation import Connection, Room

Outgoing = list[tuple[Connection, bytes]]
Damage = Callable[[bytes, bytes], bytes]
"""Takes a delivery and the one before it; returns what comes instead."""


class WholeRoom(Room):
    """A room in which every utterance is one chunk, however long."""

    def cut(self, connection: Connection) -> bytes:
        connection.settled.pop(0)
        return connection.incoming.pop(0)


class ClosedRoom(WholeRoom):
    """A room that hangs up on every client at once."""

    def accept(self, connection: Connection) -> None:
        self.leave(connection, "eof")


class DeafRoom(WholeRoom):
    """A room that delivers the word by which a client leaves."""

    def leave(self, connection: Connection, ending: Ending) -> None:
        for member, data in self.deliveries(connection, self.dialect.quit):
            self.offer(member, data)
        super().leave(connection, ending)


class KeepingRoom(WholeRoom):
    """A room that never ends a connection."""

    def leave(self, connection: Connection, ending: Ending) -> None:  # noqa: ARG002
        connection.left = True


class TalkersRoom(WholeRoom):
    """A room in which a client is a member when it speaks."""

    def deliveries(self, speaker: Connection, chunk: bytes) -> Outgoing:
        self.talkers = {*getattr(self, "talkers", ()), speaker.number}
        return [(member, one) for member, one in super().deliveries(speaker, chunk) if member.number in self.talkers]


class LyingRoom(FramedRoom):
    """A room that delivers what one member says under the name of another, from some chunk on."""

    truthful = 2

    def deliveries(self, speaker: Connection, chunk: bytes) -> Outgoing:
        others = [member for member in self.members() if member is not speaker]
        return super().deliveries(others[0] if others and self.chunks >= self.truthful else speaker, chunk)


def damaged(dialect: Dialect, number: int, damage: Damage, *victims: int) -> Room:
    """Return a room that damages a chunk for some of its clients, by their numbers, or for all of them."""
    last = [b""]

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        hit = [chunk == number and (not victims or member.number in victims) for member, _ in outgoing]
        wrong = [
            (member, damage(one, last[0]) if harmed else one)
            for (member, one), harmed in zip(outgoing, hit, strict=True)
        ]
        last[0] = outgoing[0][1] if outgoing else b""
        return wrong

    return WholeRoom(Random(1), spoil) if dialect.stream else FramedRoom(Random(1), dialect, spoil)


def ending(number: int, *victims: int) -> Room:
    """Return a room that ends the connections of some clients, by their numbers, instead of delivering a chunk."""

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        for member in [member for member, _ in outgoing if chunk == number and member.number in victims]:
            member.finished = True
            room.leave(member, "eof")
        return [(member, one) for member, one in outgoing if not member.left]

    room = WholeRoom(Random(1), spoil)
    return room


def swapping(number: int, *victims: int) -> Room:
    """Return a room that delivers a chunk after the next one, to some clients, by their numbers, or to all of them."""
    held: Outgoing = []

    def spoil(chunk: int, outgoing: Outgoing) -> Outgoing:
        if chunk == number:
            held.extend(one for one in outgoing if not victims or one[0].number in victims)
            return [one for one in outgoing if one not in held]
        return [*outgoing, *held] if chunk == number + 1 else outgoing

    return WholeRoom(Random(1), spoil)
