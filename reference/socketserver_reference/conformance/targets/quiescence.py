"""Whether threads are idle, as Linux tells.

A server is idle when all its threads sleep, waiting for clients. On this machine that can be observed in /proc, so the
suite need not guess how long to wait. On other systems it cannot, and every server counts as idle.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from socketserver_reference.conformance.targets import proc_files

IDLE_TIMEOUT = 1.0
"""Most seconds to wait until all threads sleep; a thread that computes all the time never does."""

FLOODING_TIMEOUT = 0.1
"""The same for a server that is known to send or to compute without end."""

MAX_COMPUTING_SERVERS = 3
"""Servers of one command in a row that still compute when they are ended, after which the next ones are expected to."""

COMPUTING_COST = 0.25
"""Seconds of processor time from which on threads compute; those that use less wait for a processor."""

STARVED_TIMEOUT = 10.0
"""Most seconds to wait for threads that wait for a processor."""

MAX_IDLE_TIMEOUTS = 1
"""Timeouts in a row after which the waiter hardly waits, until it finds all threads idle again."""

GLANCE_TIMEOUT = 0.005
"""Seconds for which it waits then: a server that only had much to do once is at rest by that time."""

FAST_POLLS = 20
SLOW_POLL_INTERVAL = 0.002
"""Polls without a pause, and seconds between two polls after these."""

REST_INTERVAL = 0.1
REST_COST = 0.005
"""A server that uses less processor time in so many seconds has done all that it had to do; both in seconds."""

REST_TIMEOUT = 10.0
"""Most seconds to wait for that."""

ENDED = -1
"""In place of the processor time of a thread, or of a process, that has ended."""

PROCESS_CLOCK, THREAD_CLOCK = 2, 6
"""Kinds of processor time, as Linux numbers its clocks."""

SLEEPING_STATES = ("S", "Z", "")
"""Letters of /proc/*/stat: sleeping, a zombie, gone. A thread that waits for a disk or for memory goes on by itself."""


class IdleWaiter:
    """Waits until threads are idle; gives up on threads that compute all the time."""

    def __init__(self, tasks: Callable[[], Iterable[str]]) -> None:
        self._tasks = tasks
        self._timeouts = 0
        self.timeout = IDLE_TIMEOUT

    def __call__(self) -> bool:
        """Return True when all these threads sleep and none has run between two polls, False at the timeouts."""
        waits = self._timeouts < MAX_IDLE_TIMEOUTS
        begun = time.monotonic()
        looks = 0
        before = 0.0
        while not self.looks_idle():
            looks += 1
            if looks < FAST_POLLS:
                os.sched_yield()
            else:  # leave the processor to threads that work so long
                before = before or self.cost()
                time.sleep(SLOW_POLL_INTERVAL)
            waited = time.monotonic() - begun
            least = min(COMPUTING_COST, self.timeout)
            computes = waited > self.timeout and bool(before) and self.cost() - before > least
            if computes or waited > (STARVED_TIMEOUT if waits else GLANCE_TIMEOUT):
                self._timeouts += 1
                return False
        self._timeouts = 0
        return True

    def cost(self) -> float:
        """Return the seconds of processor time that these threads have used."""
        return sum(map(clock, self._tasks())) / 1e9

    @property
    def gave_up(self) -> bool:
        """Whether the threads still computed when they were last waited for."""
        return self._timeouts > 0

    def looks_idle(self) -> bool:
        """Look once: whether all these threads sleep, and none has run while it looked.

        A thread that wakes another and goes to sleep has used processor time by then, and so has one that came and
        went. To read a clock costs a hundredth of reading a state.
        """
        tasks = list(self._tasks())
        used = [clock(task) for task in tasks]
        asleep = all(state(task) in SLEEPING_STATES for task in tasks)
        return asleep and tasks == list(self._tasks()) and used == [clock(task) for task in tasks]


def cost_at_rest(cost: Callable[[], float], least: float) -> float:
    """Return what a server has cost when its cost no longer grows; IdleWaiter gives up earlier, on one that has much to
    do. A cost below `least` is returned at once.
    """
    until = time.monotonic() + REST_TIMEOUT
    before, now = 0.0, cost()
    while now >= least and now > before + REST_COST and time.monotonic() < until:
        time.sleep(REST_INTERVAL)
        before, now = now, cost()
    return now


def other_threads() -> Iterator[str]:
    """Yield the directory in /proc of each thread of this process but the calling one."""
    own = str(threading.get_native_id())
    yield from (f"/proc/self/task/{task}" for task in proc_files.listed("/proc/self/task") if task != own)


def clock(task: str) -> int:
    """Return the nanoseconds of processor time that a thread has used; ENDED if it has ended."""
    return read_clock(task.rpartition("/")[2], THREAD_CLOCK)


def read_clock(number: str, kind: int) -> int:
    """Return the nanoseconds of processor time of a thread or a process; ENDED if it has ended."""
    try:
        return time.clock_gettime_ns(~int(number) << 3 | kind)  # see pthread_getcpuclockid(), clock_getcpuclockid()
    except OSError:
        return ENDED


def state(task: str) -> str:
    """Return the letter of a thread's state, or "" if it has ended."""
    return proc_files.read(f"{task}/stat", proc_files.LINE_BYTES).rpartition(")")[2].lstrip()[:1]
