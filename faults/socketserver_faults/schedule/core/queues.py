"""A `queue` whose operations are single steps of the scheduler: modules under test import it in place of the real one.

Each item has a place of its own, `0`, `1`..., as bytes of a connection have (`virtual/connection.py`). `last` is the
side where items are put in, and `next` the side where they are taken out. So to put in one item and to take out another
is the same in any order; with the library's lock, condition and counter it would not be.

A put that need not wait is no point before, as a release is none: another thread may go first after it.

Next: `threads.py`.
"""

import queue
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from types import GenericAlias
from typing import Any

from socketserver_faults.schedule.core.footprints import MERGE, NEEDS, OPENS, READ, WRITE, Name
from socketserver_faults.schedule.core.locks import Lock, named
from socketserver_faults.schedule.core.namespace import Namespace, NotModelled
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.serials import Numbered
from socketserver_faults.schedule.core.unrecorded import unrecorded


class SimpleQueue(Numbered):
    """A queue without a limit. `queue_of` makes a subclass with its `_scheduler`."""

    _scheduler: Scheduler
    _in_turn = True
    """Whether the items come out in the order in which they were put in."""
    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self) -> None:
        self._make(named("queue"), 0)

    def _make(self, name: str, maxsize: int) -> None:
        self._label = self._scheduler.label()
        self._name = name
        self.maxsize = maxsize
        self._came = self._taken = 0
        """How many items were ever put in, and how many taken out."""
        self._unfinished = 0
        self._init(maxsize)

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item in, and wait for room if `block`; another thread may then go first."""
        if self.maxsize > 0 and not self._wait("puts something into", "room in", self._has_room, block, timeout):
            raise queue.Full
        opens = OPENS * (self._in_turn or not self._qsize())
        for name, how in (("last", WRITE), (self._place(self._came), WRITE | opens), ("unfinished", MERGE)):
            self._scheduler.touch((self._label, name), how)
        self._came += 1
        self._unfinished += 1
        self._put(item)
        if not self._scheduler.aborting:
            self._scheduler.point(f"goes on, having put something into {self._name}")

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take an item out, and wait for one if `block`."""
        if not self._wait("takes something from", "something in", self._has_item, block, timeout):
            raise queue.Empty
        self._scheduler.touch((self._label, "next"), READ | WRITE)
        self._scheduler.touch((self._label, self._place(self._taken)), READ if self._in_turn else READ | WRITE)
        if self.maxsize > 0:
            self._scheduler.touch((self._label, "room", self._taken), WRITE | OPENS)
        self._taken += 1
        return self._get()

    def put_nowait(self, item: Any) -> None:
        """Put an item in, without waiting."""
        self.put(item, block=False)

    def get_nowait(self) -> Any:
        """Take an item out, without waiting."""
        return self.get(block=False)

    def empty(self) -> bool:
        """Whether there is no item."""
        return not self._has_item()

    def qsize(self) -> int:
        """Return the number of items."""
        self._scheduler.touch((self._label, "last"), READ)
        self._scheduler.touch((self._label, "next"), READ)
        return self._qsize()

    def _place(self, number: int) -> Name:
        return number if self._in_turn else "items"

    def _wait(self, does: str, lacks: str, ready: Callable[[bool], bool], block: bool, timeout: float | None) -> bool:
        """Wait until it is ready, if `block`; return whether it is."""
        if not block:
            self._scheduler.point(f"{does} {self._name}")
            return ready(False)
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        needed = timeout is None or timeout > 0
        waiting = f"waits for {lacks} {self._name}"
        return self._scheduler.point(f"{does} {self._name}", lambda: ready(needed), timeout, waiting=waiting)

    def _has_item(self, needed: bool = False) -> bool:
        self._scheduler.touch((self._label, "next"), READ)
        self._scheduler.touch((self._label, self._place(self._taken)), READ | NEEDS * needed)
        self._scheduler.observe((self._label, "last"))  # which thread puts in first decides what is in that place
        return self._qsize() > 0

    def _has_room(self, needed: bool = False) -> bool:
        self._scheduler.touch((self._label, "last"), READ)
        if self._came >= self.maxsize:
            self._scheduler.touch((self._label, "room", self._came - self.maxsize), READ | NEEDS * needed)
        return self._qsize() < self.maxsize

    # What a subclass may do otherwise, as in the library

    def _init(self, maxsize: int) -> None:
        del maxsize
        self._items: Any = deque()

    def _qsize(self) -> int:
        return len(self._items)

    def _put(self, item: Any) -> None:
        self._items.append(item)

    def _get(self) -> Any:
        return self._items.popleft()

    def __repr__(self) -> str:
        return f"<queue.{type(self).__name__} {self._name}>"


class Queue(SimpleQueue):
    """A queue that may have a limit, and counts the items that are being worked on.

    Its `mutex` keeps out only those that take it: all that a thread does to the queue is one step.
    """

    def __init__(self, maxsize: int = 0) -> None:
        self._make(named("queue"), maxsize)
        self.mutex = Lock(self._scheduler, "mutex")

    def full(self) -> bool:
        """Whether there is no room."""
        return 0 < self.maxsize <= self.qsize()

    def task_done(self) -> None:
        """Count an item as done."""
        done = self._came - self._unfinished
        self._scheduler.touch((self._label, "done"), READ | WRITE)
        self._scheduler.touch((self._label, self._place(done)), READ)  # it fails if so many have not come
        self._scheduler.observe((self._label, "last"))
        self._scheduler.touch((self._label, "unfinished"), MERGE)
        if not self._unfinished:
            raise ValueError("task_done() called too many times")
        self._unfinished -= 1
        if not self._unfinished and not self._scheduler.aborting:
            self._scheduler.point(f"goes on, all in {self._name} being done")

    def join(self) -> None:
        """Wait until all items are done."""
        self._scheduler.point(f"waits for all in {self._name} to be done", lambda: not self.unfinished_tasks)

    @property
    def unfinished_tasks(self) -> int:
        """The number of items that are not done."""
        self._scheduler.touch((self._label, "unfinished"), READ)
        return self._unfinished

    @property
    def queue(self) -> Any:
        """The items themselves; what a program does with them is not seen."""
        self._scheduler.refuse_to_reduce("reaches into a queue")
        return self._items

    @queue.setter
    def queue(self, items: Any) -> None:
        self._items = items

    def __getattr__(self, name: str) -> Any:
        if name in ("not_empty", "not_full", "all_tasks_done") or hasattr(queue.Queue, name):
            raise NotModelled(f"the scheduler does not model queue.Queue.{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class LifoQueue(Queue):
    """A queue of which the last item comes out first."""

    _in_turn = False

    def _init(self, maxsize: int) -> None:
        del maxsize
        self._items = []

    def _get(self) -> Any:
        return self._items.pop()


class PriorityQueue(LifoQueue):
    """A queue of which the least item comes out first."""

    def _put(self, item: Any) -> None:
        heappush(self._items, item)

    def _get(self) -> Any:
        return heappop(self._items)


def queue_of(scheduler: Scheduler) -> Namespace:
    """Return the `queue` of a scheduler."""
    modelled: dict[str, Any] = {"Empty": queue.Empty, "Full": queue.Full}
    for kind in (SimpleQueue, Queue, LifoQueue, PriorityQueue):
        silent: type[Any] = unrecorded(kind) if scheduler.silent else kind
        bases = (silent, *(modelled[base.__name__] for base in kind.__mro__[1:] if base.__name__ in modelled))
        modelled[kind.__name__] = type(kind.__name__, bases, {"_scheduler": scheduler})
    return Namespace("queue", modelled)
