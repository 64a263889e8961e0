"""What checking takes: whole checks, and the parts of one.

Exploration of the reference is compared with the same machine, seed and number of steps on a stage that does nothing:
the cost of Hypothesis itself. A settled step is one utterance in a room, and all its members read it. Both run on one
processor, as a check does that need not race; the last row is the same exploration on all processors.

Next: `scheduling.py`.
"""

import argparse
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

import results
from served import HERE

from socketserver_reference.address import Address
from socketserver_reference.clauses import PROFILES, Profile
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.scenario.steps import Say, Step, join
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import make_server

SERVERS = HERE.parent / "interop" / "servers"

EXAMPLES = 100
SETTLED = 2000
"""Settled steps of one measurement."""


def checks() -> dict[str, list[str]]:
    """Return the arguments of `check`, by what is checked."""
    asyncio_chat = shlex.join([sys.executable, str(SERVERS / "asyncio_chat.py")])
    found = {
        "reference echo": ["echo"],
        "reference chat": ["chat"],
        "reference chat, 0 examples": ["chat", "--examples", "0"],
        "reference chat, 100 examples": ["chat", "--examples", "100"],
        "asyncio-chat": ["chat", "--launch", f"{asyncio_chat} {{port}}", "--dialect", "asyncio-chat"],
    }
    if shutil.which("node"):
        launch = f"node {shlex.quote(str(SERVERS / 'node_chat.js'))} {{port}}"
        found["node-chat"] = ["chat", "--launch", launch, "--dialect", "node-chat"]
    else:
        print("node-chat is left out: there is no node on this machine")
    return found


def measure_check(arguments: list[str]) -> dict[str, float]:
    """Return what one check takes."""
    begun, used = results.now(), _children()
    command = [sys.executable, "-m", "socketserver_reference", "check", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if (
        done.returncode > 1 and "not checked" not in done.stdout
    ):  # to break a clause, or time out, takes its time as well
        raise CannotCheck(f"check {' '.join(arguments)} ends with {done.returncode}: {done.stdout[-500:].strip()}")
    return {"seconds": results.now() - begun, "cpu_s": _children() - used}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Return what the work takes."""
    begun, used = results.now(), resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return {"seconds": results.now() - begun, "cpu_s": cpu}


def exploring(session: Session, profile: Profile, examples: int) -> None:
    """Explore once."""
    explore(session, Record(("CHAT",)), "chat", profile, examples=examples, with_seed=0)


def settling(session: Session, members: int, steps: int) -> float:
    """Return the seconds of one settled step in a room of so many."""
    with session.stage() as stage:
        stage.play(join("ann", *(f"m{number}" for number in range(1, members))))
        return timed(lambda: stage.play([Say("ann", b"%d" % n) for n in range(steps)]))["seconds"] / steps


def measure(options: argparse.Namespace) -> Iterator[results.Table]:
    """Measure whole checks and parts; yield the table, then fill and print it."""
    table = results.Table("checks", "Checking", results.CHECKS)
    yield table
    results.head(table)
    named = checks()
    if options.short:
        named = {"reference chat": [*named["reference chat"], "--examples", "0", "--only", "CHAT-2"]}
    for name, arguments in named.items():
        runs = [measure_check(arguments) for _ in range(options.times)]
        results.add(table, {"what": name, **results.medians(runs)})
    examples, steps = (2, 50) if options.short else (EXAMPLES, SETTLED)
    real, empty = open_session(Session), open_session(EmptySession)
    try:
        with one_processor(os.getpid()):
            for profile in PROFILES:
                for name, session in (("the reference", real), ("nothing", empty)):
                    work = partial(exploring, session, profile, examples)
                    runs = [timed(work) for _ in range(options.times)]
                    results.add(table, {"what": f"exploring {name}, {profile}", **results.medians(runs)})
            for members in (4,) if options.short else (1, 4, 16, 64):
                step = statistics.median(settling(real, members, steps) for _ in range(options.times))
                results.add(table, {"what": f"1000 settled steps, {members} members", "seconds": step * 1000})
        work = partial(exploring, real, PROFILES[-1], examples)
        runs = [timed(work) for _ in range(options.times)]
        results.add(table, {"what": f"the same {PROFILES[-1]}, on all", **results.medians(runs)})
    finally:
        real.close()
        empty.close()
