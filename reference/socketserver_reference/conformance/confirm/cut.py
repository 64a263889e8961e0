"""Cuts an exchange to the fewest clients and steps that still show its violation.

Hypothesis shrinks its own draws, but not the list of a directed scenario. So here scenarios, clients and steps are
removed greedily, as long as the rest is legal (`is_legal`) and still breaks the same clause. Each attempt needs a fresh
server, so the time is limited.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from socketserver_reference.conformance.confirm.replay import Exchange
from socketserver_reference.conformance.scenario.scene import Scene
from socketserver_reference.conformance.scenario.steps import Step

Item = TypeVar("Item")


def is_legal(steps: Sequence[Step]) -> bool:
    """Whether these steps are a scenario: each client connects before it does anything else, and none says a settled
    utterance while its own burst is under way.
    """
    here: set[str] = set()
    talking: set[str] = set()
    for step in steps:
        if step.comes:
            here.update(step.clients)
            continue
        if step.settles:
            talking.clear()
        elif step.burst:
            talking.add(step.spoken_by)
        elif step.spoken_by in talking:
            return False
        if not here.issuperset(step.clients):
            return False
        if step.leaves:
            here.difference_update(step.clients)
    return True


class Cutter:
    """Cuts an exchange: `shows` says whether a shorter one still shows the violation."""

    def __init__(self, exchange: Exchange, shows: Callable[[Exchange], bool], until: float) -> None:
        self.kept = [exchange]
        """The exchanges that show the violation, each shorter than the one before."""
        self._shows = shows
        self._until = until
        self._tried: set[tuple[tuple[Step, ...], ...]] = set()

    @property
    def exchange(self) -> Exchange:
        """The shortest that shows it, of those tried so far."""
        return self.kept[-1]

    def cut(self) -> Exchange:
        """Return the shortest exchange that shows the violation, of those tried before that monotonic time."""
        self._remove_runs(lambda: self.exchange.scenes[:-1], lambda kept: [*kept, self.exchange.scenes[-1]])
        for back in range(1, len(self.exchange.scenes) + 1):
            self._cut_scene(-back)
        return self.exchange

    def _cut_scene(self, at: int) -> None:
        """Cut one scenario: to what its last clients do, and its last burst, then by clients, then by steps."""
        any(self._try(self._with_steps(at, of_last_clients(self._steps(at), few))) for few in (1, 2))
        for burst in (condensed, last_burst):
            self._try(self._with_steps(at, burst(self._steps(at))))
        for name in reversed(list(dict.fromkeys(name for step in self._steps(at) for name in step.clients))):
            kept = [one for step in self._steps(at) if (one := step.without({name})) is not None]
            self._try(self._with_steps(at, kept))
        self._remove_runs(lambda: self._steps(at), lambda kept: self._with_steps(at, kept))

    def _remove_runs(self, items: Callable[[], Sequence[Item]], scenes: Callable[[list[Item]], list[Scene]]) -> None:
        """Remove runs of items, each if the rest still shows it: halves first, then shorter runs."""
        size = (len(items()) + 1) // 2
        while size and self._in_time:
            begin = 0
            while begin < len(items()) and self._in_time:  # each attempt costs time, with thousands of steps
                kept = [*items()[:begin], *items()[begin + size :]]
                begin += 0 if self._try(scenes(kept)) else size
            size //= 2

    @property
    def _in_time(self) -> bool:
        return time.monotonic() <= self._until

    def _steps(self, at: int) -> list[Step]:
        return self.exchange.scenes[at].steps

    def _with_steps(self, at: int, steps: list[Step]) -> list[Scene]:
        scenes = list(self.exchange.scenes)
        scenes[at] = scenes[at].of(steps)
        return scenes

    def _try(self, scenes: Sequence[Scene]) -> bool:
        """Keep a shorter exchange if it is legal and shows the violation; return whether it does."""
        key = tuple(tuple(scene.steps) for scene in scenes)
        if not self._in_time or key in self._tried:
            return False
        if not scenes[-1].steps or not all(is_legal(scene.steps) for scene in scenes):
            return False
        self._tried.add(key)
        candidate = self.exchange.of_scenes(scenes)
        if self._shows(candidate):
            self.kept.append(as_shown(candidate))
            return True
        return False


def as_shown(exchange: Exchange) -> Exchange:
    """Return an exchange without the steps that the violation did not wait for."""
    assert exchange.last is not None
    assert exchange.last.transcript is not None
    last = exchange.scenes[-1].of(list(exchange.last.transcript.scenario))
    return replace(exchange, scenes=[*exchange.scenes[:-1], last])


def of_last_clients(steps: Sequence[Step], number: int) -> list[Step]:
    """Return what so many clients do, those that act last."""
    names = list(dict.fromkeys(name for step in reversed(steps) for name in step.clients))
    left_out = set(names[number:])
    return [one for step in steps if (one := step.without(left_out)) is not None]


def last_burst(steps: Sequence[Step]) -> list[Step]:
    """Return the steps without all bursts but the last, and whatever lies between them."""
    sends = [at for at, step in enumerate(steps) if step.burst]
    if not sends:
        return list(steps)
    pauses = [at for at, step in enumerate(steps) if step.settles and at < sends[-1]]
    begin = pauses[-1] + 1 if pauses else sends[0]
    return _of_those_here([*steps[: sends[0]], *steps[max(begin, sends[0]) :]])


MAX_HEARERS = 2
"""Most clients that only listen in a race."""

MAX_BURST_UTTERANCES = 10
"""Most utterances under way at once in a race."""


def condensed(steps: Sequence[Step], hearers: int = MAX_HEARERS) -> list[Step]:
    """Return the last burst alone, with its speakers and a few listeners: a race that did not recur may show this way,
    if it is played often enough.
    """
    burst = last_burst(steps)
    speakers = {step.spoken_by for step in burst if step.burst}
    needed = speakers.union(*(step.clients for step in burst if step.effect == "stops reading"))
    joining = [who for step in burst if step.comes for who in step.clients]
    silent = [who for who in joining if who not in needed]
    left_out = set(silent[hearers:]) if speakers else set()
    early = sum(step.burst for step in burst) - MAX_BURST_UTTERANCES
    kept: list[Step] = []
    for step in burst:
        early -= step.burst
        if left_out.isdisjoint(step.clients) and not (step.burst and early >= 0):
            kept.append(step)
    return kept


def _of_those_here(steps: Sequence[Step]) -> list[Step]:
    """Return the steps of clients who connect in them."""
    here = {name for step in steps if step.comes for name in step.clients}
    return [step for step in steps if here.issuperset(step.clients)]
