"""What the code of a program does with its objects: called by `watched_code.py`'s version of that code.

A container is touched as a whole, an object by attribute. The elements of a set may be added and removed in any order
where that cannot be seen: each element hashes to a place of its own. Code that is not watched, of the library or in C,
is taken to read and change all that it can reach from its arguments, but for calls that are known to read or to do
nothing. What cannot be watched ends the run with CannotReduce.

Next: `watched_code.py`.
"""

import builtins
import operator
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from functools import partial
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, MethodWrapperType, ModuleType
from typing import Any

from socketserver_faults.schedule.core.attributes import Attributes
from socketserver_faults.schedule.core.footprints import DRAWN, MERGE, READ, WRITE, Name
from socketserver_faults.schedule.core.namespace import program_getattr, program_hasattr
from socketserver_faults.schedule.core.reaching import ATOMS, CONTAINERS, OWN, Reaching

READERS = {
    *("copy", "get", "keys", "values", "items", "count", "index", "isdisjoint", "issubset", "issuperset", "union"),
    *("difference", "intersection", "symmetric_difference", "decode", "find", "startswith", "endswith", "strip"),
    *("split", "splitlines", "partition", "__contains__", "__len__", "__iter__", "__getitem__", "__eq__", "hex"),
}
"""Methods of containers that read."""

BLIND = {"append", "appendleft", "extend", "extendleft", "clear", "add", "update"}
"""Methods that change a container without looking at it."""

PURE: set[Any] = {isinstance, issubclass, callable, type, id, range, object, super, property, classmethod, staticmethod}
READING_FUNCTIONS: set[Any] = {
    *(all, any, ascii, bool, bytearray, bytes, dict, enumerate, filter, float, format, frozenset, hash, int, iter, len),
    *(list, map, max, min, print, repr, reversed, set, sorted, str, sum, tuple, zip, deque, defaultdict),
}
"""Functions that do nothing to their arguments, and functions that read them."""

REFUSED_CALLS = ("exec", "eval", "globals", "locals", "dir")
"""Functions that reach variables or attributes by other ways."""

HOME_SLOTS = 8
"""Places in the smallest set of Python: smaller hashes are places of their own in any set."""


