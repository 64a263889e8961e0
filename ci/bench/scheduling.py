"""The scheduler: schedules a second, and how many it plays until it finds each race of the catalogue, or clears.

On one processor: threads of which one runs at a time are twice as fast there.

Next: `small_room.py`.
"""

import argparse
import os
from collections.abc import Iterator

import interleaving
import results

from socketserver_faults.catalogue import index
from socketserver_faults.schedule.exploration.explore import scenarios_for, search_schedules
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult
from socketserver_faults.schedule.world.subject import SubjectRefused, read
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.runner.affinity import one_processor

REFERENCE = ("chat", "overthreaded", "echo")

SCHEDULES = 2000
"""Schedules of each scenario at most."""

SECONDS = 60.0


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
            found = searched(name, 20 if options.short and name in REFERENCE else SCHEDULES)
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
        yield from interleaving.measure()
