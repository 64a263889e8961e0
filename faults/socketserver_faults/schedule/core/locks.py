"""Locks, conditions, events and semaphores between threads that run one at a time.

Each operation is a point of the scheduler, *before* it is done; after a release there is another point, because what
follows is no longer protected. Between two points no other thread runs, so nothing here needs a lock.

Next: `queues.py`.
"""

import linecache
import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from socketserver_faults.schedule.core.footprints import MERGE, NEEDS, OPENS, READ, WRITE
from socketserver_faults.schedule.core.recorder import Step
from socketserver_faults.schedule.core.run import Task
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.serials import Numbered

ASSIGNMENT = re.compile(r"(\w+)\s*(?::[^=]*)?=[^=]")
"""An assignment such as `self.lock = threading.Lock()`: the name of the lock is `lock`."""


def named(kind: str, depth: int = 2) -> str:
    """Name a lock after the variable that it is first assigned to."""
    frame = sys._getframe(depth)
    return _assigned(frame.f_code.co_filename, frame.f_lineno) or kind


@cache
def _assigned(file: str, line: int) -> str:
    """Return the name of the variable that is assigned at a line; "" if none is."""
    found = ASSIGNMENT.search(linecache.getline(file, line))
    return found[1] if found else ""


class Lock(Numbered):
    """A lock; with `again`, its owner can take it again."""

    kind = "lock"
    again = False

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self._scheduler = scheduler
        self._label = scheduler.label()
        self._name = name
        self._owner: Task | None = None
        self._count = 0
        self._holder: Task | None = None
        """The thread that holds it, in a recorded run."""
        self._taken_in: Step | None = None
        """The step that has taken it, if that has not changed it before."""

    def _free_for(self, task: Task | None, *, needed: bool = False) -> bool:
        self._scheduler.touch(self._label, READ | NEEDS * needed)
        return self._count == 0 or (self.again and self._owner is task)

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, and wait for it if `blocking`; return whether it was taken."""
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        me = self._scheduler.running
        if blocking:
            limit = None if timeout < 0 else timeout
            taken = self._scheduler.point(
                f"takes {self._name}",
                lambda: self._free_for(me, needed=limit is None or limit > 0),
                limit,
                waiting=f"waits for {self._name}",
                holder=lambda: self._owner,
            )
        else:
            self._scheduler.point(f"tries to take {self._name}")
            taken = self._free_for(me)
        if taken:
            self._owner = me
            self._count += 1
            if self._count == 1:
                self._note_taken()
        return taken

    def _note_taken(self) -> None:
        recorder = self._scheduler.recorder
        if recorder is not None and recorder.steps:
            self._hold(self._scheduler.running)
            step = recorder.steps[-1]
            self._taken_in = None if step.footprint.get(self._label, 0) & WRITE else step
            self._scheduler.touch(self._label, WRITE)

    def _note_released(self) -> None:
        """Note a release; a step that takes a lock and releases it leaves it as it was, and has needed it free."""
        recorder = self._scheduler.recorder
        if recorder is not None and self._taken_in is not None and self._taken_in is recorder.steps[-1]:
            recorder.current[self._label] = READ | recorder.current.get(self._label, 0) & NEEDS
        else:
            self._scheduler.touch(self._label, WRITE | OPENS)
        self._hold(None)
        self._taken_in = None

    def _hold(self, task: Task | None) -> None:
        """Note which thread holds it now."""
        if self._holder is not None:
            self._holder.holds.discard(self._label)
        self._holder = task
        if task is not None:
            task.holds.add(self._label)

    def release(self) -> None:
        """Release the lock; another thread may then go first."""
        if self._count == 0 or (self.again and self._owner is not self._scheduler.running):
            raise RuntimeError("cannot release un-acquired lock" if self.again else "release unlocked lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._note_released()
        if not self._scheduler.aborting:
            self._scheduler.point(f"goes on without {self._name}")

    def locked(self) -> bool:
        """Whether a thread holds it."""
        self._scheduler.touch(self._label, READ)
        return self._count > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{self._name}>"

    def _at_fork_reinit(self) -> None:
        """Do nothing: no process forks."""

    # For Condition

    def _let_go(self) -> int:
        count, self._count, self._owner = self._count, 0, None
        self._note_released()
        return count

    def _take_back(self, me: Task | None, count: int) -> None:
        self._owner, self._count = me, count
        self._note_taken()


class RLock(Lock):
    kind = "re-entrant lock"
    again = True


class Condition(Numbered):
    """A condition variable: wait() releases the lock, and takes it again once notified."""

    def __init__(self, scheduler: Scheduler, lock: Lock, name: str) -> None:
        self._scheduler = scheduler
        self._lock = lock
        self._label = scheduler.label()
        self._name = name
        self._waiting: list[list[bool]] = []
        self.acquire = lock.acquire
        self.release = lock.release

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait to be notified, `timeout` virtual seconds at most; return whether that happened."""
        if not self._lock.locked():
            raise RuntimeError("cannot wait on un-acquired lock")
        me = self._scheduler.running
        notified = [False]
        self._scheduler.touch(self._label, WRITE)
        self._waiting.append(notified)
        count = self._lock._let_go()
        try:
            self._scheduler.point(
                f"waits for {self._name} to be notified",
                lambda: self._was(notified) and self._lock._free_for(me),
                timeout,
            )
            if self._lock.locked():
                self._scheduler.point(
                    f"takes {self._lock._name} back",
                    lambda: self._lock._free_for(me, needed=True),
                    waiting=f"waits for {self._lock._name}",
                    holder=lambda: self._lock._owner,
                )
        finally:
            self._lock._take_back(me, count)
            if not self._was(notified):
                self._scheduler.touch(self._label, WRITE)
                self._waiting = [other for other in self._waiting if other is not notified]
        return notified[0]

    def _was(self, notified: list[bool]) -> bool:
        self._scheduler.touch(self._label, READ)
        return notified[0]

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until the predicate holds; return its last result."""
        until = None if timeout is None else self._scheduler.now + timeout
        while not (result := predicate()):
            left = None if until is None else until - self._scheduler.now
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n: int = 1) -> None:
        """Wake `n` waiting threads."""
        if not self._lock.locked():
            raise RuntimeError("cannot notify on un-acquired lock")
        self._scheduler.touch(self._label, READ | WRITE)
        for notified in self._waiting[:n]:
            notified[0] = True
        del self._waiting[:n]

    def notify_all(self) -> None:
        """Wake all waiting threads."""
        self.notify(len(self._waiting))

    notifyAll = notify_all  # noqa: N815 - an old spelling


class Event(Numbered):
    """A flag to wait for."""

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self._scheduler = scheduler
        self._label = scheduler.label()
        self._name = name
        self._flag = False
        self._waiting: list[list[bool]] = []

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._is_set()

    def _is_set(self, *, needed: bool = False) -> bool:
        self._scheduler.touch(self._label, READ | NEEDS * needed)
        return self._flag

    isSet = is_set  # noqa: N815 - an old spelling

    def set(self) -> None:
        """Set the flag, which wakes all that wait for it; another thread may then go first."""
        self._scheduler.touch(self._label, MERGE | OPENS * (not self._flag))
        self._scheduler.touch((self._label, "waiting"), READ | MERGE)
        self._flag = True
        for woken in self._waiting:
            woken[0] = True
        self._waiting.clear()
        if not self._scheduler.aborting:
            self._scheduler.point(f"goes on, {self._name} being set")

    def clear(self) -> None:
        """Clear the flag; those that were woken stay so."""
        self._scheduler.touch(self._label, WRITE)
        self._flag = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the flag, `timeout` virtual seconds at most; return whether it was set."""
        woken = [False]
        self._scheduler.touch((self._label, "waiting"), WRITE)
        self._waiting.append(woken)
        needed = timeout is None or timeout > 0
        was_set = self._scheduler.point(
            f"waits for {self._name} to be set", lambda: woken[0] or self._is_set(needed=needed), timeout
        )
        if not woken[0]:
            self._scheduler.touch((self._label, "waiting"), WRITE)
            self._waiting = [other for other in self._waiting if other is not woken]
        return was_set


