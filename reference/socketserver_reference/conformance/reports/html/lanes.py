"""An exchange as a sequence diagram, independent of its looks: lanes, and rows that say what is in each.

Each client has a lane; the server's is last. Where there are more clients than lanes, the active clients have one
each and the others share one; a delivery that these read alike is one row then.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from socketserver_reference.conformance.reports.story import StoryEvent, ViolationStory
from socketserver_reference.conformance.scenario.step import Effect
from socketserver_reference.conformance.scenario.steps import KINDS

MAX_LANES = 8
"""Clients that have a lane of their own, at most."""

State = Literal["away", "open", "stalled", "half-closed"]
"""What a client's connection is like: not there; usable; not read; closed in one direction."""

JOINING = {kind.verb for kind in KINDS if kind.effect in ("joins", "approaches")}

PASSIVE_EVENTS = {*JOINING, "reads"}
"""What each client of a crowd does."""

LANE_STATES: dict[Effect | None, State] = {
    "joins": "open",
    "approaches": "open",
    "reads again": "open",
    "stops reading": "stalled",
    "falls silent": "stalled",
    "half-closes": "half-closed",
    "is gone": "away",
}

AFTER: dict[str, State] = {
    **{kind.verb: LANE_STATES[kind.effect] for kind in KINDS if kind.effect in LANE_STATES},
    "ends": "away",
    "breaks": "away",
}
"""What a client's connection is like after what it does, if that changes it."""


@dataclass(frozen=True)
class DiagramRow:
    """An event, in which lanes it is, and the state of each client's lane before and after it."""

    event: StoryEvent
    lanes: tuple[int, ...]
    """Empty: all lanes."""
    before: tuple[State, ...]
    after: tuple[State, ...]
    server: tuple[State, State] = ("open", "open")
    """The state of the server before and after it."""


@dataclass(frozen=True)
class Diagram:
    """The names of the clients' lanes, and the rows."""

    lanes: tuple[str, ...]
    rows: tuple[DiagramRow, ...]


def draw(story: ViolationStory) -> Diagram:
    """Return the diagram of a violation's exchange."""
    diagram = lay_out(story.events)
    return replace(diagram, rows=tuple(_until_it_ended(diagram.rows))) if story.server_ended else diagram


def lay_out(events: Sequence[StoryEvent]) -> Diagram:
    """Return the diagram of these events."""
    own, shared = _choose(events)
    lanes = (*own, *(["others"] if shared else []))
    places = {who: own.index(who) if who in own else len(own) for who in (*own, *shared)}
    room = _Room(places, len(lanes))
    return Diagram(lanes, tuple(room.row(event) for event in _gathered(events, shared)))


def _until_it_ended(rows: Sequence[DiagramRow]) -> Iterator[DiagramRow]:
    """Yield the rows with a server that is away from where it was seen to have ended."""
    server: State = "open"
    for row in rows:
        after: State = "away" if row.event.shows else server
        yield replace(row, server=(server, after))
        server = after


def _choose(events: Sequence[StoryEvent]) -> tuple[list[str], set[str]]:
    """Return the clients with a lane of their own, in the order they came, and those that share one.

    The clients that acted last matter most: the violation shows there.
    """
    everybody = list(dict.fromkeys(who for event in events for who in event.who))
    if len(everybody) <= MAX_LANES:
        return everybody, set()
    busy = list(
        dict.fromkeys(who for event in reversed(events) if event.does not in PASSIVE_EVENTS for who in event.who)
    )
    chosen = set(busy[: MAX_LANES - 1])
    return [who for who in everybody if who in chosen], set(everybody) - chosen


def _gathered(events: Sequence[StoryEvent], shared: set[str]) -> Iterator[StoryEvent]:
    """Yield the events; consecutive equal events of clients that share a lane are one."""

    def alike(pair: tuple[int, StoryEvent]) -> object:
        index, event = pair
        if event.step is None and len(event.who) == 1 and event.who[0] in shared:
            return event.line.removeprefix(event.who[0])
        return index

    for _, pairs in groupby(enumerate(events), alike):
        same = [event for _, event in pairs]
        if len(same) == 1:
            yield same[0]
        else:
            first, everybody = same[0], tuple(who for event in same for who in event.who)
            did = re.sub(r"^ reads\b", " each read", first.line.removeprefix(first.who[0]))
            shows = any(event.shows for event in same)
            yield replace(first, who=everybody, line=f"{len(same)} others{did}", shows=shows)


class _Room:
    """The clients that are connected, and the state of each."""

    def __init__(self, places: dict[str, int], lanes: int) -> None:
        self._places = places
        self._lanes = lanes
        self._states: dict[str, State] = {}

    def row(self, event: StoryEvent) -> DiagramRow:
        """Return the row of an event, and let it happen."""
        if event.does not in JOINING:
            for who in event.who:  # it may have come while events were left out
                self._states.setdefault(who, "open")
        before = self._lane_states()
        for who in event.who:
            self._happens(event.does, who)
        lanes = sorted({self._places[who] for who in event.who})
        return DiagramRow(event, tuple(lanes), before, self._lane_states())

    def _happens(self, does: str, who: str) -> None:
        state = AFTER.get(does)
        if state == "away":
            self._states.pop(who, None)
        elif state:
            self._states[who] = state

    def _lane_states(self) -> tuple[State, ...]:
        """Return the state of each lane: the liveliest of those who share it."""
        states: list[State] = ["away"] * self._lanes
        for who, state in self._states.items():
            if states[self._places[who]] in ("away", "half-closed"):
                states[self._places[who]] = state
        return tuple(states)
