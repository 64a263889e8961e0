"""Copies of modules that find a virtual `threading` and `socket` where they import the real ones.

Nothing is patched: a copy is the module's own code, executed once more under the same name in a namespace of its own.
Its imports are resolved here: to a substitute, to another copy, or to the module of the process if that has nothing to
do with threads and sockets. `sys.modules` is read and never written.

There are two kinds of copies. *Lasting* ones are executed once: `socketserver`, the reference and the
catalogue, which keep no state that decides a run. *Fresh* ones are executed again for each run: the whole program under
test, which may keep its members in a global set. The program is every module that belongs neither to the standard
library nor to an installed distribution, so the modules that lie beside a handler are under the scheduler, too.

Modules that wait without the scheduler (asyncio, subprocess...) can be imported, but their first use is refused, by
name.

Next: `models.py`.
"""

import ast
import builtins
import importlib.util
import os
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

from socketserver_faults.schedule.core.namespace import Namespace, everything_of, program_getattr, program_hasattr
from socketserver_faults.schedule.core.serials import SERIALS, Numbered, inherits_numbers
from socketserver_faults.schedule.core.shared_objects import SharedObjects
from socketserver_faults.schedule.core.watched_code import watched
from socketserver_faults.schedule.virtual.chance import NODE
from socketserver_faults.schedule.virtual.insertions import with_insertions
from socketserver_faults.schedule.virtual.outside import REFUSED_MODULES
from socketserver_faults.schedule.virtual.process import Exits, Output, Sys
from socketserver_faults.schedule.virtual.sources import find_source, installed_in

UNWATCHED_MODULES = (
    *("argparse", "dataclasses", "optparse", "pprint", "traceback"),
    *("socketserver_reference.conformance", "socketserver_faults.schedule"),
)
"""Modules that do not say what they do with their objects: no two threads share them, or the scheduler knows."""

PERSISTENT_MODULES = (
    "argparse",
    "contextlib",
    "dataclasses",
    "optparse",
    "pprint",
    "socketserver",
    "socketserver_faults",
    "socketserver_reference",
    "traceback",
)
"""Modules and packages with one copy for all runs."""

FRESH_MODULES = ("concurrent", "sched", "secrets", "uuid")
"""Modules of the library that each run executes anew: they keep state, or draw what is by chance."""

MAIN = "__main__"

SHARED_MODULES = ("socketserver_faults.schedule", "socketserver_reference.conformance")
COPIED_MODULES = (
    "socketserver_reference.conformance.driver.stage",
    "socketserver_reference.conformance.driver.connecting",
    "socketserver_reference.conformance.driver.reading",
    "socketserver_reference.conformance.driver.handshake",
    "socketserver_reference.conformance.driver.rate_limit",
    "socketserver_reference.conformance.driver.dialect_fit",
    "socketserver_reference.conformance.learn",
    "socketserver_reference.conformance.targets.client",
    "socketserver_reference.conformance.targets.first_contact",
)
"""Packages within PERSISTENT_MODULES that are not under test: the process's own modules, but for those that touch
sockets."""


