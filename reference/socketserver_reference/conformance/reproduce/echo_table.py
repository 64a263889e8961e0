"""The rows of an echo: each client reads the replies to what it said."""

import re

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.reproduce import patterns
from socketserver_reference.conformance.reproduce.table import SILENT, ScriptTable
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Violation


class EchoTable(ScriptTable):
    """An echo: each client reads the replies to what it said."""

    def __init__(self, dialect: Dialect, *, datagrams: bool) -> None:
        super().__init__(dialect, datagrams)
        self._said: dict[str, list[bytes]] = {}  # what was not answered yet
        self._farewells: set[str] = set()  # who has said the quit word

    def do(self, step: Step, sent: bytes) -> None:
        super().do(step, sent)
        if step.effect == "leaves":
            self.ended[step.spoken_by] = False
            self._farewells.add(step.spoken_by)
        elif sent or step.said or self.datagrams:
            if not sent and step.spoken_by:
                self.add(step.spoken_by, "sends", sent)
            if step.spoken_by:
                self._said.setdefault(step.spoken_by, []).append(step.said)

    def member_hears(self, who: str, data: bytes) -> None:
        if self.datagrams:
            due = self.dialect.reply(self._said[who][0][: self.dialect.datagram]) if self._said[who] else b""
            self.add(who, "reads", self._read(due, data))
            self._said[who][:1] = []
        else:
            super().member_hears(who, data)

    def flush(self) -> None:
        for who in [who for who in self.reading if self.reading[who] or self.ended.get(who)]:
            self._answered(who)

    def _read(self, due: bytes, data: bytes) -> bytes | patterns.Pattern:
        """Return what a script reads where this was due, and came."""
        return patterns.reply(self.dialect, b"".join(self.dialect.put_back(due, 0, data)))

    def _answered(self, who: str) -> None:
        due = b"".join(self.dialect.reply(one) for one in self._said.get(who, []))
        data = self._read(due, self.reading.pop(who))
        if self.ended.get(who):
            self.add(who, "reads to the end", data)
        else:
            self.add(who, "reads", data)
        self._said.pop(who, None)

    def finish(self, violation: Violation) -> None:
        super().finish(violation)
        who = violation.failing
        if violation.shape == "late":  # the other was served when the server had hung up on the silent one
            self.flush()
            self.add(SILENT, "hears nothing", patterns.unwanted(self.dialect))
        if not who:
            return
        if self.is_shaking(who):
            self.finish_handshake(who)
            return
        heard = self.reading.pop(who, b"")
        self.flush()
        said = self._said.get(who, [])
        if not said and who not in self.ended:
            self.add(who, "hears nothing", patterns.unwanted(self.dialect))
        elif self.datagrams:
            due = self.dialect.reply(said[0][: self.dialect.datagram])
            self.add(who, "reads", patterns.reply(self.dialect, due))
        else:
            self._due(who, b"".join(said), heard)

    def _due(self, who: str, request: bytes, heard: bytes) -> None:
        """Add the row of the reply that was due."""
        dialect = self.dialect
        if not dialect.persistent and dialect.raw and len(request) > dialect.chunk:
            whole = dialect.reply(request[: dialect.chunk])
            self.add(who, "reads to the end", re.compile(rb"(?s).{1,%d}" % len(whole)))
            return
        if who in self._said and (dialect.raw or not dialect.persistent):
            reply = dialect.reply(request)
        else:
            reply = b"".join(dialect.reply(one) for one in self._said.get(who, []))
        reply += dialect.farewell if who in self._farewells else b""
        if not dialect.persistent or who in self.ended:
            self.add(who, "reads to the end", patterns.reply(dialect, reply))
        else:
            self.add(who, "reads", patterns.reply(dialect, reply))
            heard = b"".join(dialect.put_back(reply, 0, heard))
            if heard.startswith(reply):
                self.add(who, "hears nothing", patterns.unwanted(dialect))
