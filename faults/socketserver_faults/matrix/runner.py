"""Runs the suite against each fault.

A check proves little until it is seen to fail. So for each fault the set of clauses that are found broken must EQUAL
what the catalogue says, by the directed scenarios alone, and with exploration on.

A fault is checked as any server is: over the network by the checks of its protocol, and as a `socketserver` class by
those of the SRV clauses. Each is checked in a process of its own, because some faults end their process, and others
never release it; a process that ends or hangs is a wrong result, too.

This module needs the suite, and so the `check` extra. Next: `table.py`.
"""

import contextlib
import gc
import logging
import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import os
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeVar

from socketserver_faults.catalogue.index import find
from socketserver_faults.catalogue.registry import Fault
from socketserver_faults.matrix.result import FaultResult, Stories
from socketserver_reference.clauses import PROFILES
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.hosts import ServerSpec
from socketserver_reference.conformance.inprocess.server_session import quiet
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner import direct as directed
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import Target
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.launched import Launched

CHECK_TIMEOUT = 5.0
"""Seconds to wait for anything that is due."""

EXAMPLES_PER_SEED = 8
"""Runs of each state machine, for each seed."""

FAULT_TIMEOUT = 600.0
SEED_TIMEOUT = 60.0
"""Seconds after which a process counts as hanging, and additional ones for each seed."""

SUITE = ("ECHO", "UDP", "CHAT", "SRV")


class ProcessResult(Protocol):
    """What a check in a process of its own gives back."""

    def __init__(self, name: str, *, died: str = "") -> None: ...


Result = TypeVar("Result", bound=ProcessResult)


@dataclass(frozen=True)
class FaultMaker:
    """Makes servers of a fault, here or in another process."""

    name: str

    def __call__(self, handler: type[Any] | None = None) -> Any:
        return find(self.name).make(handler=handler)


def check_fault(fault: Fault, *, seeds: Sequence[int] = (), examples: int = EXAMPLES_PER_SEED) -> FaultResult:
    """Check a fault in this process: by the directed scenarios, then by exploration, once for each seed."""
    begun = time.monotonic()
    result = FaultResult(fault.name)
    with quietly(), closing(directed.open_session(fault.protocol, target(fault), CHECK_TIMEOUT)) as session:
        for outcome in directed.play_all(session, fault.protocol):
            for violation in directed.violations_of(outcome):
                keep_first(result.directed, violation)
                result.unconfirmed += [violation.clause_id] if violation.unconfirmed else []
        if (
            not fault.own_process or fault.concurrency == "forking"
        ):  # the SRV checks give forking servers a process, too
            for outcome in directed.outcomes_of_server(
                server_spec_of(fault), CHECK_TIMEOUT, broken=bool(result.directed)
            ):
                keep_first(result.directed, directed.violation_of(outcome))
        for seed in seeds:
            session.masking.known = {clause for clause in result.directed if not clause.startswith("SRV")}
            result.explored[seed] = explore_profiles(session, fault.protocol, examples, seed)
    result.seconds = time.monotonic() - begun
    return result


def explore_profiles(session: Any, protocol: str, examples: int, seed: int) -> Stories:
    """Run the state machines of both profiles; return the violations."""
    stories: Stories = {}
    for profile in PROFILES:
        record = Record(SUITE)
        try:
            explore(session, record, protocol, profile, examples=examples, with_seed=seed)
        except (Violation, NotChecked) as error:
            keep_first(stories, error.violation if isinstance(error, NotChecked) else error)
        for verdict in record.verdicts():
            keep_first(stories, verdict.violation)
    return stories


def keep_first(stories: Stories, violation: Violation | None) -> None:
    """Keep the first violation of each clause."""
    if violation is not None:
        stories.setdefault(violation.clause_id, violation.lines())


def target(fault: Fault) -> Target:
    """Return the faulty server as a target: in this process, or in one of its own if it needs one."""
    if not fault.own_process:
        return InProcess(fault.make, name=fault.name)
    return Launched(
        f"{shlex.quote(sys.executable)} -m socketserver_faults serve {fault.name} --quiet --port {{port}}",
        transport=fault.transport,
    )


def server_spec_of(fault: Fault) -> ServerSpec:
    """Return the faulty server for the checks of the SRV clauses, with the concurrency that it promises."""
    promises: Any = fault.promises
    return ServerSpec(fault.name, fault.transport, promises, FaultMaker(fault.name), chat=fault.protocol == "chat")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Suppress output and warnings of the faults, and keep to one processor: see `one_processor`."""
    with quiet(), one_processor(os.getpid()):
        try:
            yield
        finally:
            ServerConformance.forker.close()
            gc.collect()


# Each in a process of its own


def check_in_processes(names: Iterable[str], jobs: int, **how: Any) -> Iterator[FaultResult]:
    """Check faults, each in a process of its own, `jobs` at a time; yield the results as they come."""
    timeout = FAULT_TIMEOUT + SEED_TIMEOUT * len(how.get("seeds", ()))
    return each_in_its_process(partial(_check_named, **how), FaultResult, names, jobs, timeout)


def _check_named(name: str, **how: Any) -> FaultResult:
    return check_fault(find(name), **how)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C within the block; a process started there goes on ignoring it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def each_in_its_process(
    check: Callable[[str], Result], result_type: type[Result], names: Iterable[str], jobs: int, timeout: float
) -> Iterator[Result]:
    """Call `check` for each name in a process of its own, `jobs` at a time; yield the results as they come.

    A process that ends otherwise, or takes more than `timeout` seconds, makes a `result_type` that says so.
    """
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "socketserver_faults.catalogue.index"])
    with _interrupts_ignored():  # inherited: those processes end with this one, and tell of no Ctrl-C themselves
        multiprocessing.forkserver.ensure_running()
    waiting = list(names)
    running: dict[Any, tuple[str, BaseProcess, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_check_into, args=(theirs, waiting[0], check, result_type))
                process.start()
                theirs.close()
                running[ours] = (waiting.pop(0), process, time.monotonic() + timeout)
            soonest = min(until for _, _, until in running.values())
            for pipe in multiprocessing.connection.wait(list(running), max(0.0, soonest - time.monotonic())):
                name, process, _ = running.pop(pipe)
                yield _received(pipe, name, process, result_type)
            for pipe in [pipe for pipe, (_, _, until) in running.items() if time.monotonic() > until]:
                name, process, _ = running.pop(pipe)
                _end(pipe, process)
                yield result_type(name, died=f"its process has not ended within {timeout:g} s")
    finally:
        for pipe, (_, process, _) in running.items():
            _end(pipe, process)


def _check_into(pipe: Any, name: str, check: Callable[[str], object], result_type: type[ProcessResult]) -> None:
    """Check, and send the result. Threads that are left, such as one that spins, end with the process."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    logging.disable()
    try:
        result = check(name)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}:{place.lineno}"
        result = result_type(name, died=f"its check ended by {type(error).__name__} at {where}: {error}")
    pipe.send(result)
    pipe.close()
    os._exit(0)


def _received(pipe: Any, name: str, process: BaseProcess, result_type: type[Result]) -> Result:
    """Return the result that a process sent before it ended."""
    try:
        result: Result = pipe.recv()
    except EOFError:
        process.join()
        result = result_type(name, died=f"its process ended with exit status {process.exitcode}")
    _end(pipe, process)
    return result


def _end(pipe: Any, process: BaseProcess) -> None:
    process.kill()
    process.join()
    pipe.close()