class Semaphore(Numbered):
    """A number of permits."""

    def __init__(self, scheduler: Scheduler, name: str, value: int, limit: int | None) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._scheduler = scheduler
        self._label = scheduler.label()
        self._name = name
        self._value = value
        self._limit = limit

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a permit, and wait for one if `blocking`; return whether it was taken."""
        if blocking:
            needed = timeout is None or timeout > 0
            taken = self._scheduler.point(
                f"waits for a permit of {self._name}", lambda: self._has_permit(needed), timeout
            )
        else:
            self._scheduler.point(f"tries to take a permit of {self._name}")
            taken = self._has_permit()
        self._value -= taken
        self._scheduler.touch(self._label, WRITE * taken)
        return taken

    def _has_permit(self, needed: bool = False) -> bool:
        self._scheduler.touch(self._label, READ | NEEDS * needed)
        return self._value > 0

    def release(self, n: int = 1) -> None:
        """Release `n` permits; another thread may then go first."""
        if self._limit is not None and self._value + n > self._limit:
            raise ValueError("Semaphore released too many times")
        how = MERGE if self._limit is None else READ | WRITE
        self._scheduler.touch(self._label, how | OPENS * (not self._value))
        self._value += n
        if not self._scheduler.aborting:
            self._scheduler.point(f"goes on without a permit of {self._name}")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