def below(name: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of these names, or inside one of these packages."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _build_class(body: Any, name: str, *bases: Any, metaclass: Any = type, **keywords: Any) -> Any:
    """The `__build_class__` of a copy: its objects do not hash by their addresses."""
    if metaclass is not type:
        keywords["metaclass"] = metaclass
    if isinstance(metaclass, type) and inherits_numbers(bases, metaclass):
        bases = (*(base for base in bases if base is not object), Numbered)
    return builtins.__build_class__(body, name, *bases, **keywords)


@lru_cache(maxsize=256)
def _code(source: bytes, file: str, name: str, *, mine: bool, watches: bool, body: bool) -> CodeType:
    """Return the code of a module; one of the program is `mine`."""
    program = ast.parse(source, file)
    program = watched(program, name, body=body) if watches else program
    program = with_insertions(program) if mine else program
    return compile(program, file, "exec", dont_inherit=True)


class Modules:
    """The modules of one virtual process.

    Each run executes the program's modules anew, and those named in `fresh`.
    """

    def __init__(
        self,
        substitutes: Mapping[str, Any],
        fresh: Iterable[str] = (),
        say: Callable[[str], None] = lambda _: None,
        shared: SharedObjects | None = None,
        *,
        serves: bool = False,
    ) -> None:
        """With `shared`, the copies say what they do with their objects; the program `serves` while it is executed."""
        self._substitutes = substitutes
        self._fresh_names = tuple(fresh)
        self._sys: Sys = substitutes["sys"]
        self._installed = installed_in()
        self._of_program: dict[str, bool] = {}
        self._lasting: dict[str, ModuleType] = self._sys.lasting
        self._fresh: dict[str, ModuleType] = {}
        self._code: dict[str, tuple[CodeType, bool]] = {}
        self._builtins = {
            **vars(builtins),
            "__import__": self._import,
            "__build_class__": _build_class,
            "getattr": program_getattr,
            "hasattr": program_hasattr,
            "id": SERIALS.address,
            "input": self._input,
            "open": self._sys.files.open,
            "print": self._print,
            **self._sys.inserted,
        }
        self._shared = shared
        self._serves = serves
        self._watched_builtins = {**self._builtins, **(shared.functions() if shared else {})}
        self._say = say
        self._importlib = ModuleType("importlib")
        vars(self._importlib).update({**vars(importlib), "import_module": self._import_module})
        self._watch: Callable[[CodeType], None] = lambda _: None

    @property
    def exits(self) -> Exits:
        """What the program wants to be called when it ends."""
        return self._sys.exits

    @property
    def lasting(self) -> int:
        """The number of copies that last."""
        return len(self._lasting)

    def forget(self) -> None:
        """Drop the fresh copies, so that the next run begins like a new process."""
        self._fresh.clear()
        self._sys.begin()

    def load(self, name: str) -> ModuleType:
        """Return the module of that name that the program under test imports."""
        known = self._substitutes.get(name) or self._lasting.get(name)
        if known is not None:
            return known
        if name == "importlib":
            return self._importlib
        if below(name, REFUSED_MODULES):
            return Namespace(name, {}, REFUSED_MODULES[name.partition(".")[0]])
        if below(name, COPIED_MODULES):
            return self._copy(name, self._lasting)
        if name == MAIN and MAIN in self._fresh:
            return self._fresh[MAIN]
        if below(name, SHARED_MODULES):  # even if the program under test is the reference's own
            return importlib.import_module(name)
        if below(name, self._fresh_names) or below(name, FRESH_MODULES):
            return self._copy(name, self._fresh)
        if below(name, PERSISTENT_MODULES):
            return self._copy(name, self._lasting)
        if self._is_of_program(name):
            return self._copy(name, self._fresh)
        return importlib.import_module(name)

    def _is_of_program(self, name: str) -> bool:
        """Whether a module is neither in the standard library nor in an installed distribution."""
        top = name.partition(".")[0]
        if top not in self._of_program:
            path = self._sys.path
            spec = None if top in sys.stdlib_module_names else find_source(top, path) or find_source(name, path)
            self._of_program[top] = spec is not None and not any(
                os.path.realpath(place).startswith(self._installed)
                for place in spec.submodule_search_locations or (spec.origin or "",)
            )
        return self._of_program[top]

    def run(self, name: str) -> None:
        """Execute a module as `__main__`, or that of a package, as `python -m` does."""
        code, is_package = self._compiled(name)
        if is_package:
            name = f"{name}.{MAIN}"
            code, _ = self._compiled(name)
        parent = name.rpartition(".")[0]
        parent = parent if parent and find_source(parent, self._sys.path) else ""
        if parent:
            self.load(parent)
        self._execute(MAIN, code, self._fresh, parent)

    def watch_code(self, watch: Callable[[CodeType], None], names: Iterable[str]) -> None:
        """Call this with the code of each module of the program, now or when it is compiled, and of those named."""
        self._watch = watch
        for name in names:
            with suppress(OSError, SyntaxError, ValueError):  # whoever loads it tells
                watch(self._compiled(name)[0])

    def _compiled(self, name: str) -> tuple[CodeType, bool]:
        if name not in self._code:
            spec = find_source(name, self._sys.path)
            if spec is None:
                raise ModuleNotFoundError(f"no Python source for module {name!r}", name=name)
            code = compile(b"", "<package>", "exec")
            if spec.origin is not None:
                with open(spec.origin, "rb") as file:
                    source = file.read()
                watches = self._shared is not None and not below(name, UNWATCHED_MODULES)
                mine = self._is_of_program(name)
                body = self._serves and mine
                code = _code(source, spec.origin, name, mine=mine, watches=watches, body=body)
                if self._shared is not None and watches:
                    self._shared.watched |= {name, *((MAIN,) if self._serves else ())}
            self._code[name] = code, spec.submodule_search_locations is not None
            if self._is_of_program(name):
                self._watch(code)
        return self._code[name]

    def _copy(self, name: str, copies: dict[str, ModuleType]) -> ModuleType:
        if name in copies:
            return copies[name]
        parent, _, child = name.rpartition(".")
        package = self.load(parent) if parent else None
        if name in copies:  # its package has imported it
            return copies[name]
        code, is_package = self._compiled(name)
        module = self._execute(name, code, copies, name if is_package else parent, is_package=is_package)
        if package is not None and package is not sys.modules.get(parent):  # the process's own keeps its own
            setattr(package, child, module)
        return module

    def _execute(
        self, name: str, code: CodeType, copies: dict[str, ModuleType], package: str, *, is_package: bool = False
    ) -> ModuleType:
        module = ModuleType(name)
        module.__file__ = code.co_filename
        module.__package__ = package
        if is_package:
            module.__path__ = []
        is_watched = self._shared is not None and name in self._shared.watched
        vars(module)["__builtins__"] = self._watched_builtins if is_watched else self._builtins
        copies[name] = self._sys.modules[name] = module
        try:
            exec(code, vars(module))
        except BaseException:
            del copies[name]
            raise
        if name == "uuid":
            vars(module)["_node"] = NODE
        if name == "concurrent.futures.thread":  # the garbage collector must not wake workers of another run
            vars(module)["weakref"] = SimpleNamespace(
                ref=lambda thing, _=None: weakref.ref(thing), WeakKeyDictionary=weakref.WeakKeyDictionary
            )
        return module

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,  # noqa: ARG002 - the signature is __import__'s
        fromlist: Iterable[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """The `__import__` of a copy."""
        if level:
            name = importlib.util.resolve_name("." * level + name, (globals or {})["__package__"])
        if below(name, ("logging",)):
            mine = (globals or {}).get("__name__") in self._fresh
            logging: ModuleType = self._substitutes["logging of the program" if mine else "logging"]
            inner: ModuleType = getattr(logging, name.partition(".")[2], logging)
            return inner if fromlist else logging
        module = self.load(name)
        if "*" in (fromlist or ()) and (name in self._substitutes or isinstance(module, Namespace)):
            return everything_of(module)
        for child in fromlist or ():
            if isinstance(module, Namespace):
                getattr(module, child)  # raises NotModelled, where an import statement would raise ImportError
            elif hasattr(module, "__path__") and not hasattr(module, child) and child != "*":
                part = f"{name}.{child}"
                try:
                    loaded = self.load(part)
                except ModuleNotFoundError as error:
                    if error.name != part:  # otherwise the import statement says so
                        raise
                else:
                    if module is not sys.modules.get(name):  # two modules that import each other: it is not whole yet
                        setattr(module, child, loaded)
        if fromlist or level:
            return module
        return self.load(name.partition(".")[0])

    def _import_module(self, name: str, package: str | None = None) -> ModuleType:
        """The importlib.import_module() of a copy."""
        return self.load(importlib.util.resolve_name(name, package))

    def _print(
        self, *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        """The print() of a copy: it writes to the story, because there are thousands of runs."""
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        target = self._sys.stdout if file is None else file
        if isinstance(target, Output):
            self._say(f"prints {text.rstrip()!r}")
        elif target is not None:  # print() of a process without a standard output prints nothing
            print(text, end="", file=target, flush=flush)

    def _input(self, prompt: object = "") -> str:
        """The input() of a copy."""
        self._print(prompt)
        return self._sys.stdin.line()
