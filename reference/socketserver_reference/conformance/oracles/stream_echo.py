"""Judges what the clients of a persistent echo saw: one that answers everything until the client half-closes.

Nobody can tell where such a server saw a request end, and nobody has to: what comes back is what was said, in order,
transformed byte by byte, or frame by frame.
"""

from dataclasses import dataclass

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.steps import Close, Connect, HalfClose, Reset, Say, Send, Step
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding


@dataclass
class StreamEchoConnection:
    """One connection."""

    spoken: bool = False
    blank: bool = False
    """Whether the last request was white space alone, where that is asked about."""
    owed: bytes = b""
    """What has yet to come."""
    read: bytes = b""
    """What came last, as far as a report shows it."""
    half_closed: bool = False
    ended: bool = False


class StreamEchoOracle:
    """See the module."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.connections: dict[str, StreamEchoConnection] = {}
        self.disrupted = False

    def begin(self, step: Step, *, idle_before: bool) -> None:  # noqa: ARG002  # nobody is in another's way
        match step:
            case Connect(who):
                self.connections[who] = StreamEchoConnection()
            case Say(who, data) | Send(who, data):
                self.connections[who].spoken = True
                self.connections[who].blank = not data.strip() and "ECHO-5" not in effects.not_applicable(self.dialect)
                self.connections[who].owed += self.dialect.reply(data)
            case HalfClose(who):
                self.connections[who].half_closed = True
            case Close(who) | Reset(who):
                self.connections[who].ended = self.disrupted = True
            case _:
                raise ValueError(f"an echo server has no {type(step).__name__}")

    def final_steps(self) -> list[Step]:
        return [
            HalfClose(who)
            for who, connection in self.connections.items()
            if not (connection.ended or connection.half_closed)
        ]

    def required_readers(self, step: Step) -> list[str]:
        return [step.who] if isinstance(step, Say | HalfClose) else []

    def due(self, who: str) -> bool:
        connection = self.connections[who]
        return not connection.ended and (connection.half_closed or bool(connection.owed))

    def optional_readers(self) -> list[str]:
        return []

    def settled(self, step: Step) -> None:  # noqa: ARG002  # whatever it was, it was answered
        self.disrupted = False

    def feed(self, who: str, data: bytes) -> bool:
        connection = self.connections[who]
        if not connection.owed.startswith(data):
            return False
        connection.owed = connection.owed[len(data) :]
        connection.read = (connection.read + data)[-200:]
        return True

    def expected_bytes(self, who: str) -> bytes:
        return self.connections[who].owed

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        connection = self.connections[who]
        blank = ["ECHO-5"] if connection.blank else []
        clauses = ["ECHO-2"] if connection.owed else ["ECHO-3" if connection.spoken else "ECHO-1"]
        return self._finding(who, [*blank, *clauses, "ECHO-2"], show(data, 200))

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        connection = self.connections[who]
        connection.ended = True
        if connection.half_closed and how == "eof" and not connection.owed:
            return None
        return self._finding(who, self._absent(connection), ENDINGS[how], absent=True)

    def explain_silence(self, who: str) -> Finding:
        return self._finding(who, self._absent(self.connections[who]), "nothing", absent=True)

    def _absent(self, connection: StreamEchoConnection) -> list[str]:
        half_closed = ["ECHO-6"] if connection.half_closed and connection.spoken and connection.owed else []
        disruptions = [*(["ECHO-7"] if self.disrupted else []), *half_closed]
        return [
            *disruptions,
            *(["ECHO-5"] if connection.blank else []),
            "ECHO-2" if connection.owed else "ECHO-3",
            "ECHO-3",
        ]

    def explain_refusal(self, who: str, why: str) -> Finding:
        return Finding(("ECHO-7", "ECHO-2"), f"{who} connects", f"{who} cannot connect: {why}")

    def _finding(self, who: str, clauses: list[str], saw: str, *, absent: bool = False) -> Finding:
        connection = self.connections[who]
        rest = "end of stream" if connection.half_closed else "stays connected"
        due = (
            f"{who} reads {show(connection.owed)}"
            if connection.owed
            else f"{who} reads {rest}".replace("reads stays", "stays")
        )
        also = ("ECHO-7",) if absent else ()  # others have left before
        return Finding(tuple(dict.fromkeys(clauses)), due, f"{who} reads {saw}", absent=absent, also=also)
