"""The scheduler: schedules a second, and how many it plays until it finds each race of the catalogue, or clears.

On one processor: threads of which one runs at a time are twice as fast there. How long a *plain* schedule takes, which
is neither recorded nor told, depends on its points: a scenario in which a member's buffers are filled has hundreds.

Next: `small_room.py`.
"""

import argparse
import os
import time
from collections.abc import Iterator
from functools import partial

import interleaving
import results

from socketserver_faults.catalogue import index
from socketserver_faults.schedule.exploration.explore import scenarios_for, search_schedules
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult, levels
from socketserver_faults.schedule.world.scenarios import SCENARIOS, NamedScenario
from socketserver_faults.schedule.world.subject import SubjectRefused, read
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.runner.affinity import one_processor

REFERENCE = ("chat", "overthreaded", "echo")

SCHEDULES = 2000
"""Schedules of each scenario at most."""

SHORT_SCHEDULES = 20
"""The same of a short measurement."""

SECONDS = 60.0

PLAIN_SECONDS = 4.0
PLAIN_DEVIATIONS = 3
"""Seconds of the processor for each scenario of plain schedules, at most, and deviations of a schedule."""


def plain(scenario: NamedScenario, most: int) -> results.Row:
    """Return how many plain schedules of the reference's chat, or echo, are played in a second of the processor."""
    program = scenario.protocol
    with world_of(read(program)) as world:
        play = partial(world.play, scenario)
        points = sum(not event.note for event in play().story.events)  # modules are loaded once for all
        schedules, begun = 0, time.process_time()
        for _ in levels(play, PLAIN_DEVIATIONS):
            schedules += 1
            seconds = time.process_time() - begun
            if schedules == most or seconds > PLAIN_SECONDS:
                break
    row = {"scenario": scenario.name, "program": program, "points": points}
    return {**row, "schedules": schedules, "per_second": schedules / seconds}


def searched(name: str, schedules: int) -> SearchResult | None:
    """Return the result of a search; None if the scheduler cannot play this fault."""
    try:
        subject = read(name)
        with world_of(subject) as world:
            return search_schedules(world, scenarios_for(subject, None), Bounds(None, schedules, SECONDS))
    except (SubjectRefused, AttributeError):  # another transport, or something that is not modelled
        return None


def measure(options: argparse.Namespace) -> Iterator[results.Table]:
    """Measure all searches; yield the table, then fill and print it."""
    table = results.Table("schedules", "The scheduler, until it finds a schedule that fails", results.SCHEDULES)
    yield table
    results.head(table)
    faults = ["closed-request", "delivers-without-the-lock"] if options.short else list(index.catalogue())
    with one_processor(os.getpid()):
        for name in (*REFERENCE, *faults):
            found = searched(name, SHORT_SCHEDULES if options.short and name in REFERENCE else SCHEDULES)
            if found is not None and (name in REFERENCE or found.outcome is not None):
                results.add(
                    table,
                    {
                        "program": name,
                        "found": found.scenario or "none",
                        "schedules": found.schedules,
                        "per_second": found.schedules / found.seconds,
                        "seconds": found.seconds,
                    },
                )
        yield from measure_plain(SHORT_SCHEDULES if options.short else SCHEDULES)
        yield from interleaving.measure()


def measure_plain(most: int) -> Iterator[results.Table]:
    """Measure plain schedules, at most so many of each scenario; yield the table, then fill and print it."""
    table = results.Table("plain", "Plain schedules, a second of the processor", results.PLAIN_SCHEDULES)
    yield table
    results.head(table)
    for scenario in SCENARIOS.values():
        results.add(table, plain(scenario, most))
