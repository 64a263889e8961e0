"""Judges faults: the suite against each of them, and exactly the clauses that it must find broken.

A suite that passes proves little until it is seen to fail. Here every check is: for each fault the set of clauses that
are found broken has to EQUAL what the catalogue says, by the directed scenarios alone, and with exploration on. One
clause too few means that a check cannot see what it is for; one too many, that it blames the innocent.

Each fault is a server of its own kind, so it is judged as any server is: over the wire by the checks of its protocol,
and as a `socketserver` class by those of the SRV clauses. Each is judged in a process of its own, for some faults end
their process, and others never let go of it; a judge that ends or hangs is a wrong result, too.

This module needs the suite, and so the `check` extra. `table.py` makes one table of it all.
"""

import contextlib
import gc
import logging
import multiprocessing
import multiprocessing.connection
import os
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from socketserver_faults.catalogue.index import find
from socketserver_faults.catalogue.registry import Fault
from socketserver_faults.matrix.judgement import Judgement, Stories
from socketserver_reference.clauses import PROFILES
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.hosts import Served
from socketserver_reference.conformance.inprocess.scene import quiet
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner import direct as directed
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import Target
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.launched import Launched

PATIENCE = 5.0
"""Seconds that anything which must come may take."""

EXAMPLES = 8
"""Runs of each state machine, for each seed."""

JUDGING = 300.0
JUDGING_A_SEED = 60.0
"""Seconds after which a judge is taken to hang, and so many more for each seed."""

SUITE = ("ECHO", "UDP", "CHAT", "SRV")


@dataclass(frozen=True)
class Made:
    """Makes servers of a fault, here or in another process."""

    name: str

    def __call__(self, handler: type[Any] | None = None) -> Any:
        return find(self.name).make(handler=handler)


def judge(fault: Fault, *, seeds: Sequence[int] = (), examples: int = EXAMPLES) -> Judgement:
    """Check a fault in this process: by the directed scenarios, then by exploring once for each seed."""
    begun = time.monotonic()
    judgement = Judgement(fault.name)
    with still(), closing(directed.performer(fault.protocol, target(fault), PATIENCE)) as performing:
        for outcome in directed.play_all(performing, fault.protocol):
            note(judgement.directed, directed.seen(outcome))
        if not fault.apart or fault.concurrency == "forking":  # those have a process of their own there, too
            for outcome in directed.outcomes_of_server(served(fault), PATIENCE, broken=bool(judgement.directed)):
                note(judgement.directed, directed.seen(outcome))
        for seed in seeds:
            performing.known = {clause for clause in judgement.directed if not clause.startswith("SRV")}
            judgement.explored[seed] = explored(performing, fault.protocol, examples, seed)
    judgement.seconds = time.monotonic() - begun
    return judgement


def explored(performing: Any, protocol: str, examples: int, seed: int) -> Stories:
    """Let the machines of both profiles explore; return what they found."""
    stories: Stories = {}
    for profile in PROFILES:
        record = Record(SUITE)
        try:
            explore(performing, record, protocol, profile, examples=examples, with_seed=seed)
        except (Violation, NotChecked) as error:
            note(stories, error.violation if isinstance(error, NotChecked) else error)
        for verdict in record.verdicts():
            note(stories, verdict.violation)
    return stories


def note(stories: Stories, violation: Violation | None) -> None:
    """Keep the first story of each clause."""
    if violation is not None:
        stories.setdefault(violation.clause_id, violation.lines())


def target(fault: Fault) -> Target:
    """Return the faulty server as a target of the suite: in this process, or in one of its own if it must be."""
    if not fault.apart:
        return InProcess(fault.make, name=fault.name)
    return Launched(
        f"{shlex.quote(sys.executable)} -m socketserver_faults serve {fault.name} --quiet --port {{port}}",
        transport=fault.transport,
    )


def served(fault: Fault) -> Served:
    """Return the faulty server as the checks of the SRV clauses take it: as what it promises to be."""
    promises: Any = fault.promises
    return Served(fault.name, fault.transport, promises, Made(fault.name), chat=fault.protocol == "chat")


@contextlib.contextmanager
def still() -> Iterator[None]:
    """Let nothing be heard of what faults print and leave open, and keep to one processor: see `one_processor`."""
    with quiet(), one_processor(os.getpid()):
        try:
            yield
        finally:
            ServerConformance.forker.close()
            gc.collect()


# Each in a process of its own


def judge_apart(names: Iterable[str], jobs: int, **how: Any) -> Iterator[Judgement]:
    """Judge faults, each in a process of its own, so many at a time; yield the judgements as they come."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["socketserver_faults.matrix.judge", "socketserver_faults.catalogue.index"])
    patience = JUDGING + JUDGING_A_SEED * len(how.get("seeds", ()))
    waiting = list(names)
    running: dict[Any, tuple[str, BaseProcess, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_judge_into, args=(theirs, waiting[0], how))
                process.start()
                theirs.close()
                running[ours] = (waiting.pop(0), process, time.monotonic() + patience)
            soonest = min(until for _, _, until in running.values())
            for pipe in multiprocessing.connection.wait(list(running), max(0.0, soonest - time.monotonic())):
                name, process, _ = running.pop(pipe)
                yield _received(pipe, name, process)
            for pipe in [pipe for pipe, (_, _, until) in running.items() if time.monotonic() > until]:
                name, process, _ = running.pop(pipe)
                _end(pipe, process)
                yield Judgement(name, died=f"its judge has not ended within {patience:g} s")
    finally:
        for pipe, (_, process, _) in running.items():
            _end(pipe, process)


def _judge_into(pipe: Any, name: str, how: dict[str, Any]) -> None:
    """Judge, and send what came of it. What still runs then, a thread that spins say, ends with the process."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    logging.disable()
    pipe.send(judge(find(name), **how))
    pipe.close()
    os._exit(0)


def _received(pipe: Any, name: str, process: BaseProcess) -> Judgement:
    """Return what a judge sent before it ended."""
    try:
        judgement: Judgement = pipe.recv()
    except EOFError:
        process.join()
        judgement = Judgement(name, died=f"its judge ended with exit status {process.exitcode}")
    _end(pipe, process)
    return judgement


def _end(pipe: Any, process: BaseProcess) -> None:
    process.kill()
    process.join()
    pipe.close()
