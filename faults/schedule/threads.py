"""A `threading` whose threads run one at a time: what the modules under test find when they import it.

Each operation is a point of the scheduler, *before* it is done; after a release there is another one, because what
follows is no longer protected. Nothing here is atomic by luck: between two points nobody else runs.

What is not modelled (local, Barrier, Timer, settrace...) is refused with its name, as soon as somebody asks for it.

Next: `modules.py`, which puts this in the place of the real one.
"""

import linecache
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from threading import TIMEOUT_MAX
from types import ModuleType
from typing import Any

from faults.schedule.kernel import NotModelled
from faults.schedule.scheduler import Scheduler, Task

NAMED = re.compile(r"(\w+)\s*(?::[^=]*)?=[^=]")
"""How a source line names what it makes: `self.lock = threading.Lock()`."""


class Namespace(ModuleType):
    """A module of names that are modelled; the others are refused."""

    def __init__(self, name: str, modelled: Mapping[str, Any]) -> None:
        super().__init__(name)
        vars(self).update(modelled)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotModelled(f"the scheduler does not model {self.__name__}.{name}")


def _named(kind: str, depth: int = 2) -> str:
    """Name a lock after the variable that it is first assigned to."""
    frame = sys._getframe(depth)
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    found = NAMED.search(line)
    return found[1] if found else kind


class _Lock:
    """A lock, or with `again` one that its owner can take again."""

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
        """Take the lock, waiting for it if need be; return whether it was taken."""
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
        """Give the lock back, and let others go first."""
        if self._count == 0 or (self.again and self._owner is not self._scheduler.running):
            raise RuntimeError("cannot release un-acquired lock" if self.again else "release unlocked lock")
        self._count -= 1
        if not self._count:
            self._owner = None
        if not self._scheduler.aborting:
            self._scheduler.point(f"goes on without {self._name}")

    def locked(self) -> bool:
        """Whether somebody has it."""
        return self._count > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{self._name}>"

    # What a Condition does with it

    def _let_go(self) -> int:
        count, self._count, self._owner = self._count, 0, None
        return count

    def _take_back(self, me: Task | None, count: int) -> None:
        self._owner, self._count = me, count


class _RLock(_Lock):
    kind = "re-entrant lock"
    again = True


class _Condition:
    """A condition variable: waiting lets go of the lock, and takes it back when it has been notified."""

    def __init__(self, scheduler: Scheduler, lock: _Lock, name: str) -> None:
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
        """Wait to be notified; return whether one was, within `timeout` virtual seconds."""
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
                self._waiting.remove(notified)
        return notified[0]

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until the predicate holds; return what it returned last."""
        until = None if timeout is None else self._scheduler.now + timeout
        while not (result := predicate()):
            left = None if until is None else until - self._scheduler.now
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n: int = 1) -> None:
        """Wake so many of those who wait."""
        if not self._lock.locked():
            raise RuntimeError("cannot notify on un-acquired lock")
        for notified in self._waiting[:n]:
            notified[0] = True
        del self._waiting[:n]

    def notify_all(self) -> None:
        """Wake all."""
        self.notify(len(self._waiting))


class _Event:
    """A flag to wait for."""

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self._scheduler = scheduler
        self._name = name
        self._flag = False

    def is_set(self) -> bool:
        """Whether the flag is up."""
        return self._flag

    def set(self) -> None:
        """Raise the flag, and let others go first."""
        self._flag = True
        self._scheduler.point(f"goes on, {self._name} being set")

    def clear(self) -> None:
        """Take the flag down."""
        self._flag = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the flag, `timeout` virtual seconds at most; return whether it is up."""
        return self._scheduler.point(f"waits for {self._name} to be set", self.is_set, timeout)


