"""The table of a script: the exchange of a violation, row by row.

A row is a client, or several; what it does; and the bytes of it, or what they must match. What clients do and what they
read rightly is taken from the transcript. The last row is what the server did wrong: what was due instead.

What clients say at once is a race: who reads which of it first is not determined. So it becomes one row for all who
read it (`reads all`), which demands that each delivery is the next piece of what a client said, in one order.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.dialect import HandshakeTurn as Turn
from socketserver_reference.conformance.driver.session import EXPECTED_SURVIVAL
from socketserver_reference.conformance.oracles.chat_room import MIN_BACKLOG_BYTES
from socketserver_reference.conformance.reproduce import patterns
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Entry, Heard
from socketserver_reference.conformance.scenario.violation import Violation

PROBE = "probe %02d"
"""What a client says until a silent one hears it."""

ACTIONS = {
    "half-closes": "half-closes",
    "closes": "closes",
    "resets": "resets",
    "abandons": "closes unread",
}
"""The verb of a step -> what the player calls it."""

EVERYTHING, NOTHING = re.compile(rb"(?s).*"), re.compile(rb"(?!)")

LATE, PROMPT = "cal", "ben"
"""The clients that CHAT-16 compares: one that acknowledges late, and one that does at once."""

Row = tuple[str, str, Any]
"""The clients, their action, and its bytes, its pattern or its settings."""


def rows_of(violation: Violation, protocol: str, dialect: Dialect) -> tuple[list[Row], list[bytes]]:
    """Return the rows of a violation, and what clients say at once in them."""
    assert violation.transcript is not None
    transcript = violation.transcript
    table = (_ChatTable if protocol == "chat" else _EchoTable)(dialect, datagrams=protocol == "datagram")
    for earlier in transcript.before:
        table.tell(earlier.entries)
        table.dismiss()
    seen = transcript.entries[: violation.at]
    wrong = Heard | Ended if protocol == "datagram" else Ended
    if seen and isinstance(seen[-1], wrong) and seen[-1].who == violation.failing:  # what was not due
        seen = seen[:-1]
    table.tell(seen)
    table.finish(violation)
    return table.rows, table.bursts


@dataclass
class _Table:
    """The rows so far."""

    dialect: Dialect
    datagrams: bool
    rows: list[Row] = field(default_factory=list)
    bursts: list[bytes] = field(default_factory=list)
    here: list[str] = field(default_factory=list)
    """The clients whose sockets are open."""
    ended: dict[str, bool] = field(default_factory=dict)
    """Clients that have ended their side, and whether the server has ended the other."""
    shaking: dict[str, tuple[list[Turn], bytes]] = field(default_factory=dict)
    """Client -> the turns of its handshake to come, and the bytes that it has read since the last."""
    reading: dict[str, bytes] = field(default_factory=dict)
    """Client -> bytes that it has read since its last row."""

    def add(self, who: str, action: str, what: Any = b"") -> None:
        """Add a row; neighbouring rows of several clients that read the same become one."""
        before = self.rows[-1] if self.rows else ("", "", b"")
        if action.startswith("reads") and before[1:] == (action, what) and who not in before[0].split():
            self.rows[-1] = (f"{before[0]} {who}", action, what)
        else:
            self.rows.append((who, action, what))

    def tell(self, entries: Iterable[Entry]) -> None:
        """Add the rows of what happened."""
        for entry in entries:
            match entry:
                case Did(step, _, heard_by) if heard_by:
                    self.probe(step.spoken_by, heard_by)
                case Did(step, sent):
                    self.do(step, sent)
                case Heard(who, data):
                    self.hear(who, data)
                case Ended(who):
                    self.end(who)

    def probe(self, speaker: str, target: str) -> None:
        """Add the row by which a client speaks until a silent one hears it."""

    def do(self, step: Step, sent: bytes) -> None:
        """Add the row of a step."""
        if step.by_stage:
            self.answer(step.spoken_by)
        else:
            self.flush()
        if step.comes:
            self.here += step.clients
            late = {"delayed": True} if getattr(step, "acks", "") == "delayed" else {}
            for who in step.clients:
                self.add(who, "connects", late | ({"window": step.window} if step.window else {}))
                self.shaking[who] = list(self.dialect.handshake), b""
        elif sent:
            self.add(step.spoken_by or step.clients[0], "sends", sent)
        elif step.verb in ACTIONS:
            (who,) = step.clients
            self.add(who, ACTIONS[step.verb])
            if step.effect == "half-closes":
                self.ended[who] = False
            else:
                self.here.remove(who)

    def hear(self, who: str, data: bytes) -> None:
        """Note what a client reads, in its handshake or afterwards."""
        turns, read = self.shaking.get(who, ([], b""))
        read += data
        while turns and turns[0].send is None and turns[0].wait is not None and turns[0].wait.after(read) is not None:
            read = self._awaited(who, turns.pop(0), read)
        if turns:
            self.shaking[who] = turns, read
        elif read:
            self.shaking.pop(who, None)
            self.member_hears(who, read)

    def member_hears(self, who: str, data: bytes) -> None:
        """Note what a client reads after its handshake."""
        self.reading[who] = self.reading.get(who, b"") + data

    def answer(self, who: str) -> None:
        """Add the rows of what a client waits for before an answer of its handshake."""
        turns, read = self.shaking[who]
        self.shaking[who] = turns, self._awaited(who, turns.pop(0), read)

    def _awaited(self, who: str, turn: Turn, read: bytes) -> bytes:
        if turn.wait is not None:
            self.add(who, "reads", patterns.awaited(turn.wait))
            return read[turn.wait.after(read) or len(read) :]
        return read

    def end(self, who: str) -> None:
        """Note that a client reads the end of its stream."""
        self.ended[who] = True

    def flush(self) -> None:
        """Add the rows of what clients have read."""

    def dismiss(self) -> None:
        """End all clients, as a stage does after a scenario."""
        self.flush()
        for who in self.here:
            self.add(who, "closes")
        self.here.clear()
        self.ended.clear()

    def finish(self, violation: Violation) -> None:
        """Add the row that shows the violation."""
        if violation.expected == EXPECTED_SURVIVAL:
            self.flush()
            self.add("visitor", "connects", {})
            self.add("visitor", "hears nothing", NOTHING)  # not even the end


class _EchoTable(_Table):
    """An echo: each client reads the replies to what it said."""

    def __init__(self, dialect: Dialect, *, datagrams: bool) -> None:
        super().__init__(dialect, datagrams)
        self._said: dict[str, list[bytes]] = {}  # what was not answered yet

    def do(self, step: Step, sent: bytes) -> None:
        super().do(step, sent)
        if sent or step.said or self.datagrams:
            if not sent and step.spoken_by:
                self.add(step.spoken_by, "sends", sent)
            if step.spoken_by:
                self._said.setdefault(step.spoken_by, []).append(step.said)

    def member_hears(self, who: str, data: bytes) -> None:
        if self.datagrams:
            self.add(who, "reads", data)
            self._said[who][:1] = []
        else:
            super().member_hears(who, data)

    def flush(self) -> None:
        for who in [who for who in self.reading if self.reading[who] or self.ended.get(who)]:
            self._answered(who)

    def _answered(self, who: str) -> None:
        data = self.reading.pop(who)
        if self.ended.get(who):
            self.add(who, "reads to the end", data)
        else:
            self.add(who, "reads", data)
        self._said.pop(who, None)

    def finish(self, violation: Violation) -> None:
        super().finish(violation)
        who = violation.failing
        if not who:
            return
        heard = self.reading.pop(who, b"")
        self.flush()
        said = self._said.get(who, [])
        if not said and who not in self.ended:
            self.add(who, "hears nothing", patterns.unwanted(self.dialect))
        elif self.datagrams:
            self.add(who, "reads", self.dialect.reply(said[0][: self.dialect.datagram]))
        else:
            self._due(who, b"".join(said), heard)

    def _due(self, who: str, request: bytes, heard: bytes) -> None:
        """Add the row of the reply that was due."""
        dialect = self.dialect
        if not dialect.persistent and dialect.raw and len(request) > dialect.chunk:
            whole = dialect.reply(request[: dialect.chunk])
            self.add(who, "reads to the end", re.compile(rb"(?s).{1,%d}" % len(whole)))
            return
        if dialect.raw or not dialect.persistent:
            reply = dialect.reply(request)
        else:
            reply = b"".join(dialect.reply(one) for one in self._said.get(who, []))
        if not dialect.persistent or who in self.ended:
            self.add(who, "reads to the end", reply)
        else:
            self.add(who, "reads", reply)
            if heard.startswith(reply):
                self.add(who, "hears nothing", patterns.unwanted(dialect))


class _ChatTable(_Table):
    """A chat: clients read what all say."""

    def __init__(self, dialect: Dialect, *, datagrams: bool) -> None:
        super().__init__(dialect, datagrams)
        self._said: list[tuple[str, bytes]] = []  # since all were last read
        self._at_once = False  # whether some of that was said without waiting
        self._hearers: list[str] = []  # who has read anything since then
        self._unsure: set[str] = set()  # who came since then, and may have missed something
        self._missed: dict[str, list[tuple[str, bytes]]] = {}  # a client that does not read -> what it has missed
        self._probing = ""
        self._prober = ""
        self._waits = False  # whether all were read after the last step
        self._catching: dict[str, list[tuple[str, bytes]]] = {}  # a client that reads again -> what it had missed

    def do(self, step: Step, sent: bytes) -> None:
        self._probing = ""
        super().do(step, sent)
        if step.comes:
            self._unsure.update(step.clients if self._at_once else [])
        elif step.effect == "stops reading":
            (who,) = step.clients
            self._missed[who] = []
        elif sent and step.effect not in ("leaves", "falls silent") and not step.by_stage:
            self._said.append((step.spoken_by, step.said))
            self._at_once = self._at_once or not step.waits
            for missed in self._missed.values():
                missed.append((step.spoken_by, step.said))
        if step.effect in ("reads again", "leaves", "half-closes"):
            (who,) = step.clients
            self._catch_up(who)
        if step.effect == "leaves":
            self.ended[step.spoken_by] = False
        self._waits = step.settles or (bool(sent) and step.waits and step.effect is None)

    def _is_shaking(self, who: str) -> bool:
        """Whether a client is in its handshake."""
        return who in self.shaking and bool(self.shaking[who][0])

    # What clients read

    def member_hears(self, who: str, data: bytes) -> None:
        if not self._probing:
            self._hearers += [] if who in self._hearers else [who]
            super().member_hears(who, data)

    def probe(self, speaker: str, target: str) -> None:
        if self._probing == target:
            return
        self.flush()
        self._probing, self._prober = target, speaker
        words = PROBE.encode()
        others = [who for who in self.here if who != target and who not in self._missed and not self._is_shaking(who)]
        listeners = [who for who in others if who != speaker or self.dialect.hears_itself]
        sent = self.dialect.sent(words % 0).replace(b"%", b"%%").replace(words % 0, words)
        heard = patterns.heard_probe(self.dialect, words)
        self.add(speaker, "speaks until heard", (sent, heard, " ".join([target, *listeners])))

    def flush(self) -> None:
        """Add the rows of what clients have read; what was said at once is read when somebody waits for it."""
        if self._at_once and not self._waits:
            return
        over = [who for who in self.here if self.ended.get(who)]
        for who in dict.fromkeys([*self.reading, *over]):
            if who not in self._catching and (not self._at_once or who in self.ended):
                self._reads(who, self.reading.get(who, b""))
        if self._at_once:
            self._read_all()
        for who, missed in self._catching.items():
            self._reads_missed(who, missed)
        self._said, self._hearers, self._at_once = [], [], False
        self.here = [who for who in self.here if who not in over]
        self.reading.clear()
        self._unsure.clear()
        self._catching.clear()

    def _reads(self, who: str, data: bytes) -> None:
        """Add the rows of what a client has read, when each knew what it had to read."""
        ended = self.ended.get(who)
        if self._at_once:
            self.add(who, "closes")
        elif self.dialect.stream:
            self.add(who, "reads to the end" if ended else "reads", data)
        else:
            for _, body in self._said:
                if self._finds(data, body):
                    self.add(who, "reads", patterns.delivery(self.dialect, body))
            if ended:
                self.add(who, "reads to the end", EVERYTHING)

    def _finds(self, data: bytes, body: bytes) -> bool:
        """Whether some bytes hold the delivery of a body."""
        due = patterns.delivery(self.dialect, body)
        return data.startswith(due) if isinstance(due, bytes) else due.match(data) is not None

    def _read_all(self) -> None:
        speakers = {who for who, _ in self._said}
        away = {*self._unsure, *self._missed, *self._catching, *self.ended}
        hearers = {*self._hearers, *(speakers if self.dialect.hears_itself else ())} - away
        readers = [who for who in self.here if who in hearers]
        alike = [who for who in readers if self.dialect.hears_itself or who not in speakers]  # who hears all
        rows = [" ".join(alike), *(who for who in readers if who not in alike)]
        for names in filter(None, rows if effects.asks_one_order(self.dialect) else readers):
            self.add(names, "reads all", (self._due(names), False))
        self.bursts += [body for _, body in self._said]

    def _due(self, who: str, said: list[tuple[str, bytes]] | None = None) -> dict[str, bytes]:
        """Return what each client said that a client hears."""
        due: dict[str, bytes] = {}
        for speaker, body in self._said if said is None else said:
            if speaker != who or self.dialect.hears_itself:
                due[speaker] = due.get(speaker, b"") + body
        return due

    def _catch_up(self, who: str) -> None:
        if who in self._missed:
            self._catching[who] = self._missed.pop(who)

    def _reads_missed(self, who: str, missed: list[tuple[str, bytes]]) -> None:
        """Add the row of what a client reads that has not read for a while; it may be cut off for that."""
        due = self._due(who, missed)
        self.bursts += [body for _, body in missed]
        self.add(who, "reads all", (due, sum(map(len, due.values())) >= MIN_BACKLOG_BYTES))
        if who in self.ended:
            self.add(who, "reads to the end", b"" if self.dialect.stream else EVERYTHING)

    # The violation

    def finish(self, violation: Violation) -> None:
        super().finish(violation)
        who, said = violation.failing, self._said[-1:]
        self._waits = True
        if not who:
            self.flush()
            if violation.clause_id == "CHAT-16":
                self.add(LATE, "keeps up with", PROMPT)
        elif self._is_shaking(who):
            self.flush()
            self.answer(who)
        elif who in self._catching or self._at_once:
            self._hearers.append(who)
            leaves = self.ended.pop(who, None) is not None
            self.flush()
            if leaves:
                self.add(who, "reads to the end", b"" if self.dialect.stream else EVERYTHING)
        elif self._probing != who:
            heard = self.reading.pop(who, b"")
            leaves = self.ended.pop(who, None) is not None
            self.flush()
            self._finish_settled(who, heard, [body for _, body in said], violation, leaves=leaves)

    def _finish_settled(self, who: str, heard: bytes, said: list[bytes], violation: Violation, *, leaves: bool) -> None:
        """Add the rows of a client that each knew what it had to read."""
        if leaves:
            self.add(who, "reads to the end", b"" if self.dialect.stream else EVERYTHING)
            return
        found = bool(said) and self._finds(heard, said[0])
        if b"probe " in violation.due:
            self.probe(self._prober, who)
            return
        if said and (violation.due or found):
            self.add(who, "reads", patterns.delivery(self.dialect, said[0]))
        elif violation.due:
            self.add(who, "reads", violation.due)
        if found or not violation.due:
            self.add(who, "hears nothing", patterns.unwanted(self.dialect))
