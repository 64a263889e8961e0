"""The reduced search: of all schedules, only those that differ in the order of steps that conflict.

Two schedules are *equivalent* if one comes from the other by exchanging neighbouring steps of different threads whose
footprints do not conflict (`core/footprints.py`). Equivalent schedules end in the same state, so one of each class is
enough. This is dynamic partial-order reduction: source sets and sleep sets, after Abdulla, Aronis, Jonsson and Sagonas
(POPL 2014), and Flanagan and Godefroid (POPL 2005).

    run a schedule, and record the footprint of each step
    for each step, find the steps of other threads that conflict with it, and that need not come before it
        such a *race* can be run the other way round: before the earlier step, another thread has to be tried
    go back to the last step before which a thread is still to be tried, and run that

A thread *sleeps* where it has been tried, until a step conflicts with what it is about to do: until then, every
schedule that runs it has an equivalent that was run. A run in which only sleeping threads are left is cut short.

Which thread must be tried before step i, because of a later step j of thread q?

    - if q comes to j only by steps after i: the first of these
    - otherwise q itself, if it could run before i
    - if it could not: those that let it run, without i, and the first of their steps
    - the first step between i and j that has to come before j, and not after i

More than needed may be tried; then the sleeping threads say so. A property test compares the outcomes with those of all
schedules (`tests/faults/schedule/reduction/test_reduction.py`).

Next: `following.py`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from socketserver_faults.schedule.core.footprints import (
    CHANGES,
    NEEDS,
    OPENS,
    CannotReduce,
    Footprint,
    Name,
    Observed,
    Path,
)
from socketserver_faults.schedule.core.recorder import Recorder, Step
from socketserver_faults.schedule.core.run import Choose, Task

Result = TypeVar("Result")

Clock = dict[Path, int]
"""For each thread, how many of its steps come before."""


class CutShort(Exception):
    """Only sleeping threads are left in a run."""


@dataclass
class Node:
    """A state in which a thread was chosen."""

    options: tuple[Path, ...]
    sleeping: dict[Path, Footprint]
    chosen: Path
    tried: dict[Path, Footprint] = field(default_factory=dict)
    wanted: list[Path] = field(default_factory=list)

    def has(self, path: Path) -> bool:
        """Whether a thread is tried here, or need not be."""
        return path == self.chosen or path in self.wanted or path in self.tried or path in self.sleeping

    def following(self) -> Path | None:
        """Return the next thread to be tried."""
        return next((path for path in self.wanted if path not in self.tried and path not in self.sleeping), None)


class Reduction:
    """The reduced search of one program; `run` runs a schedule, and notes its steps in the recorder."""

    def __init__(self) -> None:
        self.complete = 0
        """Schedules that were run to their end."""
        self.cut_short = 0
        self._observed = Observed()
        self._nodes: list[Node] = []
        self._recorder = Recorder()
        self._races = Races(self._observed)
        self._kept = 0
        """The steps of the last run that the next one has in common with it."""

    def runs(self, run: Callable[[Recorder, Choose], Result]) -> Iterator[Result | None]:
        """Run one schedule of each class, and yield their results; None for each that was cut short."""
        self._begin()
        while True:
            self._recorder = Recorder()
            try:
                result = run(self._recorder, self._choose)
            except CutShort:
                self.cut_short += 1
                yield None
            else:
                self.complete += 1
                yield result
            for step in self._recorder.steps[self._kept :]:
                self._observed.note(step.footprint)
            for _, waited, _ in self._recorder.left:
                self._observed.note(waited)
            self._observed.note_names(self._recorder.observed)
            if self._observed.wrong:
                self._begin()
                continue
            self._plan()
            if not self._go_back():
                return

    def _begin(self) -> None:
        """Begin the search, or begin it again."""
        self._observed.restart()
        self._nodes.clear()
        self._races, self._kept = Races(self._observed), 0

    def _choose(self, options: list[Task]) -> int:
        paths = tuple(option.path for option in options)
        depth = len(self._recorder.steps)
        if depth == len(self._nodes):
            sleeping = self._still_asleep() if depth else {}
            awake = next((path for path in paths if path not in sleeping), None)
            if awake is None:
                raise CutShort
            self._nodes.append(Node(paths, sleeping, awake))
        node = self._nodes[depth]
        if node.options != paths:
            raise CannotReduce("the program does not do the same under the same schedule")
        return paths.index(node.chosen)

    def _still_asleep(self) -> dict[Path, Footprint]:
        """Return the threads that sleep after the last step: those that did before, and whose next steps it leaves."""
        node, last = self._nodes[-1], self._recorder.steps[-1]
        return {
            path: footprint
            for path, footprint in (*node.sleeping.items(), *node.tried.items())
            if path != last.path and not self._observed.conflict(footprint, last.footprint)
        }

    def _go_back(self) -> bool:
        """Go back to the last step before which another thread is to be tried; return whether there is one."""
        for depth in reversed(range(len(self._nodes))):
            node = self._nodes[depth]
            if depth < len(self._recorder.steps):
                node.tried[node.chosen] = self._recorder.steps[depth].footprint
            following = node.following()
            if following is not None:
                node.chosen, self._kept = following, depth
                del self._nodes[depth + 1 :]
                return True
        return False

    def _plan(self) -> None:
        """Find the races of the last run, and note before which steps which threads must be tried."""
        races = self._races
        for earlier, later in races.found(self._recorder, self._kept):
            node, step = self._nodes[earlier], self._recorder.steps[earlier]
            leading = races.leading(earlier, later)
            if earlier in later.needs and (leading or later.path not in step.options):
                for enabling in races.enabling(earlier, later):
                    self._want(node, races.first(sorted({*leading, *races.before(earlier, enabling), enabling})))
                continue
            if leading:
                self._want(node, races.first(leading))
                continue
            if later.path in step.options:
                self._want(node, [later.path])
            else:
                for enabling in races.enabling(earlier, later):
                    self._want(node, races.first([*races.before(earlier, enabling), enabling]))
            between = races.between(earlier, later)
            if between:
                self._want(node, races.first(between))

    @staticmethod
    def _want(node: Node, one_of: list[Path]) -> None:
        if not any(node.has(path) for path in one_of):
            node.wanted.append(one_of[0])


@dataclass
class Later:
    """A step that races with earlier ones: one of the run, or one that a thread still waits to take."""

    index: int
    path: Path
    waited: Footprint
    needs: set[int]
    """The steps without which it could not come, unless others had the same effect, and those of a thread that held a
    lock that it takes: just before any of them it could not come either."""
    before: Clock
    """The steps before it, whatever the order of steps that conflict with it."""
    clock: Clock
    """The steps before it in this run."""


class Races:
    """The races of a run: pairs of steps that conflict, and of which the later need not come later."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._steps: list[Step] = []
        self._clocks: list[Clock] = []
        self._floors: list[Clock] = []
        self._readers: dict[Name, list[int]] = {}
        self._changers: dict[Name, list[tuple[int, int]]] = {}
        self._found: list[tuple[int, Later]] = []

    def found(self, recorder: Recorder, kept: int) -> list[tuple[int, Later]]:
        """Return the races of a run that those before had not: of its steps, the first `kept` ones are known."""
        self._forget(kept)
        self._steps, self._found = recorder.steps, []
        last = {step.path: clock for step, clock in zip(self._steps, self._clocks, strict=False)}
        floor = self._floors[-1] if self._floors else {}
        for index in range(kept, len(self._steps)):
            step = self._steps[index]
            if step.alone:
                floor = _joined(last.values())
            begun = last.get(step.path) or (self._clocks[step.born] if step.born >= 0 else {})
            later = self._later(index, step.path, step.waited, step.footprint, begun, floor)
            later.clock[step.path] = step.number + 1
            self._clocks.append(later.clock)
            self._floors.append(floor)
            last[step.path] = later.clock
            for name, how in step.footprint.items():
                if how & CHANGES:
                    self._changers.setdefault(name, []).append((index, how))
                else:
                    self._readers.setdefault(name, []).append(index)
        for path, waited, born in recorder.left:
            begun = last.get(path) or (self._clocks[born] if born >= 0 else {})
            self._later(len(self._steps), path, waited, waited, begun, floor)
        return self._found

    def _forget(self, kept: int) -> None:
        """Forget the steps of the last run but the first ones."""
        for step in self._steps[kept:]:
            for name, how in step.footprint.items():
                (self._changers if how & CHANGES else self._readers)[name].pop()
        del self._clocks[kept:], self._floors[kept:]

    def _later(
        self, index: int, path: Path, waited: Footprint, footprint: Footprint, begun: Clock, floor: Clock
    ) -> Later:
        """Return a step with its clocks; note its races.

        Where time passed because no thread could run (`floor`), a thread that waited could have gone on before only if
        what it waited for had been otherwise.
        """
        others = self._conflicting(path, footprint)
        locks = {name for name, how in footprint.items() if how & NEEDS}
        needs = {other for other, needed in others.items() if needed or self._steps[other].holds & locks}
        later = Later(
            index, path, waited, needs, begun, _joined([begun, floor, *(self._clocks[other] for other in others)])
        )
        passed = _joined([begun, floor])
        racing = {other for other in self._conflicting(path, waited) if not self._in(other, begun)}
        racing |= {other for other in others if not self._in(other, passed)}
        self._found += [(other, later) for other in sorted(racing)]
        return later

    def _conflicting(self, path: Path, footprint: Footprint) -> dict[int, bool]:
        """Return the steps of other threads up to here that conflict with a footprint, and whether it needs them."""
        found: dict[int, bool] = {}
        for name, how in footprint.items():
            for other, what in self._changers.get(name, ()):
                if self._observed.matters(name, how | what):
                    found[other] = found.get(other, True) and bool(how & NEEDS and what & OPENS)
            if how & CHANGES:
                found.update(dict.fromkeys((one for one in self._readers.get(name, ()) if one not in found), False))
        return {other: needed for other, needed in found.items() if self._steps[other].path != path}

    def _in(self, index: int, clock: Clock) -> bool:
        step = self._steps[index]
        return clock.get(step.path, 0) > step.number

    def _apart(self, earlier: int, index: int) -> bool:
        """Whether a step need not come after an earlier one."""
        return not self._in(earlier, self._clocks[index])

    def leading(self, earlier: int, later: Later) -> list[int]:
        """Return the steps after the earlier one by which the later thread comes to its step."""
        return [index for index in range(earlier + 1, later.index) if self._in(index, later.before)]

    def between(self, earlier: int, later: Later) -> list[int]:
        """Return the steps between the two that come before the later one, and not after the earlier one."""
        steps = range(earlier + 1, later.index)
        return [index for index in steps if self._in(index, later.clock) and self._apart(earlier, index)]

    def before(self, earlier: int, index: int) -> list[int]:
        """Return the steps after the earlier one that come before a step."""
        return [other for other in range(earlier + 1, index) if self._in(other, self._clocks[index])]

    def enabling(self, earlier: int, later: Later) -> list[int]:
        """Return the steps that change what the later thread has waited for, and that do not come after the earlier."""
        changing = {index for name in later.waited for index, _ in self._changers.get(name, ()) if index > earlier}
        return sorted(
            index for index in changing if self._steps[index].path != later.path and self._apart(earlier, index)
        )

    def first(self, indexes: list[int]) -> list[Path]:
        """Return the threads of those of the steps that come after none of them."""
        return [
            self._steps[index].path
            for index in indexes
            if not any(other < index and self._in(other, self._clocks[index]) for other in indexes)
        ]


def _joined(clocks: Iterable[Clock]) -> Clock:
    joined: Clock = {}
    for clock in clocks:
        for path, count in clock.items():
            if count > joined.get(path, 0):
                joined[path] = count
    return joined
