"""To clear a scenario: run one schedule of each class of equivalent ones, without a bound on deviations.

The program is watched for that, in a virtual process of its own, where an operation that may wait has a point more.
What fails there is searched for by deviations, as ever: so stories stay the shortest, and codes replay them.

Next: `random_runs.py`.
"""

import time
from dataclasses import dataclass
from typing import Self

from socketserver_faults.schedule.core.footprints import CannotReduce
from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.recorder import Recorder
from socketserver_faults.schedule.core.run import Choose, LostThread
from socketserver_faults.schedule.exploration.reduction import Reduction
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_faults.schedule.world.world import ScheduleResult, World

MAX_REDUCED_RUNS = 1000
"""Most runs to clear a scenario."""


@dataclass
class Cleared:
    """The result of the reduced search of one scenario."""

    complete: int = 0
    """Schedules that were run, no two of them equivalent."""
    cut_short: int = 0
    """Runs that turned out to be equivalent to others, and were cut short; and one to load modules."""
    whole: bool = False
    """Whether these are all, and none fails."""
    fails: bool = False


class Clearing:
    """Reduced searches of one program; a context manager, as it owns a virtual process."""

    def __init__(self, world: World) -> None:
        self._original = world
        self._world: World | None = None
        self._refused = world.lines or world.subject.make is None

    def clear(self, scenario: NamedScenario, until: float, most: int) -> Cleared:
        """Run one schedule of each class until one fails, until a moment of time.monotonic(), or at most so many."""
        result = Cleared()
        if self._refused or time.monotonic() > until or most <= 0:
            return result
        reduction = Reduction()
        try:
            result.whole = self._runs(reduction, scenario, until, min(most, MAX_REDUCED_RUNS), result)
        except (CannotReduce, NotModelled, SubjectRefused, LostThread):  # if it is a bug, the other search will say so
            self._refused = True
        result.complete, result.cut_short = reduction.complete, reduction.cut_short + 1
        return result

    def _runs(self, reduction: Reduction, scenario: NamedScenario, until: float, most: int, result: Cleared) -> bool:
        if self._world is None:
            self._world = World(self._original.subject, dialect=self._original.dialect, watched=True)
        world = self._world
        world.play(scenario)  # so that modules with one copy for all runs are loaded in none that is recorded
        loaded = world.modules.lasting
        self._refuse_untracked(world)

        def run(recorder: Recorder, choose: Choose) -> ScheduleResult:
            world.scheduler.recorder = recorder
            try:
                return world.play(scenario, choose)
            finally:
                world.scheduler.recorder = None
                self._refuse_untracked(world)
                if world.modules.lasting != loaded:
                    raise CannotReduce("the program loads modules under some schedules alone")

        for outcome in reduction.runs(run):
            if outcome is not None and outcome.failure is not None:
                result.fails = True
                return False
            judged = outcome is None or outcome.judged
            if not judged or time.monotonic() > until or reduction.complete + reduction.cut_short >= most:
                return False
        return True

    def _refuse_untracked(self, world: World) -> None:
        if world.modules.untracked:
            raise CannotReduce(f"the program names {', '.join(sorted(world.modules.untracked))}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._world is not None:
            self._world.close()
