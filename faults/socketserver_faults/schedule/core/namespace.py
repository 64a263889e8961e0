"""Modules that stand for real ones, and refuse with its name what they do not have."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any


class Namespace(ModuleType):
    """A module of names that are modelled; the others are refused."""

    def __init__(self, name: str, modelled: Mapping[str, Any]) -> None:
        super().__init__(name)
        vars(self).update(modelled)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotModelled(f"the scheduler does not model {self.__name__}.{name}")


class NotModelled(AttributeError):
    """The program asked for something that virtual sockets do not have. It says what."""