class SharedObjects(Reaching):
    """The objects of one virtual process, as watched code touches them."""

    def functions(self) -> dict[str, Any]:
        """Return the functions that watched code calls, by the names that it calls them."""
        return {
            "<new>": self.new,
            "<load>": self.load,
            "<store>": self.store,
            "<read>": self.read,
            "<compare>": self.compare,
            "<change>": self.change,
            "<delete>": self.delete,
            "<has>": self.has,
            "<each>": self.each,
            "<call>": self.call,
            "<augmented>": self.augmented,
            "<name>": self.read_name,
            "<rename>": self.change_name,
            "getattr": self.getattr,
            "hasattr": self.hasattr,
            "setattr": self.setattr,
            "delattr": self.delattr,
            "vars": self.vars,
            **{name: self._refusing(name) for name in REFUSED_CALLS},
        }

    def _refusing(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            self._refuse(f"calls {name}()")
            return getattr(builtins, name)(*arguments, **keywords)

        return call

    # Attributes

    def load(self, thing: Any, name: str) -> Any:
        """Return an attribute."""
        value = getattr(thing, name)
        if name == "__dict__" and self._scheduler.recording:
            return self.vars(thing)
        if self._recording:
            self._note_load(thing, name, value)
        return value

    def _note_load(self, thing: Any, name: str, value: Any) -> None:
        kind = type(thing)
        if isinstance(thing, ModuleType):
            if thing.__name__ in self.watched:
                self._touch((self._name(thing), name), READ)
        elif isinstance(thing, type):
            self._note_class(thing, name)
        elif (
            kind.__module__.startswith(OWN)
            or isinstance(thing, ATOMS)
            or (not hasattr(thing, "__dict__") and kind.__module__ not in self.watched)
        ):
            return
        else:
            own = self._name(thing)
            self._touch((own, name), READ)
            if name not in getattr(thing, "__dict__", ()):
                self._note_class(kind, name)
            self._adopt(value, (own, name))

    def _note_class(self, kind: type, name: str) -> None:
        for base in kind.__mro__:
            if name in vars(base):
                value = vars(base)[name]
                if not isinstance(value, FunctionType) and base.__module__ in self.watched:
                    self._touch((self._name(base), name), READ)
                    self._adopt(value, (self._name(base), name))
                return
            if base.__module__ in self.watched:
                self._touch((self._name(base), name), READ)

    def _adopt(self, value: Any, label: Any) -> None:
        """Name what an attribute holds after it, if it has no name yet."""
        recorder = self._scheduler.recorder
        if recorder is not None and not isinstance(value, ATOMS) and recorder.known(value) is None:
            recorder.call(value, ("held by", label))

    def getattr(self, thing: Any, name: str, *default: Any) -> Any:
        """The getattr() of watched code."""
        value = program_getattr(thing, name, *default)
        if self._recording:
            self._note_load(thing, name, value)
        return value

    def hasattr(self, thing: Any, name: str) -> bool:
        """The hasattr() of watched code."""
        if self._recording:
            self._note_load(thing, name, None)
        return program_hasattr(thing, name)

    def setattr(self, thing: Any, name: str, value: Any) -> None:
        """The setattr() of watched code."""
        setattr(self.store(thing, name), name, value)

    def delattr(self, thing: Any, name: str) -> None:
        """The delattr() of watched code."""
        delattr(self.delete(thing, name), name)

    def vars(self, thing: Any) -> Any:
        """The vars() of watched code."""
        if self._scheduler.recording and isinstance(thing, type | ModuleType):
            self._refuse("calls vars() of a class or a module")
        return Attributes(self, thing) if self._scheduler.recording else vars(thing)

    def store(self, thing: Any, name: str) -> Any:
        """Note that an attribute is about to be changed; return the object."""
        if self._recording:
            if isinstance(thing, type) and isinstance(vars(thing).get(name), FunctionType):
                self._refuse(f"replaces {thing.__qualname__}.{name}")
            if isinstance(thing, ModuleType) and thing.__name__ not in self.watched:
                self._refuse(f"changes {thing.__name__}.{name}, which may outlive its runs")
            self._touch((self._name(thing), name), WRITE)
        return thing

    def read_name(self, name: Name, value: Any) -> Any:
        """Note that a variable that several functions share is read; return its value."""
        self._touch(name, READ)
        return value

    def change_name(self, name: Name, value: Any) -> Any:
        """Note that such a variable is about to be changed; return its value."""
        self._touch(name, WRITE)
        return value

    # Containers

    def read(self, thing: Any) -> Any:
        """Note that an object is read as a whole, if it is a container; return it."""
        if not isinstance(thing, ATOMS) and self._recording:
            self._note(thing, READ)
        return thing

    def compare(self, thing: Any) -> Any:
        """Note that an object is read with all that it holds; return it."""
        if not isinstance(thing, ATOMS) and self._recording:
            self._reach(thing, READ)
        return thing

    def change(self, thing: Any) -> Any:
        """Note that an element of a container is about to be set; return the container."""
        if self._recording:
            self._note(thing, WRITE if isinstance(thing, dict) else READ | WRITE)  # a list may be too short
        return thing

    def delete(self, thing: Any, *name: str) -> Any:
        """Note that an element of a container, or an attribute, is about to be deleted; return the object."""
        if self._recording:
            self._note(thing, READ | WRITE)
            for one in name:
                self._touch((self._name(thing), one), READ | WRITE)
        return thing

    def has(self, element: Any, thing: Any) -> bool:
        """Return whether a container has an element."""
        if self._recording:
            if isinstance(thing, set):
                name = self._name(thing)
                self._touch((name, "all"), READ)
                self._touch((name, hash(element)), READ)
            else:
                self._note(thing, READ)
        return element in thing

    def each(self, thing: Any) -> Any:
        """Return what yields the elements of an object, and touches it each time."""
        if isinstance(thing, (*ATOMS, tuple, GeneratorType)) or not self._recording or self._is_watched(type(thing)):
            return thing
        return self._elements(iter(thing), thing)

    def _elements(self, iterator: Iterator[Any], thing: Any) -> Iterator[Any]:
        while True:
            try:
                element = self._passing(partial(self._note, thing, READ), partial(next, iterator))
            except StopIteration:
                return
            if self._recording and isinstance(element, CONTAINERS):
                self._adopt(element, ("in", self._name(thing), self._scheduler.label()))
                self._note(element, READ)  # it may be unpacked
            yield element

    def augmented(self, what: str, old: Any, value: Any) -> Any:
        """Return the result of an augmented assignment, such as `+=`."""
        if self._recording and not isinstance(old, ATOMS):
            self._note(old, READ | WRITE)
            self._note(value, READ)
        return getattr(operator, what)(old, value)

    # Calls

    def call(self, function: Any) -> Any:
        """Return the function, or one that notes what it does."""
        if not self._scheduler.recording:
            return function
        is_watched = self._is_watched(function)
        if is_watched and not isinstance(function, type):
            return function
        if is_watched or not self._recording:
            return lambda *arguments, **keywords: self.new(function(*arguments, **keywords))
        owner = getattr(function, "__self__", None)
        built_in = isinstance(function, BuiltinFunctionType | MethodWrapperType)
        if isinstance(owner, CONTAINERS) and built_in and function.__name__ != "sort":  # which calls its key

            def method(*arguments: Any, **keywords: Any) -> Any:
                self._note_method(owner, function.__name__, arguments)
                return self.new(function(*arguments, **keywords))

            return method

        def unwatched(*arguments: Any, **keywords: Any) -> Any:
            note = partial(self._note_call, function, owner, (*arguments, *keywords.values()))
            return self.new(self._passing(note, partial(function, *arguments, **keywords)))

        return unwatched

    def _passing(self, note: Callable[[], object], call: Callable[[], Any]) -> Any:
        """Call code that is not watched, and return its result; each step of it touches what `note` touches."""
        recorder, task = self._scheduler.recorder, self._scheduler.running
        if recorder is None or task is None or not self._recording:
            return call()
        before, recorder.current = recorder.current, {}
        note()
        noted, recorder.current = recorder.current, before
        outer, task.within = task.within, {**task.within, **noted}
        for name, how in noted.items():
            recorder.touch(name, how)
            task.within[name] |= outer.get(name, 0)
        try:
            return call()
        finally:
            task.within = outer
            if recorder.current is not before and self._recording:  # it has waited: more may be within reach
                note()

    def _note_method(self, owner: Any, method: str, arguments: tuple[Any, ...]) -> None:
        name = self._name(owner)
        for argument in arguments:
            self._note(argument, READ)
        if isinstance(owner, set) and method in ("add", "discard", "remove") and len(arguments) == 1:
            number = hash(arguments[0])
            own_slots = len(owner) < HOME_SLOTS and all(0 <= hash(one) < HOME_SLOTS for one in (*owner, *arguments))
            self._touch(name, MERGE if own_slots else WRITE)
            self._touch((name, number), READ | WRITE)
            return
        how = READ if method in READERS else WRITE if method in BLIND else READ | WRITE
        self._note(owner, how)

    def _note_call(self, function: Any, owner: Any, arguments: tuple[Any, ...]) -> None:
        try:
            known = function in PURE
            reading = function in READING_FUNCTIONS
        except TypeError:  # it has no hash
            known = reading = False
        if known:
            return
        if isinstance(owner, random.Random):
            self._touch(DRAWN, READ | WRITE)
        if any(isinstance(one, BuiltinFunctionType) and isinstance(one.__self__, CONTAINERS) for one in arguments):
            self._refuse(f"passes a method of a container to {getattr(function, '__name__', function)}")
        if reading or (isinstance(function, BuiltinFunctionType | MethodWrapperType) and isinstance(owner, ATOMS[1:8])):
            for argument in arguments:
                self._reach(argument, READ)
            return
        if not isinstance(owner, ModuleType | type | None):
            self._reach(owner, READ | WRITE)
        if not isinstance(function, FunctionType | BuiltinFunctionType | MethodType | type):
            self._reach(function, READ | WRITE)
        for argument in arguments:
            self._reach(argument, READ | WRITE)
