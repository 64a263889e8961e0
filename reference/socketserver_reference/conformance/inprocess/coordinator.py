"""The coordinator: where handlers report what they see, and learn what to do.

A handler may run in the server's loop, in a thread or in another process, and for a datagram there is no connection to
talk over. So a handler under observation consults the checker by a datagram of its own and waits for the answer
(`probes.py`). That makes every check the same for the whole family, and lets it hold a handler at a known point instead
of sleeping: nothing moves until the checker says so.
"""

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

THREAD_NAME_PREFIX = "conformance "
"""How the names of the checker's own threads begin, so that nobody takes them for the server's."""

PHASE_WORDS = {
    "setup": "runs setup",
    "handle": "runs handle",
    "handled": "returns from handle",
    "finish": "runs finish",
}
"""Phase -> how the story tells it."""


@dataclass
class ExchangeLog:
    """The exchange, line by line: what the checker does is numbered, what it sees is not."""

    lines: list[str] = field(default_factory=list)
    steps: int = 0

    def does(self, what: str) -> None:
        """Tell a step."""
        self.steps += 1
        self.lines.append(f"{self.steps:>4}  {what}")

    def sees(self, what: str) -> None:
        """Tell what came of it."""
        self.lines.append(f"      {what}")


@dataclass(frozen=True)
class PhaseReport:
    """A handler, known by a name of its own, is in a phase of its client's request; `seen` is what it sees there."""

    client: str
    handler: str
    phase: str
    seen: dict[str, Any]


class Coordinator:
    """A thread that answers handlers; `events` is all they reported, in order.

    `plan` maps (client, phase) to the answer: "raise", or "send" (send the phase to the client); all others are told
    "go". Whoever is in `held` waits for its answer until `release`.
    """

    def __init__(self, exchange: ExchangeLog) -> None:
        self.events: list[PhaseReport] = []
        self.plan: dict[tuple[str, str], str] = {}
        self.held: set[tuple[str, str]] = set()
        self.changed = threading.Condition()
        """Guards all of this. Whoever connects a client holds it until the client's name is known."""
        self._names: dict[str, str] = {}
        self._waiting: list[tuple[tuple[str, str], Any]] = []
        self._exchange = exchange
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve, name=f"{THREAD_NAME_PREFIX}coordinator", daemon=True)
        self._thread.start()

    def introduce(self, sockname: Any, name: str) -> None:
        """Let the client at this address be known by a name."""
        self._names[key(sockname)] = name

    def _serve(self) -> None:
        while True:
            data, handler = self._socket.recvfrom(65536)
            if not data:
                return
            with contextlib.suppress(ValueError, KeyError), self.changed:  # a stranger's datagram is none of ours
                self._take(json.loads(data), handler)

    def _take(self, seen: dict[str, Any], handler: Any) -> None:
        client = seen["label"] or self._names.get(seen["peer"]) or self._names.get(seen["client_address"], "somebody")
        event = PhaseReport(client, seen["handler"], seen["phase"], seen)
        answer = self.plan.get((client, event.phase), "go")
        self.events.append(event)
        self._exchange.sees(
            f"{client}'s handler {PHASE_WORDS[event.phase]}{', which raises' if answer == 'raise' else ''}"
        )
        if (client, event.phase) in self.held:
            self._waiting.append(((client, event.phase), handler))
        else:
            self._socket.sendto(answer.encode(), handler)
        self.changed.notify_all()

    def wait(self, client: str, phase: str, timeout: float) -> PhaseReport | None:
        """Return the first report of that client's handler from that phase; None if none comes in so many seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: self.find(client, phase), timeout)

    def find(self, client: str, phase: str) -> PhaseReport | None:
        """Return the first report of that client's handler from that phase, if there is one yet."""
        return next((event for event in self.events if (event.client, event.phase) == (client, phase)), None)

    def of(self, client: str) -> list[PhaseReport]:
        """Return all that this client's handlers reported."""
        with self.changed:
            return [event for event in self.events if event.client == client]

    def release(self, client: str, phase: str) -> None:
        """Give that handler its answer."""
        with self.changed:
            self.held.discard((client, phase))
            self._answer()

    def release_all(self) -> None:
        """Hold nobody any more."""
        with self.changed:
            self.held.clear()
            self._answer()

    def _answer(self) -> None:
        for who, handler in self._waiting:
            if who not in self.held:
                self._socket.sendto(self.plan.get(who, "go").encode(), handler)
        self._waiting = [waiting for waiting in self._waiting if waiting[0] in self.held]

    def close(self) -> None:
        """Answer nobody any more."""
        self._socket.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()


def key(address: Any) -> str:
    """Return a socket's address as text that is the same on both sides of a connection and in every process."""
    return repr(tuple(address[:2])) if isinstance(address, tuple | list) else repr(address)
