"""Substitutes for `selectors` and `select`: waiting until one of several virtual sockets is ready.

A descriptor that is closed while it is watched counts as ready, as poll() reports it (POLLNVAL); the next operation on
it fails.

Next: `chance.py`.
"""

import errno
import select
import selectors
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from socketserver_faults.schedule.core.namespace import Namespace, NotModelled
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual.connection import End, failure
from socketserver_faults.schedule.virtual.descriptors import OpenFile
from socketserver_faults.schedule.virtual.kernel import Kernel
from socketserver_faults.schedule.virtual.listener import Listener
from socketserver_faults.schedule.virtual.outside import REFUSED_NAMES

READ_EVENT, WRITE_EVENT = selectors.EVENT_READ, selectors.EVENT_WRITE

ASKED = select.POLLIN | select.POLLPRI | select.POLLOUT
"""The events of who names none."""

ENDED = getattr(select, "POLLRDHUP", 0)
"""The event of a peer that sends no more, on Linux."""

UNASKED = select.POLLERR | select.POLLHUP
"""Events that poll() reports whether they were asked for or not."""


def number_of(thing: Any) -> int:
    """Return the descriptor of a file, a socket or a server, or the number itself."""
    number: int = thing if isinstance(thing, int) else thing.fileno()
    if number < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({number})")
    return number


def ready(kernel: Kernel, number: int, wanted: int) -> int:
    """Return which of the wanted events a descriptor has."""
    if number not in kernel:
        return wanted
    end = kernel.file(number).end
    return wanted & (READ_EVENT * end.readable() | WRITE_EVENT * end.writable())


def selectors_of(scheduler: Scheduler, kernel: Callable[[], Kernel]) -> Namespace:
    """Return a `selectors` for virtual descriptors."""

    class Selector:
        def __init__(self) -> None:
            self._keys: dict[int, selectors.SelectorKey] = {}

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def close(self) -> None:
            self._keys.clear()

        def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
            if not events or events & ~(READ_EVENT | WRITE_EVENT):
                raise ValueError(f"Invalid events: {events!r}")
            number = number_of(fileobj)
            if number in self._keys:
                raise KeyError(f"{fileobj!r} (FD {number}) is already registered")
            self._keys[number] = selectors.SelectorKey(fileobj, number, events, data)
            return self._keys[number]

        def unregister(self, fileobj: Any) -> selectors.SelectorKey:
            return self._keys.pop(self.get_key(fileobj).fd)

        def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
            self.unregister(fileobj)
            return self.register(fileobj, events, data)

        def get_key(self, fileobj: Any) -> selectors.SelectorKey:
            for key in self._keys.values():
                if key.fileobj is fileobj or key.fd == fileobj:
                    return key
            raise KeyError(f"{fileobj!r} is not registered")

        def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
            return {key.fileobj: key for key in self._keys.values()}

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if scheduler.recording or not self._ready():
                listening = [key.fd for key in self._keys.values() if _listens(kernel(), key.fd)]
                what = "sees a client connect" if len(listening) == len(self._keys) else "waits for its sockets"
                scheduler.point(what, lambda: bool(self._ready()), _seconds(timeout))
            return self._ready()

        def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
            found = [(key, ready(kernel(), key.fd, key.events)) for key in self._keys.values()]
            return [(key, events) for key, events in found if events]

    kinds = ("BaseSelector", "DefaultSelector", "PollSelector", "SelectSelector", "EpollSelector")
    names = {"EVENT_READ": READ_EVENT, "EVENT_WRITE": WRITE_EVENT, "SelectorKey": selectors.SelectorKey}
    return Namespace("selectors", {**dict.fromkeys(kinds, Selector), **names})


def _listens(kernel: Kernel, number: int) -> bool:
    return number in kernel and isinstance(kernel.file(number).end, Listener)


def _seconds(timeout: float | None) -> float | None:
    return None if timeout is None else max(timeout, 0.0)


def happens(end: End | Listener) -> int:
    """Return all events of poll() that there are."""
    events = select.POLLIN * end.readable() | select.POLLOUT * end.writable()
    error, over, ended = end.mishaps() if isinstance(end, End) else (False, end.over, end.over)
    return events | select.POLLERR * error | select.POLLHUP * over | ENDED * ended


