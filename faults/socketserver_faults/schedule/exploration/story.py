"""The report of a search: the clause, the schedule as a story with a lane for each thread, and how to replay it.

A run has a hundred events, most of which are the same in every run. So the story begins shortly before the first
deviation, and leaves out events such as the release of a lock. A line that begins with HERE is a deviation: the
scheduler switches threads there.

No byte that a program or its clients send reaches the terminal unescaped.

Next: `html_story.py`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from socketserver_faults.lanes import head, in_lane
from socketserver_faults.schedule.core.run import ScheduleEvent, ScheduleTrace
from socketserver_faults.schedule.exploration.replay import Code
from socketserver_faults.schedule.exploration.search import SearchResult
from socketserver_faults.schedule.world.clients import CLIENTS_THREAD
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.world import ScheduleResult
from socketserver_reference.conformance.scenario.text import counted, printable

LANE_COLUMNS = 25
"""Width of a lane, in columns."""

CONTEXT_LINES = 5
"""Events that the story shows before the first deviation."""

MAX_STORY_LINES = 60
"""Most lines of a story; a longer one loses its middle."""

MANY_TIMES = 4
"""Times in a row from which on events are told once, with their number: threads may look again and again."""

MAX_ROUND_EVENTS = 12
"""Most events that are looked for as one round of what threads do again and again."""

UNINFORMATIVE = re.compile(r"goes on|begins$|sees a client connect")
"""Events that the story leaves out."""

THREAD = re.compile(r"T\d+")

COUNT = re.compile(r", \d+ times now$")
"""What differs in an event that comes again and again."""

SERVES = re.compile(r"(?:reads from|waits to read from|sends .* to) (\S+)$")


def report_lines(found: SearchResult, again: str) -> Iterator[str]:
    """Yield the lines of the report on a failure; `again` is the command that replays it."""
    assert found.outcome is not None
    yield failure_line(found)
    yield ""
    yield from run_lines(found.outcome)
    yield ""
    yield f"again: {again}"


def failure_line(found: SearchResult) -> str:
    """Return the line that says where a program fails, and after how many schedules."""
    after = f", schedule {found.schedules}, after {found.seconds:.2f} s" if found.schedules else ""
    return f"fails in {_where(found)}{after}"


def further_line(found: SearchResult, code: Code) -> str:
    """Return the line about the failure of another clause."""
    assert found.outcome is not None
    return f"also breaks {found.outcome.clause} in {_where(found)}: --replay {code}"


def _where(found: SearchResult) -> str:
    many = len(found.deviations)
    deviations = {0: "without any deviation", 1: "with one deviation"}.get(many, f"with {many} deviations")
    about = f" ({SCENARIOS[found.scenario].about})" if found.scenario in SCENARIOS else ""
    return f"{found.scenario}{about}, {deviations}"


def run_lines(outcome: ScheduleResult) -> Iterator[str]:
    """Yield the lines of the report on one run."""
    failure = outcome.failure
    if failure is not None:
        yield from (printable(line) for line in failure.lines())
    if outcome.story.stuck and getattr(failure, "absent", True):
        yield "then no thread could go on:"
        yield from (f"  {printable(line)}" for line in outcome.story.stuck)
    yield "schedule:"
    yield from lanes(outcome.story)


def coverage_lines(found: SearchResult) -> Iterator[str]:
    """Yield a line for each scenario: the schedules that were run, and those that were not, with the reason."""
    width = max(map(len, found.covered), default=0)
    for name, coverage in found.covered.items():
        run = counted(coverage.schedules, "schedule")
        if name == "random":
            what = "random, each with a scenario of its own"
        elif coverage.cleared.whole:
            many = coverage.cleared.complete
            what = f"all {many} inequivalent schedules" if many > 1 else "all are equivalent to one"
        else:
            whole = f"all with up to {counted(coverage.complete - 1, 'deviation')}" if coverage.complete else ""
            rest = f"NOT all with {coverage.complete}" if coverage.complete <= coverage.most else ""
            why = f"NOT all inequivalent ones: {coverage.cleared.why}" if coverage.cleared.why else ""
            what = "; ".join(filter(None, (whole, rest, why)))
        unjudged = f"; {coverage.unjudged} could not be judged" if coverage.unjudged else ""
        yield f"  {name:<{width}}  {run:>16}  {what}{unjudged}"
    if found.bounded:
        yield f"The bound on deviations is needed, as {found.bounded}."


@dataclass(frozen=True)
class ToldSchedule:
    """What a story shows of a run: its lanes, their titles, and the events from shortly before the first deviation."""

    lanes: Sequence[str]
    titles: Sequence[str]
    events: Sequence[ScheduleEvent]
    cut: bool
    """Whether earlier events are left out."""


def told(story: ScheduleTrace) -> ToldSchedule:
    """Return what a story shows of a run."""
    owners = clients_by_thread(story)
    names = [CLIENTS_THREAD, *sorted(set(owners), key=lambda name: (len(name), name))]
    events = list(_summed_up([one for one in story.events if one.instead or _is_informative(one, names)]))
    deviating = next((at for at, event in enumerate(events) if event.instead), len(events))
    begin = max(0, min(deviating, len(events) - 2 * CONTEXT_LINES) - CONTEXT_LINES)
    titles = [f"{name} ({owners[name]})" if name in owners else name for name in names]
    return ToldSchedule(names, titles, events[begin:], bool(begin))


def lanes(story: ScheduleTrace) -> list[str]:
    """Return the lines of the story, from shortly before the first deviation on."""
    schedule = told(story)
    lines = [line for event in schedule.events for line in _event_lines(event, schedule.lanes)]
    if len(lines) > MAX_STORY_LINES:
        half = MAX_STORY_LINES // 2
        lines[half:-half] = [f"  ... {len(lines) - 2 * half} lines left out ..."]
    return [f"  {head(schedule.titles, LANE_COLUMNS)}", *(["  ..."] if schedule.cut else []), *lines]


def clients_by_thread(story: ScheduleTrace) -> dict[str, str]:
    """Return what each thread does: it serves the client that it reads from first, or is just a thread."""
    owners: dict[str, str] = {}
    for event in story.events:
        owner = SERVES.search(event.what)
        if event.who != CLIENTS_THREAD and (owner or THREAD.fullmatch(event.who)):
            owners[event.who] = owners.get(event.who) or (owner[1] if owner and "reads from" in event.what else "")
    return {name: f"serves {owner}" if owner else "a thread" for name, owner in owners.items()}


def _is_informative(event: ScheduleEvent, names: list[str]) -> bool:
    if event.who == CLIENTS_THREAD and not event.note:  # the notes of the transcript say what clients do
        return False
    return not UNINFORMATIVE.match(event.what) and (event.note or event.who in names)


def _summed_up(events: Sequence[ScheduleEvent]) -> Iterator[ScheduleEvent]:
    """Yield the events, and a round of events that come many times in a row once."""
    same = [event._replace(what=COUNT.sub("", event.what)) for event in events]
    at = 0
    while at < len(events):
        length, times = _rounds(same, at)
        first, *others = same[at : at + length]
        if times == 1:
            yield events[at]
        elif not others:
            yield first._replace(what=f"{first.what}, {times} times")
        else:
            yield from (first, *others)
            yield first._replace(what=f"and so on: these {length} steps {times} times", note=True)
        at += length * times


def _rounds(events: Sequence[ScheduleEvent], at: int) -> tuple[int, int]:
    """Return the length of the shortest round that begins there and comes many times, and how often; else 1 and 1."""
    for length in range(1, MAX_ROUND_EVENTS + 1):
        times, first = 1, events[at : at + length]
        while events[at + times * length : at + (times + 1) * length] == first:
            times += 1
        if times >= MANY_TIMES and not any(event.instead for event in first):
            return length, times
    return 1, 1


def deviation(event: ScheduleEvent) -> str:
    """Return the words for a deviation."""
    return f"HERE {event.who} goes first, before {event.instead}"


def in_its_lane(event: ScheduleEvent, names: Sequence[str]) -> tuple[int, str] | None:
    """Return the lane of an event and what it says there; None if the clients' notes say it."""
    if event.who == CLIENTS_THREAD and not event.note:
        return None
    return (names.index(event.who), event.what) if event.who in names else (0, f"{event.who} {event.what}")


def _event_lines(event: ScheduleEvent, names: Sequence[str]) -> Iterator[str]:
    if event.instead:
        yield printable(f"  {deviation(event)}")
    if (placed := in_its_lane(event, names)) is None:
        return
    lane, what = placed
    yield from (f"  {line}" for line in in_lane(lane, printable(what), LANE_COLUMNS))
