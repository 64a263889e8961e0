"""The search: all schedules with at most so many deviations from the run without preemption, the fewest first.

A schedule is the list of its deviations: each is the number of a decision, and the option that is taken there instead
of the first. The empty list is the run without preemption. Each run counts the options of each of its decisions; one
more deviation, after the last one, makes a schedule of the next level:

    level 0    []
    level 1    [(0, 1)]  [(0, 2)]  [(1, 1)] ...
    level 2    [(0, 1), (1, 1)]  [(0, 1), (1, 2)] ...

After level 0, each scenario is tried to be cleared: by one schedule of each class of equivalent ones (`clearing.py`). A
scenario that is cleared needs no further level. With a bound on deviations that is given, none is tried to be cleared.

So every schedule is run once, and the first failure has the fewest deviations: it needs no shrinking. Measured here and
elsewhere: one or two deviations show nearly all races.

Random schedules deviate often. `reduced` finds shorter ones.

Next: `reduction.py`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.run import Choose, ScheduleTrace, Task
from socketserver_faults.schedule.exploration.clearing import Cleared
from socketserver_faults.schedule.exploration.replay import Deviations
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_faults.schedule.world.world import ScheduleResult

PlaySchedule = Callable[[Choose], ScheduleResult]
"""Runs a scenario under a schedule."""

Clear = Callable[[str, float, int], Cleared]
"""Tries to clear a scenario until a moment of time.monotonic(), with at most so many schedules."""

REFUSALS = (SubjectRefused, NotModelled)
"""Errors that say why a scenario cannot be judged: others may be."""

CLEARING_SHARE = 0.5
"""The share of the time that may go into that."""

MAX_REDUCED_DEVIATIONS = 2
MAX_REDUCTION_SCHEDULES = 1000
"""Most deviations, and most schedules, that the search for a shorter schedule tries."""


class NoSuchOption(Exception):
    """A schedule takes an option that a decision does not have: it belongs to another program or version."""


class RunsDiffer(Exception):
    """A program does not do the same under the same schedule; the message says where."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"the program decides by chance, so its runs cannot be compared or replayed{where}; what the scheduler "
            "does not fix is the order of sets of functions or strings, and what the system or a C library tells"
        )


def chooser(deviations: Deviations) -> Choose:
    """Return a chooser that follows the deviations, and chooses without preemption everywhere else."""
    wanted = dict(deviations)
    count = -1

    def choose(options: list[Task]) -> int:
        nonlocal count
        count += 1
        option = wanted.get(count, 0)
        if option and option >= len(options):
            raise NoSuchOption(f"decision {count} has {len(options)} options, and the schedule takes number {option}")
        return option

    return choose


def deviations_of(outcome: ScheduleResult) -> Deviations:
    """Return the deviations of a run."""
    return tuple((index, option) for index, (_, option) in enumerate(outcome.story.decisions) if option)


@dataclass(frozen=True)
class Bounds:
    """Bounds of a search: most deviations, most schedules, most seconds.

    Without a bound on deviations, each scenario is tried to be cleared; one that cannot be cleared has its own bound.
    """

    deviations: int | None = None
    schedules: int = 1_000_000
    seconds: float = 60.0


@dataclass
class Coverage:
    """What was covered of one scenario: how many schedules with 0, 1, 2... up to `most` deviations."""

    most: int
    levels: list[int] = field(default_factory=list)
    complete: int = 0
    """How many of these levels are complete; the last one may not be."""
    unjudged: int = 0
    """How many schedules the oracle could not judge."""
    cleared: Cleared = field(default_factory=Cleared)
    """What the reduced search has covered."""
    refused: Exception | None = None
    """Why the scenario cannot be judged."""

    @property
    def schedules(self) -> int:
        """The number of schedules that were run."""
        return sum(self.levels) + self.cleared.complete + self.cleared.cut_short

    @property
    def judged(self) -> bool:
        """Whether the oracle could judge any of them."""
        return sum(self.levels) + self.cleared.complete > self.unjudged

    @property
    def whole(self) -> bool:
        """Whether all schedules within the bound of deviations were run, or one of each class of equivalent ones."""
        return self.cleared.whole or self.complete > self.most


@dataclass
class SearchResult:
    """The result of a search: what it covered, and the first schedule that fails, if any does."""

    covered: dict[str, Coverage]
    seconds: float = 0.0
    scenario: str = ""
    deviations: Deviations = ()
    outcome: ScheduleResult | None = None
    bounded: str = ""
    """Why no scenario of the program can be cleared; "" if that is not so."""

    @property
    def schedules(self) -> int:
        """The number of schedules that were run."""
        return sum(coverage.schedules for coverage in self.covered.values())

    @property
    def whole(self) -> bool:
        """Whether all scenarios were covered as a whole, and none failed."""
        return all(coverage.whole for coverage in self.covered.values())


