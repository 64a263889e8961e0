"""What the checks of the SRV clauses share: scenes, guests who are served or settled, and what cannot be told.

A check that cannot tell, since something else is broken that another clause is about, says so and decides nothing:
NotChecked. What a clause does not speak of is NotApplicable.
"""

import contextlib
from collections.abc import Sequence
from typing import ClassVar

from socketserver_reference.conformance.checks.base import Conformance
from socketserver_reference.conformance.inprocess.coordinator import Event
from socketserver_reference.conformance.inprocess.fork_host import Forker
from socketserver_reference.conformance.inprocess.hosts import Served
from socketserver_reference.conformance.inprocess.scene import Guest, Scene
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.transcript import ENDINGS


class ServerChecks(Conformance):
    """A target, and what its checks need. `timeout` is how long, in seconds, anything that must come may take."""

    protocol = "family"
    groups = ("SRV",)
    target: ClassVar[Served]
    timeout: ClassVar[float] = 5.0
    forker: ClassVar[Forker] = Forker()
    """Shared by all classes, and started when one needs it."""

    @classmethod
    def teardown_class(cls) -> None:
        """End the process of the forking servers, if there is one."""
        cls.forker.close()

    def scene(self, *, own: bool = False) -> Scene:
        """Return a scene with a reporting handler, or with the program's own."""
        return Scene(self.target, self.timeout, self.forker, own=own)

    def only_for(self, concurrency: str, how: str) -> None:
        """Raise NotApplicable for servers of another kind."""
        if self.target.concurrency != concurrency:
            raise NotApplicable(f"this is a {self.target.concurrency} server; the clause is about serving {how}")

    def needs_room(self) -> None:
        """Raise NotApplicable for a program without a room."""
        if not self.target.chat:
            raise NotApplicable("this program has no room, so it has no members")

    def began(self, scene: Scene, name: str, phase: str = "handle") -> Event:
        """Return what that client's handler sees when it begins; raise NotChecked if it does not."""
        event = scene.wait(name, phase)
        if event is None:
            raise NotChecked(f"no handler runs for {name}")
        return event

    def served(self, scene: Scene, name: str, clause: str, when: str) -> Event:
        """Have one more client served from beginning to end; return what its handler saw in handle."""
        with contextlib.suppress(NotChecked):
            scene.visit(name)
            event = scene.wait(name, "handle")
            if event and scene.wait(name, "finish"):
                return event
        raise scene.violation(clause, f"{name} is served {when}", f"{name} is not served")

    def control(self, scene: Scene) -> None:
        """See that a client is served, and its connection ended, where nothing raises."""
        guest = scene.visit("zoe")
        if scene.wait("zoe", "finish") is None or not (self.target.datagram or guest.ends()):
            raise NotChecked("not even a handler that raises nothing runs and ends: other clauses are about that")

    def not_for_workers(self, scene: Scene) -> None:
        """Raise NotChecked if handlers have returned before their workers: whatever is amiss may come from that."""
        if any(event.seen.get("workers") for event in scene.desk.events):
            raise NotChecked("handlers leave threads behind that no server knows of: SRV-3 is about that")


def settled(scene: Scene, name: str) -> Guest:
    """Have one more member in the room: it is there when it has heard itself."""
    guest = scene.visit(name)
    speaks(guest, f"{name} is here\n".encode())
    scene.wait_idle()
    return guest


def speaks(guest: Guest, word: bytes) -> None:
    """Have a member say something and hear it; raise NotChecked if it does not, for nothing can be told then."""
    guest.say(word)
    if not guest.hears(word):
        raise NotChecked(f"{guest.name} does not hear what {guest.name} says: other clauses are about that")


def answered(guest: Guest, count: int) -> bool:
    """Have a client say something, and return whether anything of it comes back, as it is or in upper case."""
    word = b"WORD %d" % count
    guest.say(word)
    return guest.hears(word)


def listed(phases: Sequence[str]) -> str:
    """Return the phases by the names of their methods; that handle has returned is none."""
    return ", ".join(phase for phase in phases if phase != "handled")


def ending(guest: Guest) -> str:
    """Return what a client has of its stream's end, as a report says it."""
    how = f"reads {ENDINGS[guest.ended]}" if guest.ended else "waits in vain"
    return f"{guest.name} {how}" + (f" after {guest.heard!r}" if guest.heard else "")
