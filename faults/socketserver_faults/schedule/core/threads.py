"""A `threading` whose threads run one at a time: modules under test import it in place of the real one.

What is not modelled (settrace, excepthook...) raises NotModelled, with its name, on first use.

Next: `thread_kinds.py`.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from threading import TIMEOUT_MAX
from typing import Any

from socketserver_faults.schedule.core.footprints import MERGE, READ, WRITE
from socketserver_faults.schedule.core.locks import Condition, Event, Lock, RLock, Semaphore, named
from socketserver_faults.schedule.core.namespace import Namespace, NotModelled
from socketserver_faults.schedule.core.recorder import LIVES, THREAD_NUMBERS
from socketserver_faults.schedule.core.run import Aborted, Task
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.serials import Numbered
from socketserver_faults.schedule.core.thread_kinds import from_the_library, local_of
from socketserver_faults.schedule.core.unrecorded import unrecorded


class _Thread(Numbered):
    """A thread that runs when it is chosen. `threading_of` makes a subclass with its `_scheduler`."""

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
        self._label = self._scheduler.label()
        starter = self._scheduler.running
        self.daemon = bool(starter and starter.daemon) if daemon is None else daemon
        self._scheduler.touch("the names of threads", MERGE if name else READ | WRITE)
        self._scheduler.threads_made += 1
        made = self._scheduler.threads_made
        called = f" ({target.__name__})" if target and hasattr(target, "__name__") else ""
        self._given, self._told = f"Thread-{made}{called}", f"T{made}"
        """The name that the library gives a thread without one; and that of the story."""
        self.name = str(name) if name else self._given

    def run(self) -> None:
        """Call the target."""
        try:
            if self._target is not None:
                self._target(*self._args, **self._kwargs)
        finally:
            del self._target, self._args, self._kwargs  # as the library does: they may hold what is closed then

    def start(self) -> None:
        """Start the thread; it runs when it is first chosen."""
        if self._task is not None:
            raise RuntimeError("threads can only be started once")
        self._scheduler.touch(self._label, WRITE)
        self._task = self._scheduler.spawn(self._live, self._name_told(), daemon=self.daemon)
        self._task.thread = self
        self._scheduler.point(f"goes on, having started {self._name_told()}")

    def _name_told(self) -> str:
        return self._told if self.name == self._given else self.name

    def _live(self) -> None:
        try:
            self.run()
        except (Aborted, SystemExit):
            pass
        except NotModelled as refusal:
            self._scheduler.give_up(refusal)
        except BaseException as error:  # also KeyboardInterrupt: it ends this thread alone
            self._scheduler.note(f"ends by {type(error).__name__}: {error}")

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended, `timeout` virtual seconds at most."""
        task = self._started()
        if task is None:
            raise RuntimeError("cannot join thread before it is started")
        if task is self._scheduler.running:
            raise RuntimeError("cannot join current thread")
        needed = timeout is None or timeout > 0
        what = f"waits for {self._name_told()} to end"
        self._scheduler.point(what, lambda: self._scheduler.is_over(task, needed), timeout)

    def is_alive(self) -> bool:
        """Whether it has started and not ended."""
        task = self._started()
        return task is not None and not self._scheduler.is_over(task)

    def _started(self) -> Task | None:
        self._scheduler.touch(self._label, READ)
        return self._task

    @property
    def ident(self) -> int | None:
        """The number of the thread, once it is started."""
        self._scheduler.touch(THREAD_NUMBERS, READ)
        task = self._started()
        return task.number if task else None

    native_id = ident

    def getName(self) -> str:  # noqa: N802 - an old spelling, which tutorials use
        """Return the name."""
        return self.name

    def setName(self, name: str) -> None:  # noqa: N802 - likewise
        """Set the name."""
        self.name = name

    def isDaemon(self) -> bool:  # noqa: N802 - likewise
        """Whether it is a daemon, for which no run waits."""
        return self.daemon

    def setDaemon(self, daemonic: bool) -> None:  # noqa: N802 - likewise
        """Set whether it is a daemon."""
        self.daemon = daemonic

    def __getattr__(self, name: str) -> Any:
        if hasattr(threading.Thread, name) and not name.startswith("__"):
            raise NotModelled(f"the scheduler does not model threading.Thread.{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        status = "initial" if self.ident is None else "started" if self.is_alive() else "stopped"
        number = "" if self.ident is None else f" {self.ident}"
        return f"<{type(self).__name__}({self.name}, {status}{' daemon' * self.daemon}{number})>"


class _MainThread(_Thread):
    """The object of the first thread of a run."""

    def __init__(self, task: Task) -> None:
        super().__init__(name="MainThread")
        self._task = task
        self._scheduler.threads_made -= 1


def threading_of(scheduler: Scheduler, at_exit: Callable[..., object] = lambda *_: None) -> Namespace:
    """Return the `threading` of a scheduler; `at_exit` gets what the library wants to be called at the end."""

    def kind_of(kind: type[Any]) -> type[Any]:
        return unrecorded(kind) if scheduler.silent else kind

    kinds = (_Thread, Lock, RLock, Condition, Event, Semaphore)
    of_threads, of_locks, of_rlocks, of_conditions, of_events, of_semaphores = map(kind_of, kinds)
    thread = type("Thread", (of_threads,), {"_scheduler": scheduler})
    main = type("_MainThread", (_MainThread, thread), {})

    def of(task: Task) -> Any:
        if task.thread is None:
            task.thread = main(task)
        return task.thread

    def running() -> Task:
        assert scheduler.running is not None, "no thread runs while modules are being prepared"
        return scheduler.running

    def condition(lock: Lock | None = None) -> Any:
        return of_conditions(scheduler, lock or of_rlocks(scheduler, "condition's lock"), named("condition"))

    def living() -> list[Task]:
        scheduler.touch(LIVES, READ)
        scheduler.touch(THREAD_NUMBERS, READ)
        return [task for task in scheduler.tasks if not task.over]

    def current_thread() -> Any:
        return of(running())

    def number() -> int:
        scheduler.touch(THREAD_NUMBERS, READ)
        return running().number

    def active_count() -> int:
        return len(living())

    modelled: dict[str, Any] = {
        "Thread": thread,
        "Lock": lambda: of_locks(scheduler, named("lock")),
        "RLock": lambda: of_rlocks(scheduler, named("lock")),
        "Condition": condition,
        "Event": lambda: of_events(scheduler, named("event")),
        "Semaphore": lambda value=1: of_semaphores(scheduler, named("semaphore"), value, None),
        "BoundedSemaphore": lambda value=1: of_semaphores(scheduler, named("semaphore"), value, value),
        "current_thread": current_thread,
        "currentThread": current_thread,
        "main_thread": lambda: of(scheduler.main or running()),
        "get_ident": number,
        "get_native_id": number,
        "enumerate": lambda: [of(task) for task in living()],
        "active_count": active_count,
        "activeCount": active_count,
        "TIMEOUT_MAX": TIMEOUT_MAX,
        "ThreadError": RuntimeError,
        "local": local_of(scheduler),
        "stack_size": lambda *_: 0,
        "_register_atexit": at_exit,
    }
    return Namespace("threading", {**modelled, **from_the_library(modelled)})
