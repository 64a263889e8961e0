"""The processes of a launched server, as Linux tells of them: which they are, whether they are idle, and their cost.

On other systems nothing is seen of them, and every server counts as idle.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

from socketserver_reference.conformance.targets import proc_files
from socketserver_reference.conformance.targets.quiescence import (
    PROCESS_CLOCK,
    SLEEPING_STATES,
    IdleWaiter,
    read_clock,
    state,
)

DEAD_STATES = ("Z", "X", "")
"""Letters of /proc/*/stat: a zombie, dead, gone."""

MANY_THREADS = 50
"""Threads of a server from which on it costs too much to read the state of each after every step."""

QUIET_SECONDS = 0.0005
"""Seconds in which no other thread of the machine may want a processor, until a server with many threads is idle: far
more than a processor needs to notice that it shall run a thread.
"""

MAX_KILL_ROUNDS = 200
KILL_ROUND_INTERVAL = 0.01
"""Rounds, and seconds between two: a killed process may leave orphans."""


class ServerWaiter(IdleWaiter):
    """Waits until all processes below one are idle.

    A thread that goes to sleep adds to the processor time of its process. So if that is the same before and after the
    states of all threads are read, none ran meanwhile unless it runs still. To read a thousand states takes
    milliseconds. A server with so many threads is also idle if no thread of the whole machine runs but this one, twice
    with a pause between: that takes one look, however many threads there are. On a busy machine all are read.

    `prints` says whether there is output that was not read yet: then a server may sleep only until it is read.
    """

    def __init__(self, process: int, prints: Callable[[], bool] = lambda: False) -> None:
        super().__init__(lambda: threads_below(process))
        self._process = process
        self._prints = prints
        self._used: dict[str, int] = {}  # process -> its processor time, at the last look
        self._threads = 0
        self._below: set[str] = set()  # the processes
        self._there: set[str] = set()  # all processes of this machine, when they were last listed

    def looks_idle(self) -> bool:
        used = {process: clock(process) for process in self._used}
        if used != self._used or self._prints():
            self._used = used
            return False
        if self._threads > MANY_THREADS and self._is_quiet():
            return True
        self._below = self._new_below() if self._threads > MANY_THREADS else {*processes_below(self._process)}
        tasks = [task for process in self._below for task in threads_of(process)]
        self._threads = len(tasks)
        if self._below != set(used):
            self._used = {process: clock(process) for process in self._below}
            return False
        asleep = all(state(task) in SLEEPING_STATES for task in tasks)
        return asleep and self._used == {process: clock(process) for process in used}

    def cost(self) -> float:
        return sum(self._used.values()) / 1e9

    def _new_below(self) -> set[str]:
        """Return the processes below, found without a look at their threads: all new ones have one of them above."""
        there = set(filter(str.isdecimal, proc_files.listed("/proc")))
        above = {process: parent(process) for process in there - self._there}
        self._there = there
        below = {str(self._process)} | (self._below & there)
        while more := {process for process, one in above.items() if one in below} - below:
            below |= more
        return below - {str(self._process)}

    def _is_quiet(self) -> bool:
        if not only_this_thread_runs():
            return False
        time.sleep(QUIET_SECONDS)  # for what another processor is about to run
        return only_this_thread_runs() and self._used == {process: clock(process) for process in self._used}


def only_this_thread_runs() -> bool:
    """Whether no thread of this machine runs or waits for a processor, but the calling one."""
    return " 1/" in proc_files.read("/proc/loadavg")  # the load of three periods, runnable/all threads, the last id


def processes_below(process: int) -> Iterator[str]:
    """Yield the id of each process below this one."""
    for thread in proc_files.listed(f"/proc/{process}/task"):
        for child in proc_files.read(f"/proc/{process}/task/{thread}/children").split():
            yield child
            yield from processes_below(int(child))


def threads_below(process: int) -> Iterator[str]:
    """Yield the directory in /proc of each thread of each process below this one."""
    for child in processes_below(process):
        yield from threads_of(child)


def threads_of(process: str) -> Iterator[str]:
    """Yield the directory in /proc of each thread of a process."""
    yield from (f"/proc/{process}/task/{task}" for task in proc_files.listed(f"/proc/{process}/task"))


def parent(process: str) -> str:
    """Return the id of the process that is above, or "" if it has ended."""
    return "".join(proc_files.read(f"/proc/{process}/stat").rpartition(")")[2].split()[1:2])


def all_dead(process: int, but: str = "") -> bool:
    """Whether no process below this one lives, but for one; False where that cannot be observed."""
    return os.path.exists(f"/proc/{process}/task") and all(
        state(f"/proc/{child}") in DEAD_STATES for child in processes_below(process) if child != but
    )


def kill_all_below(process: int) -> None:
    """Kill all processes below one that does not run, and the orphans that it adopts then."""
    for _ in range(MAX_KILL_ROUNDS):
        alive = [child for child in processes_below(process) if state(f"/proc/{child}") not in DEAD_STATES]
        if not alive:
            return
        for child in alive:
            with contextlib.suppress(OSError):
                os.kill(int(child), signal.SIGKILL)
        time.sleep(KILL_ROUND_INTERVAL)


def cpu_time(process: int) -> float | None:
    """Return the seconds of processor time that all below the process have used, those that have ended included; None
    where nothing can be seen.
    """
    ticks = [_ticks(server) for server in processes_below(process)]
    return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None


def clock(process: str) -> int:
    """Return the nanoseconds of processor time that all threads of a process have used, as counted when each last
    stopped; ENDED if it has ended.
    """
    return read_clock(process, PROCESS_CLOCK)


def _ticks(process: str) -> int:
    """Return what a process and the children that it has waited for have used: utime, stime, cutime, cstime."""
    return sum(map(int, proc_files.read(f"/proc/{process}/stat").rpartition(")")[2].split()[11:15]))
