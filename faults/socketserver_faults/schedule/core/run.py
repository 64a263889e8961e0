"""The data of a run: its threads, its events, its decisions, and the ways in which it can end.

Next: `scheduler.py`.
"""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from socketserver_faults.schedule.core.footprints import Footprint, Name, Path

Choose = Callable[[list["Task"]], int]
"""Given the threads that can run, the running one first, return the index of the next to run."""


def never() -> bool:
    """What a thread waits for that must not run any more, because its process has ended."""
    return False


class Aborted(BaseException):
    """Ends the threads of a run that is over; a BaseException, so that no `except Exception` catches it."""


class Deadlock(Exception):
    """All threads wait, and nothing will ever wake them; the message says what each waits for."""


class StepLimitReached(Exception):
    """A run has not ended after so many steps; the message says what its threads are doing."""


class LostThread(Exception):
    """A thread waits for something that is not modelled, or computes without end."""


def no_preemption(_: list["Task"]) -> int:
    """Choose without preemption: the running thread goes on; if it cannot, the next that can."""
    return 0


@dataclass(eq=False)
class Task:
    """A thread of the program under test, as the scheduler knows it."""

    number: int
    name: str
    daemon: bool
    body: Callable[[], object]
    doing: str = "begins"
    waiting: str = ""
    ready: Callable[[], bool] | None = None
    until: float | None = None
    holder: Callable[[], "Task | None"] | None = None
    over: bool = False
    thread: Any = None
    """Its `Thread` object in the program; the first thread has none."""
    worker: "Worker | None" = None
    path: Path = ()
    """The name of the thread for all runs."""
    born: int = -1
    children: int = 0
    steps: int = 0
    waited: Footprint = field(default_factory=dict)
    """While a run is recorded: the step that started it, and so on; see `recorder.Step`."""
    holds: set[Name] = field(default_factory=set)
    """The locks that it holds."""
    within: Footprint = field(default_factory=dict)
    """What each of its steps touches besides, while it is in code that does not say so itself."""
    polls: bool = False
    """Whether it has looked again and again, for what another thread would do."""
    round_step: int = -1
    rounds: int = 0
    """At which step it is, and how often a loop has gone round in it."""
    variables: dict[str, Any] = field(default_factory=dict)
    """What the variables of the loop were at its last round but one."""
    turn: list["Task"] = field(default_factory=list)
    """All threads that live, in the order in which they are asked when this one runs; [] if that is not known."""

    def enabled(self, now: float) -> bool:
        """Whether it can run."""
        ready = self.ready
        return ready is None or ready() or (self.until is not None and now >= self.until)

    def held_up_by(self) -> "Task | None":
        """Return the thread that has what it waits for, if one has."""
        return self.holder() if self.holder and self.ready else None

    def waits(self) -> str:
        """Say what it waits for, and which thread holds that."""
        if self.ready is None:
            return f"{self.name} {self.doing}"
        other = self.held_up_by()
        return f"{self.name} {self.waiting or self.doing}" + (f", which {other.name} holds" if other else "")


AN_END = re.compile(
    r"(?:ends by|fails with) (?P<uncaught>.+)|prints (?P<quote>['\"])(?P<told>\w+Error: .+)(?P=quote)", re.S
)
"""What is noted of an exception that nothing has caught, or whose traceback the program prints."""


class ScheduleEvent(NamedTuple):
    """An operation of a thread, or a note about it."""

    who: str
    what: str
    instead: str = ""
    """At a deviation: the thread that would have gone on, and its operation."""
    note: bool = False


@dataclass
class ScheduleTrace:
    """The events of a run, and its decisions as (number of options, the one taken)."""

    events: list[ScheduleEvent] = field(default_factory=list)
    decisions: list[tuple[int, int]] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    """What each thread waited for when, for the first time, none could go on and time had to pass."""

    def last_error(self, since: int = 0) -> str:
        """Return the last exception that ended a thread or a handler, or was printed, after so many events; or ""."""
        notes = (AN_END.fullmatch(event.what) for event in reversed(self.events[since:]) if event.note)
        return next((found["uncaught"] or found["told"] for found in notes if found), "")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let this thread go on until it waits, within the block, where the system can be told so.

    It wakes another and then waits itself. If the other is let in before, they change places twice more.
    """
    if not hasattr(os, "SCHED_BATCH"):  # pragma: no cover - Linux has it
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, *before)


class Worker:
    """A real thread that runs one task after another: to start one for each task would cost too much.

    Not greenlets: with them there are 978 schedules a second for 922 (greenlet 3.5.6, the scenarios of the reference's
    chat, Python 3.12): the Python between two points is what costs. One that comes to no point could not be given up,
    and where one is switched to within a callback of sys.monitoring, it has no points between lines.
    """

    def __init__(self) -> None:
        self.baton = threading.Lock()
        self.baton.acquire()
        self.job: Callable[[], object] | None = None
        self.thread = threading.Thread(target=self._work, name="a worker of the scheduler", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        with uninterrupted():
            while True:
                self.baton.acquire()
                job, self.job = self.job, None
                if job is None:
                    return
                job()

    def end(self) -> None:
        """Let the thread end, and wait for it."""
        self.baton.release()
        self.thread.join()


def thread_location(task: Task) -> str:
    """Return the file and line at which a thread is."""
    frames = sys._current_frames()
    frame = frames.get(task.worker.thread.ident or 0) if task.worker else None
    return f"it is at {frame.f_code.co_filename}:{frame.f_lineno}" if frame else "it has ended"
