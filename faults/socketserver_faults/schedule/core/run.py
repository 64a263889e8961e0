"""What a run is made of: its threads, what happened, what was decided, and the ways in which it can end.

Next: `scheduler.py`.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Choose = Callable[[list["Task"]], int]
"""Given who can go on, the one that runs first, says whose turn it is: an index."""


class Aborted(BaseException):
    """The run is over; no `except Exception` shall keep a thread of it."""


class Deadlock(Exception):
    """All threads wait, and nothing will ever wake them; the message says who waits for what."""


class StepLimitReached(Exception):
    """A run has not ended after so many steps; the message says what its threads are doing."""


class LostThread(Exception):
    """A thread waits for something that the scheduler does not know of, or computes without end."""


def no_preemption(_: list["Task"]) -> int:
    """Choose without preemption: whoever runs goes on, and who can first, when it cannot."""
    return 0


@dataclass
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
    """Its `Thread`, as the program has it; the first one has none."""
    worker: "Worker | None" = None

    def enabled(self, now: float) -> bool:
        """Whether it could go on."""
        return self.ready is None or (self.until is not None and now >= self.until) or self.ready()

    def waits(self) -> str:
        """Say what it waits for, and who has that."""
        other = self.holder() if self.holder else None
        return f"{self.name} {self.waiting or self.doing}" + (f", which {other.name} holds" if other else "")


@dataclass(frozen=True)
class ScheduleEvent:
    """One thing that happened in a run: a thread did something, or something was noted about it."""

    who: str
    what: str
    instead: str = ""
    """Who would have gone on, and with what, if this is a deviation."""
    note: bool = False


@dataclass
class ScheduleTrace:
    """What happened in a run: its events, and its decisions as (options there were, the one taken)."""

    events: list[ScheduleEvent] = field(default_factory=list)
    decisions: list[tuple[int, int]] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    """Who waited for what when, for the first time, nobody could go on and time had to pass."""


class Worker:
    """A real thread that takes the baton for one task after the other; they cost too much to make one for each."""

    def __init__(self) -> None:
        self.baton = threading.Lock()
        self.baton.acquire()
        self.job: Callable[[], object] | None = None
        self.thread = threading.Thread(target=self._work, name="a worker of the scheduler", daemon=True)
        self.thread.start()

    def _work(self) -> None:
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
    """Return where a thread is, as far as that can be seen."""
    frames = sys._current_frames()
    frame = frames.get(task.worker.thread.ident or 0) if task.worker else None
    return f"it is at {frame.f_code.co_filename}:{frame.f_lineno}" if frame else "it has ended"
