"""Judges what the clients of an echo server saw, over connections.

A client of an echo reads only replies to itself, so its own requests decide what it must read.
"""

from dataclasses import dataclass

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Close,
    Connect,
    HalfClose,
    Reset,
    Say,
    Send,
    Step,
)
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding


@dataclass
class EchoConnection:
    """One connection: the last request, and what came or, where everything is answered, has yet to come."""

    request: bytes | None = None
    reply: bytes = b""
    owed: bytes = b""
    half_closed: bool = False
    ended: bool = False


class EchoConnections:
    """The connections and their requests: the same whether one request is answered or all are."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.connections: dict[str, EchoConnection] = {}
        self.disrupted = False

    def begin(self, step: Step, *, idle_before: bool) -> None:  # noqa: ARG002  # clients do not affect each other
        match step:
            case Connect(who):
                self.connections[who] = EchoConnection()
            case Say(who, data) | Send(who, data):
                self.connections[who].request = data
            case HalfClose(who):
                self.connections[who].half_closed = True
            case Close(who) | Abandon(who) | Reset(who):
                self.connections[who].ended = self.disrupted = True
            case _:
                raise ValueError(f"an echo server has no {type(step).__name__}")

    def required_readers(self, step: Step) -> list[str]:
        return [step.who] if isinstance(step, Say | HalfClose) else []

    def optional_readers(self) -> list[str]:
        return []

    def settled(self, step: Step) -> None:  # noqa: ARG002  # whatever it was, it was answered
        self.disrupted = False

    def explain_refusal(self, who: str, why: str) -> Finding:
        return Finding(("ECHO-7", "ECHO-2"), f"{who} connects", f"{who} cannot connect: {why}")

    def _is_blank(self, request: bytes | None) -> bool:
        """Whether a request is white space alone, where that is asked about."""
        blank = request is not None and not request.strip()
        return blank and "ECHO-5" not in effects.not_applicable(self.dialect)

    def _found(self, clauses: list[str], who: str, expected: str, saw: str, *, absent: bool) -> Finding:
        also = ("ECHO-7",) if absent else ()  # others have left before
        return Finding(tuple(dict.fromkeys(clauses)), expected, f"{who} reads {saw}", absent=absent, also=also)


class EchoOracle(EchoConnections):
    """See the module. A request is one Say or Send; it, or a half-close, requires a reply and end of stream."""

    def final_steps(self) -> list[Step]:
        return []

    def due(self, who: str) -> bool:
        return not self.connections[who].ended

    def _replies(self, connection: EchoConnection) -> list[bytes]:
        """Return every right reply, the likeliest first: some requests may be cut anywhere."""
        request = connection.request or b""
        if not self._may_be_cut(connection):
            return [self.dialect.reply(request)]
        lengths = range(min(len(request), self.dialect.chunk), 0, -1)
        return list(dict.fromkeys(self.dialect.reply(request[:length]) for length in lengths))

    def _may_be_cut(self, connection: EchoConnection) -> bool:
        """Whether the server may have read a part of the request only: of one longer than a chunk, or on a path that
        splits.
        """
        length = len(connection.request or b"")
        cut = length > self.dialect.chunk or (length > 1 and not self.dialect.exact)
        return cut and self.dialect.raw

    def feed(self, who: str, data: bytes) -> bool:
        connection = self.connections[who]
        connection.reply += data
        return any(reply.startswith(connection.reply) for reply in self._replies(connection))

    def expected_bytes(self, who: str) -> bytes:
        return self._replies(self.connections[who])[0]

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        connection = self.connections[who]
        heard = (
            connection.reply[: len(connection.reply) - len(data)] + data if connection.reply.endswith(data) else data
        )
        if connection.request is None:
            return self._finding(connection, ["ECHO-1"], who, heard)
        due = b"" if self._special(connection) else self._replies(connection)[0]
        if due and heard.strip() == due:  # it is the white space that should not be there
            return self._finding(connection, ["ECHO-2", "ECHO-3"], who, heard)
        if due and heard.endswith(due):
            return self._finding(connection, ["ECHO-1", "ECHO-2"], who, heard)
        if due and heard.startswith(due):
            return self._finding(connection, ["ECHO-3", "ECHO-2"], who, heard)
        return self._finding(connection, [*self._special(connection), "ECHO-2"], who, heard)

    def _special(self, connection: EchoConnection) -> list[str]:
        """Return the clauses about what is special in this visit."""
        long = ["ECHO-4"] if len(connection.request or b"") > self.dialect.chunk else []
        return [*long, *(["ECHO-5"] if self._is_blank(connection.request) else [])]

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        connection = self.connections[who]
        connection.ended = True
        # A server that does not read all of a request cannot close in order: TCP tells the client of the loss by a
        # reset, which may overtake the end of the reply.
        reset = how == "reset" and self._may_be_cut(connection)
        if reset and any(reply.startswith(connection.reply) for reply in self._replies(connection)):
            return None
        if connection.reply in self._replies(connection) and how == "eof":
            return None
        if connection.reply in self._replies(connection):
            return self._finding(connection, [*self._absent(connection), "ECHO-3"], who, ENDINGS[how], absent=True)
        after = f"{show(connection.reply, 200)}, then {ENDINGS[how]}" if connection.reply else ENDINGS[how]
        clauses = [*self._absent(connection), *self._special(connection), "ECHO-2", "ECHO-3"]
        return self._finding(connection, clauses, who, after, absent=True)

    def _absent(self, connection: EchoConnection) -> list[str]:
        """Return the clauses about disruptions under which something must come all the same."""
        return [
            *(["ECHO-7"] if self.disrupted else []),
            *(["ECHO-6"] if connection.half_closed and connection.request else []),
        ]

    def explain_silence(self, who: str) -> Finding:
        connection = self.connections[who]
        replied = connection.reply in self._replies(connection)
        ended_late = replied and (connection.reply or connection.request is None)
        general = ["ECHO-3"] if ended_late else [*self._special(connection), "ECHO-2", "ECHO-3"]
        observed = f"{show(connection.reply, 200)}, then nothing" if connection.reply else "nothing"
        return self._finding(connection, [*self._absent(connection), *general], who, observed, absent=True)

    def _finding(
        self, connection: EchoConnection, clauses: list[str], who: str, observed: str | bytes, *, absent: bool = False
    ) -> Finding:
        due = self._replies(connection)
        reply = f"{show(due[0])}, then " if due[0] else ""
        some = " (or the reply to a shorter prefix)" if len(due) > 1 else ""
        saw = show(observed, 200) if isinstance(observed, bytes) else observed
        return self._found(clauses, who, f"{who} reads {reply}end of stream{some}", saw, absent=absent)
