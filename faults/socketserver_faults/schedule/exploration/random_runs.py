"""Scenarios and schedules that are drawn: by a seed, thousands of them, or by Hypothesis, which then shrinks them.

`pick_scenario` asks `pick(n)` for each of its choices, a number below n, of which 0 is the simplest. Whoever answers
decides where chance comes from. What clients may do follows from what they did, never from what a server did: who has
words on their way does not quit, and nobody leaves while words are on their way that nobody else would hear.

Drawn schedules deviate at every fifth decision. They find what needs many deviations, which is little; and they go
where no scenario in `world/scenarios.py` does.
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
"""Clients who are connected at one time, at most."""

MAX_SCENARIO_STEPS = 14

SPEAKING_WEIGHT = 3
"""How much likelier it is that somebody speaks without waiting than anything else: races need two who do."""

LONG_UTTERANCE_BYTES = 1100
"""Bytes of a long utterance: more than a chunk."""

MIN_DEVIATING_BYTE = 208
"""A byte from here to 255 deviates; the others go on."""


@dataclass
class _Clients:
    """What the clients have done so far."""

    steps: list[Step] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    members: set[str] = field(default_factory=set)  # those who have spoken, and were heard
    stalled: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)  # those who have words on their way
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
        """Return what may be done now, the simplest first."""
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
        """See everybody whole."""
        self.settle()
        for who in sorted(self.stalled):
            self.resume(who)
        for who in self.readers():
            self.do(Say(who, self.words()))


def pick_scenario(pick: Pick, name: str) -> NamedScenario:
    """Return a scenario of a chat, as `pick` decides."""
    clients = _Clients()
    clients.come(lambda _: 0)
    for _ in range(pick(MAX_SCENARIO_STEPS)):
        if possible := clients.possible():  # when all have come and gone there is nothing
            possible[pick(len(possible))](pick)
    clients.end()
    return NamedScenario(name, "random", "", tuple(clients.steps), politeness="abrupt")


def random_scenario(seed: int) -> NamedScenario:
    """Return the scenario of a seed; a replay code names it `random_scenario-SEED`."""
    return pick_scenario(Random(seed).randrange, f"random-{seed}")


def choices_from_bytes(data: Iterable[int]) -> Choose:
    """Return what chooses by bytes, and goes on without preemption when there are no more."""
    bytes_left = iter(data)

    def choose(options: list[Task]) -> int:
        byte = next(bytes_left, 0)
        return 0 if byte < MIN_DEVIATING_BYTE else 1 + (byte - MIN_DEVIATING_BYTE) % (len(options) - 1)

    return choose


def random_choices(seed: int) -> Choose:
    """Return what chooses by a seed."""
    chance = Random(-1 - seed)  # not that of the scenario
    return choices_from_bytes(iter(lambda: chance.randrange(256), -1))
