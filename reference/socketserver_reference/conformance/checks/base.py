"""What all conformance classes have in common: a target, checks that each decide one clause, and the fixture they play
with.

A check is a test method that takes the `play` fixture and hands it a scenario:

    @decides("CHAT-7")
    def test_quit_makes_the_sender_leave(self, play: Play) -> None:
        play(*join("ann", "ben"), Quit("ann"), Say("ben", b"who is left?"))

The clause it decides is written once, above it; profile, level and sentence follow from the table. This module knows
neither pytest nor sockets, so that listing the checks costs nothing.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from socketserver_reference.clauses import CLAUSES, Profile
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.measured.exhaustion import Exhaustion
from socketserver_reference.conformance.oracles.measured.growth import Visits
from socketserver_reference.conformance.oracles.measured.scaling import Room
from socketserver_reference.conformance.scenario.steps import Step

if TYPE_CHECKING:
    from socketserver_reference.address import Address


class Play(Protocol):
    """The `play` fixture: plays the steps of a scenario for the clause that the check decides."""

    address: "Address"
    """Where the server listens."""
    dialect: Dialect
    """The dialect that the server speaks."""
    idle: float
    """Seconds for which members may be silent."""

    def __call__(self, *steps: Step) -> Any:
        """Play the steps; raise the Violation they show."""

    def measure_lag(self, *steps: Step, prompt: str, late: str) -> None:
        """Play the steps for a clause that only a clock can decide: see `oracles/measured/delayed_ack.py`."""

    def measure_delay(self, *steps: Step, alone: Sequence[str], beside: str) -> None:
        """Play the steps for a clause that a server may break by a delay alone: see `oracles/measured/delay.py`."""

    def scale(self, room: Room, many: int) -> bool:
        """Play a scenario in a room of so many, and in one a quarter as large, and compare what they cost the server:
        see `scaling.py`. Return whether that could be seen.
        """

    def grow(self, visits: Visits) -> None:
        """Let many clients come and leave in these ways, and look at what the server holds then: see `growth.py`."""

    def exhaust(self, exhausts: Exhaustion) -> None:
        """Play it while the server has few descriptors, and silent clients have taken them: see `exhaustion.py`."""

    def come_back(self, *steps: Step) -> None:
        """Play the steps, and start the server again at its port at once: see `port_reuse.py`."""

    def rest(self, *steps: Step) -> None:
        """Play the steps, and see whether the server uses the processor then: see `resting.py`."""

    def needs_exact_chunks(self) -> None:
        """End the check where an utterance may reach the server in pieces: the clause is about whole chunks."""

    def not_applicable(self, why: str) -> None:
        """End the check: the clause says nothing about this target."""

    def not_checked(self, why: str) -> None:
        """End the check: the clause cannot be decided here."""


Explore = Callable[[Profile], None]
"""The `explore` fixture: lets the state machine of a profile explore the server."""

Check = TypeVar("Check", bound=Callable[..., Any])


def decides(clause: str) -> Callable[[Check], Check]:
    """Mark a test method as a check of the clause."""
    assert clause in CLAUSES, f"{clause} is no clause"

    def mark(check: Check) -> Check:
        check.decides = clause  # type: ignore[attr-defined]  # functions take attributes; their type does not say so
        return check

    return mark


class Conformance:
    """Base of the classes that others subclass: `class TestMine(ChatConformance): target = Launched(...)`.

    `target` is a Target, or the address of a running server as text.
    """

    target: ClassVar[Any]
    protocol: ClassVar[str]
    groups: ClassVar[tuple[str, ...]]
    """The groups of clauses that the class decides: CHAT, say."""
    dialect: ClassVar[str] = ""
    """The name or file of the dialect that the target speaks; --conformance-dialect overrides it."""
    oracle: ClassVar[Any]
    """Makes the oracle of a scenario, from a dialect."""
    rewriter: ClassVar[Any]
    """Makes the rewriter of a scenario, from a dialect."""
    health_check: ClassVar[Any]
    """The steps of a short conversation that any working server can hold."""
    health_clause: ClassVar[str]
    """The clause that a server breaks if it fails the health check."""
