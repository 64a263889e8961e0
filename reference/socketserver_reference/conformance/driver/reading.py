"""Reads the clients of a scenario, passes all that they read to the oracle, and reports what it finds wrong.

What is stored of a server's output is bounded: the first illegal byte ends a scenario.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.handshake import MAX_HANDSHAKE_BYTES, Turn
from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.oracles.chat_room import MIN_BACKLOG_BYTES, ChatOracle
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Say, Step
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Ending, Heard, Transcript, Waited
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Finding, Violation
from socketserver_reference.conformance.targets.client import Client

MAX_EVIDENCE_BYTES = 64 * 1024
"""Most bytes read after an illegal one, to see whether the missing bytes follow it."""

LAG_BYTES = MIN_BACKLOG_BYTES // 2
"""Bytes that wait for a client at once, from which on the server may hold more for it than CHAT-15 demands."""

DRIP_TIMEOUT_FACTOR = 4
"""What is due to one client next may take about this many timeouts, if it comes in small pieces."""

SLOW_SECONDS = 20.0
"""All that is due to one client after one step may take about so long, or longer if that is one timeout."""

MAX_RETRY_SECONDS = 60.0
"""Most seconds that a client waits longer, once, after it has not read: its system had no room, and need not say when
there is some; the server's tries again at intervals that double, so within the seconds for which there was none.
"""

GIVING_WAY_TIMEOUT = 0.02
"""Seconds that a client waits before those that give way read: it is not judged, and a server at rest needs less."""

EVIDENCE_TIMEOUT = 0.25
"""Most seconds for that: the verdict is certain by then, and only its explanation can improve."""

FOLLOWING_WORD = b"is that all?"
"""What another member says when a client has read half a delivery."""

OPEN_STREAM_TIMEOUT = 0.05
"""Seconds for which a client that closes reads on where the server is known not to end its side."""


@dataclass
class Pace:
    """The longest time in seconds that a server has taken for anything expected."""

    slowest: float = 0.0

    def note(self, begun: float) -> None:
        """Note that something expected, which the client began to wait for then, has come now."""
        self.slowest = max(self.slowest, time.monotonic() - begun)


class ClientReader:
    """The clients of one scenario, and what they read."""

    def __init__(self, oracle: Oracle, dialect: Dialect, timeout: float, about: str | None, pace: Pace) -> None:
        self.oracle = oracle
        self.timeout = timeout
        self.about = about
        self.transcript = Transcript()
        self._dialect = dialect
        self._pace = pace
        self._clients: dict[str, Client] = {}
        self._cut_off: set[str] = set()  # whose streams have ended, rightly: they do nothing any more
        self._stalled: dict[str, float] = {}  # who reads nothing -> since when
        self._retry_after: dict[str, float] = {}  # who reads again -> seconds for which it did not
        self._giving_way: set[str] = set()  # those of them that read while others wait
        self._visitors: set[str] = set()  # who stays in its handshake: the oracle judges nothing that it reads
        # what clients that spoke with their last answer must read first, and what has come of it
        self._unmet: dict[str, tuple[list[Turn], bytes]] = {}
        self._flooded = False  # whether much was said at once
        self.before_step: Callable[[], object] = lambda: None
        """Raises NotChecked when the time of the check is over, before a step or a long wait."""
        self.before_leaving: Callable[[Violation], None] = lambda _: None
        """Looks at the server when it has broken a clause, while the clients are still there."""

    def _note_reading(self, step: Step) -> None:
        """Note who reads from now on."""
        if step.effect in ("stops reading", "approaches", "falls silent"):
            self._stalled.update(dict.fromkeys(step.clients, time.monotonic()))
            self._giving_way.update(step.clients if step.gives_way else ())
            self._visitors.update(step.clients if step.effect == "approaches" else ())
        elif step.effect in ("reads again", "leaves", "half-closes"):
            for who in ({*step.clients} - self._visitors) & self._stalled.keys():
                self._retry_after[who] = min(time.monotonic() - self._stalled.pop(who), MAX_RETRY_SECONDS)
            self._giving_way.difference_update(step.clients)

    def _keep_up(self) -> None:
        """Let all who read take what is there, once much was said at once: while one of them is read and judged, the
        others must not look as if they did not read. Where that was too slow, the oracle has to know.
        """
        if self._flooded and isinstance(self.oracle, ChatOracle):
            for who, client in self._clients.items():
                if who not in self._stalled and client.take() >= LAG_BYTES:
                    self.oracle.lags(who)

    def _read_all_due(self, who: str) -> None:
        """Read until nothing more is due to a client; raise NotChecked if it comes, but too slowly for that."""
        drip = DRIP_TIMEOUT_FACTOR * self.timeout
        begun, due = time.monotonic(), None
        until = begun + drip
        while self.oracle.due(who):
            if (now := time.monotonic()) > until:
                before, due = due, self.oracle.expected_bytes(who)
                if due == before:
                    self._report_silence(who, drip)
                if now - begun > max(SLOW_SECONDS, drip):
                    raise NotChecked(
                        f"the server is slow: {who} had not read all that was due after {now - begun:.0f} s"
                    )
                until = now + drip
            self._read(who)

    def _read(self, who: str) -> None:
        """Read once, waiting if need be, and let the oracle judge it."""
        self._keep_up()
        client = self._clients[who]
        begun = time.monotonic()
        got = self._receive_past_others(client) if self._giving_way else client.receive()
        waited = self.timeout
        if got is not None:
            self._pace.note(begun)
        elif more := self._retry_after.pop(who, 0.0):
            self.before_step()
            waited += more
            client.set_timeout(more)
            got = client.receive()
            client.set_timeout(self.timeout)
        if got is None:
            self._report_silence(who, waited)
        else:
            self._take(who, got)

    def _receive_past_others(self, client: Client) -> bytes | Ending | None:
        """Receive something that those who give way may hold up: they read as long as nothing comes."""
        until = time.monotonic() + self.timeout
        client.set_timeout(min(GIVING_WAY_TIMEOUT, self.timeout))
        while (got := client.receive()) is None and (left := until - time.monotonic()) > 0:
            slow_readers = [who for who in self._giving_way if who in self._clients]
            client.set_timeout(0 if slow_readers else left)
            for who in slow_readers:
                slow = self._clients[who]
                slow.set_timeout(min(GIVING_WAY_TIMEOUT, self.timeout))
                read = slow.receive()
                slow.set_timeout(self.timeout)
                if read is not None:
                    self._take(who, read)
        client.set_timeout(self.timeout)
        return got

    def _report_silence(self, who: str, seconds: float) -> None:
        self.transcript.entries.append(Waited(who, seconds))
        self._report(self.oracle.explain_silence(who), who)

    def _poll(self, names: list[str]) -> None:
        """Read what these clients have received already, without waiting."""
        for who in names:
            client = self._clients[who]
            client.set_timeout(0)
            got = client.receive()
            client.set_timeout(self.timeout)
            if got is not None:
                self._take(who, got)

    def read_what_is_there(self) -> None:
        """Judge what has come since the last step: in a replay, nothing follows that would."""
        self._poll([who for who in self._clients if who not in self._stalled])

    def _take(self, who: str, got: bytes | Ending) -> None:
        if isinstance(got, bytes):
            self.transcript.entries.append(Heard(who, got, time.monotonic()))
            self._judge(who, got)
            return
        self.transcript.entries.append(Ended(who, got))
        self._clients.pop(who).close()
        finding = self.oracle.feed_end(who, got)
        if finding is not None:
            self._report(finding, who)
        self._cut_off.add(who)

    def _judge(self, who: str, data: bytes) -> None:
        if who in self._unmet and not (data := self._behind_the_handshake(who, data)):
            return
        if not self.oracle.feed(who, data):
            self._report(self.oracle.explain_mismatch(who, self._evidence(who, data)), who)

    def _behind_the_handshake(self, who: str, data: bytes) -> bytes:
        """Return what comes behind all that a client must read first; b"" until that has come."""
        turns, read = self._unmet.pop(who)
        read += data
        while turns and (end := turns[0].after(read)) is not None:
            turns, read = turns[1:], read[end:]
        if not turns or len(read) > MAX_HANDSHAKE_BYTES:
            return read
        self._unmet[who] = turns, read
        return b""

    def _evidence(self, who: str, data: bytes) -> bytes:
        """Read on after an illegal byte: until the missing bytes come or no more do, and then what is there."""
        wanted = self.oracle.expected_bytes(who)
        timeout = min(self.timeout, EVIDENCE_TIMEOUT)
        until = time.monotonic() + timeout
        while len(data) < MAX_EVIDENCE_BYTES and time.monotonic() < until:
            self._clients[who].set_timeout(0 if wanted in data else timeout)
            got = self._clients[who].receive()
            if not isinstance(got, bytes) or not got:
                break
            self.transcript.entries.append(Heard(who, got, time.monotonic()))
            data += got
        return data

    def _report(self, finding: Finding, failing: str = "") -> NoReturn:
        """Raise the violation that one client shows, with what the other clients have received by now."""
        at, due = len(self.transcript.entries), self.oracle.expected_bytes(failing) if failing else b""
        if "CHAT-15" in finding.clauses and finding.shape in ("missing", "cut") and self._comes_once_all_read(failing):
            finding = replace(finding, clauses=("CHAT-15",), also=())
        elif "CHAT-15" in finding.clauses and finding.shape == "cut" and self._hears_what_follows(failing):
            finding = replace(finding, clauses=("CHAT-14", "CHAT-15"), also=())
        for who, client in self._clients.items():
            client.set_timeout(0)
            got = client.receive()
            if isinstance(got, bytes):
                self.transcript.entries.append(Heard(who, got, time.monotonic()))
            elif got is not None:
                self.transcript.entries.append(Ended(who, got))
        violation = self.violation(finding)
        violation.at, violation.failing, violation.due = at, failing, due
        self.before_leaving(violation)
        raise violation

    def _comes_once_all_read(self, who: str) -> bool:
        """Whether a client reads something once those that did not read do: then the server has waited for them."""
        slow = [client for name, client in self._clients.items() if name in self._stalled.keys() - self._visitors]
        waiting = self._clients.get(who)
        until = time.monotonic() + self.timeout
        while slow and waiting is not None and time.monotonic() < until:
            waiting.set_timeout(0)
            got = waiting.receive()
            if isinstance(got, bytes):
                self.transcript.entries.append(Heard(who, got, time.monotonic()))
            if got is not None:
                return isinstance(got, bytes)
            for client in slow:
                client.set_timeout(EVIDENCE_TIMEOUT)
            slow = [client for client in slow if isinstance(client.receive(), bytes)]
        return False

    def _hears_what_follows(self, who: str) -> bool:
        """Whether a client that has read half a delivery reads what another says now: then it is torn, not cut off."""
        speaker = next((name for name in self._clients if name not in {who, *self._stalled}), "")
        if not speaker or who not in self._clients:
            return False
        word = Say(speaker, FOLLOWING_WORD)
        sent = self._dialect.sent(word.data)
        self.transcript.entries.append(Did(word, sent))
        self._clients[speaker].send(sent)
        self._clients[who].set_timeout(min(self.timeout, EVIDENCE_TIMEOUT))
        got = self._clients[who].receive()
        if not isinstance(got, bytes):
            return False
        self.transcript.entries.append(Heard(who, got, time.monotonic()))
        end = self.oracle.expected_bytes(who)[-len(FOLLOWING_WORD) :]  # else the rest only came late
        return FOLLOWING_WORD in got and end not in got

    def violation(self, finding: Finding) -> Violation:
        """Return the exception that reports a finding in this scenario."""
        finding = finding.without(effects.meaningless(self._dialect))
        clause = finding.clause(self.about)
        violation = VIOLATIONS[clause](finding.expected, finding.observed, self.transcript.lines())
        violation.candidates = tuple(dict.fromkeys([*finding.clauses, *finding.also]))
        violation.delayed_by = finding.delayed_by
        violation.shape, violation.place = finding.shape, finding.place
        violation.absent, violation.extra = finding.absent, finding.extra
        violation.unscripted = next((step.unscripted for step in self.transcript.scenario if step.unscripted), "")
        violation.transcript = self.transcript
        return violation
