"""Judges what the clients of an echo server saw, over connections.

A client of an echo reads only replies to itself, so its own requests decide what it must read.
"""

from dataclasses import dataclass, replace

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Close,
    Connect,
    HalfClose,
    Quit,
    Reset,
    Say,
    Send,
    Settle,
    Step,
)
from socketserver_reference.conformance.scenario.text import MAX_OBSERVED_BYTES, show, show_against
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding, Shape

MAX_EMPTY_REPLIES = 100
"""Replies to the end of a stream that are told from others: a server may repeat one without end, and more tell no more.
"""


@dataclass
class EchoConnection:
    """One connection: the last request, and what came or, where everything is answered, has yet to come."""

    request: bytes | None = None
    reply: bytes = b""
    held: bytes = b""  # what came and may be the beginning of what the dialect does not say
    owed: bytes = b""
    read: int = 0  # bytes of what was owed that have come
    half_closed: bool = False
    quits: bool = False
    ended: bool = False

    @property
    def silent(self) -> bool:
        """Whether its client is connected and has said nothing."""
        return not (self.spoke or self.half_closed or self.ended)

    @property
    def spoke(self) -> bool:
        """Whether its client has said anything, if only the quit word."""
        return self.request is not None or self.quits

    @property
    def leaving(self) -> bool:
        """Whether the server must end the stream, when it has replied."""
        return self.half_closed or self.quits

    @property
    def left(self) -> bytes:
        """What has yet to come."""
        return self.owed[self.read :]


