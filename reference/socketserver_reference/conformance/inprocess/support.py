"""Helpers of the checks of the SRV clauses: sessions, clients that are served or settled, and undecided checks.

A check that cannot decide, because another clause is broken, raises NotChecked with that reason. A check of a clause
that is not about this kind of server raises NotApplicable.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from socketserver_reference.conformance.checks.base import Conformance
from socketserver_reference.conformance.inprocess.coordinator import PhaseReport
from socketserver_reference.conformance.inprocess.fork_host import Forker
from socketserver_reference.conformance.inprocess.hosts import Make, ServerSpec
from socketserver_reference.conformance.inprocess.server_session import ServerSession, SessionClient
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.transcript import ENDINGS

NO_HANDLER = "no handler runs"

NEGATIVE_CHECK_SECONDS = 0.05
"""Seconds to wait for an event that must not happen."""


class ServerChecks(Conformance):
    """A target, and the helpers of its checks. `timeout` is in seconds, for any event that must come."""

    protocol = "family"
    groups = ("SRV",)
    target: ClassVar[ServerSpec]
    timeout: ClassVar[float] = 5.0
    forker: ClassVar[Forker] = Forker()
    """Shared by all classes; started when first needed."""
    serves_nobody: ClassVar[bool] = False
    """Whether no handler ran within the timeout when a client came and spoke: no other check waits as long."""

    @classmethod
    def teardown_class(cls) -> None:
        """End the process of the forking servers, if there is one."""
        cls.forker.close()

    def session(self, *, own: bool = False, through: Callable[[Make], Make] | None = None) -> ServerSession:
        """Return a session with a reporting handler, or with the program's own; `through` changes how the server is
        made. Raise NotChecked if no handler runs.
        """
        if self.serves_nobody:
            raise NotChecked(NO_HANDLER)
        target = replace(self.target, make=through(self.target.make)) if through else self.target
        return ServerSession(target, self.timeout, self.forker, own=own)

    def no_handler_runs(self, session: ServerSession) -> bool:
        """Whether no handler runs at all, not even for a client that says something: of no clause is that a violation.
        Then it is not waited for again.
        """
        if session.coordinator.events or not session.clients:
            return False
        client = session.clients[0]
        client.say(b"?")
        type(self).serves_nobody = session.wait(client.name, "setup") is None
        return self.serves_nobody

    def only_for(self, concurrency: str, how: str) -> None:
        """Raise NotApplicable for servers of another kind."""
        if self.target.concurrency != concurrency:
            raise NotApplicable(f"this is a {self.target.concurrency} server; the clause is about serving {how}")

    def needs_room(self) -> None:
        """Raise NotApplicable for a program without a room."""
        if not self.target.chat:
            raise NotApplicable("this program has no room, so it has no members")

    def began(self, session: ServerSession, name: str, phase: str = "handle") -> PhaseReport:
        """Return the first report of that client's handler; raise NotChecked if there is none."""
        event = session.wait(name, phase)
        if event is None:
            raise self.unserved(session, name)
        return event

    def arrives(self, session: ServerSession, name: str, phase: str = "handle") -> SessionClient:
        """Have a client connect, and wait for its handler; raise NotChecked if there is none."""
        client = session.connect(name)
        self.began(session, name, phase)
        return client

    def unserved(self, session: ServerSession, name: str) -> NotChecked:
        """Return why nothing is decided if no handler runs for that client."""
        return NotChecked(NO_HANDLER if self.no_handler_runs(session) else f"{NO_HANDLER} for {name}")

    def served(self, session: ServerSession, name: str, clause: str, when: str) -> PhaseReport:
        """Have one more client served from beginning to end; return the report of its handler from handle."""
        with contextlib.suppress(NotChecked):
            session.connect(name)
            event = session.wait(name, "handle")
            if event and session.wait(name, "finish"):
                return event
        if self.no_handler_runs(session):
            raise NotChecked(NO_HANDLER)
        raise session.violation(clause, f"{name} is served {when}", f"{name} is not served")

    def control(self, session: ServerSession) -> None:
        """Check that a client is served and its connection ended if no method raises; raise NotChecked if not."""
        client = session.connect("zoe")
        if session.wait("zoe", "finish") is None or not (self.target.datagram or client.ends()):
            raise NotChecked("not even a handler that raises nothing runs and ends, which other clauses are about")

    def leaves_nothing(self, session: ServerSession) -> None:
        """Check that the ended server has left nothing behind."""
        if left := session.left_behind():
            self.not_for_workers(session)
            raise session.violation("SRV-9", "nothing stays behind", f"what stays behind: {', '.join(left)}")

    def not_for_workers(self, session: ServerSession) -> None:
        """Raise NotChecked if handlers have returned before their workers: that may cause any other failure."""
        if any(event.seen.get("workers") for event in session.coordinator.events):
            raise NotChecked("handlers leave threads behind that the server does not know, which SRV-3 is about")


def join_room(session: ServerSession, name: str) -> SessionClient:
    """Add a member to the room; it is there when it has heard itself."""
    client = session.connect(name)
    speak(client, f"{name} is here\n".encode())
    session.wait_idle()
    return client


def speak(client: SessionClient, word: bytes) -> None:
    """Have a member say something and hear it; raise NotChecked if it does not, since nothing can be decided then."""
    client.say(word)
    if not client.hears(word):
        raise NotChecked(f"{client.name} does not hear its own utterances, which other clauses are about")


def is_answered(client: SessionClient, count: int) -> bool:
    """Have a client say something; return whether it comes back, unchanged or in upper case."""
    word = b"WORD %d" % count
    client.say(word)
    return client.hears(word)


def phase_names(phases: Sequence[str]) -> str:
    """Return the phases by the names of their methods; the return of handle is not one of them."""
    return ", ".join(phase for phase in phases if phase != "handled")


def describe_end(client: SessionClient) -> str:
    """Return how a client's stream ended, in the words of a report."""
    how = f"reads {ENDINGS[client.ended]}" if client.ended else "waits in vain"
    return f"{client.name} {how}" + (f" after {client.heard!r}" if client.heard else "")
