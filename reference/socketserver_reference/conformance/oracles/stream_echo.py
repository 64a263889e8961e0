"""Judges what the clients of a persistent echo saw: one that answers everything until the client half-closes.

Nobody can tell where such a server saw a request end, and nobody has to: what comes back is what was said, in order,
transformed byte by byte, or frame by frame.
"""

from socketserver_reference.conformance.oracles.echo import EchoConnections, Visit
from socketserver_reference.conformance.scenario.steps import HalfClose, Say, Send, Step
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding


class StreamEchoOracle(EchoConnections):
    """See the module."""

    def begin(self, step: Step, *, rested: bool) -> None:
        super().begin(step, rested=rested)
        if isinstance(step, Say | Send):
            self.visits[step.who].owed += self.dialect.reply(step.data)

    def farewell(self) -> list[Step]:
        return [HalfClose(who) for who, visit in self.visits.items() if not (visit.ended or visit.half_closed)]

    def due(self, who: str) -> bool:
        visit = self.visits[who]
        return not visit.ended and (visit.half_closed or bool(visit.owed))

    def hears(self, who: str, data: bytes) -> bool:
        visit = self.visits[who]
        if not visit.owed.startswith(data):
            return False
        visit.owed = visit.owed[len(data) :]
        return True

    def lacks(self, who: str) -> bytes:
        return self.visits[who].owed

    def misfit(self, who: str, data: bytes) -> Finding:
        visit = self.visits[who]
        blank = ["ECHO-5"] if self._is_blank(visit.request) else []
        clauses = ["ECHO-2"] if visit.owed else ["ECHO-1" if visit.request is None else "ECHO-3"]
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
        half_closed = ["ECHO-6"] if visit.half_closed and visit.owed else []
        circumstances = [*(["ECHO-7"] if self.disturbed else []), *half_closed]
        blank = ["ECHO-5"] if self._is_blank(visit.request) else []
        return [*circumstances, *blank, "ECHO-2" if visit.owed else "ECHO-3", "ECHO-3"]

    def _finding(self, who: str, clauses: list[str], saw: str, *, absent: bool = False) -> Finding:
        visit = self.visits[who]
        rest = "end of stream" if visit.half_closed else "stays connected"
        due = f"{who} reads {show(visit.owed)}" if visit.owed else f"{who} reads {rest}".replace("reads stays", "stays")
        return self._found(clauses, who, due, saw, absent=absent)
