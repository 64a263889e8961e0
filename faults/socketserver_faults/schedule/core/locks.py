"""Locks, conditions, events and semaphores between threads that run one at a time.

Each operation is a point of the scheduler, *before* it is done; after a release there is another point, because what
follows is no longer protected. Between two points no other thread runs, so nothing here needs a lock.

Next: `threads.py`.
"""

import linecache
import re
import sys
from collections.abc import Callable
from typing import Any

from socketserver_faults.schedule.core.run import Task
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.serials import Numbered

NAMED = re.compile(r"(\w+)\s*(?::[^=]*)?=[^=]")
"""An assignment such as `self.lock = threading.Lock()`: the name of the lock is `lock`."""


def named(kind: str, depth: int = 2) -> str:
    """Name a lock after the variable that it is first assigned to."""
    frame = sys._getframe(depth)
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    found = NAMED.search(line)
    return found[1] if found else kind


class Lock(Numbered):
    """A lock; with `again`, its owner can take it again."""

    kind = "lock"
    again = False

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self._scheduler = scheduler
        self._name = name
        self._owner: Task | None = None
        self._count = 0

    def _free_for(self, task: Task | None) -> bool:
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
                lambda: self._free_for(me),
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
        return taken

    def release(self) -> None:
        """Release the lock; another thread may then go first."""
        if self._count == 0 or (self.again and self._owner is not self._scheduler.running):
            raise RuntimeError("cannot release un-acquired lock" if self.again else "release unlocked lock")
        self._count -= 1
        if not self._count:
            self._owner = None
        if not self._scheduler.aborting:
            self._scheduler.point(f"goes on without {self._name}")

    def locked(self) -> bool:
        """Whether a thread holds it."""
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
        return count

    def _take_back(self, me: Task | None, count: int) -> None:
        self._owner, self._count = me, count


class RLock(Lock):
    kind = "re-entrant lock"
    again = True


class Condition(Numbered):
    """A condition variable: wait() releases the lock, and takes it again once notified."""

    def __init__(self, scheduler: Scheduler, lock: Lock, name: str) -> None:
        self._scheduler = scheduler
        self._lock = lock
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
        self._waiting.append(notified)
        count = self._lock._let_go()
        try:
            self._scheduler.point(
                f"waits for {self._name} to be notified",
                lambda: notified[0] and self._lock._free_for(me),
                timeout,
            )
            if self._lock.locked():
                self._scheduler.point(
                    f"takes {self._lock._name} back",
                    lambda: self._lock._free_for(me),
                    waiting=f"waits for {self._lock._name}",
                    holder=lambda: self._lock._owner,
                )
        finally:
            self._lock._take_back(me, count)
            if not notified[0]:
                self._waiting = [other for other in self._waiting if other is not notified]
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
        self._name = name
        self._flag = False
        self._waiting: list[list[bool]] = []

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._flag

    isSet = is_set  # noqa: N815 - an old spelling

    def set(self) -> None:
        """Set the flag, which wakes all that wait for it; another thread may then go first."""
        self._flag = True
        for woken in self._waiting:
            woken[0] = True
        self._waiting.clear()
        if not self._scheduler.aborting:
            self._scheduler.point(f"goes on, {self._name} being set")

    def clear(self) -> None:
        """Clear the flag; those that were woken stay so."""
        self._flag = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the flag, `timeout` virtual seconds at most; return whether it was set."""
        woken = [False]
        self._waiting.append(woken)
        was_set = self._scheduler.point(f"waits for {self._name} to be set", lambda: woken[0] or self._flag, timeout)
        if not woken[0]:
            self._waiting = [other for other in self._waiting if other is not woken]
        return was_set


class Semaphore(Numbered):
    """A number of permits."""

    def __init__(self, scheduler: Scheduler, name: str, value: int, limit: int | None) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._scheduler = scheduler
        self._name = name
        self._value = value
        self._limit = limit

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a permit, and wait for one if `blocking`; return whether it was taken."""
        if blocking:
            taken = self._scheduler.point(f"waits for a permit of {self._name}", lambda: self._value > 0, timeout)
        else:
            self._scheduler.point(f"tries to take a permit of {self._name}")
            taken = self._value > 0
        self._value -= taken
        return taken

    def release(self, n: int = 1) -> None:
        """Release `n` permits; another thread may then go first."""
        if self._limit is not None and self._value + n > self._limit:
            raise ValueError("Semaphore released too many times")
        self._value += n
        if not self._scheduler.aborting:
            self._scheduler.point(f"goes on without a permit of {self._name}")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
