"""Substitutes for what belongs to the process: `sys`, `os`, `signal`, `atexit`, and the keyboard.

Next: `substitutes.py`.
"""

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from types import ModuleType
from typing import Any, NoReturn

from socketserver_faults.schedule.core.footprints import READ, WRITE, Touch
from socketserver_faults.schedule.core.namespace import Namespace, NotModelled
from socketserver_faults.schedule.core.run import Aborted
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual.chance import PROCESS_ID, Chance
from socketserver_faults.schedule.virtual.files import Files
from socketserver_faults.schedule.virtual.insertions import functions
from socketserver_faults.schedule.virtual.kernel import Kernel
from socketserver_faults.schedule.virtual.outside import OUTSIDE, REFUSED_MODULES
from socketserver_faults.schedule.virtual.paths import Paths

PROCESS_CALLS = ("_exit", "abort", "exec", "fork", "kill", "popen", "posix_spawn", "spawn", "system", "wait")
DESCRIPTOR_CALLS = ("closerange", "dup", "fdopen", "pipe", "read", "sendfile", "write")
"""Beginnings of the names of functions that would act outside the virtual process."""

TRACING_CALLS = ("settrace", "setprofile", "set_asyncgen_hooks", "addaudithook")
"""Functions of `sys` that would change the real process."""


MAX_LINE_CHARACTERS = 500
"""Most characters of a line that a program has not ended."""


INSTEAD = {
    "fork": REFUSED_MODULES["multiprocessing"],
    "kill": OUTSIDE["os.kill"][1],
    **dict.fromkeys(("_exit", "abort"), "let its main thread return, and others end with it (daemon=True)"),
    **dict.fromkeys(("exec", "popen", "posix_spawn", "spawn", "system", "wait"), REFUSED_MODULES["subprocess"]),
}
"""The beginning of a name -> what to do instead."""


def refuse(what: str, *_: object, **__: object) -> NoReturn:
    """Refuse a call that is not modelled."""
    name = what.partition(".")[2]
    advice = next((f": {advice}" for begin, advice in INSTEAD.items() if name.startswith(begin)), "")
    raise NotModelled(f"the scheduler does not model {what}{advice}")


