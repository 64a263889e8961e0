"""Substitutes for what belongs to the process: `sys`, `os`, and nobody at the keyboard.

Next: `module_copies.py`, which puts the substitutes in place of the real modules.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any, NoReturn

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual.chance import PROCESS_ID, Chance
from socketserver_faults.schedule.virtual.kernel import Kernel

PROCESS_CALLS = ("_exit", "abort", "exec", "fork", "kill", "popen", "posix_spawn", "spawn", "system", "wait")
DESCRIPTOR_CALLS = ("dup", "pipe", "read", "write")
"""Beginnings of the names of functions that would act outside the virtual process."""

TRACING_CALLS = ("settrace", "setprofile", "set_asyncgen_hooks", "addaudithook")
"""Functions of `sys` that would change the real process."""


def refuse(what: str, *_: object, **__: object) -> NoReturn:
    """Refuse a call that is not modelled."""
    raise NotModelled(f"the scheduler does not model {what}")


class Os(ModuleType):
    """The real `os` without calls on descriptors and processes: a virtual number may be a real one of this process."""

    def __init__(self, kernel: Callable[[], Kernel], chance: Chance) -> None:
        super().__init__("os")
        vars(self).update(
            close=lambda number: kernel().close(number),
            getpid=lambda: PROCESS_ID,
            urandom=chance.urandom,
            getrandom=lambda size, _=0: chance.urandom(size),
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith((*PROCESS_CALLS, *DESCRIPTOR_CALLS)) and hasattr(
            os, name
        ):  # socketserver looks, and does not call
            return partial(refuse, f"os.{name}")
        return getattr(os, name)


class Keyboard:
    """A standard input at which nobody sits: to read from it is to wait for ever."""

    encoding = "utf-8"

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.read = self.readline = self.readlines = self.wait
        self.buffer = self

    def wait(self, *_: object) -> str:
        """Wait for ever."""
        self._scheduler.point("waits for the keyboard", lambda: False)
        raise AssertionError("nobody has typed anything")

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return True

    def __iter__(self) -> "Keyboard":
        return self

    __next__ = wait


class Output:
    """A standard output whose lines are notes of the story, because there are thousands of runs."""

    encoding = "utf-8"

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._line = ""
        self.buffer = self

    def write(self, text: str | bytes) -> int:
        """Note each whole line."""
        *lines, self._line = (self._line + (text if isinstance(text, str) else text.decode("utf-8", "replace"))).split(
            "\n"
        )
        for line in lines:
            self._note(f"prints {line!r}")
        return len(text)

    def flush(self) -> None:
        """Do nothing: a line is noted when it ends."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return False


class Sys(ModuleType):
    """The real `sys` with a command line, a search path and standard streams of its own."""

    argv: list[str]
    path: list[str]
    modules: dict[str, ModuleType]
    stdin: Keyboard
    stdout: Output
    stderr: Output

    def __init__(self, scheduler: Scheduler, arguments: Sequence[str], folders: Sequence[str], chance: Chance) -> None:
        super().__init__("sys")
        self._begin = arguments, folders, chance
        vars(self).update(
            stdin=Keyboard(scheduler),
            stdout=Output(scheduler.note),
            stderr=Output(scheduler.note),
            setswitchinterval=lambda _: None,
        )
        self.begin()

    def begin(self) -> None:
        """Begin a run: forget what the program has changed."""
        arguments, folders, chance = self._begin
        chance.begin()
        self.argv, self.path, self.modules = list(arguments), [*folders, *sys.path], dict(sys.modules)

    def __getattr__(self, name: str) -> Any:
        if name in TRACING_CALLS:
            return partial(refuse, f"sys.{name}")
        return getattr(sys, name)
