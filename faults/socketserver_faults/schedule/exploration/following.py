"""To follow a schedule of a watched program with the program as it is, so that a failure gets a story and a code.

A watched program has more points: one where an operation may wait. So its steps are matched with those of the other by
their words, thread by thread, and of the threads that can run, the one whose next step came first goes first. An
operation that has two points there begins at the first of them, or else at the second: both are tried.

Next: `clearing.py`.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

from socketserver_faults.schedule.core.run import Choose, ScheduleEvent, Task
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.world import ScheduleResult, World


def followed(world: World, scenario: NamedScenario, events: Sequence[ScheduleEvent]) -> ScheduleResult | None:
    """Return a run of the world that fails, with the threads in the order of these events; None if none does."""
    for late in (False, True):
        outcome = world.play(scenario, _follow(world, events, late))
        if outcome.failure is not None:
            return outcome
    return None


def _follow(world: World, events: Sequence[ScheduleEvent], late: bool) -> Choose:
    """Return a chooser; with `late`, an operation that waits begins where it waits."""
    wanted: dict[str, list[tuple[str, int]]] = defaultdict(list)
    """For each thread, its steps: their words, and when they came."""
    for index, event in enumerate(events):
        if not event.note:
            wanted[event.who].append((event.what, index))
    taken: dict[str, int] = defaultdict(int)
    seen = 0

    def position(who: str, what: str) -> int:
        """Return the position of the next step of a thread with these words."""
        steps = wanted[who]
        return next((at for at in range(taken[who], len(steps)) if steps[at][0] == what), -1)

    def when(task: Task) -> float:
        at, steps = position(task.name, task.doing), wanted[task.name]
        if at < 0:
            return math.inf
        waits = late and at + 1 < len(steps) and steps[at + 1][0].startswith("waits ")
        return steps[at + waits][1]

    def choose(options: list[Task]) -> int:
        nonlocal seen
        done = world.scheduler.story.events
        for event in done[seen:]:
            if not event.note and (at := position(event.who, event.what)) >= 0:
                taken[event.who] = at + 1
        seen = len(done)
        return min(range(len(options)), key=lambda index: when(options[index]))

    return choose
