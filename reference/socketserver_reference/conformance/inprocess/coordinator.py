"""The coordinator: handlers report to it, and its answer says what they do next.

A handler may run in the server's loop, in a thread or in another process, and a datagram has no connection to talk
over. So an observed handler sends the checker a datagram of its own and waits for the answer (`probes.py`). So every
check is the same for the whole family, and can hold a handler at a known point instead of sleeping.
"""

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

THREAD_NAME_PREFIX = "conformance "
"""Prefix of the names of the checker's own threads, which distinguishes them from the server's."""

PHASE_WORDS = {
    "setup": "runs setup",
    "handle": "runs handle",
    "handled": "returns from handle",
    "finish": "runs finish",
    "accept": "is not made yet: get_request() returns",
    "verify": "is not made yet: verify_request() is called",
    "process": "is not made yet: process_request() is called",
    "start": "is not made yet: the server tries to start a thread or a process",
}
"""Phase -> its words in the exchange."""

ANSWER_WORDS = {"raise": ", which raises", "shut down": ", which calls shutdown()", "refuse": ", and returns False"}
"""Answer -> its words there."""


@dataclass
class ExchangeLog:
    """The exchange, line by line: actions of the checker are numbered, observations are not."""

    lines: list[str] = field(default_factory=list)
    steps: int = 0

    def does(self, what: str) -> None:
        """Add an action."""
        self.steps += 1
        self.lines.append(f"{self.steps:>4}  {what}")

    def sees(self, what: str) -> None:
        """Add an observation."""
        self.lines.append(f"      {what}")


@dataclass(frozen=True)
class PhaseReport:
    """The report of a handler, by its own name, from a phase of its client's request; `seen` is its observation."""

    client: str
    handler: str
    phase: str
    seen: dict[str, Any]


class Coordinator:
    """A thread that answers handlers; `events` has all their reports in order.

    `plan` maps (client, phase) to the answer: "raise", "send" (send the phase to the client), "shut down" (call that of
    the server), or "refuse" (of verify_request()); all others get "go". A handler in `held` waits for its answer until
    `release`.
    """

    def __init__(self, exchange: ExchangeLog) -> None:
        self.events: list[PhaseReport] = []
        self.plan: dict[tuple[str, str], str] = {}
        self.held: set[tuple[str, str]] = set()
        self.changed = threading.Condition()
        """Guards all attributes. A thread that connects a client holds it until the client's name is known."""
        self._names: dict[str, str] = {}
        self._waiting: list[tuple[tuple[str, str], Any]] = []
        self._exchange = exchange
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve, name=f"{THREAD_NAME_PREFIX}coordinator", daemon=True)
        self._thread.start()

    def introduce(self, sockname: Any, name: str) -> None:
        """Give the client at this address a name."""
        self._names[key(sockname)] = name

    def _serve(self) -> None:
        while True:
            data, handler = self._socket.recvfrom(65536)
            if not data:
                return
            with contextlib.suppress(ValueError, KeyError), self.changed:  # a datagram from elsewhere is ignored
                self._take(json.loads(data), handler)

    def _take(self, seen: dict[str, Any], handler: Any) -> None:
        client = seen["label"] or self._names.get(seen["peer"]) or self._names.get(seen["client_address"], "a client")
        event = PhaseReport(client, seen["handler"], seen["phase"], seen)
        answer = self.plan.get((client, event.phase), "go")
        self.events.append(event)
        self._exchange.sees(f"{client}'s handler {PHASE_WORDS[event.phase]}{ANSWER_WORDS.get(answer, '')}")
        if (client, event.phase) in self.held:
            self._waiting.append(((client, event.phase), handler))
        else:
            self._socket.sendto(answer.encode(), handler)
        self.changed.notify_all()

    def wait(self, client: str, phase: str, timeout: float) -> PhaseReport | None:
        """Wait for the first report of that client's handler from that phase; return it, or None after the timeout."""
        with self.changed:
            return self.changed.wait_for(lambda: self.find(client, phase), timeout)

    def find(self, client: str, phase: str) -> PhaseReport | None:
        """Return the first report of that client's handler from that phase, or None if there is none yet."""
        return next((event for event in self.events if (event.client, event.phase) == (client, phase)), None)

    def of(self, client: str) -> list[PhaseReport]:
        """Return all reports of this client's handlers."""
        with self.changed:
            return [event for event in self.events if event.client == client]

    def release(self, client: str, phase: str) -> None:
        """Give that handler its answer."""
        with self.changed:
            self.held.discard((client, phase))
            self._answer()

    def release_all(self) -> None:
        """Release all held handlers, and hold no more."""
        with self.changed:
            self.held.clear()
            self._answer()

    def _answer(self) -> None:
        for who, handler in self._waiting:
            if who not in self.held:
                self._socket.sendto(self.plan.get(who, "go").encode(), handler)
        self._waiting = [waiting for waiting in self._waiting if waiting[0] in self.held]

    def close(self) -> None:
        """End the thread; no handler gets an answer any more."""
        self._socket.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()


def key(address: Any) -> str:
    """Return a socket's address as text that is the same on both sides of a connection and in every process."""
    return repr(tuple(address[:2])) if isinstance(address, tuple | list) else repr(address)
