"""Performs the steps of a scenario on real sockets, and passes all that clients read to an oracle.

The stage decides nothing: the oracle says which clients to read, how far, and whether the bytes are right. The stage
owns the clients: leaving the `with` block ends them all, if possible in an orderly way, so that the server has dropped
them before the next scenario.

`timeout` bounds every wait, in seconds, and the first illegal byte ends a scenario: so what is stored is bounded, too.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Self

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.rewrite import Rewriter, StreamRewriter
from socketserver_reference.conformance.driver.connecting import ClientConnector
from socketserver_reference.conformance.driver.pouring import pour
from socketserver_reference.conformance.driver.rate_limit import RateLimiter
from socketserver_reference.conformance.driver.reading import EVIDENCE_TIMEOUT, OPEN_STREAM_TIMEOUT, Pace
from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.oracles.chat_room import ChatOracle
from socketserver_reference.conformance.scenario.scene import Politeness
from socketserver_reference.conformance.scenario.step import Utterance
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Answer,
    Approach,
    Begin,
    Close,
    Connect,
    Crowd,
    HalfClose,
    Pour,
    Quit,
    Reset,
    Rest,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    pieces,
)
from socketserver_reference.conformance.scenario.transcript import Did, Transcript, Waited
from socketserver_reference.conformance.scenario.violation import Finding, Violation
from socketserver_reference.conformance.targets.client import Client
from socketserver_reference.conformance.targets.crowd import connect_at_once

FLOOD_THRESHOLD_BYTES = 32 * 1024
"""Bytes said at once, from which on clients that read do so all the time: half of what may wait for one of them."""

ABRUPT_STEPS = (Send, Crowd, Abandon, Reset, Stall)
"""Steps after which a polite-at-first stage no longer waits until the server is idle."""

CLOSING_TIMEOUT = 0.25
"""Most seconds for a server to end its side of a connection that a client closes: what it sends until then is read."""

LAST_READ_TIMEOUT = 0.01
"""Least seconds for each client to read what has come before it closes at the end of a scenario."""

EXTRA_PROBES = 4
"""Further probes after a silent client has spoken."""

PROBE_INTERVAL = 0.05
"""Seconds between two probes of a client that has heard nothing yet: no event says that it has become a member."""


class Stage(ClientConnector):
    """One scenario: the clients of one server, from the first connection to the last close.

    `about` is the clause that the scenario is to decide, for findings that fit several. `politeness` says before
    which steps the stage waits until the server is idle: all, none, or all until the first abrupt one. A `restartable`
    server is replaced after a violation, so its clients then close at once; and they do in the end if nobody
    `waits_for_ends` of streams, since the server is known not to end them. `ClientConnector` explains the rest.
    """

    def __init__(
        self,
        address: Address,
        oracle: Oracle,
        *,
        timeout: float,
        about: str | None = None,
        wait_idle: Callable[[], object] = lambda: None,
        politeness: Politeness = "polite",
        restartable: bool = False,
        waits_for_ends: bool = True,
        dialect: Dialect = NOTE,
        rewriter: Rewriter | None = None,
        rate_limiter: RateLimiter | None = None,
        mark: str = "",
        pace: Pace | None = None,
        reach: Callable[[Callable[[], Client]], Client] = lambda connect: connect(),
    ) -> None:
        super().__init__(
            address,
            oracle,
            dialect,
            timeout,
            about,
            pace or Pace(),
            wait_idle=wait_idle,
            rate_limiter=rate_limiter or RateLimiter(dialect.limits),
            mark=mark,
            reach=reach,
        )
        self._politeness = politeness
        self._restartable = restartable
        self._waits_for_ends = waits_for_ends or not restartable
        self._rewriter = rewriter or StreamRewriter(dialect)
        self._said = 0  # bytes, since everybody who reads was last read
        self._probes = 0
        self._probed = ""  # the silent client that a probe is for
        self._held: list[tuple[Client, bytes]] = []  # what goes with the next step: datagrams, and parts of a segment
        self._ends_with_it: set[str] = set()  # whose last words and end of stream come in one segment
        self._dismissed: list[str] = []  # clients that left because the scenario was over

    def play(self, steps: Iterable[Step]) -> Transcript:
        """Perform the steps; raise a Violation at the first broken clause."""
        for step, following in pairwise([*steps, None]):
            assert step is not None
            if step.leaves and following is not None and following.comes:  # nothing comes between the two
                self._rate_limiter.wait_to_connect()
            if step.burst and isinstance(following, HalfClose) and following.who in step.clients:
                self._ends_with_it.add(following.who)
            self.perform(step)
        return self.transcript

    def play_at_once(self, steps: Sequence[Step]) -> None:
        """Perform steps without waiting, so fast that the server has hardly begun with the first when the last is done:
        the oracle hears of all of them before.
        """
        self._politeness = "abrupt"
        rewritten = [one for step in steps for one in self._rewriter.rewrite(step)]
        for step in rewritten:
            self.oracle.begin(step, idle_before=False)
            self.transcript.entries.append(Did(step, self._sent(step)))
        for step in rewritten:
            self._act(step, self._sent(step))
        self.transcript.scenario += steps
        self._flooded = True

    def wait_idle(self) -> None:
        """Wait until the server is idle, as far as that can be observed."""
        self._wait_idle()

    def perform(self, step: Step) -> None:
        """Perform one step, rewritten for the dialect, and read what is due after it."""
        self.transcript.scenario.append(step)
        self._rewrite(step)

    def _rewrite(self, step: Step) -> None:
        for rewritten in self._rewriter.rewrite(step):
            self._perform(rewritten)

    def _perform(self, step: Step) -> None:
        self.before_step()
        if getattr(step, "who", None) in self._cut_off:
            return
        if isinstance(step, ABRUPT_STEPS) and self._politeness == "polite at first":
            self._politeness = "abrupt"
        idle_before = self._politeness != "abrupt" or self._dialect.framing_out.kind == "none"  # nothing parts words
        if self.address.datagram:  # what several send comes at once, and a client goes before its reply comes
            idle_before = not (step.burst or self._held)
        elif isinstance(step, HalfClose) and step.who in self._ends_with_it:
            idle_before = False
        if not step.burst:
            self._send_held(with_the_end=isinstance(step, Abandon))
        if idle_before:
            self._wait_idle()
            if isinstance(step, Close) or self._dialect.history:  # what has come by now is judged
                self._poll(self.oracle.optional_readers())
            if self._restartable and isinstance(self.oracle, ChatOracle):  # its rest was seen
                self.oracle.rested()
        if isinstance(step, WaitUntilHeard):
            self._send_probes(step)
            return
        self.oracle.begin(step, idle_before=idle_before)
        sent = self._answers.pop(step.spoken_by, b"") + self._sent(step)
        self.transcript.entries.append(Did(step, sent, self._probed, time.monotonic()))
        self._note_reading(step)
        self._act(step, sent)
        self._said += 0 if step.waits else len(sent)
        self._flooded = self._flooded or self._said >= FLOOD_THRESHOLD_BYTES
        self._keep_up()
        for who in (required_readers := self.oracle.required_readers(step)):
            self._read_all_due(who)
        self._poll(self.oracle.optional_readers())
        if required_readers:
            self._said = 0
            self.oracle.settled(step)
            self._rate_limiter.read()

    def _sent(self, step: Step) -> bytes:
        """Return what goes over the wire by a step."""
        if isinstance(step, Begin):
            return self._dialect.begun(step.data, bad=step.bad)
        sent = self._dialect.sent_quit if isinstance(step, Quit) else self._dialect.sent
        return sent(step.data) if isinstance(step, Utterance | Quit) else b""

    def _act(self, step: Step, sent: bytes) -> None:
        match step:
            case Connect(who, acks, window):
                self._connect(who, window, acks)
                self._join(who, with_words=step.with_words)
                self._note_connected()
            case Approach():
                self._approach(step)
            case Crowd(everyone):
                arrived, refusal = connect_at_once(self.address, self.timeout, len(everyone))
                self._clients.update(zip(everyone, arrived, strict=False))
                if refusal:
                    finding = self.oracle.explain_refusal(everyone[len(arrived)], refusal)
                    self._report(replace(finding, expected=f"{len(everyone)} clients connect in one instant"))
                for who in everyone:
                    self._join(who)
            case Pour(who, data, reads):
                pour(self._clients[who], data, partial(self._take, who), reads=reads)
            case Send(who) if self.address.datagram or step.with_next:
                self._rate_limiter.wait_to_send(who)
                self._held.append((self._clients[who], sent))
            case Say(who) | Send(who) | Quit(who) | Begin(who):
                self._rate_limiter.wait_to_send(who)
                sent = self._held_of(who) + sent
                for piece in pieces(sent) if step.in_pieces else [sent]:
                    self._clients[who].send(piece, held=who in self._ends_with_it)
                    if step.in_pieces:
                        self._wait_idle()  # the server has read that piece alone
            case HalfClose(who):
                self._clients[who].half_close()
            case Reset(who):
                self._clients.pop(who).reset()
            case Abandon(who):
                self._clients.pop(who).close()
            case Close(who):
                self._close_politely(who)
            case Rest(seconds):
                time.sleep(seconds)
            case Answer() | Settle() | Stall() | Resume() | WaitUntilHeard():
                pass  # a handshake answers by itself; the others only change which clients are read

    def _send_held(self, *, with_the_end: bool) -> None:
        """Send what is held: in one instant the datagrams that are not waited for, since a server may lose some while
        it replies; in one segment what comes with the end of a stream.
        """
        for client, data in self._held:
            client.send(data, held=with_the_end)
        self._held.clear()

    def _held_of(self, who: str) -> bytes:
        """Return what a client has said that is to go in one segment with what it says now."""
        if not self._held:
            return b""
        client = self._clients[who]
        held = b"".join(data for one, data in self._held if one is client)
        self._held = [(one, data) for one, data in self._held if one is not client]
        return held

    def _close_politely(self, who: str) -> None:
        """End a connection, and read on until the server has ended it too: close() with unread input is a reset."""
        client = self._clients.pop(who)
        if not self.address.datagram:
            client.leave(min(self.timeout, CLOSING_TIMEOUT if self._waits_for_ends else OPEN_STREAM_TIMEOUT))
        client.close()

    # Silent clients

    def _send_probes(self, step: WaitUntilHeard) -> None:
        """Let a member speak until a silent client hears it."""
        until = time.monotonic() + self.timeout
        while step.who in self.oracle.optional_readers():
            self._probes += 1
            probe = Say(step.speaker, b"probe %d" % self._probes)
            self._probed = step.who
            self._wait_idle()  # until the server has read the last probe, which nobody may hear
            self._rewrite(probe)
            self._probed = ""
            self._poll([who for who in self.oracle.required_readers(probe) if who == step.speaker])
            if step.speaker in self._cut_off:  # rightly: it was far behind, and the server takes nothing more from it
                return
            if step.who in self.oracle.optional_readers() and time.monotonic() > until:
                self._report_unheard(step)
            if step.who in self.oracle.optional_readers():
                client = self._clients[step.who]
                client.set_timeout(min(PROBE_INTERVAL, self.timeout))
                got = client.receive()
                client.set_timeout(self.timeout)
                if got is not None:
                    self._take(step.who, got)

    def _report_unheard(self, step: WaitUntilHeard) -> None:
        """Report that a silent client hears nothing, after a test whether it does once it has spoken itself.

        In a silent crowd with a full backlog, a client's first utterance completes its connection.
        """
        self.transcript.entries.append(Waited(step.who, self.timeout))
        finding = self.oracle.explain_silence(step.who)
        if "CHAT-17" in finding.clauses:
            self._report(finding, step.who)
        client = self._clients[step.who]
        client.send(self._dialect.sent(b"may I?"))
        client.set_timeout(min(self.timeout, EVIDENCE_TIMEOUT))
        for _ in range(EXTRA_PROBES):
            self._clients[step.speaker].send(self._dialect.sent(b"probe again"))
            got = client.receive()
            if isinstance(got, bytes) and b"probe" in got:
                finding = replace(finding, clauses=("CHAT-9",), also=())
                break
        self._report(finding, step.who)

    # The end of a scenario

    def violation_after_all(self, finding: Finding) -> Violation:
        """Return a violation that showed when all clients had left, with their leaving in its exchange."""
        self.transcript.entries += [Did(Close(who)) for who in self._dismissed]
        return self.violation(finding)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close(failed=kind is not None)

    def close(self, *, failed: bool = False) -> None:
        """End every client: half-close and read to the end, unless the server has failed and will be replaced; then
        close.
        """
        clients, self._clients = self._clients, {}
        try:
            if failed and self._restartable:
                return
            if clients:
                self._wait_idle()
            until = time.monotonic() + (min(self.timeout, 1.0) if self._waits_for_ends else 0.0)
            self._dismissed += clients
            for client in clients.values():  # one after another: several that leave at once are a scenario of their own
                if not self.address.datagram:
                    client.leave(max(LAST_READ_TIMEOUT, until - time.monotonic()))
        finally:
            for client in clients.values():
                client.close()
