"""The scenarios that are played under every schedule: steps of the conformance suite, as short as can be.

Each is about one circumstance in which threads may interfere. From the first abrupt step on (an utterance that is not
settled, a reset, a stall), the clients do not wait for the server between two steps. So a schedule can play all that
the clients do before the server reacts to any of it.

Once they have left, the server comes to rest before it is stopped. What a stop does to handlers that are ending is the
circumstance of the scenarios with `stopped_at_once`: in all others it would multiply the schedules by four or eight.

Scenarios are short because all schedules can be tried only where decisions are few. To add one, add an entry;
`tests/faults/schedule/test_reference.py` checks that the reference passes it.

Next: `fitting.py`.
"""

from dataclasses import dataclass, replace

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.scene import Politeness
from socketserver_reference.conformance.scenario.steps import (
    Connect,
    HalfClose,
    Quit,
    Reset,
    Rest,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    join,
)


def _said_to_ann(letters: bytes, size: int) -> tuple[Step, ...]:
    """Return the steps by which ben says `size` bytes for each letter, and ann reads none of them."""
    said = (step for letter in letters for step in (Send("ben", bytes([letter]) * size), Settle()))
    return (*join("ann", "ben", "cal"), Stall("ann"), *said)


FLOOD_STEPS = _said_to_ann(b"ABCDEFGHIJ", 8 * 1024)
"""Steps that fill the buffers of a member that does not read, with more than the 64 KiB of CHAT-15."""

NEARLY_FULL = _said_to_ann(b"ABCDEFGHIJ", 7 * 1024)
"""Steps that leave room in them for one more delivery and a part of another; they hold 72 KiB: see CAPACITY."""


@dataclass(frozen=True)
class NamedScenario:
    """Steps, the circumstance that they play, and its clause, which is reported where several clauses fit; "" if the
    circumstances say it better.

    `politeness` says before which steps the clients wait until the server is idle: see `Stage`. `deviations` is the
    largest number for which all schedules can be tried in about a minute.
    """

    name: str
    about: str
    clause: str
    steps: tuple[Step, ...]
    protocol: str = "chat"
    politeness: Politeness = "polite at first"
    deviations: int = 2
    stopped_at_once: bool = False
    """Whether the server is stopped as soon as the clients have left, while its handlers may still be ending."""
    listener: str = ""
    """A further member where speakers do not hear themselves: an order shows only if two members hear all that is said,
    and one of them is the witness of `dialects/rewrite.py`.
    """

    def in_dialect(self, dialect: Dialect) -> "NamedScenario":
        """Return the scenario with its listener, who joins last before anything is sent, if the dialect needs one."""
        if dialect.hears_itself or not self.listener:
            return self
        start = next(at for at, step in enumerate(self.steps) if step.burst)
        return replace(self, steps=(*self.steps[:start], *join(self.listener), *self.steps[start:]))


def _chat(
    name: str,
    clause: str,
    about: str,
    *steps: Step,
    politeness: Politeness = "polite at first",
    deviations: int = 2,
    stopped_at_once: bool = False,
    listener: str = "",
) -> NamedScenario:
    return NamedScenario(name, about, clause, steps, "chat", politeness, deviations, stopped_at_once, listener)


