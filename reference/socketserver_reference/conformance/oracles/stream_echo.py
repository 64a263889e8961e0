"""Judges what the clients of a persistent echo saw: one that answers everything until the client half-closes.

A client cannot see where such a server ended a request, and need not: the replies are the requests, in order,
transformed byte by byte, or frame by frame.
"""

from socketserver_reference.conformance.oracles.echo import EchoConnection, EchoConnections
from socketserver_reference.conformance.scenario.steps import HalfClose, Say, Send, Step
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding


class StreamEchoOracle(EchoConnections):
    """See the module."""

    def begin(self, step: Step, *, idle_before: bool) -> None:
        super().begin(step, idle_before=idle_before)
        if isinstance(step, Say | Send):
            self.connections[step.who].owed += self.dialect.reply(step.data)

    def final_steps(self) -> list[Step]:
        return [
            HalfClose(who)
            for who, connection in self.connections.items()
            if not (connection.ended or connection.half_closed)
        ]

    def due(self, who: str) -> bool:
        connection = self.connections[who]
        return not connection.ended and (connection.half_closed or bool(connection.owed))

    def feed(self, who: str, data: bytes) -> bool:
        connection = self.connections[who]
        if not connection.owed.startswith(data):
            return False
        connection.owed = connection.owed[len(data) :]
        return True

    def expected_bytes(self, who: str) -> bytes:
        return self.connections[who].owed

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        connection = self.connections[who]
        blank = ["ECHO-5"] if self._is_blank(connection.request) else []
        clauses = ["ECHO-2"] if connection.owed else ["ECHO-1" if connection.request is None else "ECHO-3"]
        return self._finding(who, [*blank, *clauses, "ECHO-2"], show(data, 200))

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        connection = self.connections[who]
        connection.ended = True
        if connection.half_closed and how == "eof" and not connection.owed:
            return None
        return self._finding(who, self._absent(connection), ENDINGS[how], absent=True)

    def explain_silence(self, who: str) -> Finding:
        return self._finding(who, self._absent(self.connections[who]), "nothing", absent=True)

    def _absent(self, connection: EchoConnection) -> list[str]:
        half_closed = ["ECHO-6"] if connection.half_closed and connection.owed else []
        disruptions = [*(["ECHO-7"] if self.disrupted else []), *half_closed]
        blank = ["ECHO-5"] if self._is_blank(connection.request) else []
        return [*disruptions, *blank, "ECHO-2" if connection.owed else "ECHO-3", "ECHO-3"]

    def _finding(self, who: str, clauses: list[str], saw: str, *, absent: bool = False) -> Finding:
        connection = self.connections[who]
        rest = "end of stream" if connection.half_closed else "stays connected"
        due = (
            f"{who} reads {show(connection.owed)}"
            if connection.owed
            else f"{who} reads {rest}".replace("reads stays", "stays")
        )
        return self._found(clauses, who, due, saw, absent=absent)
