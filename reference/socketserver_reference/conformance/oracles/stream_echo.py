"""Judges what the clients of a persistent echo saw: one that answers everything until the client half-closes.

A client cannot see where such a server ended a request, and need not: the replies are the requests, in order,
transformed byte by byte, or frame by frame.
"""

from dataclasses import replace

from socketserver_reference.conformance.oracles.echo import EchoConnection, EchoConnections
from socketserver_reference.conformance.scenario.steps import HalfClose, Quit, Say, Send, Step
from socketserver_reference.conformance.scenario.text import MAX_OBSERVED_BYTES, show, show_against
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding, Shape


class StreamEchoOracle(EchoConnections):
    """See the module."""

    def begin(self, step: Step, *, idle_before: bool) -> None:
        super().begin(step, idle_before=idle_before)
        if isinstance(step, Say | Send):
            self.connections[step.who].owed += self.dialect.reply(step.data)
        elif isinstance(step, Quit):
            self.connections[step.who].owed += self.dialect.farewell

    def required_readers(self, step: Step) -> list[str]:
        return [who for who in self.connections if self.due(who)] if step.settles else super().required_readers(step)

    def final_steps(self) -> list[Step]:
        return [
            HalfClose(who)
            for who, connection in self.connections.items()
            if not (connection.ended or connection.leaving)
        ]

    def due(self, who: str) -> bool:
        connection = self.connections[who]
        return not connection.ended and (connection.leaving or bool(connection.owed))

    def feed(self, who: str, data: bytes) -> bool:
        connection = self.connections[who]
        data, held = self._put_back(connection, data)
        if not connection.owed.startswith(data, connection.read):
            return False
        connection.held = held
        connection.read += len(data)
        if connection.read == len(connection.owed):
            connection.owed, connection.read = b"", 0
        return True

    def _put_back(self, connection: EchoConnection, data: bytes) -> tuple[bytes, bytes]:
        return self.dialect.put_back(connection.owed, connection.read, connection.held + data)

    def expected_bytes(self, who: str) -> bytes:
        return self.connections[who].left

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        connection = self.connections[who]
        data = b"".join(self._put_back(connection, data))
        if data.startswith(connection.left):  # all has come, and more
            data = data.removeprefix(connection.left)
            connection.owed, connection.read = b"", 0
        shape: Shape = "extra" if self._has_replied(connection) else "altered"
        saw = show_against(data, connection.left, MAX_OBSERVED_BYTES)
        return self._finding(connection, shape, who, saw, came=data)

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        connection = self.connections[who]
        connection.ended = True
        if connection.leaving and how == "eof" and not connection.owed:
            return None
        return self._absence(connection, "early end", who, ENDINGS[how])

    def explain_silence(self, who: str) -> Finding:
        connection = self.connections[who]
        held = f"{show(connection.held, MAX_OBSERVED_BYTES)}, then " if connection.held else ""
        shape: Shape = "no end" if self._has_replied(connection) else "missing"
        return self._absence(connection, shape, who, f"{held}nothing")

    def _has_replied(self, connection: EchoConnection) -> bool:
        """Whether all replies have come; what is said to a client that quits is none."""
        return len(connection.left) <= (len(self.dialect.farewell) if connection.quits else 0)

    def _absence(self, connection: EchoConnection, shape: Shape, who: str, saw: str) -> Finding:
        return replace(self._finding(connection, shape, who, saw), absent=True, also=("ECHO-7",))  # others left before

    def _finding(self, connection: EchoConnection, shape: Shape, who: str, saw: str, came: bytes = b"") -> Finding:
        if connection.owed:
            due = f"{who} reads {show_against(connection.left, came)}"
        else:
            due = f"{who} reads end of stream" if connection.leaving else f"{who} stays connected"
        answered = connection.spoke and self._has_replied(connection)
        return Finding(self._clauses(shape, connection, answered=answered, came=came), due, f"{who} reads {saw}", shape)
