"""The story of a planted bug under the scheduler: the first schedule that shows it, in lanes."""

import os
from collections.abc import Iterator

from socketserver_faults.schedule.exploration import story
from socketserver_faults.schedule.exploration.explore import code_of, scenarios_for, search_schedules
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.runner.affinity import one_processor

SCENARIOS_OF = {
    "closed-request": "greet",
    "closes-who-is-slow": "resume",
    "closes-twice": "turnover",
    "members-on-the-handler": "arrive",
    "leaves-the-quitter-behind": "quit",
    "leaves-the-gone-behind": "half-close",
    "leaves-the-reset-behind": "reset",
    "changes-the-set-under-a-loop": "speak",
    "joins-a-copy": "arrive --lines",
    "reset-ends-the-speaker": "reset",
    "delivers-without-the-lock": "speak",
    "ignores-short-sends": "resume",
    "waits-for-the-slow": "flood",
    "drops-last-words": "half-close",
}
"""Fault -> the scenario of the scheduler that shows it soon. The other faults need no order of threads, or show only in
the time that something takes.
"""

MAX_SCHEDULES = 1000


class NotShown(Exception):
    """The scenario does not show the fault any more."""


def told(name: str) -> str:
    """Return the command that finds a schedule that shows a fault, and what it prints; "" if the fault has no story."""
    if name not in SCENARIOS_OF:
        return ""
    scenario, _, option = SCENARIOS_OF[name].partition(" ")
    lines = bool(option)
    subject = read(name)
    with one_processor(os.getpid()), world_of(subject, lines=lines) as world:
        found = search_schedules(world, scenarios_for(subject, scenario), Bounds(schedules=MAX_SCHEDULES))
    if found.outcome is None:
        raise NotShown(f"docs/derive/races.py: scenario {scenario} does not show {name} in {MAX_SCHEDULES} schedules")
    again = f"socketserver-faults schedule {name} --replay {code_of(found, lines=lines)}"
    return "\n".join([f"$ socketserver-faults schedule {name} {SCENARIOS_OF[name]}", "", *_report(name, found, again)])


def _report(name: str, found: SearchResult, again: str) -> Iterator[str]:
    first, *rest = story.report_lines(found, again)
    yield f"{name} {first.partition(', after')[0]}"
    yield from rest
