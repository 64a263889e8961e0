"""All substitutes for modules of the library that the modules under test import, and that for `time`.

Each models what programs on `socketserver` need; anything else raises NotModelled, with its name.

Next: `insertions.py` and `sources.py`; then `module_copies.py`, which puts them in place of the real modules.
"""

import calendar
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from socketserver_faults.schedule.core.namespace import Namespace
from socketserver_faults.schedule.core.queues import queue_of
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.threads import threading_of
from socketserver_faults.schedule.virtual.chance import Chance, RandomModule, datetime_of, uuid_helper
from socketserver_faults.schedule.virtual.files import Files
from socketserver_faults.schedule.virtual.kernel import Kernel
from socketserver_faults.schedule.virtual.listener import Listener
from socketserver_faults.schedule.virtual.log import silent_logging
from socketserver_faults.schedule.virtual.network import MODELLED, Network
from socketserver_faults.schedule.virtual.process import Exits, Os, Sys, old_threads, signal_of
from socketserver_faults.schedule.virtual.readiness import select_of, selectors_of
from socketserver_faults.schedule.virtual.socket_object import Socket

WITHOUT_CLOCK = ("strptime", "struct_time")
"""Names of `time` that tell nothing of the moment, so a program has the real ones."""


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
    """Return a `time` whose clock is the scheduler's. Every run begins at the start of 1970; the local time is UTC."""

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
            "asctime": lambda moment=None: time.asctime(moment or time.gmtime(scheduler.now)),
            "mktime": lambda moment: float(calendar.timegm(moment)),
            **{name: getattr(time, name) for name in WITHOUT_CLOCK},
            "timezone": 0,
            "altzone": 0,
            "daylight": 0,
            "tzname": ("UTC", "UTC"),
        },
    )


def listener_of(server: Any) -> Listener | None:
    """Return the queue of clients that wait to be accepted; None if the server no longer listens."""
    sock: Socket = server.socket
    end = sock.kernel.file(sock.fileno()).end if sock.fileno() >= 0 else None
    return end if isinstance(end, Listener) else None


def socket_of(network: Callable[[], Network]) -> ModuleType:
    """Return the `socket` of the current network, with create_connection(), which clients use."""

    def create_connection(
        address: tuple[str, int], timeout: float | None = None, source_address: Any = None, *, all_errors: bool = False
    ) -> Socket:
        del all_errors  # there is one address to try
        client: Socket = network().socket()
        client.settimeout(timeout)
        if source_address:
            client.bind(source_address)
        client.connect(address)
        return client

    module = Current("socket", lambda: network().module)
    vars(module).update(MODELLED, create_connection=create_connection)
    return module


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
    typed: Sequence[str] = (),
) -> dict[str, ModuleType]:
    """Return all substitutes: module name -> module.

    `arguments` are those of the program's command line; in `folders`, before sys.path, are its modules; `typed` are
    the lines that come from the keyboard.
    """
    chance, files, exits = Chance(scheduler.touch), Files(scheduler.touch), Exits(scheduler.note)
    threading = threading_of(scheduler, exits.before_threads)

    def kernel() -> Kernel:
        return network().kernel

    operating_system = Os(kernel, chance, files.paths, scheduler.touch)
    at_begin = [chance.begin, files.begin, exits.begin, operating_system.begin]
    return {
        "threading": threading,
        "_thread": old_threads(threading),
        "socket": socket_of(network),
        "time": time_of(scheduler),
        "selectors": selectors_of(scheduler, kernel),
        "select": select_of(scheduler, kernel),
        "logging": silent_logging(lambda _: None, at_begin),
        "logging of the program": silent_logging(scheduler.note, at_begin),
        "atexit": exits.module(),
        "signal": signal_of(scheduler, at_begin),
        "datetime": datetime_of(scheduler),
        "os": operating_system,
        "os.path": operating_system.path,
        "random": RandomModule(chance),
        "sys": Sys(scheduler, arguments, folders, files, exits, at_begin, typed),
        "_uuid": uuid_helper(),
        "queue": queue_of(scheduler),
        "socketserver_faults.catalogue.race_window": without_racing(),
    }
