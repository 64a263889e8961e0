"""Substitutes for other modules that the modules under test import: time, selectors, select, logging.

Each models what programs on `socketserver` need; anything else raises NotModelled, with its name.

Next: `chance.py`.
"""

import logging
import select
import selectors
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Self

from socketserver_faults.schedule.core.namespace import Namespace
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.threads import threading_of
from socketserver_faults.schedule.virtual.chance import Chance, RandomModule, datetime_of, uuid_helper
from socketserver_faults.schedule.virtual.network import Network
from socketserver_faults.schedule.virtual.process import Os, Sys
from socketserver_faults.schedule.virtual.socket_object import Socket


class Current(ModuleType):
    """A module that differs in each run: names are looked up in the module of the current run."""

    def __init__(self, name: str, now: Callable[[], Any]) -> None:
        super().__init__(name)
        self.__dict__["_now"] = now

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._now(), name)


def time_of(scheduler: Scheduler) -> Namespace:
    """Return a `time` whose clock is the scheduler's. Every run begins at the start of 1970."""

    def seconds() -> float:
        return scheduler.now

    def nanoseconds() -> int:
        return round(scheduler.now * 1e9)

    clocks = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    return Namespace(
        "time",
        {
            **dict.fromkeys(clocks, seconds),
            **{f"{name}_ns": nanoseconds for name in clocks},
            "sleep": scheduler.sleep,
            "gmtime": lambda moment=None: time.gmtime(scheduler.now if moment is None else moment),
            "localtime": lambda moment=None: time.gmtime(scheduler.now if moment is None else moment),
            "strftime": lambda form, moment=None: time.strftime(form, moment or time.gmtime(scheduler.now)),
            "ctime": lambda moment=None: time.asctime(time.gmtime(scheduler.now if moment is None else moment)),
        },
    )


def readable(thing: Any) -> bool:
    """Whether a server, a listener or a virtual socket has something to accept or to read, or is closed."""
    sock: Socket = getattr(thing, "socket", thing)
    return sock.fileno() not in sock.kernel or sock.kernel.file(sock.fileno()).end.readable()


def accepts(server: Any) -> bool:
    """Whether a client waits to be accepted; never if the server no longer listens."""
    sock: Socket = server.socket
    return sock.fileno() >= 0 and bool(getattr(sock.kernel.file(sock.fileno()).end, "arrived", ()))


def broken(sock: Socket) -> bool:
    """Whether a virtual socket has an error or a hang-up, which poll() reports always."""
    return sock.kernel.file(sock.fileno()).end.over


def socket_of(network: Callable[[], Network]) -> ModuleType:
    """Return the `socket` of the current network, with create_connection(), which clients use."""

    def create_connection(address: tuple[str, int], timeout: float | None = None) -> Socket:
        client: Socket = network().socket()
        client.settimeout(timeout)
        client.connect(address)
        return client

    module = Current("socket", lambda: network().module)
    vars(module)["create_connection"] = create_connection
    return module


def selectors_of(scheduler: Scheduler) -> Namespace:
    """Return a `selectors` that can wait until a socket is readable, which is all that `socketserver` uses."""

    class Selector:
        def __init__(self) -> None:
            self._keys: list[selectors.SelectorKey] = []

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self._keys.clear()

        def register(self, thing: Any, events: int, data: Any = None) -> selectors.SelectorKey:
            if events != selectors.EVENT_READ:
                raise ValueError(f"the scheduler models EVENT_READ alone, not {events}")
            self._keys.append(selectors.SelectorKey(thing, thing.fileno(), events, data))
            return self._keys[-1]

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if not any(readable(key.fileobj) for key in self._keys):
                scheduler.point(
                    "sees a client connect", lambda: any(readable(key.fileobj) for key in self._keys), timeout
                )
            return [(key, selectors.EVENT_READ) for key in self._keys if readable(key.fileobj)]

    return Namespace(
        "selectors",
        {
            "PollSelector": Selector,
            "SelectSelector": Selector,
            "DefaultSelector": Selector,
            "EVENT_READ": selectors.EVENT_READ,
            "EVENT_WRITE": selectors.EVENT_WRITE,
        },
    )


def select_of(scheduler: Scheduler) -> Namespace:
    """Return a `select` whose poll() waits for errors and hang-ups alone, which is all that clients here use."""

    class Poll:
        def __init__(self) -> None:
            self._things: list[Any] = []

        def register(self, thing: Any, events: int) -> None:
            if events:
                raise ValueError("the scheduler models a poll() for errors alone")
            self._things.append(thing)

        def poll(self, milliseconds: float | None = None) -> list[tuple[int, int]]:
            seconds = None if milliseconds is None else milliseconds / 1000
            scheduler.point("waits for an error", lambda: any(map(broken, self._things)), seconds)
            return [(thing.fileno(), select.POLLERR) for thing in self._things if broken(thing)]

    return Namespace("select", {"poll": Poll, "POLLERR": select.POLLERR, "POLLHUP": select.POLLHUP})


class _Silent:
    """A logger that drops everything: there are thousands of runs, and each has a story."""

    def __getattr__(self, _: str) -> Callable[..., bool]:
        return lambda *_, **__: False


def silent_logging() -> ModuleType:
    """Return the real `logging` with loggers that drop everything."""
    silent = _Silent()
    quiet = ModuleType("logging")
    vars(quiet).update({name: value for name, value in vars(logging).items() if not name.startswith("__")})
    for name in ("basicConfig", "debug", "info", "warning", "error", "critical", "exception", "log"):
        vars(quiet)[name] = getattr(silent, name)
    vars(quiet)["getLogger"] = lambda *_: silent
    return quiet


def without_racing() -> ModuleType:
    """Return a `race_window` that does not wait: the scheduler switches threads there instead."""
    module = ModuleType("socketserver_faults.catalogue.race_window")
    vars(module)["widen"] = lambda _: None
    return module


def substitutes(
    scheduler: Scheduler,
    network: Callable[[], Network],
    arguments: Sequence[str] = ("program",),
    folders: Sequence[str] = (),
) -> dict[str, ModuleType]:
    """Return all substitutes: module name -> module.

    `arguments` are those of the program's command line; in `folders`, before sys.path, are its modules.
    """
    chance = Chance()
    return {
        "threading": threading_of(scheduler),
        "socket": socket_of(network),
        "time": time_of(scheduler),
        "selectors": selectors_of(scheduler),
        "select": select_of(scheduler),
        "logging": silent_logging(),
        "datetime": datetime_of(scheduler),
        "os": Os(lambda: network().kernel, chance),
        "random": RandomModule(chance),
        "sys": Sys(scheduler, arguments, folders, chance),
        "_uuid": uuid_helper(),
        "_queue": ModuleType("_queue"),  # empty, so `queue` uses its version in Python
        "socketserver_faults.catalogue.race_window": without_racing(),
    }
