"""Random scenarios and schedules: thousands of them from a seed, or drawn by Hypothesis, which then shrinks them.

`pick_scenario` makes each choice by `pick(n)`, a number below n, of which 0 is the simplest choice; the caller passes
`pick` and so the source of chance. What clients may do depends on what they did, never on what a server did: a client
whose utterance is not yet settled does not quit, and no client leaves while no other would receive such an utterance.

Random schedules deviate at every fifth decision. They find the few failures that need many deviations, and play what no
scenario in `world/scenarios.py` plays.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from socketserver_faults.schedule.core.run import Choose, Task
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
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
)

Pick = Callable[[int], int]

NAMES = ("ann", "ben", "cal", "dan", "eve")

MAX_CONNECTED = 3
"""Most clients connected at one time."""

MAX_SCENARIO_STEPS = 14

SPEAKING_WEIGHT = 3
"""How much likelier an utterance that is not settled is than any other step: races need two of them."""

LONG_UTTERANCE_BYTES = 1100
"""Bytes of a long utterance: more than a chunk."""

MIN_DEVIATING_BYTE = 208
"""Bytes from this to 255 deviate; smaller ones do not."""


@dataclass
class _Clients:
    """What the clients of a scenario have done so far."""

    steps: list[Step] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    members: set[str] = field(default_factory=set)  # clients that have spoken, and were heard
    stalled: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)  # clients with utterances that are not settled
    arrived: int = 0

    def readers(self) -> list[str]:
        return [who for who in self.present if who in self.members and who not in self.stalled]

    def quiet(self) -> list[str]:
        return [who for who in self.readers() if who not in self.pending]

    def may_go(self) -> list[str]:
        return [who for who in self.present if not self.pending or any(other != who for other in self.readers())]

    def words(self) -> bytes:
        return b"%d " % len(self.steps)

    def do(self, *steps: Step) -> None:
        self.steps += steps

    def possible(self) -> list[Callable[[Pick], None]]:
        """Return the actions that are possible now, the simplest first."""
        quiet, goers = self.quiet(), self.may_go()
        staying = [who for who in quiet if any(other != who for other in self.readers())]
        return [
            *([self.speak] * SPEAKING_WEIGHT if self.readers() else []),
            *([self.come] if len(self.present) < MAX_CONNECTED and self.arrived < len(NAMES) else []),
            *([lambda pick: self.do(Say(quiet[pick(len(quiet))], self.words()))] if quiet else []),
            *([lambda _: self.settle()] if self.pending else []),
            *([lambda pick: self.go(goers[pick(len(goers))], (HalfClose, Abandon, Reset)[pick(3)])] if goers else []),
            *([lambda pick: self.go(staying[pick(len(staying))], Quit)] if staying else []),
            *([lambda pick: self.stall(staying[pick(len(staying))])] if staying else []),
            *([lambda pick: self.resume(sorted(self.stalled)[pick(len(self.stalled))])] if self.stalled else []),
        ]

    def come(self, pick: Pick) -> None:
        who = NAMES[self.arrived]
        self.arrived += 1
        self.present.append(who)
        self.do(Connect(who))
        if pick(4) < 3:  # the others are lurkers
            self.members.add(who)
            self.do(Say(who, who.encode()))

    def speak(self, pick: Pick) -> None:
        who = self.readers()[pick(len(self.readers()))]
        self.pending.add(who)
        self.do(Send(who, self.words() + b"." * LONG_UTTERANCE_BYTES * (pick(8) == 7)))

    def settle(self) -> None:
        self.pending.clear()
        self.do(Settle())

    def go(self, who: str, way: type[HalfClose] | type[Abandon] | type[Reset] | type[Quit]) -> None:
        self.present.remove(who)
        self.stalled.discard(who)
        self.pending.discard(who)
        self.do(way(who))

    def stall(self, who: str) -> None:
        self.stalled.add(who)
        self.do(Stall(who))

    def resume(self, who: str) -> None:
        self.stalled.discard(who)
        self.do(Resume(who))

    def end(self) -> None:
        """Let every client read all that is due."""
        self.settle()
        for who in sorted(self.stalled):
            self.resume(who)
        for who in self.readers():
            self.do(Say(who, self.words()))


def pick_scenario(pick: Pick, name: str) -> NamedScenario:
    """Return a scenario of a chat; `pick` makes its choices."""
    clients = _Clients()
    clients.come(lambda _: 0)
    for _ in range(pick(MAX_SCENARIO_STEPS)):
        if possible := clients.possible():  # when all clients have left, nothing is possible
            possible[pick(len(possible))](pick)
    clients.end()
    return NamedScenario(name, "random", "", tuple(clients.steps), politeness="abrupt", stopped_at_once=True)


def random_scenario(seed: int) -> NamedScenario:
    """Return the scenario of a seed; a replay code names it `random_scenario-SEED`."""
    return pick_scenario(Random(seed).randrange, f"random-{seed}")


def choices_from_bytes(data: Iterable[int]) -> Choose:
    """Return a chooser that takes a byte for each decision, and then chooses without preemption."""
    bytes_left = iter(data)

    def choose(options: list[Task]) -> int:
        byte = next(bytes_left, 0)
        return 0 if byte < MIN_DEVIATING_BYTE else 1 + (byte - MIN_DEVIATING_BYTE) % (len(options) - 1)

    return choose


def random_choices(seed: int) -> Choose:
    """Return a chooser that draws from a seed."""
    chance = Random(-1 - seed)  # another seed than the scenario's
    return choices_from_bytes(iter(lambda: chance.randrange(256), -1))
