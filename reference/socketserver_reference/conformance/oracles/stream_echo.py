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
class Visit:
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
        self.visits: dict[str, Visit] = {}
        self.disturbed = False

    def begin(self, step: Step, *, idle_before: bool) -> None:  # noqa: ARG002  # nobody is in another's way
        match step:
            case Connect(who):
                self.visits[who] = Visit()
            case Say(who, data) | Send(who, data):
                self.visits[who].spoken = True
                self.visits[who].blank = not data.strip() and "ECHO-5" not in effects.not_applicable(self.dialect)
                self.visits[who].owed += self.dialect.reply(data)
            case HalfClose(who):
                self.visits[who].half_closed = True
            case Close(who) | Reset(who):
                self.visits[who].ended = self.disturbed = True
            case _:
                raise ValueError(f"an echo server has no {type(step).__name__}")

    def farewell(self) -> list[Step]:
        return [HalfClose(who) for who, visit in self.visits.items() if not (visit.ended or visit.half_closed)]

    def listeners(self, step: Step) -> list[str]:
        return [step.who] if isinstance(step, Say | HalfClose) else []

    def due(self, who: str) -> bool:
        visit = self.visits[who]
        return not visit.ended and (visit.half_closed or bool(visit.owed))

    def bystanders(self) -> list[str]:
        return []

    def settled(self, step: Step) -> None:  # noqa: ARG002  # whatever it was, it was answered
        self.disturbed = False

    def hears(self, who: str, data: bytes) -> bool:
        visit = self.visits[who]
        if not visit.owed.startswith(data):
            return False
        visit.owed = visit.owed[len(data) :]
        visit.read = (visit.read + data)[-200:]
        return True

    def lacks(self, who: str) -> bytes:
        return self.visits[who].owed

    def misfit(self, who: str, data: bytes) -> Finding:
        visit = self.visits[who]
        blank = ["ECHO-5"] if visit.blank else []
        clauses = ["ECHO-2"] if visit.owed else ["ECHO-3" if visit.spoken else "ECHO-1"]
        return self._finding(who, [*blank, *clauses, "ECHO-2"], show(data, 200))

    def ends(self, who: str, how: Ending) -> Finding | None:
        visit = self.visits[who]
        visit.ended = True
        if visit.half_closed and how == "eof" and not visit.owed:
            return None
        return self._finding(who, self._absent(visit), ENDINGS[how], absent=True)

    def silent(self, who: str) -> Finding:
        return self._finding(who, self._absent(self.visits[who]), "nothing", absent=True)

    def _absent(self, visit: Visit) -> list[str]:
        half_closed = ["ECHO-6"] if visit.half_closed and visit.spoken and visit.owed else []
        circumstances = [*(["ECHO-7"] if self.disturbed else []), *half_closed]
        return [*circumstances, *(["ECHO-5"] if visit.blank else []), "ECHO-2" if visit.owed else "ECHO-3", "ECHO-3"]

    def refused(self, who: str, why: str) -> Finding:
        return Finding(("ECHO-7", "ECHO-2"), f"{who} connects", f"{who} cannot connect: {why}")

    def _finding(self, who: str, clauses: list[str], saw: str, *, absent: bool = False) -> Finding:
        visit = self.visits[who]
        rest = "end of stream" if visit.half_closed else "stays connected"
        due = f"{who} reads {show(visit.owed)}" if visit.owed else f"{who} reads {rest}".replace("reads stays", "stays")
        also = ("ECHO-7",) if absent else ()  # others have left before
        return Finding(tuple(dict.fromkeys(clauses)), due, f"{who} reads {saw}", absent=absent, also=also)