class Os(ModuleType):
    """The real `os` without calls on descriptors and processes: a virtual number may be a real one of this process."""

    def __init__(self, kernel: Callable[[], Kernel], chance: Chance, paths: Paths, touch: Touch) -> None:
        super().__init__("os")
        vars(self).update(
            _touch=touch,
            path=paths.module(),
            **paths.functions(),
            close=lambda fd: kernel().close(fd),
            getpid=lambda: PROCESS_ID,
            urandom=chance.urandom,
            getrandom=lambda size, flags=0: chance.urandom(size),  # noqa: ARG005 - a name of the real one
            register_at_fork=lambda **_: None,
            getenv=lambda key, default=None: self.environ.get(key, default),
        )
        self.begin()

    def begin(self) -> None:
        """Begin a run: forget what the program has changed in its environment."""
        vars(self).pop("_environment", None)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the run: who asks for it may read or change it."""
        self._touch("the environment", READ | WRITE)
        return self._environment

    @cached_property
    def _environment(self) -> dict[str, str]:
        """A copy, made when it is first asked for."""
        return os.environ.copy()

    def __getattr__(self, name: str) -> Any:
        if name.startswith((*PROCESS_CALLS, *DESCRIPTOR_CALLS)) and hasattr(
            os, name
        ):  # socketserver looks, and does not call
            return partial(refuse, f"os.{name}")
        return getattr(os, name)


class Keyboard:
    """A standard input of a few lines: to read more, or all, is to wait for ever."""

    encoding = "utf-8"

    def __init__(self, scheduler: Scheduler, lines: Sequence[str] = ()) -> None:
        self._scheduler, self._lines = scheduler, deque(lines)
        self.read = self.readlines = self.wait
        self.buffer = self

    def line(self) -> str:
        """Return the next line, without its end; wait for ever if there is none."""
        self._scheduler.touch("the keyboard", READ | WRITE)
        if not self._lines:
            self.wait()
        self._scheduler.point("reads the keyboard")
        return self._lines.popleft()

    def readline(self, *_: object) -> str:
        """Return the next line."""
        return f"{self.line()}\n"

    def wait(self, *_: object) -> NoReturn:
        """Wait for ever."""
        self._scheduler.point("waits for the keyboard, where nobody types (see --type)", lambda: False)
        raise AssertionError("nobody has typed anything")

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return True

    def __iter__(self) -> "Keyboard":
        return self

    __next__ = readline

    def __enter__(self) -> "Keyboard":
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


class Output:
    """A standard output whose lines are notes of the story, because there are thousands of runs."""

    encoding = "utf-8"

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._line = ""
        self.buffer = self

    def write(self, text: str | bytes) -> int:
        """Note each whole line, and one that is too long."""
        added = text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")
        *lines, self._line = (self._line + added).split("\n")
        if len(self._line) > MAX_LINE_CHARACTERS:
            lines, self._line = [*lines, self._line], ""
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
    lasting: dict[str, ModuleType]
    """The copies of modules that are the same in each run."""
    stdin: Keyboard
    stdout: Output
    stderr: Output

    def __init__(
        self,
        scheduler: Scheduler,
        arguments: Sequence[str],
        folders: Sequence[str],
        files: Files,
        exits: "Exits",
        at_begin: list[Callable[[], None]],
        typed: Sequence[str],
    ) -> None:
        """`at_begin` is what else begins with a run, and `typed` what is typed in each."""
        super().__init__("sys")
        self._typed = typed
        self.files, self.exits, self.inserted = files, exits, functions(scheduler)
        self._scheduler, self._arguments, self._folders, self._at_begin = scheduler, arguments, folders, at_begin
        self.setswitchinterval = lambda _: None
        self.lasting = {}
        self._own = dict(vars(self))
        self.begin()

    def begin(self) -> None:
        """Begin a run: forget what the program has changed."""
        own = self._own
        vars(self).clear()
        vars(self).update(own, _own=own)
        for begin in self._at_begin:
            begin()
        note = self._scheduler.note
        self.stdin, self.stdout, self.stderr = Keyboard(self._scheduler, self._typed), Output(note), Output(note)
        self.argv, self.path = list(self._arguments), [*self._folders, *sys.path]

    @cached_property
    def modules(self) -> dict[str, ModuleType]:
        """A copy of the real ones, made when it is first asked for, and the lasting copies."""
        return sys.modules | self.lasting

    def __getattr__(self, name: str) -> Any:
        if name in TRACING_CALLS:
            return partial(refuse, f"sys.{name}")
        return getattr(sys, name)


class Exits:
    """What a program wants to be called when it ends, in each run."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._before: list[Callable[[], object]] = []
        self._last: list[Callable[[], object]] = []

    def begin(self) -> None:
        """Begin a run."""
        self._before.clear()
        self._last.clear()

    def before_threads(self, call: Callable[..., object], *arguments: Any, **keywords: Any) -> None:
        """Call this before the threads that are no daemons are joined."""
        self._before.append(partial(call, *arguments, **keywords))

    def at_last(self, call: Callable[..., object], *arguments: Any, **keywords: Any) -> Callable[..., object]:
        """Call this at the very end: atexit.register()."""
        self._last.append(partial(call, *arguments, **keywords))
        return call

    def forget(self, call: Callable[..., object]) -> None:
        """Do not call this any more: atexit.unregister()."""
        self._last = [kept for kept in self._last if getattr(kept, "func", None) != call]

    def end_threads(self) -> None:
        """Call what was wanted before the threads are joined, the last first."""
        while self._before:
            self._before.pop()()

    def end(self) -> None:
        """Call what was wanted at the very end, the last first; one that fails stops no other."""
        while self._last:
            try:
                self._last.pop()()
            except (Aborted, NotModelled):
                raise
            except BaseException as error:
                self._note(f"fails at its end with {type(error).__name__}: {error}")

    def module(self) -> Namespace:
        """Return the `atexit`."""
        return Namespace("atexit", {"register": self.at_last, "unregister": self.forget})


def signal_of(scheduler: Scheduler, at_begin: list[Callable[[], None]]) -> ModuleType:
    """Return a `signal` whose signals never come; each run begins without handlers."""

    def install(signalnum: int, handler: object) -> object:
        if scheduler.running not in (None, scheduler.main):
            raise ValueError("signal only works in main thread of the main interpreter")
        handlers[signalnum], before = handler, handlers.get(signalnum, signal.SIG_DFL)
        return before

    def pause() -> None:
        scheduler.point("waits for a signal", lambda: False)

    handlers: dict[int, object] = {}
    at_begin.append(handlers.clear)

    def installed(signalnum: int) -> object:
        return handlers.get(signalnum, signal.SIG_DFL)

    modelled = {"signal": install, "pause": pause, "getsignal": installed}
    constants = {name: getattr(signal, name) for name in dir(signal) if name.startswith("SIG") or name[0].isupper()}
    return Namespace("signal", {**constants, **modelled, "siginterrupt": lambda *_: None})


def old_threads(threading: Any) -> Namespace:
    """Return the `_thread` of a `threading`."""

    def start_new_thread(call: Callable[..., object], arguments: Sequence[Any], keywords: Any = None) -> int:
        thread = threading.Thread(target=call, args=arguments, kwargs=keywords, daemon=True)
        thread.start()
        return int(thread.ident)

    def end() -> NoReturn:
        raise SystemExit

    names = {"start_new_thread": start_new_thread, "start_new": start_new_thread, "allocate_lock": threading.Lock}
    others = {"get_ident": threading.get_ident, "exit": end, "error": RuntimeError, "RLock": threading.RLock}
    return Namespace("_thread", {**names, **others, "TIMEOUT_MAX": threading.TIMEOUT_MAX})
