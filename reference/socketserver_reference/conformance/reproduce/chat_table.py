"""The rows of a chat: clients read what all say; what is said at once is one row for all that read it."""

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.chat_room import MIN_BACKLOG_BYTES
from socketserver_reference.conformance.reproduce import patterns
from socketserver_reference.conformance.reproduce.table import EVERYTHING, LATE, PROBE, PROMPT, ScriptTable
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Shape, Violation

MORE_THAN_DUE: tuple[Shape, ...] = ("extra", "duplicated", "quit delivered")
"""What a client reads too much, which stands before what it reads rightly."""


class ChatTable(ScriptTable):
    """A chat: clients read what all say."""

    def __init__(self, dialect: Dialect, *, datagrams: bool) -> None:
        super().__init__(dialect, datagrams)
        self._said: list[tuple[str, bytes]] = []  # since all were last read
        self._silent: set[str] = set()  # who has come, and neither spoken nor read anything
        self._up_to_date: set[str] = set()  # who has read a delivery, and whatever history came before
        self._earlier: list[bytes] = []  # what was said at all
        self._at_once = False  # whether some of that was said without waiting
        self._hearers: list[str] = []  # who has read anything since then
        self._unsure: set[str] = set()  # who came since then, and may have missed something
        self._missed: dict[str, list[tuple[str, bytes]]] = {}  # a client that does not read -> what it has missed
        self._probing = ""
        self._prober = ""
        self._probed: set[str] = set()  # who has heard any of that
        self._waits = False  # whether all were read after the last step
        self._catching: dict[str, list[tuple[str, bytes]]] = {}  # a client that reads again -> what it had missed

    def do(self, step: Step, sent: bytes) -> None:
        self._probing = ""
        super().do(step, sent)
        if step.comes:
            self._silent.update(step.clients)
            self._unsure.update(step.clients if self._at_once else [])
        elif step.effect == "stops reading":
            (who,) = step.clients
            self._missed[who] = []
        elif sent and step.effect not in ("leaves", "falls silent") and not step.by_stage:
            self._said.append((step.spoken_by, step.said))
            self._silent.discard(step.spoken_by)
            self._earlier.append(step.said)
            self._at_once = self._at_once or not step.waits
            for missed in self._missed.values():
                missed.append((step.spoken_by, step.said))
        if step.effect in ("reads again", "leaves", "half-closes"):
            (who,) = step.clients
            self._catch_up(who)
        if step.effect == "leaves":
            self._earlier.append(self.dialect.quit)
            self.ended[step.spoken_by] = False
        self._waits = step.settles or (bool(sent) and step.waits and step.effect is None)

    # What clients read

    def member_hears(self, who: str, data: bytes) -> None:
        if self._probing:
            return
        if who in self._probed and self.dialect.stream:  # it was read late: the row of the probe has it
            data = patterns.late_probes(self.dialect, PROBE.encode()).sub(b"", data)
        if data:
            self._hearers += [] if who in self._hearers else [who]
            super().member_hears(who, data)

    def probe(self, speaker: str, target: str) -> None:
        if self._probing == target:
            return
        self.flush()
        self._probing, self._prober = target, speaker
        words = PROBE.encode()
        others = [who for who in self.here if who != target and who not in self._missed and not self.is_shaking(who)]
        self._silent.difference_update([target, *others])
        listeners = [who for who in others if who != speaker or self.dialect.hears_itself]
        sent = self.dialect.sent(words % 0).replace(b"%", b"%%").replace(words % 0, words)
        heard = patterns.heard_probe(self.dialect, words)
        self._probed.update([target, *listeners])
        self.add(speaker, "speaks until heard", (sent, heard, " ".join([target, *listeners])))

    def flush(self) -> None:
        """Add the rows of what clients have read; what was said at once is read when a client waits for it."""
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
            surely = who not in self._silent  # one that has just come may not be a member in time
            for _, body in self._said:
                if self._finds(data, body):
                    self._silent.discard(who)
                    if surely:
                        self.add(who, "reads", patterns.delivery(self.dialect, body))
                        self._up_to_date.add(who)
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
        elif self.is_shaking(who):
            self.finish_handshake(who)
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
        more = violation.shape in MORE_THAN_DUE
        if leaves:
            alone = patterns.passing_alone(self.dialect) if more and not said else EVERYTHING
            self.add(who, "reads to the end", b"" if self.dialect.stream else alone)
            return
        found = bool(said) and self._finds(heard, said[0])
        if b"probe " in violation.due:
            self.probe(self._prober, who)
            return
        if said and (violation.due or found):
            exact = more and (who in self._up_to_date or not self.dialect.history)
            due = patterns.nothing_but(self.dialect, said[0], self._earlier) if exact else None
            self.add(who, "reads", due or patterns.delivery(self.dialect, said[0]))
        elif violation.due:
            self.add(who, "reads", violation.due)
        if found or not violation.due:
            self.add(who, "hears nothing", patterns.unwanted(self.dialect))