def levels(play: PlaySchedule, most: int) -> Iterator[tuple[int, Deviations, ScheduleResult]]:
    """Run every schedule with at most so many deviations, the fewest first; yield each with its level and outcome.

    Raise RunsDiffer if a run has other decisions before its last deviation than the run that it deviates from.
    """
    generation: list[tuple[Deviations, bytes]] = []
    for level in range(most + 1):
        following: list[tuple[Deviations, bytes]] = []
        for deviations, before in _next(generation) if level else iter([((), b"")]):
            try:
                outcome = play(chooser(deviations))
            except NoSuchOption:
                raise RunsDiffer(where_runs_part(play, deviations[:-1])) from None
            options = bytes([min(options, 255) for options, _ in outcome.story.decisions])
            if not options.startswith(before):
                raise RunsDiffer(where_runs_part(play, deviations[:-1]))
            yield level, deviations, outcome
            if level < most:
                following.append((deviations, options))
        generation = following


MAX_COMPARED_RUNS = 20
"""Times that a schedule is played to see two runs of it differ."""


def where_runs_part(play: PlaySchedule, deviations: Deviations) -> str:
    """Play one schedule until two runs differ; say where they do."""
    told = ""
    with suppress(NoSuchOption):
        first = play(chooser(deviations)).story
        for _ in range(MAX_COMPARED_RUNS):
            told = told or where_stories_part(first, play(chooser(deviations)).story)
    return told


def where_stories_part(first: ScheduleTrace, second: ScheduleTrace) -> str:
    """Say at which step two runs of a schedule differ; "" if they do not."""
    events = ([f"{event.who} {event.what}" for event in story.events if not event.note] for story in (first, second))
    parts = next(((one, other) for one, other in zip(*events, strict=False) if one != other), None)
    return f": once {parts[0]}, and once {parts[1]}" if parts else ""


def _next(generation: list[tuple[Deviations, bytes]]) -> Iterator[tuple[Deviations, bytes]]:
    """Yield every schedule that adds one deviation to one of these, after its last, and the decisions before it."""
    for deviations, options in generation:
        begin = deviations[-1][0] + 1 if deviations else 0
        for decision in range(begin, len(options)):
            for option in range(1, options[decision]):
                yield (*deviations, (decision, option)), options[: decision + 1]


def search(plays: Mapping[str, tuple[PlaySchedule, int]], bounds: Bounds, clear: Clear | None = None) -> SearchResult:
    """Run schedules until one fails, all within the bound of deviations have been run, or another bound is reached.

    All scenarios without a deviation come first, then all with one, and so on; those that are cleared are left out. If
    none fails, raise the refusal of one that cannot be judged.
    """
    found = SearchResult({name: Coverage(most) for name, (_, most) in plays.items()})
    begun = time.monotonic()
    _search_levels(found, plays, bounds, clear, begun)
    found.seconds = time.monotonic() - begun
    failing = {name: coverage.cleared.outcome for name, coverage in found.covered.items()}
    for name, outcome in failing.items():
        if found.outcome is None and outcome is not None:  # it needs more deviations
            found.scenario, (found.deviations, found.outcome) = name, reduced(plays[name][0], outcome)
    refusals = [coverage.refused for coverage in found.covered.values() if coverage.refused is not None]
    if refusals and found.outcome is None:
        raise refusals[0]
    return found


def _search_levels(
    found: SearchResult,
    plays: Mapping[str, tuple[PlaySchedule, int]],
    bounds: Bounds,
    clear: Clear | None,
    begun: float,
) -> None:
    generations = {name: groupby(levels(play, most), itemgetter(0)) for name, (play, most) in plays.items()}
    least = -1 if clear is None else 1
    for level in range(max([least, *(most for _, most in plays.values())]) + 1):
        if level == 1 and clear is not None:
            _clear_all(found, clear, begun + CLEARING_SHARE * bounds.seconds, bounds.schedules)
        for name, generation in generations.items():
            coverage = found.covered[name]
            if level > coverage.most or coverage.cleared.whole or coverage.refused:
                continue
            if found.schedules >= bounds.schedules:
                return
            coverage.levels.append(0)
            try:
                for _, deviations, outcome in next(generation, (level, ()))[1]:
                    coverage.levels[-1] += 1
                    coverage.unjudged += not outcome.judged
                    if outcome.failure is not None:
                        found.scenario, found.deviations, found.outcome = name, deviations, outcome
                        return
                    if found.schedules >= bounds.schedules or time.monotonic() - begun > bounds.seconds:
                        return
            except REFUSALS as why:
                coverage.refused = why
                continue
            coverage.complete += 1


def _clear_all(found: SearchResult, clear: Clear, until: float, most: int) -> None:
    """Try to clear each scenario, until one fails; each may take a third of the time that is left, the last all."""
    for left, (name, coverage) in zip(range(len(found.covered), 0, -1), found.covered.items(), strict=True):
        if coverage.refused:
            continue
        now = time.monotonic()
        coverage.cleared = clear(name, now + (until - now) / min(left, 3), most - found.schedules)
        coverage.unjudged += coverage.cleared.unjudged
        if coverage.cleared.outcome is not None:
            return


def reduced(play: PlaySchedule, outcome: ScheduleResult) -> tuple[Deviations, ScheduleResult]:
    """Return a schedule with fewer deviations that breaks the same clause, or this one if none is found.

    First all schedules with few deviations are tried; then deviations are removed while the clause stays broken.
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
