"""What checking costs, as ratios within one run: `make bench`.

Exploration of the reference is compared with the same machine, seed and number of steps on a stage that does nothing:
the cost of Hypothesis itself. A settled step with four members is compared with one step of that empty machine. Each
figure is the median of several rounds, in which the two alternate. Everything runs on one processor, because to switch
threads of the interpreter between two processors costs more than either.
"""

import os
import statistics
import time
from collections.abc import Callable
from functools import partial

from socketserver_reference.address import Address
from socketserver_reference.clauses import PROFILES, Profile
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.scenario.steps import Say, Step, join
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import make_server

ROUNDS = 5
EXAMPLES = 100
SETTLED = 2000
"""Settled steps of one round."""


class EmptyStage(Stage):
    """A stage that plays nothing."""

    def perform(self, step: Step) -> None:
        """Do nothing."""


class EmptySession(Session):
    """A session without a server."""

    def stage(self, **_: object) -> Stage:
        return EmptyStage(self.address, ChatConformance.oracle(NOTE), timeout=1)


def open_session(kind: type[Session]) -> Session:
    """Return a session of that class for the reference's chat in this process."""
    server = InProcess(partial(make_server, "chat", Address("tcp", "127.0.0.1")))
    return kind(server, ChatConformance, timeout=5)


def timed(work: Callable[[], None]) -> float:
    """Return the seconds that the work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def exploring(session: Session, profile: Profile) -> Callable[[], None]:
    """Return the work of one exploration."""
    return lambda: explore(session, Record(("CHAT",)), "chat", profile, examples=EXAMPLES, with_seed=0)


def settled(session: Session) -> float:
    """Return the seconds of one settled step in a room of four."""
    with session.stage() as stage:
        stage.play(join("ann", "ben", "cal", "dan"))
        return timed(lambda: [stage.perform(Say("ann", b"%d" % n)) for n in range(SETTLED)] and None) / SETTLED


def main() -> None:
    """Print the figures."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    real, empty = open_session(Session), open_session(EmptySession)
    try:
        for profile in PROFILES:
            pairs = [(timed(exploring(real, profile)), timed(exploring(empty, profile))) for _ in range(ROUNDS)]
            ratio = statistics.median(one / other for one, other in pairs)
            seconds, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"exploring, {profile}: {seconds:.2f} s, the empty machine {bare:.2f} s: {ratio:.2f} times")
        step = statistics.median(settled(real) for _ in range(ROUNDS))
        print(f"a settled step with four members: {step * 1e6:.0f} microseconds")
    finally:
        real.close()
        empty.close()


if __name__ == "__main__":
    main()
