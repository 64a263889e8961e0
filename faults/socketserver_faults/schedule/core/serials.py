"""Numbers for objects in place of their addresses, which differ from run to run.

Without a hash of its own, an object hashes by its address, and so a set of handlers is in another order in each run.
Classes of the program under test inherit `Numbered`, and hash by the order in which they were first asked. The numbers
begin anew with each run, of which there is one at a time.

Next: `locks.py`.
"""

import weakref
from collections.abc import Callable
from typing import Any

FIRST_ADDRESS = 0x7F00_0000_0000
ADDRESS_STEP = 16


class Serials:
    """Object -> number."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Callable[[], object], int]] = {}
        self._next = 1
        self.note: Callable[[], object] = lambda: None
        """Called when an object is numbered."""

    def begin(self) -> None:
        """Forget all objects, and begin with 1 again."""
        self._known.clear()
        self._next = 1

    def of(self, thing: object) -> int:
        """Return the number of an object; it keeps alive only objects that cannot be referred to weakly."""
        address = id(thing)
        known = self._known.get(address)
        if known is not None and known[0]() is thing:
            return known[1]
        self.note()
        number, self._next = self._next, self._next + 1
        reference: Callable[[], object]
        try:
            reference = weakref.ref(thing)
        except TypeError:
            reference = lambda: thing  # noqa: E731 - it keeps the object
        self._known[address] = reference, number
        return number

    def address(self, thing: object) -> int:
        """Return what the program under test gets from id()."""
        return FIRST_ADDRESS + ADDRESS_STEP * self.of(thing)


SERIALS = Serials()


class Numbered:
    """Base of classes whose objects would hash by their addresses."""

    __slots__ = ()

    def __hash__(self) -> int:
        return SERIALS.of(self)

    def __repr__(self) -> str:
        kind = type(self)
        return f"<{kind.__module__}.{kind.__qualname__} object at {SERIALS.address(self):#x}>"


def inherits_numbers(bases: tuple[Any, ...], metaclass: type) -> bool:
    """Whether a class with these bases can inherit Numbered, and would otherwise hash by addresses."""
    plain = all(isinstance(base, type) and type(base).__module__ in ("builtins", "abc") for base in bases)
    return (
        plain
        and metaclass.__module__ in ("builtins", "abc")
        and not any(issubclass(base, type) for base in bases)
        and all(base.__hash__ is object.__hash__ for base in bases)
    )
