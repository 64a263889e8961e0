"""The rows of a script so far: what clients do, and what they read in handshakes. Its subclasses add the rest."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.handshake import Turn, whole, without_last_answer
from socketserver_reference.conformance.driver.session import EXPECTED_SURVIVAL
from socketserver_reference.conformance.reproduce import patterns
from socketserver_reference.conformance.scenario.steps import Step, pieces
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

PIECE_SECONDS = 0.1
"""Seconds for a server to read a piece of an utterance before the next comes."""

ANSWER_SECONDS = 0.1
"""Seconds for a server of chunks to read the last answer of a handshake before a client speaks."""

EVERYTHING, NOTHING = re.compile(rb"(?s).*"), re.compile(rb"(?!)")

LATE, PROMPT = "cal", "ben"
"""The clients that CHAT-16 compares: one that acknowledges late, and one that does at once."""

SILENT = "silent"
"""The client beside which another waits, in the scenario of ECHO-8."""

Row = tuple[str, str, Any]
"""The clients, their action, and its bytes, its pattern or its settings."""


@dataclass
class ScriptTable:
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
    held: dict[str, bytes] = field(default_factory=dict)
    """Client -> what it says in one segment with what comes next."""
    half_closes_next: str = ""
    """The client that does so by the next step."""
    paced: Counter[str] = field(default_factory=Counter)
    """Client -> how often it has spoken; the empty name counts connections."""

    def add(self, who: str, action: str, what: Any = b"") -> None:
        """Add a row; neighbouring rows of several clients that read the same become one."""
        before = self.rows[-1] if self.rows else ("", "", b"")
        if action.startswith("reads") and before[1:] == (action, what) and who not in before[0].split():
            self.rows[-1] = (f"{before[0]} {who}", action, what)
        else:
            self.rows.append((who, action, what))

    def tell(self, entries: Iterable[Entry]) -> None:
        """Add the rows of what happened."""
        told = list(entries)
        steps = [entry.step for entry in told if isinstance(entry, Did)]
        following = iter(steps[1:])
        for entry in told:
            after = next(following, None) if isinstance(entry, Did) else None
            self.half_closes_next = after.clients[0] if after and after.effect == "half-closes" else ""
            match entry:
                case Did(step, _, heard_by) if heard_by:
                    if step.spoken_by:  # all wait for a probe where each utterance must be one chunk
                        self.probe(step.spoken_by, heard_by)
                case Did(step, sent):
                    self.do(step, sent)
                case Heard(who, data):
                    self.hear(who, data)
                case Ended(who):
                    self.end(who)
                case _:  # a client waited; a script waits as long by itself
                    pass

    def probe(self, speaker: str, target: str) -> None:
        """Add the row by which a client speaks until a silent one hears it."""

    def do(self, step: Step, sent: bytes) -> None:
        """Add the row of a step."""
        if step.by_stage:
            self.answer(step.spoken_by)
        else:
            self.flush()
        self.pause(step, sent)
        if step.comes:
            self.here += step.clients
            late = {"delayed": True} if getattr(step, "acks", "") == "delayed" else {}
            for who in step.clients:
                self.add(who, "connects", late | ({"window": step.window} if step.window else {}))
                self.shaking[who] = self._turns(step), b""
        elif sent and step.with_next:
            self.held[step.spoken_by] = self.held.get(step.spoken_by, b"") + sent
        elif sent:
            who = step.spoken_by or step.clients[0]
            sent = self.held.pop(who, b"") + sent
            for count, piece in enumerate(pieces(sent) if step.in_pieces else [sent]):
                if count:
                    self.add(who, "waits", PIECE_SECONDS)
                ends = step.burst and who == self.half_closes_next  # last words and end of stream, in one segment
                self.add(who, "sends with its end" if ends else "sends", piece)
        elif step.verb in ACTIONS and step.clients[0] in self.here:  # the server may have ended its stream before
            (who,) = step.clients
            if held := self.held.pop(who, b""):
                self.add(who, "sends", held)
            self.add(who, ACTIONS[step.verb])
            if step.effect == "half-closes":
                self.ended[who] = False
            else:
                self.here.remove(who)

    def _turns(self, step: Step) -> list[Turn]:
        """Return the handshake that a client goes through before it speaks."""
        turns = whole(self.dialect, b"{name}")
        if not step.with_words:
            return turns
        before, _, after = without_last_answer(turns)
        return [*before, *after]

    def pause(self, step: Step, sent: bytes) -> None:
        """Add the row of the time that the dialect demands before a client connects or speaks."""
        limits, who = self.dialect.limits, "" if step.comes else step.spoken_by
        if step.by_stage or not (step.comes or sent):
            return
        if step.comes:
            seconds = limits.join_gap + limits.join_rate.pause(self.paced[who]) if self.paced[who] else 0.0
        elif self.paced[who]:
            seconds = limits.gap + limits.rate.pause(self.paced[who])
        else:
            seconds = max(limits.join_delay, ANSWER_SECONDS if self.dialect.ends_with_an_answer else 0.0)
        if seconds:
            self.add(who or step.clients[0], "waits", seconds)
        self.paced[who] += 1

    def hear(self, who: str, data: bytes) -> None:
        """Note what a client reads, in its handshake or afterwards."""
        turns, read = self.shaking.get(who, ([], b""))
        read += data
        while turns and not turns[0].answer and turns[0].wait is not None and turns[0].after(read) is not None:
            read = self._awaited(who, turns.pop(0), read)
        if turns:
            self.shaking[who] = turns, read
        elif read:
            self.shaking.pop(who, None)
            self.member_hears(who, read)

    def member_hears(self, who: str, data: bytes) -> None:
        """Note what a client reads after its handshake."""
        self.reading[who] = self.reading.get(who, b"") + data

    def is_shaking(self, who: str) -> bool:
        """Whether a client is in its handshake."""
        return who in self.shaking and bool(self.shaking[who][0])

    def answer(self, who: str) -> None:
        """Add the rows of what a client waits for before an answer of its handshake."""
        turns, read = self.shaking[who]
        self.shaking[who] = turns, self._awaited(who, turns.pop(0), read)

    def _awaited(self, who: str, turn: Turn, read: bytes) -> bytes:
        if turn.wait is not None:
            self.add(who, "reads", patterns.awaited(turn.wait))
            return read[turn.after(read) or len(read) :]
        return read

    def finish_handshake(self, who: str) -> None:
        """Add the row of what a client waits for in vain in its handshake."""
        self.flush()
        self.answer(who)

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
            self.dismiss()
            self.add("visitor", "connects", {})
            self.add("visitor", "hears nothing", NOTHING)  # not even the end
