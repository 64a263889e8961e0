"""Tells what a search has found: the clause, the schedule as a story in lanes, and how to see it again.

A run has a hundred events, and most are as they always are. So the story begins shortly before the first deviation, and
leaves out what needs no saying: that a lock was given back, that somebody went on. Each thread has a lane; a line that
says HERE is the search's doing.

Nothing a program or its clients say reaches the terminal unescaped.

Next: `cli/schedule.py`.
"""

import re
from collections.abc import Iterator

from socketserver_faults.lanes import head, in_lane
from socketserver_faults.schedule.core.run import Event, Story
from socketserver_faults.schedule.exploration.search import Found
from socketserver_faults.schedule.world.clients import CLIENTS
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.world import Outcome
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.violation import Violation

LANE = 25
"""Columns of a lane."""

BEFORE = 5
"""Lines told of what happened before the first deviation."""

LONGEST = 60
"""Most lines of a story; the middle of a longer one is left out."""

SILENT = re.compile(r"goes on|begins$|sees a client come")
"""Events that need no saying."""

SERVES = re.compile(r"(?:reads from|waits to read from|sends .* to) (\S+)$")


def report(found: Found, again: str) -> Iterator[str]:
    """Yield the lines that tell of a failure; `again` is how to see it once more."""
    outcome = found.outcome
    assert outcome is not None
    many = len(found.deviations)
    deviations = {0: "without any deviation", 1: "with one deviation"}.get(many, f"with {many} deviations")
    about = f" ({SCENARIOS[found.scenario].about})" if found.scenario in SCENARIOS else ""
    after = f", schedule {found.schedules}, after {found.seconds:.2f} s" if found.schedules else ""
    yield f"fails in {found.scenario}{about}, {deviations}{after}"
    yield ""
    yield from told(outcome)
    yield ""
    yield f"again: {again}"


def told(outcome: Outcome) -> Iterator[str]:
    """Yield the lines that tell of one run."""
    failure = outcome.failure
    if isinstance(failure, Violation):
        yield from (printable(line) for line in failure.lines())
    elif failure is not None:
        yield printable(str(failure))
    if outcome.story.stuck and getattr(failure, "absent", True):
        yield "then nobody could go on:"
        yield from (f"  {printable(line)}" for line in outcome.story.stuck)
    yield "schedule:"
    yield from lanes(outcome.story)


def covered(found: Found) -> Iterator[str]:
    """Yield a line for each scenario: which schedules were run, and which were not."""
    width = max(map(len, found.covered), default=0)
    for name, coverage in found.covered.items():
        run = f"{sum(coverage.levels)} schedules"
        if name == "drawn":
            what = "drawn, each with a scenario of its own"
        else:
            whole = f"all with up to {coverage.complete - 1} deviations" if coverage.complete else ""
            rest = f"NOT all with {coverage.complete}" if coverage.complete <= coverage.most else ""
            what = "; ".join(filter(None, (whole, rest)))
        unjudged = f"; {coverage.unjudged} could not be judged" if coverage.unjudged else ""
        yield f"  {name:<{width}}  {run:>16}  {what}{unjudged}"


def lanes(story: Story) -> list[str]:
    """Return the story, a lane for each thread, from shortly before the first deviation on."""
    owners = served(story)
    names = [CLIENTS, *sorted(set(owners), key=lambda name: (len(name), name))]
    events = [event for event in story.events if event.instead or _worth_telling(event, names)]
    deviating = next((at for at, event in enumerate(events) if event.instead), len(events))
    begin = max(0, min(deviating, len(events) - 2 * BEFORE) - BEFORE)
    lines = [line for event in events[begin:] for line in _told(event, names)]
    if len(lines) > LONGEST:
        half = LONGEST // 2
        lines[half:-half] = [f"  ... {len(lines) - 2 * half} lines left out ..."]
    titles = [f"{name} ({owners[name]})" if name in owners else name for name in names]
    return [f"  {head(titles, LANE)}", *(["  ..."] if begin else []), *lines]


def served(story: Story) -> dict[str, str]:
    """Return whom each thread serves: the client it reads from first; "" for a thread that reads from nobody."""
    owners: dict[str, str] = {}
    for event in story.events:
        if event.who.startswith("T") and event.who[1:].isdigit():
            owner = SERVES.search(event.what)
            owners[event.who] = owners.get(event.who) or (owner[1] if owner and "reads from" in event.what else "")
    return {name: f"serves {owner}" if owner else "a thread" for name, owner in owners.items()}


def _worth_telling(event: Event, names: list[str]) -> bool:
    if event.who == CLIENTS and not event.note:  # what they do is told by the transcript's notes
        return False
    return not SILENT.match(event.what) and (event.note or event.who in names)


def _told(event: Event, names: list[str]) -> Iterator[str]:
    if event.instead:
        yield printable(f"  HERE {event.who} is let in, before {event.instead}")
    if event.who == CLIENTS and not event.note:
        return
    lane = names.index(event.who) if event.who in names else 0
    what = event.what if event.who in names else f"{event.who} {event.what}"
    yield from (f"  {line}" for line in in_lane(lane, printable(what), LANE))
