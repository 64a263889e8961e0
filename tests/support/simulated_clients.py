"""Clients of a simulated room: they do anything that a scenario may contain, at random, or one long talk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Connect,
    Crowd,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from tests.support import simulation
from tests.support.simulation import Room, room_of


class Clients:
    """Clients that do anything that a scenario may contain, at random."""

    def __init__(self, stage: Stage, chance: Random) -> None:
        self.stage = stage
        self.oracle = room_of(stage)
        self.chance = chance
        self.arrived = 0
        self.said = 0

    def do(self, *steps: Step) -> None:
        for step in steps:
            self.stage.perform(step)

    def name(self) -> str:
        self.arrived += 1
        return f"m{self.arrived}"

    def present(self) -> list[str]:
        return [who for who, member in self.oracle.members.items() if not (member.gone or member.leaving)]

    def heard_out(self) -> list[str]:
        """Return the members that read, and have read all deliveries of their own words."""
        return [who for who in self.oracle.readers() if self.oracle.complete(who)]

    def may_go(self, names: list[str]) -> list[str]:
        """Return the members that may leave so that another still reads what is not settled."""
        return [
            who
            for who in names
            if not self.oracle.outstanding() or any(other != who for other in self.oracle.readers())
        ]

    def stalled(self) -> list[str]:
        return [who for who in self.present() if self.oracle.members[who].stalled]

    def words(self) -> bytes:
        """Return an utterance, preferably one that looks like a delivery, a part of one, or many of them."""
        self.said += 1
        return self.chance.choice(
            [
                b"word %d " % self.said,
                self.chance.choice([b"ack", b"a", b"ac", b"ackack", b"k", b"x", b"\n", b"aaack", b"ca", b"ackword "]),
                bytes(self.chance.choices(b"ackx", k=self.chance.randint(1, 12))),
                b"b" * self.chance.choice([1024, 1025, 1500, 3000]),
                b"%06d " % self.said * self.chance.choice([100, 300]),
            ]
        )

    def one_more(self) -> None:
        """Do one thing, if it can be done now."""
        doable: list[tuple[Callable[..., None], list[str]]] = [
            (self.connect, [""]),
            (self.join, [""]),
            (self.crowd, [""]),
            (self.say, self.heard_out()),
            (self.burst, self.oracle.readers()),
            (self.burst, self.oracle.readers()),
            (self.settle, [""]),
            (self.quit, self.may_go(self.heard_out())),
            (self.half_close, self.may_go(self.present())),
            (self.close, self.may_go(self.present())),
            (self.reset, self.may_go(self.present())),
            (self.stall, self.may_go(self.heard_out())),
            (self.resume, self.stalled()),
            (self.burst, self.stalled()),
            (self.leave_at_once, self.oracle.readers()),
            (self.wait_until_heard, self.oracle.optional_readers() if self.heard_out() else []),
        ]
        way, names = self.chance.choice(doable)
        if names:
            way(self.chance.choice(names))

    def connect(self, _: str) -> None:
        if len(self.present()) < 6:
            self.do(Connect(self.name()))

    def join(self, _: str) -> None:
        if len(self.present()) < 6:
            self.do(*join(self.name()))

    def crowd(self, _: str) -> None:
        if len(self.present()) < 5:
            self.do(Crowd((self.name(), self.name())))

    def say(self, who: str) -> None:
        words = self.words()[:1000]
        self.do(Say(who, words + b" #%d" % self.said if self.oracle.outstanding() else words))

    def burst(self, who: str) -> None:
        self.do(*(Send(who, self.words()) for _ in range(self.chance.randint(1, 3))))

    def settle(self, _: str) -> None:
        self.do(Settle())

    def quit(self, who: str) -> None:
        self.do(Quit(who, self.chance.choice([b"quit", b" quit\r\n"])))

    def half_close(self, who: str) -> None:
        self.do(HalfClose(who))

    def close(self, who: str) -> None:
        self.do(Abandon(who))

    def reset(self, who: str) -> None:
        self.do(Reset(who))

    def leave_at_once(self, staying: str) -> None:
        """Have all but one speak and leave."""
        leaving = [who for who in self.present() if who != staying]
        self.do(*(Send(who, b"." * self.chance.choice([1, 40, 2000])) for who in leaving))
        for who in leaving:
            self.do(Abandon(who) if self.chance.random() < 0.5 else Reset(who))

    def stall(self, who: str) -> None:
        self.do(Stall(who))

    def resume(self, who: str) -> None:
        self.do(Resume(who))

    def wait_until_heard(self, who: str) -> None:
        self.do(WaitUntilHeard(who, self.heard_out()[0]))


@contextmanager
def talk(room: Room) -> Iterator[Stage]:
    """Yield a stage on which four clients, one of them a newcomer in the middle of a burst, say words of their own."""
    with simulation.stage(room) as stage:
        stage.play(join("ann", "ben", "cal"))
        stage.play([Say("ann", b"first words"), Send("ben", b"[one from ben]"), Send("cal", b"[two from cal]")])
        stage.play([Connect("dan"), Send("ann", b"[three from ann]"), Send("ben", b"[four from ben]"), Settle()])
        stage.play([Say("dan", b"dan is here"), Stall("cal"), Send("ann", b"[five from ann]"), Say("dan", b"[six]")])
        stage.play([Resume("cal"), Say("cal", b"[seven from cal]"), HalfClose("cal"), Say("ben", b"[eight from ben]")])
        yield stage
