"""Modules in place of real ones, which refuse, by name, what is not modelled."""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, NoReturn


class Namespace(ModuleType):
    """A module with the names that are modelled; any other raises NotModelled, with the advice what to do instead.

    The advice is that for a whole module, in which nothing plays, or for single names.
    """

    def __init__(self, name: str, modelled: Mapping[str, Any], advice: str | Mapping[str, str] = "") -> None:
        super().__init__(name)
        self.__dict__["_advice"] = advice
        vars(self).update(modelled)

    def __getattr__(self, name: str) -> Any:
        whole = isinstance(self._advice, str) and self._advice
        if name.startswith("__") or not (whole or hasattr(sys.modules.get(self.__name__), name)):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        advice = whole or (self._advice or {}).get(name, "")
        raise NotModelled(f"the scheduler does not model {self.__name__}.{name}" + (f": {advice}" if advice else ""))


class NotModelled(AttributeError):
    """The program uses something that the scheduler does not model; the message names it.

    A program may catch it, so the message of each is kept in `refusals` until the next run begins.
    """

    refusals: ClassVar[list[str]] = []

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.refusals.append(message)


def program_hasattr(thing: object, name: str) -> bool:
    """The hasattr() of a program: to ask whether a name is there is not to use it."""
    before = len(NotModelled.refusals)
    found = hasattr(thing, name)
    del NotModelled.refusals[before:]
    return found


def program_getattr(thing: Any, name: str, *default: Any) -> Any:
    """The getattr() of a program; with a default, it asks as hasattr() does."""
    before = len(NotModelled.refusals)
    value = getattr(thing, name, *default)
    del NotModelled.refusals[before:]
    return value


class Unmodelled:
    """What `from MODULE import *` gives in place of a name that is not modelled: its use is refused, as the module's.

    So a program may import everything, and use what plays.
    """

    def __init__(self, module: ModuleType, name: str) -> None:
        self.__dict__["_refuse"] = lambda: getattr(module, name)

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise self._refuse()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._refuse()

    def __mro_entries__(self, _: tuple[object, ...]) -> NoReturn:
        raise self._refuse()


def everything_of(module: ModuleType) -> ModuleType:
    """Return the module as `from MODULE import *` sees it: with the public names of the real one, and no other."""
    real = import_module(module.__name__)
    public = getattr(real, "__all__", [name for name in vars(real) if not name.startswith("_")])
    seen = ModuleType(module.__name__)
    before = len(NotModelled.refusals)
    for name in public:
        try:
            value = getattr(module, name)
        except NotModelled:
            value = Unmodelled(module, name)
        setattr(seen, name, value)
    seen.__dict__["__all__"] = [*public]
    del NotModelled.refusals[before:]
    return seen
