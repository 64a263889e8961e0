"""The steps of one run, with their footprints, for a search that compares their orders.

`Recording` is the part of the scheduler that knows of it.

Next: `decisions.py`.
"""

from dataclasses import dataclass, field
from typing import NoReturn

from socketserver_faults.schedule.core.footprints import (
    MERGE,
    NEEDS,
    OPENS,
    READ,
    WRITE,
    CannotReduce,
    Footprint,
    Name,
    Path,
)
from socketserver_faults.schedule.core.run import Task

PROCESS = "the process"
"""Read by each step: a thread that ends the process stops the others."""

THREAD_NUMBERS, LIVES, LIFE = "the numbers of threads", "the threads that live", "the life of"
"""Names of what threads share: their numbers, which threads there are, and whether one of them is over."""

IDLE = "waits until all other threads are idle"

Label = tuple[object, ...]


@dataclass
class Step:
    """A step of a thread."""

    path: Path
    number: int
    """How many steps the thread has taken before."""
    options: tuple[Path, ...]
    """The threads that could run."""
    alone: bool
    """Whether it came when no other thread could run: all steps before it are before it in any order."""
    born: int
    """The step that started the thread; -1 for the first thread."""
    holds: frozenset[Name]
    """The locks that the thread holds when the step begins."""
    waited: Footprint
    """What the thread has read since it announced the step, to see whether it can run."""
    footprint: Footprint


@dataclass
class Recorder:
    """The steps of one run."""

    steps: list[Step] = field(default_factory=list)
    current: Footprint = field(default_factory=dict)
    left: list[tuple[Path, Footprint, int]] = field(default_factory=list)
    """The threads that are left at the end: their paths, what they wait for, and the steps that started them."""
    observed: set[Name] = field(default_factory=set)
    """Things of which the order of changes matters, though no step reads them."""
    _names: dict[int, tuple[Label, object]] = field(default_factory=dict)
    _labels: int = 0

    def touch(self, name: Name, how: int) -> None:
        """Note what the running step, or the condition of a waiting thread, does with a thing."""
        self.current[name] = self.current.get(name, 0) | how

    def begin(self, task: Task, options: list[Task], alone: bool) -> None:
        """Begin a step of a thread."""
        self.current = {**task.waited, PROCESS: READ}
        for name, how in task.within.items():
            self.touch(name, how)
        paths = tuple(option.path for option in options)
        holds = frozenset(task.holds)
        self.steps.append(Step(task.path, task.steps, paths, alone, task.born, holds, task.waited, self.current))
        self._labels = 0
        task.steps += 1

    def label(self, task: Task) -> Label:
        """Return a name for a thing that the thread makes, or touches first."""
        self._labels += 1
        return task.path, task.steps, self._labels

    def known(self, thing: object) -> Label | None:
        """Return the name of an object, if it has one."""
        found = self._names.get(id(thing))
        return found[0] if found else None

    def call(self, thing: object, label: Label) -> Label:
        """Give an object a name, and keep it alive for as long as the run."""
        self._names[id(thing)] = label, thing
        return label


class Recording:
    """The part of the scheduler that notes, for a recorder, what each step touches; without one, it does nothing."""

    running: Task | None
    aborting: bool
    now: float
    silent = False
    """Whether no run will be recorded: see `unrecorded.py`."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        """Receives the steps of the runs and what they touch; while there is one, time stands still between waits."""
        self._lasting = 0

    def give_up(self, failure: BaseException | None = None) -> NoReturn:
        """End the run here and now."""
        raise NotImplementedError

    def _note_spawned(self, task: Task) -> None:
        if self.recorder is not None and self.running is not None:
            task.path, task.born = (*self.running.path, self.running.children), len(self.recorder.steps) - 1
            self.running.children += 1
            self.touch(THREAD_NUMBERS, WRITE)
            self.touch(LIVES, MERGE)

    def _note_ended(self, task: Task) -> None:
        self.touch((LIFE, task.path), WRITE | OPENS)
        self.touch(LIVES, MERGE)

    def touch(self, name: Name, how: int) -> None:
        """Note, if the run is recorded, what the running thread does with a shared thing."""
        if (recorder := self.recorder) is not None and self.running is not None and not self.aborting:
            current = recorder.current  # as its touch(), but in one call
            current[name] = current.get(name, 0) | how

    def observe(self, name: Name) -> None:
        """Note, if the run is recorded, that the order matters in which a thing is changed."""
        if self.recorder is not None:
            self.recorder.observed.add(name)

    def refuse_to_reduce(self, what: str) -> None:
        """End the run, if it is recorded, because of something that cannot be."""
        if self.recording:
            self.give_up(CannotReduce(f"the program {what}"))

    @property
    def recorded(self) -> bool:
        """Whether the run is recorded."""
        return self.recorder is not None

    @property
    def recording(self) -> bool:
        """Whether it is noted what the running thread touches."""
        return self.recorder is not None and self.running is not None and not self.aborting

    def label(self) -> Label:
        """Return a name for a thing that is being made, which it keeps in all runs."""
        if self.recorder is not None and self.running is not None:
            return self.recorder.label(self.running)
        self._lasting += 1
        return ("lasting", self._lasting)

    def is_over(self, task: Task, needed: bool = False) -> bool:
        """Whether a thread is over; that is `needed` if the running one waits for that, and for nothing else."""
        if self.recorder is not None:
            self.touch((LIFE, task.path), READ | NEEDS * needed)
        return task.over

    def _enabled(self, task: Task) -> bool:
        """Whether a thread can run; what its condition reads is noted."""
        if self.recorder is None or task.ready is None:
            return task.enabled(self.now)
        before, self.recorder.current = self.recorder.current, task.waited
        try:
            return task.enabled(self.now)
        finally:
            self.recorder.current = before
