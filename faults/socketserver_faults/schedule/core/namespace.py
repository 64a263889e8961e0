"""Modules in place of real ones, which refuse, by name, what is not modelled."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar


class Namespace(ModuleType):
    """A module with the names that are modelled; any other raises NotModelled, with the advice what to do instead."""

    def __init__(self, name: str, modelled: Mapping[str, Any], advice: str = "") -> None:
        super().__init__(name)
        self.__dict__["_advice"] = f": {advice}" if advice else ""
        vars(self).update(modelled)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotModelled(f"the scheduler does not model {self.__name__}.{name}{self._advice}")


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
