"""Further parts of `threading`: thread-local data, and the library's own Timer and Barrier on virtual locks.

Next: `line_points.py`.
"""

import inspect
import threading
from collections.abc import Mapping
from functools import cache
from types import CodeType
from typing import Any, Self

from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.serials import Numbered


def local_of(scheduler: Scheduler) -> type[Any]:
    """Return the `threading.local` of a scheduler: each thread has attributes of its own."""

    class local(Numbered):  # noqa: N801 - the library's name
        def __new__(cls, *arguments: Any, **keywords: Any) -> Self:
            made = super().__new__(cls)
            object.__setattr__(made, "_arguments", (arguments, keywords))
            object.__setattr__(made, "_dictionaries", {})
            return made

        def __getattribute__(self, name: str) -> Any:
            _enter(self)
            return object.__getattribute__(self, name)

        def __setattr__(self, name: str, value: object) -> None:
            _enter(self)
            object.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            _enter(self)
            object.__delattr__(self, name)

    def _enter(mine: local) -> None:
        """Put the attributes of the running thread in place; __init__ is called once for each thread."""
        get = object.__getattribute__
        task = scheduler.running
        dictionaries, arguments = get(mine, "_dictionaries"), get(mine, "_arguments")
        begins = task not in dictionaries
        own = dictionaries.setdefault(task, {"_dictionaries": dictionaries, "_arguments": arguments})
        object.__setattr__(mine, "__dict__", own)
        if begins and len(dictionaries) > 1:  # the first has been called by whoever made it
            type(mine).__init__(mine, *arguments[0], **arguments[1])

    return local


@cache
def _code(kind: type[Any]) -> CodeType:
    """Return the statement that makes a class."""
    return compile(inspect.getsource(kind), kind.__name__, "exec", dont_inherit=True)


def from_the_library(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return Timer and Barrier, made of the library's own source, but with these names in place of its own."""
    made = {"__name__": "threading", "BrokenBarrierError": threading.BrokenBarrierError, **names}
    for kind in (threading.Timer, threading.Barrier):
        exec(_code(kind), made)
    return {name: made[name] for name in ("Timer", "Barrier", "BrokenBarrierError")}
