"""Substitute for `logging`: the lines of a program are notes of its story, because there are thousands of runs.

Next: `process.py`.
"""

import logging
from collections.abc import Callable
from types import ModuleType
from typing import Any

FILE_HANDLERS = ("FileHandler", "StreamHandler", "NullHandler")
"""Handlers that would write somewhere else."""


class _Anything:
    """An object that takes every call, and does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


class _Handlers(ModuleType):
    """A module of handlers, all of which do nothing."""

    def __getattr__(self, name: str) -> type[_Anything]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything


def _logs(level: int) -> Callable[..., None]:
    """Return the method that logs at a level."""

    def log(self: "Logger", message: object, *arguments: Any, **keywords: Any) -> None:
        self.log(level, message, *arguments, **keywords)

    return log


class Logger:
    """A logger that notes what its level lets through."""

    def __init__(self, name: str, note: Callable[[str], None], parent: "Logger | None" = None) -> None:
        self.name = name
        self.level = logging.NOTSET if parent else logging.WARNING
        self.parent = parent
        self.handlers: list[object] = []
        self.disabled, self.propagate = False, True
        self._note = note

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None

    def setLevel(self, level: int | str) -> None:  # noqa: N802 - the library's name
        self.level = logging.getLevelNamesMapping()[level] if isinstance(level, str) else level

    def getEffectiveLevel(self) -> int:  # noqa: N802 - the library's name
        return self.level or (self.parent.getEffectiveLevel() if self.parent else logging.NOTSET)

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the library's name
        return level >= self.getEffectiveLevel()

    def hasHandlers(self) -> bool:  # noqa: N802 - the library's name
        return True

    def getChild(self, name: str) -> "Logger":  # noqa: N802 - the library's name
        return Logger(f"{self.name}.{name}", self._note, self)

    def log(self, level: int, message: object, *arguments: Any, **_: Any) -> None:
        if self.isEnabledFor(level):
            one = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], dict) and arguments[0] else arguments
            try:
                text = str(message) % one if arguments else str(message)
            except Exception as error:  # the library prints such an error, and goes on
                text = f"{message if isinstance(message, str) else type(message)} ({type(error).__name__})"
            self._note(f"logs {text!r}")

    debug, info = _logs(logging.DEBUG), _logs(logging.INFO)
    warning = warn = _logs(logging.WARNING)
    error = exception = _logs(logging.ERROR)
    critical = fatal = _logs(logging.CRITICAL)


def silent_logging(note: Callable[[str], None], at_begin: list[Callable[[], None]]) -> ModuleType:
    """Return a `logging` whose loggers note their lines, and write nowhere; each run begins without loggers."""
    root = Logger("root", note)
    loggers: dict[str, Logger] = {}

    def begin() -> None:
        loggers.clear()
        root.level = logging.WARNING

    at_begin.append(begin)

    def get_logger(name: str | None = None) -> Logger:
        return loggers.setdefault(name, Logger(name, note, root)) if name else root

    def configure(*, level: int | str | None = None, **_: object) -> None:
        if level is not None:
            root.setLevel(level)

    module = ModuleType("logging")
    vars(module).update({name: value for name, value in vars(logging).items() if not name.startswith("__")})
    vars(module).update(dict.fromkeys(FILE_HANDLERS, _Anything), getLogger=get_logger, basicConfig=configure, root=root)
    for name in ("debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"):
        vars(module)[name] = getattr(root, name)
    for name in ("handlers", "config"):
        vars(module)[name] = _Handlers(f"logging.{name}")
    return module