class _Semaphore:
    """A number of permits."""

    def __init__(self, scheduler: Scheduler, name: str, value: int, limit: int | None) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._scheduler = scheduler
        self._name = name
        self._value = value
        self._limit = limit

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a permit; return whether one was there."""
        if blocking:
            taken = self._scheduler.point(f"waits for a permit of {self._name}", lambda: self._value > 0, timeout)
        else:
            self._scheduler.point(f"tries to take a permit of {self._name}")
            taken = self._value > 0
        self._value -= taken
        return taken

    def release(self, n: int = 1) -> None:
        """Give permits back, and let others go first."""
        if self._limit is not None and self._value + n > self._limit:
            raise ValueError("Semaphore released too many times")
        self._value += n
        self._scheduler.point(f"goes on without a permit of {self._name}")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class _Thread:
    """A thread that runs when it is chosen. `_scheduler` is set by the namespace that hands the class out."""

    _scheduler: Scheduler

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        assert group is None, "group argument must be None for now"
        self._target, self._args, self._kwargs = target, tuple(args), dict(kwargs or {})
        self._task: Task | None = None
        starter = self._scheduler.running
        self.daemon = bool(starter and starter.daemon) if daemon is None else daemon
        self._scheduler.threads_made += 1
        self.name = name or f"T{self._scheduler.threads_made}"

    def run(self) -> None:
        """Call the target."""
        if self._target is not None:
            self._target(*self._args, **self._kwargs)

    def start(self) -> None:
        """Let the thread begin; it does when it is chosen."""
        if self._task is not None:
            raise RuntimeError("threads can only be started once")
        self._task = self._scheduler.spawn(self._live, self.name, daemon=self.daemon)
        self._task.thread = self
        self._scheduler.point(f"goes on, having started {self.name}")

    def _live(self) -> None:
        try:
            self.run()
        except SystemExit:
            pass
        except NotModelled as refusal:
            self._scheduler.give_up(refusal)
        except Exception as error:
            self._scheduler.note(f"ends by {type(error).__name__}: {error}")

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended, `timeout` virtual seconds at most."""
        task = self._task
        if task is None:
            raise RuntimeError("cannot join thread before it is started")
        if task is self._scheduler.running:
            raise RuntimeError("cannot join current thread")
        self._scheduler.point(f"waits for {self.name} to end", lambda: task.over, timeout)

    def is_alive(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._task is not None and not self._task.over

    @property
    def ident(self) -> int | None:
        """The number of the thread, once it is started."""
        return self._task.number if self._task else None

    native_id = ident

    def __repr__(self) -> str:
        return f"<Thread {self.name}>"


class _MainThread(_Thread):
    """What the first thread of a run finds when it asks for itself."""

    def __init__(self, task: Task) -> None:
        super().__init__(name="MainThread")
        self._task = task
        self._scheduler.threads_made -= 1


def threading_of(scheduler: Scheduler) -> Namespace:
    """Return the `threading` of a scheduler."""
    thread = type("Thread", (_Thread,), {"_scheduler": scheduler})
    main = type("MainThread", (_MainThread, thread), {})

    def of(task: Task) -> Any:
        if task.thread is None:
            task.thread = main(task)
        return task.thread

    def running() -> Task:
        assert scheduler.running is not None, "no thread runs while modules are being prepared"
        return scheduler.running

    def condition(lock: _Lock | None = None) -> _Condition:
        return _Condition(scheduler, lock or _RLock(scheduler, "condition's lock"), _named("condition"))

    def living() -> list[Task]:
        return [task for task in scheduler.tasks if not task.over]

    return Namespace(
        "threading",
        {
            "Thread": thread,
            "Lock": lambda: _Lock(scheduler, _named("lock")),
            "RLock": lambda: _RLock(scheduler, _named("lock")),
            "Condition": condition,
            "Event": lambda: _Event(scheduler, _named("event")),
            "Semaphore": lambda value=1: _Semaphore(scheduler, _named("semaphore"), value, None),
            "BoundedSemaphore": lambda value=1: _Semaphore(scheduler, _named("semaphore"), value, value),
            "current_thread": lambda: of(running()),
            "main_thread": lambda: of(scheduler.tasks[0]),
            "get_ident": lambda: running().number,
            "get_native_id": lambda: running().number,
            "enumerate": lambda: [of(task) for task in living()],
            "active_count": lambda: len(living()),
            "TIMEOUT_MAX": TIMEOUT_MAX,
            "ThreadError": RuntimeError,
        },
    )