class EchoConnections:
    """The connections and their requests: the same whether one request is answered or all are."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.connections: dict[str, EchoConnection] = {}
        self.disrupted = False
        self.demands_ends = True
        """Whether the end of a stream is due behind the only reply: not where the server is known never to end it."""

    def begin(self, step: Step, *, idle_before: bool) -> None:  # noqa: ARG002  # clients do not affect each other
        match step:
            case Connect(who):
                self.connections[who] = EchoConnection()
            case Say(who, data) | Send(who, data):
                self.connections[who].request = data
            case HalfClose(who):
                self.connections[who].half_closed = True
            case Quit(who):
                self.connections[who].quits = True
            case Settle():
                pass
            case Close(who) | Abandon(who) | Reset(who):
                self.connections[who].ended = self.disrupted = True
            case _:
                raise ValueError(f"an echo server has no {type(step).__name__}")

    def required_readers(self, step: Step) -> list[str]:
        return [step.who] if isinstance(step, Say | HalfClose | Quit) else []

    def optional_readers(self) -> list[str]:
        return []

    def settled(self, step: Step) -> None:  # noqa: ARG002  # whatever it was, it was answered
        self.disrupted = False

    def explain_refusal(self, who: str, why: str) -> Finding:
        facts: list[attribution.Circumstance] = ["silent"] if self._silent_beside(self.connections.get(who)) else []
        clauses = attribution.clauses(attribution.ECHO_ROWS, "refused", facts)
        finding = Finding(clauses, f"{who} connects", f"{who} cannot connect: {why}", "refused")
        return replace(finding, absent=True)  # it may only take longer than the timeout

    def explain_death(self, expected: str) -> Finding:
        return Finding(attribution.clauses(attribution.ECHO_ROWS, "died", []), expected, "it ended", "died")

    def _silent_beside(self, connection: EchoConnection | None) -> bool:
        """Whether another client is connected and has said nothing."""
        return any(one.silent for one in self.connections.values() if one is not connection)

    def _clauses(
        self, shape: Shape, connection: EchoConnection, *, answered: bool, came: bytes = b""
    ) -> tuple[str, ...]:
        """Return the clauses that this may break; `answered` is whether the whole reply has come."""
        request, empty = connection.request, self.dialect.reply(b"")
        empties = empty * MAX_EMPTY_REPLIES
        begun = self.dialect.put_back(empties, 0, came)[0][: len(empties)]
        roles: dict[attribution.Circumstance, bool] = {
            "left": self.disrupted,
            "silent": self._silent_beside(connection),
            "half-closes": connection.half_closed and request is not None,
            "unspoken to": not connection.spoke,
            "kept": answered and not self.demands_ends,
            "answered": answered,
            "at the end": connection.half_closed and 0 < len(empty) <= len(begun) and empties.startswith(begun),
        }
        circumstances = [role for role, has in roles.items() if has]
        return attribution.clauses(attribution.ECHO_ROWS, shape, [*circumstances, *self._kinds(request or b"")])

    def _kinds(self, request: bytes) -> list[attribution.Kind]:
        not_asked = effects.not_applicable(self.dialect)
        found: dict[attribution.Kind, bool] = {
            "unusual": attribution.unusual_request(request),
            "long": len(request) > self.dialect.chunk and "ECHO-4" not in not_asked,
            "blank": bool(request) and not request.strip() and "ECHO-5" not in not_asked,
        }
        return [kind for kind, is_so in found.items() if is_so]


class EchoOracle(EchoConnections):
    """See the module. A request is one Say or Send; it, or a half-close, requires a reply and end of stream."""

    def final_steps(self) -> list[Step]:
        return []

    def due(self, who: str) -> bool:
        connection = self.connections[who]
        return not connection.ended and (self.demands_ends or not self._is_answered(connection))

    def _replies(self, connection: EchoConnection) -> list[bytes]:
        """Return every right reply, the likeliest first: some requests may be cut anywhere."""
        request = connection.request
        if request is None:
            return [b""]
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
        read, held = self._read(connection, data)
        if not any(reply.startswith(read) for reply in self._replies(connection)):
            return False
        connection.reply, connection.held = read, held
        return True

    def _read(self, connection: EchoConnection, data: bytes) -> tuple[bytes, bytes]:
        """Return all of the reply that has come with these bytes, and what is held back."""
        reads: list[tuple[bytes, bytes]] = []
        for due in self._replies(connection):
            known, held = self.dialect.put_back(due, len(connection.reply), connection.held + data)
            reads.append((connection.reply + known, held))
            if due.startswith(reads[-1][0]):
                return reads[-1]
        return reads[0]

    def expected_bytes(self, who: str) -> bytes:
        return self._replies(self.connections[who])[0]

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        connection = self.connections[who]
        read = b"".join(self._read(connection, data))
        due = self._replies(connection)[0] if connection.request is not None else b""
        shape: Shape = "altered"
        if not due or read.endswith(due) or (read.startswith(due) and read.strip() != due):
            shape = "extra"
        answered = bool(due) and read.startswith(due)
        return self._finding(
            connection, shape, who, show_against(read, due, MAX_OBSERVED_BYTES), answered=answered, came=read
        )

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        connection = self.connections[who]
        connection.ended = True
        # A server that does not read all of a request cannot close in order: TCP tells the client of the loss by a
        # reset, which may overtake the end of the reply.
        reset = how == "reset" and self._may_be_cut(connection)
        if reset and any(reply.startswith(connection.reply) for reply in self._replies(connection)):
            return None
        if self._is_answered(connection) and how == "eof":
            return None
        return self._absence(connection, "early end", who, ENDINGS[how])

    def explain_silence(self, who: str) -> Finding:
        connection = self.connections[who]
        replied = self._is_answered(connection) and (connection.reply or connection.request is None)
        return self._absence(
            connection, "no end" if replied else "cut" if connection.reply else "missing", who, "nothing"
        )

    def _is_answered(self, connection: EchoConnection) -> bool:
        return connection.reply in self._replies(connection)

    def _absence(self, connection: EchoConnection, shape: Shape, who: str, observed: str) -> Finding:
        came = connection.reply + connection.held
        saw = f"{show(came, MAX_OBSERVED_BYTES)}, then {observed}" if came else observed
        finding = self._finding(
            connection, shape, who, saw, answered=self._is_answered(connection) and shape != "missing"
        )
        return replace(finding, absent=True, also=("ECHO-7",))  # others have left before

    def _finding(
        self, connection: EchoConnection, shape: Shape, who: str, saw: str, *, answered: bool, came: bytes = b""
    ) -> Finding:
        due = self._replies(connection)
        reply = f"{show_against(due[0], came)}, then " if due[0] else ""
        some = " (or the reply to a shorter prefix)" if len(due) > 1 else ""
        clauses = self._clauses(shape, connection, answered=answered, came=came)
        return Finding(clauses, f"{who} reads {reply}end of stream{some}", f"{who} reads {saw}", shape)
