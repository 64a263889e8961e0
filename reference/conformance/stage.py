"""Performs the steps of a scenario on real sockets and tells an oracle what every client saw.

The stage decides nothing: whom to read, how far, and whether what came is right, the oracle says. It owns the clients:
leaving the `with` block ends them all, the polite way first, so that the server has let go of them before the next
scenario.

Every wait is bounded by `patience` seconds, and everything a server can make the stage keep is bounded too: the first
illegal byte ends a scenario.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal, NoReturn, Self

from reference.address import Address
from reference.conformance.client import Client, Unreachable, connect_at_once
from reference.conformance.dialect import NOTE, Dialect
from reference.conformance.oracle import Oracle
from reference.conformance.pace import Pace
from reference.conformance.phrasing import AsWritten, Phrasing
from reference.conformance.room import WAITING, RoomOracle
from reference.conformance.scenario import (
    Answer,
    Close,
    Connect,
    Crowd,
    HalfClose,
    Heed,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Stall,
    Step,
    show,
)
from reference.conformance.template import Template
from reference.conformance.transcript import ENDINGS, Did, Ended, Ending, Heard, Transcript, Waited
from reference.conformance.violation import VIOLATIONS, Finding, Violation

HANDSHAKE = 16 * 1024
"""Bytes that a server may say in one exchange of its handshake."""

EVIDENCE = 64 * 1024
"""Bytes read at most behind an illegal one, to see whether what was due comes after it."""

MUCH = 32 * 1024
"""Bytes that are said at once, from which on whoever reads has to read all the time: half of what may wait for it."""

EXPLAINING = 0.25
"""Seconds for that at most: the verdict is certain by then, and only its explanation may become better."""

DRIPPING = 4
"""Times the patience that all which is due to one client after one step may take, if it comes in drips."""

ABRUPT = (Send, Crowd, Reset, Stall)
"""Steps after which nobody waits for the server any more."""

Manners = Literal["polite", "polite at first", "abrupt"]

KNOCKS_AGAIN = 4
"""Times that somebody speaks once more, when a client that was silent so long has spoken."""

GLANCE = 0.05
"""Seconds between two knocks for a client that has not heard anything yet: the one thing to wait for that has no event.
"""


class Stage:
    """One performance: clients of one server, from the first connection to the last goodbye.

    `about` is the clause that the scenario is meant to decide, for findings that several clauses fit. `rest` lets the
    server finish what the last step began; `manners` say before which steps it is called: all, none, or all until the
    first abrupt one. What is `renewable` is replaced when it has broken a clause, so nobody says goodbye to it then.
    `mark` ends the names that clients give in a handshake: the server may keep those of an earlier performance taken.
    """

    def __init__(
        self,
        address: Address,
        oracle: Oracle,
        *,
        patience: float,
        about: str | None = None,
        rest: Callable[[], None] = lambda: None,
        manners: Manners = "polite",
        renewable: bool = False,
        dialect: Dialect = NOTE,
        phrasing: Phrasing | None = None,
        pace: Pace | None = None,
        mark: str = "",
    ) -> None:
        self.address = address
        self.oracle = oracle
        self.patience = patience
        self.about = about
        self.transcript = Transcript()
        self._rest = rest
        self._manners = manners
        self._renewable = renewable
        self._dialect = dialect
        self._phrasing = phrasing or AsWritten(dialect)
        self._clients: dict[str, Client] = {}
        self._cut_off: set[str] = set()  # whose streams have ended, rightly: they do nothing any more
        self._stalled: set[str] = set()
        self._said = 0  # bytes, since everybody who reads was last read
        self._flooded = False  # whether that was ever as much as MUCH
        self._knocks = 0
        self._mark = mark
        self._pace = pace or Pace(dialect.limits)
        self._heeded = ""  # for whom somebody speaks just now, until it hears that

    def play(self, steps: Iterable[Step]) -> Transcript:
        """Perform the steps; raise the Violation of the first clause that breaks."""
        for step in steps:
            self.perform(step)
        return self.transcript

    def play_at_once(self, steps: Sequence[Step]) -> None:
        """Perform what nobody waits for so fast that the server has hardly begun with the first when the last is done:
        the oracle hears of all of it before.
        """
        self._manners = "abrupt"
        phrased = [one for step in steps for one in self._phrasing.of(step)]
        for step in phrased:
            self.oracle.begin(step, rested=False)
            self.transcript.entries.append(Did(step, self._sent(step)))
        for step in phrased:
            self._act(step, self._sent(step))
        self.transcript.scenario += steps
        self._flooded = True

    def rest(self) -> None:
        """Let the server finish what it is doing, as far as one can see that."""
        self._rest()

    def perform(self, step: Step) -> None:
        """Perform one step as it is said in the dialect, and read what it must lead to."""
        self.transcript.scenario.append(step)
        self._phrase(step)

    def _phrase(self, step: Step) -> None:
        for phrased in self._phrasing.of(step):
            self._perform(phrased)

    def _perform(self, step: Step) -> None:
        if getattr(step, "who", None) in self._cut_off:
            return
        if isinstance(step, ABRUPT) and self._manners == "polite at first":
            self._manners = "abrupt"
        rested = self._manners != "abrupt" or self._dialect.framing_out.kind == "none"  # nothing keeps utterances apart
        if rested:
            self._rest()
            if isinstance(step, Close):  # a client who closes with something unread resets, which is not polite
                self._glance_at(self.oracle.bystanders())
        if isinstance(step, Heed):
            self._knock(step)
            return
        self.oracle.begin(step, rested=rested)
        sent = self._sent(step)
        self.transcript.entries.append(Did(step, sent, self._heeded))
        self._note_reading(step)
        self._act(step, sent)
        self._said += len(sent)
        self._flooded = self._flooded or self._said >= MUCH
        self._keep_up()
        listeners = self.oracle.listeners(step)
        for who in listeners:
            until = time.monotonic() + DRIPPING * self.patience
            while self.oracle.due(who):
                if time.monotonic() > until:
                    self._wait_in_vain(who, DRIPPING * self.patience)
                self._read(who)
        self._glance_at(self.oracle.bystanders())
        if listeners:
            self._said = 0
            self.oracle.settled(step)
            self._pace.read()

    def _sent(self, step: Step) -> bytes:
        """Return what goes over the wire by a step."""
        return self._dialect.sent(step.data) if isinstance(step, Say | Send | Quit) else b""

    def _note_reading(self, step: Step) -> None:
        """Note who reads from now on."""
        if isinstance(step, Stall):
            self._stalled.add(step.who)
        elif isinstance(step, Resume | Quit | HalfClose):
            self._stalled.discard(step.who)

    def _act(self, step: Step, sent: bytes) -> None:
        match step:
            case Connect(who, acks, window):
                self._await_joining()
                try:
                    self._clients[who] = Client(self.address, self.patience, window, acks)
                except Unreachable as error:
                    self._report(self.oracle.refused(who, str(error)))
                self._shake_hands(who)
                self._note_joining()
            case Crowd(everyone):
                arrived, refusal = connect_at_once(self.address, self.patience, len(everyone))
                self._clients.update(zip(everyone, arrived, strict=False))
                if refusal:
                    self._report(self.oracle.refused(everyone[len(arrived)], refusal))
                for who in everyone:
                    self._shake_hands(who)
            case Say(who) | Send(who) | Quit(who):
                self._pace.await_speaking(who)
                self._clients[who].send(sent)
            case HalfClose(who):
                self._clients[who].half_close()
            case Reset(who):
                self._clients.pop(who).reset()
            case Close(who):
                self._clients.pop(who).close()
            case _:  # Settle, Stall and Resume only change who is read
                pass

    def _await_joining(self) -> None:
        """Return when there is a seat for another client, as far as one can see, and it may connect."""
        if self._dialect.limits.members:
            self._rest()
        self._pace.await_joining()

    def _note_joining(self) -> None:
        if self._dialect.limits.join_gap:
            self._rest()
        self._pace.joined()

    def _shake_hands(self, who: str) -> None:
        """Say what the dialect has a client say before it is a member; what comes behind that is for the oracle."""
        rest = b""
        for exchange in self._dialect.handshake:
            if exchange.wait is not None:
                rest = self._await(who, exchange.wait, rest)
            if exchange.send is not None:
                answer = exchange.send.fill(name=f"{who}{self._mark}".encode())
                self.transcript.entries.append(Did(Answer(who, answer), answer))
                self._clients[who].send(answer)
        if rest:
            self._judge(who, rest)

    def _await(self, who: str, wanted: Template, read: bytes) -> bytes:
        """Read until something like this has come; return what came behind it."""
        until = time.monotonic() + self.patience
        while (end := wanted.after(read)) is None:
            got = self._clients[who].receive()
            if isinstance(got, bytes):
                self.transcript.entries.append(Heard(who, got, time.monotonic()))
                read += got
            if not isinstance(got, bytes) or len(read) > HANDSHAKE or time.monotonic() > until:
                then = ENDINGS[got] if isinstance(got, str) else "more" if got else "nothing"
                why = f"reads {show(read)}, then {then}, where {wanted.text.encode()!r} is due first"
                self._report(self.oracle.refused(who, why))
        return read[end:]

    # Reading

    def _keep_up(self) -> None:
        """Let all who read take what is there, once much was said at once: while one of them is read and judged, the
        others must not look as if they did not read. Where that was too slow, the oracle has to know.
        """
        if self._flooded and isinstance(self.oracle, RoomOracle):
            for who, client in self._clients.items():
                if who not in self._stalled and client.take() >= WAITING:
                    self.oracle.lags(who)

    def _read(self, who: str) -> None:
        """Read once, waiting if need be, and let the oracle judge it."""
        self._keep_up()
        client = self._clients[who]
        got = client.receive()
        if got is None:
            self._wait_in_vain(who, client.patience)
        else:
            self._take(who, got)

    def _wait_in_vain(self, who: str, seconds: float) -> None:
        self.transcript.entries.append(Waited(who, seconds))
        self._report(self.oracle.silent(who))

    def _glance_at(self, names: list[str]) -> None:
        """Take what is there for these clients, without waiting."""
        for who in names:
            client = self._clients[who]
            client.wait_at_most(0)
            got = client.receive()
            client.wait_at_most(self.patience)
            if got is not None:
                self._take(who, got)

    def _take(self, who: str, got: bytes | Ending) -> None:
        if isinstance(got, bytes):
            self.transcript.entries.append(Heard(who, got, time.monotonic()))
            self._judge(who, got)
            return
        self.transcript.entries.append(Ended(who, got))
        self._clients.pop(who).close()
        finding = self.oracle.ends(who, got)
        if finding is not None:
            self._report(finding)
        self._cut_off.add(who)

    def _judge(self, who: str, data: bytes) -> None:
        if not self.oracle.hears(who, data):
            self._report(self.oracle.misfit(who, self._evidence(who, data)))

    def _evidence(self, who: str, data: bytes) -> bytes:
        """Read on behind an illegal byte, until what was due comes after all, or nothing does."""
        wanted = self.oracle.lacks(who)
        patience = min(self.patience, EXPLAINING)
        until = time.monotonic() + patience
        self._clients[who].wait_at_most(patience)
        while wanted and wanted not in data and len(data) < EVIDENCE and time.monotonic() < until:
            got = self._clients[who].receive()
            if not isinstance(got, bytes) or not got:
                break
            self.transcript.entries.append(Heard(who, got, time.monotonic()))
            data += got
        return data

    def _report(self, finding: Finding) -> NoReturn:
        """Raise the violation, with what the others have to read at this moment."""
        for who, client in self._clients.items():
            client.wait_at_most(0)
            got = client.receive()
            if isinstance(got, bytes):
                self.transcript.entries.append(Heard(who, got, time.monotonic()))
            elif got is not None:
                self.transcript.entries.append(Ended(who, got))
        raise self.violation(finding)

    def violation(self, finding: Finding) -> Violation:
        """Return the exception that reports a finding about this performance."""
        finding = finding.without(self._dialect.meaningless)
        clause = finding.clause(self.about)
        violation = VIOLATIONS[clause](finding.expected, finding.observed, self.transcript.lines())
        violation.candidates = tuple(dict.fromkeys([*finding.clauses, *finding.also]))
        violation.absent = finding.absent
        violation.transcript = self.transcript
        return violation

    def _knock(self, step: Heed) -> None:
        """Have somebody speak until a silent client hears it."""
        until = time.monotonic() + self.patience
        while step.who in self.oracle.bystanders():
            self._knocks += 1
            self._heeded = step.who
            knock = Say(step.speaker, b"knock %d" % self._knocks)
            self._phrase(knock)
            self._heeded = ""
            self._glance_at([who for who in self.oracle.listeners(knock) if who == step.speaker])
            if step.speaker in self._cut_off:  # rightly: it had fallen far behind, and the server takes none of this
                return
            if step.who in self.oracle.bystanders() and time.monotonic() > until:
                self._knock_in_vain(step)
            if step.who in self.oracle.bystanders():
                client = self._clients[step.who]
                client.wait_at_most(min(GLANCE, self.patience))
                got = client.receive()
                client.wait_at_most(self.patience)
                if got is not None:
                    self._take(step.who, got)

    def _knock_in_vain(self, step: Heed) -> None:
        """Report that a silent client hears nobody, having found out whether it would if it had spoken.

        Of a crowd that says nothing: where a backlog is full, the first word completes the connection.
        """
        self.transcript.entries.append(Waited(step.who, self.patience))
        finding = self.oracle.silent(step.who)
        if "CHAT-17" in finding.clauses:
            self._report(finding)
        client = self._clients[step.who]
        client.send(self._dialect.sent(b"may I?"))
        client.wait_at_most(min(self.patience, EXPLAINING))
        for _ in range(KNOCKS_AGAIN):
            self._clients[step.speaker].send(self._dialect.sent(b"knock again"))
            got = client.receive()
            if isinstance(got, bytes) and b"knock" in got:
                finding = replace(finding, clauses=("CHAT-9",), also=())
                break
        self._report(finding)

    # The end of a performance

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close(failed=kind is not None)

    def close(self, *, failed: bool = False) -> None:
        """End every client: in order, half-closing and reading to the end, unless the server has failed and will be
        replaced.
        """
        clients, self._clients = self._clients, {}
        try:
            if failed and self._renewable:
                return
            if clients:
                self._rest()
            for client in clients.values():
                client.half_close()
            until = time.monotonic() + min(self.patience, 1.0)
            for client in clients.values():
                if not self.address.datagram:
                    client.leave(until - time.monotonic())
        finally:
            for client in clients.values():
                client.close()
