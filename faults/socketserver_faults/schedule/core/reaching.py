"""What can be reached from an object: names of objects, and what is touched when one is read or changed as a whole.

Next: `attributes.py`.
"""

import gc
from collections import OrderedDict, defaultdict, deque
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from socketserver_faults.schedule.core.footprints import READ, WRITE, Name
from socketserver_faults.schedule.core.scheduler import Scheduler

CONTAINERS = (list, dict, set, bytearray, deque)
VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()), type(OrderedDict().keys()))
DESCRIPTORS = (WrapperDescriptorType, MethodDescriptorType, ClassMethodDescriptorType)
ATOMS = (
    *(type(None), bool, int, float, complex, str, bytes, frozenset),
    *(range, type, ModuleType, FunctionType, *DESCRIPTORS),
)
"""Values that do not change; the attributes of types and modules are touched by name."""

OWN = "socketserver_faults.schedule"
"""The package whose objects say themselves what is touched."""

MAX_REACHED = 2000
"""Most objects that code which is not watched may reach."""


class Reaching:
    """The objects of one virtual process."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.watched: set[str] = set()
        """Names of the modules whose code is watched."""

    @property
    def _recording(self) -> bool:
        """Whether it is noted what is touched: all that comes before the second thread comes first in any order."""
        return self._scheduler.recording and len(self._scheduler.tasks) > 1

    # Names

    def _touch(self, name: Name, how: int) -> None:
        self._scheduler.touch(name, how)

    def _name(self, thing: Any) -> Name:
        """Return the name of an object, which it gets when it is first touched."""
        if isinstance(thing, type):
            return "type", thing.__module__, thing.__qualname__
        if isinstance(thing, ModuleType):
            return "module", thing.__name__
        recorder = self._scheduler.recorder
        assert recorder is not None
        return recorder.known(thing) or recorder.call(thing, self._scheduler.label())

    def new(self, thing: Any) -> Any:
        """Name a new object after the step that makes it; return it."""
        if self._scheduler.recording and not isinstance(thing, (*ATOMS, tuple)):
            self._name(thing)
        return thing

    def _refuse(self, what: str) -> None:
        self._scheduler.refuse_to_reduce(what)

    def _note(self, thing: Any, how: int) -> None:
        """Touch a container, or what an iterator refers to."""
        if isinstance(thing, CONTAINERS):
            name = self._name(thing)
            self._touch(name, how | WRITE * isinstance(thing, defaultdict))
            if isinstance(thing, set):
                self._touch((name, "all"), how)
        elif isinstance(thing, VIEWS):
            self._reach(gc.get_referents(thing), how & READ)
        elif not isinstance(thing, (*ATOMS, tuple, GeneratorType)) and not self._is_watched(type(thing)):
            self._reach(thing, READ | WRITE)

    def _is_watched(self, function: Any) -> bool:
        """Whether a function, a class or an object with __call__ says itself what it touches, or touches nothing."""
        if isinstance(function, MethodType):
            function = function.__func__
        if not isinstance(function, FunctionType | type | BuiltinFunctionType | MethodWrapperType):
            function = type(function)
        module = getattr(function, "__module__", None) or ""
        if isinstance(function, type) and issubclass(function, BaseException):
            return True
        return module in self.watched or module.startswith(OWN)

    def _reach(self, thing: Any, how: int) -> None:
        """Touch an object, and all that can be reached from it."""
        seen: set[int] = set()
        found = [thing]
        while found:
            one = found.pop()
            if isinstance(one, ATOMS) or id(one) in seen or type(one).__module__.startswith(OWN):
                continue
            if isinstance(one, BuiltinFunctionType) and isinstance(one.__self__, ModuleType | type | None):
                continue
            seen.add(id(one))
            if len(seen) > MAX_REACHED:
                self._refuse("passes too many objects to code that is not watched")
            if isinstance(one, CONTAINERS):
                self._touch(self._name(one), how)
                if isinstance(one, set):
                    self._touch((self._name(one), "all"), how)
                found += (*one.keys(), *one.values()) if isinstance(one, dict) else one
            elif isinstance(one, tuple):
                found += one
            elif isinstance(one, (MethodType, GeneratorType, *VIEWS)):
                found += [] if isinstance(one, GeneratorType) else gc.get_referents(one)
                continue
            elif not isinstance(getattr(one, "__dict__", None), dict):
                self._touch(self._name(one), READ | WRITE if how & WRITE or hasattr(one, "__next__") else READ)
                found += gc.get_referents(one)
            if isinstance(attributes := getattr(one, "__dict__", None), dict):
                for attribute, value in attributes.items():
                    self._touch((self._name(one), attribute), how)
                    found.append(value)
