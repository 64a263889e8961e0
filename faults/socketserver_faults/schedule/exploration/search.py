"""The search: all schedules with at most so many deviations from the run without preemption, the fewest first.

A schedule is the list of its deviations, each a decision (the how-many-eth) and the option that is taken there instead
of the first. The empty list is the run without preemption. Each schedule that has been run has told how many options
there were at each decision after its last deviation; one more deviation at one of these is the next generation:

    level 0    []
    level 1    [(0, 1)]  [(0, 2)]  [(1, 1)] ...
    level 2    [(0, 1), (1, 1)]  [(0, 1), (1, 2)] ...

So every schedule comes up once, and what is found first has as few deviations as anything that could be found: it needs
no shrinking. Races are shallow, as others have measured and we have: one or two deviations show nearly all of them.

Schedules that are drawn, by chance or by Hypothesis, deviate often. `reduced` finds shorter ones.

Next: `random_runs.py`.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from socketserver_faults.schedule.core.run import Choose, Task
from socketserver_faults.schedule.exploration.replay import Deviations
from socketserver_faults.schedule.world.world import ScheduleResult

PlaySchedule = Callable[[Choose], ScheduleResult]
"""Runs a scenario under a schedule."""


MAX_REDUCED_DEVIATIONS = 2
MAX_REDUCTION_SCHEDULES = 1000
"""Deviations, and schedules, up to which a shorter schedule is looked for."""


class NoSuchOption(Exception):
    """A schedule deviates where there is no such option: it is another program's, or another version's."""


def chooser(deviations: Deviations) -> Choose:
    """Return what chooses as the deviations say, and without preemption everywhere else."""
    wanted = dict(deviations)
    count = -1

    def choose(options: list[Task]) -> int:
        nonlocal count
        count += 1
        option = wanted.get(count, 0)
        if option >= len(options):
            raise NoSuchOption(f"decision {count} has {len(options)} options, and the schedule takes number {option}")
        return option

    return choose


def deviations_of(outcome: ScheduleResult) -> Deviations:
    """Return the deviations of a run, whatever chose them."""
    return tuple((index, option) for index, (_, option) in enumerate(outcome.story.decisions) if option)


@dataclass(frozen=True)
class Bounds:
    """How far to go: most deviations (None: as many as each scenario is made for), most schedules, most seconds."""

    deviations: int | None = None
    schedules: int = 1_000_000
    seconds: float = 60.0


@dataclass
class Coverage:
    """How much of one scenario was covered: schedules with 0, 1, 2... deviations, at most so many."""

    most: int
    levels: list[int] = field(default_factory=list)
    complete: int = 0
    """How many of these levels are whole; the last one may be a part."""
    unjudged: int = 0
    """How many schedules the oracle could not judge."""


@dataclass
class SearchResult:
    """What a search came to: what it covered, and the first schedule that fails, if any does."""

    covered: dict[str, Coverage]
    seconds: float = 0.0
    scenario: str = ""
    deviations: Deviations = ()
    outcome: ScheduleResult | None = None

    @property
    def schedules(self) -> int:
        """How many schedules were run."""
        return sum(sum(coverage.levels) for coverage in self.covered.values())

    @property
    def whole(self) -> bool:
        """Whether all schedules were run that there are with so many deviations, and none failed."""
        return all(coverage.complete > coverage.most for coverage in self.covered.values())


def levels(play: PlaySchedule, most: int) -> Iterator[tuple[int, Deviations, ScheduleResult]]:
    """Run every schedule with at most so many deviations, the fewest first; yield each with its level and outcome."""
    generation: list[tuple[Deviations, Sequence[int]]] = []
    for level in range(most + 1):
        following: list[tuple[Deviations, Sequence[int]]] = []
        for deviations in _next(generation) if level else iter([()]):
            outcome = play(chooser(deviations))
            yield level, deviations, outcome
            if level < most:
                following.append((deviations, bytes(min(options, 255) for options, _ in outcome.story.decisions)))
        generation = following


def _next(generation: list[tuple[Deviations, Sequence[int]]]) -> Iterator[Deviations]:
    """Yield every schedule with one deviation more than one of these, and that the last."""
    for deviations, options in generation:
        begin = deviations[-1][0] + 1 if deviations else 0
        for decision in range(begin, len(options)):
            for option in range(1, options[decision]):
                yield (*deviations, (decision, option))


def search(plays: Mapping[str, tuple[PlaySchedule, int]], bounds: Bounds) -> SearchResult:
    """Run schedules until one fails, all with so many deviations have been run, or a bound is reached.

    All scenarios with no deviation come first, then all with one, and so on.
    """
    found = SearchResult({name: Coverage(most) for name, (_, most) in plays.items()})
    generations = {name: groupby(levels(play, most), itemgetter(0)) for name, (play, most) in plays.items()}
    begun = time.monotonic()
    schedules = 0
    for level in range(max((most for _, most in plays.values()), default=-1) + 1):
        for name, generation in generations.items():
            coverage = found.covered[name]
            if level > coverage.most:
                continue
            coverage.levels.append(0)
            for _, deviations, outcome in next(generation)[1]:
                coverage.levels[-1] += 1
                coverage.unjudged += not outcome.judged
                schedules += 1
                found.seconds = time.monotonic() - begun
                if outcome.failure is not None:
                    found.scenario, found.deviations, found.outcome = name, deviations, outcome
                    return found
                if schedules >= bounds.schedules or found.seconds > bounds.seconds:
                    return found
            coverage.complete += 1
    return found


def reduced(play: PlaySchedule, outcome: ScheduleResult) -> tuple[Deviations, ScheduleResult]:
    """Return the schedule with the fewest deviations that breaks the same clause, as far as can be found out.

    Those with few are tried one by one; if none does it, deviations are taken back as long as the clause stays broken.
    """
    deviations = deviations_of(outcome)
    few = search({"": (play, min(MAX_REDUCED_DEVIATIONS, len(deviations)))}, Bounds(schedules=MAX_REDUCTION_SCHEDULES))
    if few.outcome is not None and type(few.outcome.failure) is type(outcome.failure):
        return few.deviations, few.outcome
    index = len(deviations)
    while index:
        index -= 1
        with suppress(NoSuchOption):
            fewer = play(chooser(deviations[:index] + deviations[index + 1 :]))
            if type(fewer.failure) is type(outcome.failure):
                deviations, outcome = deviations_of(fewer), fewer
                index = len(deviations)
    return deviations, outcome
