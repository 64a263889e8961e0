"""What a step of a thread touches: its *footprint*, which decides whether its order with another step matters.

A step goes from one point of the scheduler to the next. Its footprint maps the name of each shared thing to what was
done with it, as bits:

    READ      the step depends on what the thing holds; a thread that waits reads what it waits for
    WRITE     the step changes it
    MERGE     the step changes it so that the order of such changes shows nowhere: a permit is released, a member added
    OPENS     the step changes it from what no thread goes on with to what one can: a lock is released
    NEEDS     the step could not come without that: a lock is taken

Two steps of different threads *conflict* if one reads what the other changes, or if both change a thing that is read by
any thread in any run. What no thread reads may be changed in any order. That is known only as runs go on, so `Observed`
remembers each conflict that it has denied, and says when that was wrong.

Names hold for all runs: a thread is named by the threads that started it, `(0, 2)`, and a thing by the thread and the
step that first touched it. An address would not do, nor a number that counts over all threads.

Next: `scheduler.py`.
"""

from collections.abc import Callable, Mapping

READ = 1
WRITE = 2
MERGE = 4
OPENS = 8
NEEDS = 16
CHANGES = WRITE | MERGE
ACCESS = READ | CHANGES

Path = tuple[int, ...]
"""The name of a thread: the first is (), its third child (2,), and so on."""

Name = object
"""The name of a shared thing: anything with a hash."""

Footprint = dict[Name, int]

Touch = Callable[[Name, int], None]
"""Notes what is touched."""

DRAWN = "the numbers drawn"
"""What all share who draw by chance."""


class CannotReduce(Exception):
    """The schedules of a program cannot be reduced; the message says why."""


class CannotReduceHere(CannotReduce):
    """Those of one scenario cannot."""


class Observed:
    """The things that are read by any thread in any run."""

    def __init__(self) -> None:
        self._read: set[Name] = set()
        self._denied: set[Name] = set()
        self.wrong = False
        """Whether a conflict was denied about a thing that is read after all."""

    def note(self, footprint: Mapping[Name, int]) -> None:
        """Note what a step reads."""
        self.note_names({name for name, how in footprint.items() if how & READ and name not in self._read})

    def note_names(self, read: set[Name]) -> None:
        """Note what is read."""
        self._read |= read
        self.wrong = self.wrong or not read.isdisjoint(self._denied)

    def restart(self) -> None:
        """Forget what was denied: the search begins again."""
        self._denied.clear()
        self.wrong = False

    def conflict(self, one: Mapping[Name, int], other: Mapping[Name, int]) -> bool:
        """Whether the order of two steps with these footprints matters."""
        if len(other) < len(one):
            one, other = other, one
        return any(name in other and self.matters(name, how | other[name]) for name, how in one.items())

    def matters(self, name: Name, both: int) -> bool:
        """Whether the order of two accesses matters; `both` has the bits of both."""
        both &= ACCESS
        if both in (READ, MERGE):
            return False
        if both & READ or name in self._read:
            return True
        self._denied.add(name)
        return False