def select_of(scheduler: Scheduler, kernel: Callable[[], Kernel]) -> Namespace:
    """Return a `select` for virtual descriptors: select(), poll() and epoll()."""

    def wait(
        reading: Iterable[Any], writing: Iterable[Any], failing: Iterable[Any], timeout: float | None = None
    ) -> tuple[list[Any], list[Any], list[Any]]:
        wanted = ([(thing, number_of(thing)) for thing in things] for things in (reading, writing, failing))
        readers, writers, others = wanted
        if any(number not in kernel() for _, number in (*readers, *writers, *others)):
            raise failure(errno.EBADF)

        def found() -> tuple[list[Any], list[Any], list[Any]]:
            return (
                [thing for thing, number in readers if ready(kernel(), number, READ_EVENT)],
                [thing for thing, number in writers if ready(kernel(), number, WRITE_EVENT)],
                [],
            )

        if scheduler.recording or not any(found()):
            scheduler.point("waits for its sockets", lambda: any(found()), _seconds(timeout))
        return found()

    class Poll:
        def __init__(self) -> None:
            self._events: dict[int, int] = {}

        def register(self, thing: Any, eventmask: int = ASKED) -> None:
            self._events[number_of(thing)] = eventmask

        def modify(self, thing: Any, eventmask: int) -> None:
            if number_of(thing) not in self._events:
                raise failure(errno.ENOENT)
            self._events[number_of(thing)] = eventmask

        def unregister(self, thing: Any) -> None:
            del self._events[number_of(thing)]

        def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
            return self._wait(None if timeout is None or timeout < 0 else timeout / 1000)

        def _wait(self, seconds: float | None) -> list[tuple[int, int]]:
            if scheduler.recording or not self._ready():
                scheduler.point("waits for its sockets", lambda: bool(self._ready()), seconds)
            return self._ready()

        def _ready(self) -> list[tuple[int, int]]:
            found = ((number, self._event(number, events)) for number, events in self._events.items())
            return [(number, event) for number, event in found if event]

        def _event(self, number: int, events: int) -> int:
            if number not in kernel():
                return select.POLLNVAL
            return happens(kernel().file(number).end) & (events | UNASKED)

    class Epoll(Poll):
        """Knows open files; one that is closed is no longer watched."""

        def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
            del sizehint, flags
            super().__init__()
            self._files: dict[int, OpenFile] = {}
            self.closed = False

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def close(self) -> None:
            self._events.clear()
            self.closed = True

        def fileno(self) -> int:
            raise NotModelled("the scheduler does not model the number of a select.epoll()")

        def register(self, fd: Any, eventmask: int = ASKED) -> None:
            if self._watches(fd):
                raise failure(errno.EEXIST)
            self._files[number_of(fd)] = kernel().file(number_of(fd))
            super().register(fd, eventmask)

        def modify(self, fd: Any, eventmask: int) -> None:
            self._check(fd)
            super().modify(fd, eventmask)

        def unregister(self, fd: Any) -> None:
            self._check(fd)
            super().unregister(fd)

        def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
            found = self._wait(None if timeout is None or timeout < 0 else timeout)
            return found[:maxevents] if maxevents > 0 else found

        def _watches(self, fd: Any) -> bool:
            if self.closed:
                raise ValueError("I/O operation on closed epoll object")
            number = number_of(fd)
            return kernel().file(number) is self._files.get(number) and number in self._events

        def _check(self, fd: Any) -> None:
            if not self._watches(fd):
                raise failure(errno.ENOENT)

        def _event(self, number: int, events: int) -> int:
            is_open = number in kernel() and kernel().file(number) is self._files[number]
            return super()._event(number, events) if is_open else 0

    constants = {name: getattr(select, name) for name in dir(select) if name.startswith(("POLL", "EPOLL"))}
    advice = {name: REFUSED_NAMES[f"select.{name}"] for name in constants if f"select.{name}" in REFUSED_NAMES}
    constants = {name: value for name, value in constants.items() if name not in advice}
    names = {"poll": Poll, "epoll": Epoll, "select": wait, "error": OSError, "PIPE_BUF": select.PIPE_BUF}
    return Namespace("select", {**names, **constants}, advice)
