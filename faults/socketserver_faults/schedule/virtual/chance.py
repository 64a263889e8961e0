"""Substitutes for what differs from run to run: `random`, `datetime`, and the entropy of the system.

Each run draws the same numbers, at the same virtual times. What is left to chance cannot be replayed: the hashes of
strings differ from process to process (`schedule` fixes them by PYTHONHASHSEED), and functions hash by their addresses.

Next: `log.py`.
"""

import datetime
import random
from functools import cached_property
from types import ModuleType
from typing import Any, Self

from socketserver_faults.schedule.core.footprints import DRAWN, READ, WRITE, Touch
from socketserver_faults.schedule.core.scheduler import Scheduler

PROCESS_ID = 4711
NODE = 0x0242AC110002
"""The address of the virtual machine's network card, which is in each uuid1()."""


class Chance:
    """The sources of chance of one virtual process; each run begins with the same.

    Who draws a number, and who makes a generator, changes what others draw: that is noted by `touch`.
    """

    def __init__(self, touch: Touch) -> None:
        self._touch = touch
        chance = self

        class Random(random.Random):
            """A generator whose seed, if none is given, is the number of generators that the run has made."""

            def seed(self, a: Any = None, version: int = 2) -> None:
                if a is None:
                    chance.note()
                    chance.made += 1
                    a = f"generator {chance.made}"
                super().seed(a, version)

        class SystemRandom(Random):
            """A generator that no seed changes."""

            def seed(self, *_: Any, **__: Any) -> None:
                super().seed()

        self.random, self.system_random = Random, SystemRandom
        self.begin()

    def begin(self) -> None:
        """Begin a run."""
        self.made = 2  # the next two, which are made when they are first asked for
        vars(self).pop("shared", None)
        vars(self).pop("entropy", None)

    @cached_property
    def shared(self) -> Any:
        """The generator of the functions of `random`."""
        return self.random("generator 1")

    @cached_property
    def entropy(self) -> Any:
        """The system's source of chance."""
        return self.random("generator 2")

    def note(self) -> None:
        """Note that a number is drawn."""
        self._touch(DRAWN, READ | WRITE)

    def urandom(self, size: int) -> bytes:
        """Return what the system's source of chance returns."""
        self.note()
        return bytes(self.entropy.randbytes(size))


class RandomModule(ModuleType):
    """The `random` of a virtual process."""

    def __init__(self, chance: Chance) -> None:
        super().__init__("random")
        self._chance = chance
        self.Random, self.SystemRandom = chance.random, chance.system_random

    def __getattr__(self, name: str) -> Any:
        value = getattr(random, name)
        drawn = isinstance(getattr(value, "__self__", None), random.Random)
        return getattr(self._chance.shared, name) if drawn else value


def uuid_helper() -> ModuleType:
    """Return a `_uuid` that knows nothing of this machine, so that `uuid` asks `time` and `random`."""
    module = ModuleType("_uuid")
    vars(module)["has_uuid_generate_time_safe"] = False
    return module


class _InPlaceOf(type):
    """The type of a class in place of one of the library, whose instances count as its own."""

    def __instancecheck__(cls, thing: object) -> bool:
        return issubclass(type(thing), cls)

    def __subclasscheck__(cls, kind: type) -> bool:
        return type.__subclasscheck__(vars(cls).get("stands_for", cls), kind)


def datetime_of(scheduler: Scheduler) -> ModuleType:
    """Return a `datetime` whose clock is the scheduler's, in UTC."""

    class VirtualDate(datetime.date, metaclass=_InPlaceOf):
        stands_for = datetime.date

        @classmethod
        def today(cls) -> Self:
            moment = datetime.datetime.fromtimestamp(scheduler.now, datetime.UTC)
            return cls(moment.year, moment.month, moment.day)

    class VirtualDatetime(datetime.datetime, metaclass=_InPlaceOf):
        stands_for = datetime.datetime

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            moment = cls.fromtimestamp(scheduler.now, tz or datetime.UTC)
            return moment if tz else moment.replace(tzinfo=None)

        @classmethod
        def today(cls) -> Self:
            return cls.now()

        utcnow = today

    module = ModuleType("datetime")
    vars(module).update({name: value for name, value in vars(datetime).items() if not name.startswith("__")})
    for name, kind in (("date", VirtualDate), ("datetime", VirtualDatetime)):
        kind.__name__ = kind.__qualname__ = name
        kind.__module__ = "datetime"
        vars(module)[name] = kind
    return module
