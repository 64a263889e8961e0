"""The scenarios that are played under every schedule: steps of the conformance suite, as short as can be.

Each is about one circumstance in which threads meet. From the first abrupt step on (a word that nobody waits for, a
reset, a stall), nobody waits for the server between two steps; so what the clients do is there before the server has
done anything, if a schedule wants it so.

Short scenarios have few decisions, and only where decisions are few can all schedules be tried. To add one, add a line;
`tests/faults/schedule/test_reference.py` sees to it that the reference survives it.

Next: `exploration/search.py`.
"""

from dataclasses import dataclass

from socketserver_reference.conformance.driver.stage import Politeness
from socketserver_reference.conformance.scenario.steps import (
    Connect,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    join,
)


def _said_to_ann(letters: bytes, size: int) -> tuple[Step, ...]:
    """Return the steps by which ben says much, and ann does not read it."""
    said = (step for letter in letters for step in (Send("ben", bytes([letter]) * size), Settle()))
    return (*join("ann", "ben", "cal"), Stall("ann"), *said)


FLOOD_STEPS = _said_to_ann(b"ABCDEFGHIJ", 8 * 1024)
"""Steps that fill the buffers of a member who does not read: with more than the 64 KiB of CHAT-15."""

NEARLY_FULL = _said_to_ann(b"ABCDEFGHIJ", 7 * 1024)
"""Steps that leave room for one more delivery there, and for a part of another; a world holds 72 KiB: see CAPACITY."""


@dataclass(frozen=True)
class NamedScenario:
    """Steps, what they are about, and the clause that speaks of it, for findings that fit several.

    `politeness` say before which steps the clients let the server come to rest: see `Stage`. `deviations` is with how
    many all schedules can be tried in a minute or so.
    """

    name: str
    about: str
    clause: str
    steps: tuple[Step, ...]
    protocol: str = "chat"
    politeness: Politeness = "polite at first"
    deviations: int = 2


def _chat(
    name: str, clause: str, about: str, *steps: Step, politeness: Politeness = "polite at first", deviations: int = 2
) -> NamedScenario:
    return NamedScenario(name, about, clause, steps, politeness=politeness, deviations=deviations)


def _echo(name: str, clause: str, about: str, *steps: Step) -> NamedScenario:
    return NamedScenario(name, about, clause, steps, "echo", politeness="abrupt")


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
        ),
        _chat(
            "speak",
            "CHAT-13",
            "two speak at once",
            *join("ann", "ben"),
            Send("ann", b"a"),
            Send("ben", b"b"),
            Settle(),
        ),
        _chat(
            "join",
            "CHAT-12",
            "one comes while another speaks",
            *join("ann", "ben"),
            Send("ann", b"a"),
            Connect("cal"),
            Say("cal", b"c"),
            Settle(),
        ),
        _chat(
            "arrive",
            "CHAT-2",
            "two come in the same instant, and both speak",
            Connect("ann"),
            Connect("ben"),
            Say("ann", b"a"),
            Say("ben", b"b"),
            Say("ann", b"and on"),
            politeness="abrupt",
        ),
        _chat(
            "reset",
            "CHAT-12",
            "one resets its connection while two others speak",
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
            "one quits while two others speak",
            *join("ann", "ben", "cal"),
            Send("ann", b"a"),
            Send("cal", b"c"),
            Quit("ben"),
            Say("ann", b"and on"),
        ),
        _chat(
            "half-close",
            "CHAT-10",
            "one half-closes with its last words while another speaks and a third listens",
            *join("ann", "ben", "cal"),
            Send("ann", b"a"),
            Send("ben", b"last words"),
            HalfClose("ben"),
            Say("ann", b"and on"),
        ),
        _chat(
            "turnover",
            "CHAT-11",
            "one leaves, and another comes in its place",
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
            "one does not read for a while, two others speak",
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
            "one does not read until its buffers are full, and another is not delayed",
            *FLOOD_STEPS,
            Say("cal", b"not delayed"),
            deviations=1,
        ),
        _chat(
            "resume",
            "CHAT-14",
            "one does not read until its buffers are full, and then does, while another speaks",
            *FLOOD_STEPS,
            Send("ben", b"K"),
            Resume("ann"),
            Say("cal", b"and on"),
            deviations=1,
        ),
        # A room that keeps a member listed that it has cut off (`keeps-who-is-cut-off`) passes this, too: what it sends
        # to that connection fails, and a client could see only how long that takes; here nothing takes time. A room
        # shows that fails over a member which leaves it during a delivery, or that cuts off one direction alone.
        _chat(
            "cut-off",
            "CHAT-15",
            "one is cut off who was still speaking, and is met again by the deliveries of two others",
            *NEARLY_FULL,
            Send("ben", b"b" * 2000),
            Send("cal", b"c" * 1500),
            Send("ann", b"a" * 1500),
            Settle(),
            Resume("ann"),
            Say("cal", b"and on"),
            deviations=1,
        ),
        _echo("ask", "ECHO-3", "two ask at once", Connect("ann"), Connect("ben"), Say("ann", b"a"), Say("ben", b"b")),
        _echo(
            "hang-up",
            "ECHO-7",
            "one resets its connection, another half-closes after its request",
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
