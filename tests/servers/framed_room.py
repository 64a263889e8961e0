"""A simulated room that speaks any dialect, as unhelpfully as the dialect allows: see `simulation.py`.

What it may do it does by chance: notices and prompts come at any time between two deliveries, chunks are merged, labels
are numbers, addresses, or descriptors that are used again.
"""

from random import Random

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.scenario.transcript import Ending
from tests.support import speaking
from tests.support.simulation import Connection, Room, Spoil

CHATTY = 0.2
"""How likely a room says something that means nothing."""


class FramedRoom(Room):
    """The server."""

    def __init__(
        self,
        chance: Random,
        dialect: Dialect,
        spoil: Spoil = lambda _, outgoing: outgoing,
        buffer: int = 1 << 30,
        label: str = "number",
    ) -> None:
        super().__init__(chance, spoil, buffer)
        self.dialect = dialect
        self.label = speaking.LABELS[label]
        self.exchanged: dict[int, int] = {}
        self.names: dict[int, bytes] = {}
        self.places: dict[int, int] = {}

    # The handshake, and who comes and goes

    def awaits(self, connection: Connection) -> bool:
        half, sends = divmod(self.exchanged.get(connection.number, 0), 2)
        asked = half < len(self.dialect.handshake) and sends and self.dialect.handshake[half].send is not None
        if connection.member:
            return self.has_half(connection)
        return bool(asked) and not (connection.incoming or connection.finished)

    def has_half(self, connection: Connection) -> bool:
        """Whether only a part of the next frame has come."""
        framing, there = self.dialect.framing_in, b"".join(connection.incoming)
        return framing.kind != "chunk" and bool(there) and framing.cut(there) is None

    def accept(self, connection: Connection) -> None:
        """Do the next part of the handshake, if the client has done its own; then it is a member."""
        done = self.exchanged.setdefault(connection.number, 0)
        half = done // 2
        if half == len(self.dialect.handshake):
            self.join(connection)
            return
        exchange = self.dialect.handshake[half]
        if done % 2 == 0:
            if exchange.wait is not None:
                wait = speaking.filled(exchange.wait.named(self.names.get(connection.number, b"")), self.anything())
                connection.outgoing += self.dialect.framing_out.put(wait) if exchange.framed else wait
        elif exchange.send is not None:
            if not connection.incoming:
                if connection.finished:
                    self.leave(connection, "eof")
                return
            answer = connection.incoming.pop(0)
            self.names.setdefault(connection.number, answer.strip())
            connection.settled.pop(0)
        self.exchanged[connection.number] += 1

    def join(self, connection: Connection) -> None:
        taken = {self.places[member.number] for member in self.members()}
        self.places[connection.number] = min(set(range(len(taken) + 1)) - taken)
        connection.member = True
        self.chat(connection)

    def leave(self, connection: Connection, ending: Ending) -> None:
        super().leave(connection, ending)
        self.chat(connection)

    # What means nothing

    def anything(self) -> bytes:
        return self.chance.choice([b"", b"m1", b"12:30", b"\x1b[2J\0", b"> ", b"*"])

    def chat(self, _: Connection) -> None:
        """Say a notice to some, and a prompt to some; not where they would fill up what is kept for deliveries."""
        for member in (member for member in self.members() if not member.stalled):
            if self.dialect.notices and self.chance.random() < CHATTY:
                notice = self.chance.choice(self.dialect.notices).named(b"x1")
                self.offer(member, self.dialect.framing_out.put(speaking.filled(notice, self.anything())))
            if self.dialect.prompts and self.chance.random() < CHATTY:
                prompt = self.chance.choice(self.dialect.prompts).named(self.chance.choice([b"ann", b"x1"]))
                self.offer(member, speaking.filled(prompt, self.anything()))

    # What is said

    def cut(self, connection: Connection) -> bytes:
        """Return the body of the next frame, or of as many chunks as were read together."""
        framing = self.dialect.framing_in
        if framing.kind != "chunk":
            there = b"".join(connection.incoming)
            cut = framing.cut(there)
            assert cut is not None, f"{there!r} is no frame: nobody says half of one"
            frame, taken = cut
            connection.settled.clear()
            connection.incoming[:] = [there[taken:]] if there[taken:] else []
            connection.settled[:] = [False] * len(connection.incoming)
            return frame
        read = connection.incoming.pop(0)
        connection.settled.pop(0)
        while connection.incoming and self.chance.random() < 0.5:
            read += connection.incoming.pop(0)
            connection.settled.pop(0)
        assert len(read) <= self.dialect.chunk, "more is said at once than the server can take"
        return read.removesuffix(framing.newline)

    def deliveries(self, speaker: Connection, chunk: bytes) -> list[tuple[Connection, bytes]]:
        """Return what goes to whom because of a frame."""
        dialect = self.dialect
        assert chunk == chunk.strip() or not dialect.strips
        lines = chunk.split(dialect.framing_in.newline) if dialect.framing_in.kind == "chunk" else [chunk]
        most = dialect.limits.utterance or len(chunk)
        body = dialect.framing_in.newline.join(speaking.treated(dialect, line)[:most] for line in lines)
        label = self.label(speaker.number, self.places[speaker.number])
        outgoing = []
        for member in self.members():
            template: Template = dialect.template
            if member is speaker and dialect.to_sender != "same":
                if not isinstance(dialect.to_sender, Template):
                    continue
                template = dialect.to_sender
            said = speaking.filled(template, self.anything() if dialect.stream else b"12:30", body=body, sender=label)
            outgoing.append((member, said if dialect.framing_out.kind == "none" else dialect.framing_out.put(said)))
        return outgoing

    def receive(self, connection: Connection) -> None:
        super().receive(connection)
        self.chat(connection)
