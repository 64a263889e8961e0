"""To clear a scenario: run one schedule of each class of equivalent ones, without a bound on deviations.

The program is watched for that, in a virtual process of its own, where an operation that may wait has a point more.
What fails there is followed in the other virtual process (`following.py`), and searched for by deviations, as ever: so
stories stay the shortest, and codes replay them.

Next: `random_runs.py`.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from socketserver_faults.schedule.core.footprints import CannotReduce, CannotReduceHere
from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.recorder import Recorder
from socketserver_faults.schedule.core.run import Choose, LostThread
from socketserver_faults.schedule.exploration.following import followed
from socketserver_faults.schedule.exploration.reduction import Reduction
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_faults.schedule.world.world import ScheduleResult, World
from socketserver_faults.schedule.world.worlds import world_of

NO_TIME = "no time was left"


@dataclass
class Cleared:
    """The result of the reduced search of one scenario."""

    complete: int = 0
    """Schedules that were run, no two of them equivalent."""
    cut_short: int = 0
    """Runs that turned out to be equivalent to others, and were cut short; and one to load modules."""
    unjudged: int = 0
    """How many of the schedules the oracle could not judge: the search ends with the first."""
    whole: bool = False
    """Whether these are all, and none fails."""
    why: str = ""
    """Why they are not."""
    outcome: ScheduleResult | None = None
    """The run of the program as it is that fails, if one of the schedules does."""


class Clearing:
    """Reduced searches of one program; a context manager, as it owns a virtual process."""

    def __init__(self, world: World) -> None:
        self._original = world
        self._world: World | None = None
        self._stack = ExitStack()
        self.refused = ""
        """Why no scenario can be cleared; "" if that is not so."""

    def clear(self, scenario: NamedScenario, until: float, most: int) -> Cleared:
        """Run one schedule of each class until one fails, until a moment of time.monotonic(), or at most so many."""
        result = Cleared()
        if self.refused:
            return result
        if time.monotonic() > until or most <= 0:
            result.why = NO_TIME if most > 0 else "no schedules were left"
            return result
        reduction = Reduction()
        try:
            result.whole = self._runs(reduction, scenario, until, most, result)
        except CannotReduceHere as why:
            result.why = str(why)
        except CannotReduce as why:
            self.refused = str(why)
        except (NotModelled, SubjectRefused, LostThread) as why:
            self.refused = f"while it is watched: {why}"
        result.complete, result.cut_short = reduction.complete, reduction.cut_short + 1
        return result

    def _runs(self, reduction: Reduction, scenario: NamedScenario, until: float, most: int, result: Cleared) -> bool:
        if self._world is None:
            original = self._original
            watched = world_of(original.subject, lines=original.lines, dialect=original.dialect, watched=True)
            self._world = self._stack.enter_context(watched)
        world = self._world
        world.play(scenario)  # so that modules with one copy for all runs are loaded in none that is recorded
        loaded = world.modules.lasting

        def run(recorder: Recorder, choose: Choose) -> ScheduleResult:
            world.scheduler.recorder = recorder
            try:
                return world.play(scenario, choose)
            finally:
                world.scheduler.recorder = None
                if world.modules.lasting != loaded:
                    raise CannotReduce("the program loads modules under some schedules alone")

        for outcome in reduction.runs(run):
            if outcome is not None and outcome.failure is not None:
                result.outcome = followed(self._original, scenario, outcome.story.events)
                result.why = "" if result.outcome else "one fails while the program is watched, and not otherwise"
            elif outcome is not None and not outcome.judged:
                result.unjudged, result.why = 1, "one of them cannot be judged"
            elif reduction.complete + reduction.cut_short + 1 >= most:
                result.why = f"there are more than {reduction.complete}"
            elif time.monotonic() > until:
                result.why = f"{NO_TIME} after {reduction.complete}"
            else:
                continue
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
