"""Judges what the clients of an echo server saw, over connections.

Here nobody hears anybody else, so a client's own words are all there is to go
by.
"""

from dataclasses import dataclass

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.steps import Close, Connect, HalfClose, Reset, Say, Send, Step
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding


@dataclass
class Visit:
    """One connection: the last request, and what came or, where everything is answered, has yet to come."""

    request: bytes | None = None
    reply: bytes = b""
    owed: bytes = b""
    half_closed: bool = False
    ended: bool = False


class EchoConnections:
    """Who is there, and what they asked: the same whether one request is answered or all are."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.visits: dict[str, Visit] = {}
        self.disturbed = False

    def begin(self, step: Step, *, rested: bool) -> None:  # noqa: ARG002  # nobody is in another's way
        match step:
            case Connect(who):
                self.visits[who] = Visit()
            case Say(who, data) | Send(who, data):
                self.visits[who].request = data
            case HalfClose(who):
                self.visits[who].half_closed = True
            case Close(who) | Reset(who):
                self.visits[who].ended = self.disturbed = True
            case _:
                raise ValueError(f"an echo server has no {type(step).__name__}")

    def listeners(self, step: Step) -> list[str]:
        return [step.who] if isinstance(step, Say | HalfClose) else []

    def bystanders(self) -> list[str]:
        return []

    def settled(self, step: Step) -> None:  # noqa: ARG002  # whatever it was, it was answered
        self.disturbed = False

    def refused(self, who: str, why: str) -> Finding:
        return Finding(("ECHO-7", "ECHO-2"), f"{who} connects", f"{who} cannot connect: {why}")

    def _is_blank(self, request: bytes | None) -> bool:
        """Whether a request is white space alone, where that is asked about."""
        blank = request is not None and not request.strip()
        return blank and "ECHO-5" not in effects.not_applicable(self.dialect)

    def _found(self, clauses: list[str], who: str, expected: str, saw: str, *, absent: bool) -> Finding:
        also = ("ECHO-7",) if absent else ()  # others have left before
        return Finding(tuple(dict.fromkeys(clauses)), expected, f"{who} reads {saw}", absent=absent, also=also)


class EchoOracle(EchoConnections):
    """See the module. A request is one Say or Send; who asks, or half-closes, is owed a reply and end of stream."""

    def farewell(self) -> list[Step]:
        return []

    def due(self, who: str) -> bool:
        return not self.visits[who].ended

    def _replies(self, visit: Visit) -> list[bytes]:
        """Return every right reply, the likeliest first: some requests may be cut anywhere."""
        request = visit.request or b""
        if not self._may_be_cut(visit):
            return [self.dialect.reply(request)]
        lengths = range(min(len(request), self.dialect.chunk), 0, -1)
        return list(dict.fromkeys(self.dialect.reply(request[:length]) for length in lengths))

    def _may_be_cut(self, visit: Visit) -> bool:
        """Whether the server may have read a part of the request only: of one longer than a chunk, or on a path that
        splits.
        """
        length = len(visit.request or b"")
        cut = length > self.dialect.chunk or (length > 1 and not self.dialect.exact)
        return cut and self.dialect.raw

    def hears(self, who: str, data: bytes) -> bool:
        visit = self.visits[who]
        visit.reply += data
        return any(reply.startswith(visit.reply) for reply in self._replies(visit))

    def lacks(self, who: str) -> bytes:
        return self._replies(self.visits[who])[0]

    def misfit(self, who: str, data: bytes) -> Finding:
        visit = self.visits[who]
        heard = visit.reply[: len(visit.reply) - len(data)] + data if visit.reply.endswith(data) else data
        if visit.request is None:
            return self._finding(visit, ["ECHO-1"], who, heard)
        due = b"" if self._special(visit) else self._replies(visit)[0]
        if due and heard.strip() == due:  # it is the white space that should not be there
            return self._finding(visit, ["ECHO-2", "ECHO-3"], who, heard)
        if due and heard.endswith(due):
            return self._finding(visit, ["ECHO-1", "ECHO-2"], who, heard)
        if due and heard.startswith(due):
            return self._finding(visit, ["ECHO-3", "ECHO-2"], who, heard)
        return self._finding(visit, [*self._special(visit), "ECHO-2"], who, heard)

    def _special(self, visit: Visit) -> list[str]:
        """Return the clauses about what is special in this visit."""
        long = ["ECHO-4"] if len(visit.request or b"") > self.dialect.chunk else []
        return [*long, *(["ECHO-5"] if self._is_blank(visit.request) else [])]

    def ends(self, who: str, how: Ending) -> Finding | None:
        visit = self.visits[who]
        visit.ended = True
        # A server that does not read all of a request cannot close in order: TCP tells the client of the loss by a
        # reset, which may overtake the end of the reply.
        reset = how == "reset" and self._may_be_cut(visit)
        if reset and any(reply.startswith(visit.reply) for reply in self._replies(visit)):
            return None
        if visit.reply in self._replies(visit) and how == "eof":
            return None
        if visit.reply in self._replies(visit):
            return self._finding(visit, [*self._absent(visit), "ECHO-3"], who, ENDINGS[how], absent=True)
        after = f"{show(visit.reply, 200)}, then {ENDINGS[how]}" if visit.reply else ENDINGS[how]
        clauses = [*self._absent(visit), *self._special(visit), "ECHO-2", "ECHO-3"]
        return self._finding(visit, clauses, who, after, absent=True)

    def _absent(self, visit: Visit) -> list[str]:
        """Return the clauses about circumstances under which something must come all the same."""
        return [*(["ECHO-7"] if self.disturbed else []), *(["ECHO-6"] if visit.half_closed and visit.request else [])]

    def silent(self, who: str) -> Finding:
        visit = self.visits[who]
        replied = visit.reply in self._replies(visit)
        ended_late = replied and (visit.reply or visit.request is None)
        general = ["ECHO-3"] if ended_late else [*self._special(visit), "ECHO-2", "ECHO-3"]
        observed = f"{show(visit.reply, 200)}, then nothing" if visit.reply else "nothing"
        return self._finding(visit, [*self._absent(visit), *general], who, observed, absent=True)

    def _finding(
        self, visit: Visit, clauses: list[str], who: str, observed: str | bytes, *, absent: bool = False
    ) -> Finding:
        due = self._replies(visit)
        reply = f"{show(due[0])}, then " if due[0] else ""
        some = " (or the reply to a shorter prefix)" if len(due) > 1 else ""
        saw = show(observed, 200) if isinstance(observed, bytes) else observed
        return self._found(clauses, who, f"{who} reads {reply}end of stream{some}", saw, absent=absent)