def _echo(name: str, clause: str, about: str, *steps: Step, stopped_at_once: bool = False) -> NamedScenario:
    return NamedScenario(name, about, clause, steps, "echo", "abrupt", stopped_at_once=stopped_at_once)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        _chat(
            "greet",
            "CHAT-2",
            "one client says something",
            Connect("ann"),
            Say("ann", b"hi"),
            politeness="abrupt",
            deviations=3,
            stopped_at_once=True,
        ),
        _chat(
            "speak",
            "CHAT-13",
            "two members speak at once",
            *join("ann", "ben"),
            Send("ann", b"a"),
            Send("ben", b"b"),
            Settle(),
            listener="cal",
        ),
        _chat(
            "join",
            "CHAT-12",
            "one client joins while a member speaks",
            *join("ann", "ben"),
            Send("ann", b"a"),
            Connect("cal"),
            Say("cal", b"c"),
            Settle(),
        ),
        _chat(
            "arrive",
            "CHAT-2",
            "two clients connect at once, and both speak",
            Connect("ann"),
            Connect("ben"),
            Say("ann", b"a"),
            Say("ben", b"b"),
            Say("ann", b"and on"),
            politeness="abrupt",
            stopped_at_once=True,
        ),
        _chat(
            "reset",
            "CHAT-12",
            "one member resets its connection while two others speak",
            *join("ann", "ben", "cal"),
            Send("ann", b"a"),
            Send("cal", b"c"),
            Reset("ben"),
            Settle(),
            Say("ann", b"and on"),
        ),
        _chat(
            "quit",
            "CHAT-11",
            "one member quits while two others speak",
            *join("ann", "ben", "cal"),
            Send("ann", b"a"),
            Send("cal", b"c"),
            Quit("ben"),
            Say("ann", b"and on"),
        ),
        _chat(
            "half-close",
            "CHAT-10",
            "one member speaks and half-closes while another speaks and a third listens",
            *join("ann", "ben", "cal"),
            Send("ann", b"a"),
            Send("ben", b"last words"),
            HalfClose("ben"),
            Say("ann", b"and on"),
        ),
        _chat(
            "idle",
            "CHAT-21",
            "two members say nothing for an hour",
            *join("ann", "ben"),
            Rest(3600),
            Say("ann", b"and on"),
            Say("ben", b"and on"),
        ),
        _chat(
            "turnover",
            "CHAT-11",
            "one member leaves, and another client joins",
            *join("ann", "ben"),
            Quit("ben"),
            Send("ann", b"a"),
            Connect("cal"),
            Say("cal", b"c"),
            Say("ann", b"and on"),
        ),
        _chat(
            "stall",
            "CHAT-15",
            "one member does not read for a while, and two others speak",
            *join("ann", "ben", "cal"),
            Stall("cal"),
            Send("ann", b"a"),
            Send("ben", b"b"),
            Settle(),
            Resume("cal"),
            Say("cal", b"c"),
        ),
        _chat(
            "flood",
            "CHAT-15",
            "one member does not read until its buffers are full, and another is not delayed",
            *FLOOD_STEPS,
            Say("cal", b"not delayed"),
            deviations=1,
        ),
        _chat(
            "resume",
            "CHAT-14",
            "one member does not read until its buffers are full, then reads while another speaks",
            *FLOOD_STEPS,
            Send("ben", b"K"),
            Resume("ann"),
            Say("cal", b"and on"),
            deviations=1,
        ),
        # A room that keeps listing a member that it has cut off (`keeps-who-is-cut-off`) passes this, too: sending to
        # that connection fails, and a client could see only how long that takes; here nothing takes time. This scenario
        # finds a room that fails when a member leaves during a delivery, or that cuts off one direction alone.
        _chat(
            "cut-off",
            "CHAT-15",
            "one member is cut off while it speaks, and two others deliver to it again",
            *NEARLY_FULL,
            Send("ben", b"b" * 2000),
            Send("cal", b"c" * 1500),
            Send("ann", b"a" * 1500),
            Settle(),
            Resume("ann"),
            Say("cal", b"and on"),
            deviations=1,
        ),
        _echo(
            "request",
            "ECHO-2",
            "one client sends a request",
            Connect("ann"),
            Say("ann", b"a"),
            stopped_at_once=True,
        ),
        _echo(
            "ask",
            "",
            "two clients send requests at once",
            Connect("ann"),
            Connect("ben"),
            Say("ann", b"a"),
            Say("ben", b"b"),
            stopped_at_once=True,
        ),
        _echo(
            "hang-up",
            "ECHO-7",
            "one client resets its connection, another half-closes after its request",
            Connect("ann"),
            Connect("ben"),
            Send("ann", b"a"),
            Reset("ann"),
            Send("ben", b"b"),
            HalfClose("ben"),
        ),
    )
}
"""Name -> scenario, the shortest first."""
