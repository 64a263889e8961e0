"""Makes the scenario of a violation shorter: without clients and stretches that it takes no part of.

Hypothesis shrinks what it draws; a directed scenario is a list that nobody drew. So here steps are left out greedily,
as long as what is left is still a scenario (`is_legal`), and of some use, and still breaks the same clause. It costs
time, a fresh server for most attempts, so it is done for reproductions alone and ends when its time is up.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.driver.session import BRIEF, Performer
from socketserver_reference.conformance.oracles.readings import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Violation


def is_legal(steps: Sequence[Step]) -> bool:
    """Whether these steps are a scenario: everybody connects before anything else, and nobody says what is to be one
    chunk while more of its own is under way.
    """
    here: set[str] = set()
    talking: set[str] = set()
    for step in steps:
        if step.effect == "joins":
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


def shorten(
    performing: Performer, violation: Violation, until: float, useful: Callable[[Sequence[Step]], bool]
) -> Violation:
    """Return a violation of the same clause by fewer steps that are of use, if there is one to be found until that
    monotonic time.
    """
    assert violation.transcript is not None
    steps = violation.transcript.scenario
    tried: set[tuple[Step, ...]] = set()
    again = True
    while again:
        again = False
        for candidate in shorter(steps):
            if time.monotonic() > until:
                return violation
            if tuple(candidate) in tried or not (is_legal(candidate) and useful(candidate)):
                continue
            tried.add(tuple(candidate))
            shown = shows(performing, candidate, violation)
            if shown is not None and shown.transcript is not None:
                violation, steps, again = shown, shown.transcript.scenario, True
                break
    return violation


def shorter(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Yield scenarios without some of these steps, the shortest first, roughly: the last burst alone; one client less;
    one stretch less.
    """
    for burst in (condensed(steps), last_burst(steps)):
        if burst != list(steps):
            yield burst
    for name in reversed(list(dict.fromkeys(name for step in steps for name in step.clients))):
        yield [step for step in steps if name not in step.clients]
    size = len(steps) // 2
    while size:
        yield from ([*steps[:begin], *steps[begin + size :]] for begin in range(0, len(steps), size))
        size //= 2


def last_burst(steps: Sequence[Step]) -> list[Step]:
    """Return the steps without all bursts but the last, and whatever lies between them."""
    sends = [at for at, step in enumerate(steps) if step.burst]
    if not sends:
        return list(steps)
    pauses = [at for at, step in enumerate(steps) if step.settles and at < sends[-1]]
    begin = pauses[-1] + 1 if pauses else sends[0]
    return _of_those_here([*steps[: sends[0]], *steps[max(begin, sends[0]) :]])


HEARERS = 2
"""Clients who only listen that a race needs at most."""

TALK = 10
"""Utterances that are under way together which a race needs at most."""


def condensed(steps: Sequence[Step], hearers: int = HEARERS) -> list[Step]:
    """Return the last burst alone, among those who speak in it and a few who hear it: a race that did not show again
    may still show so, if it is played often enough.
    """
    burst = last_burst(steps)
    speakers = {step.spoken_by for step in burst if step.burst}
    needed = speakers.union(*(step.clients for step in burst if step.effect == "stops reading"))
    joining = [who for step in burst if step.effect == "joins" for who in step.clients]
    silent = [who for who in joining if who not in needed]
    left_out = set(silent[hearers:]) if speakers else set()
    early = sum(step.burst for step in burst) - TALK
    kept: list[Step] = []
    for step in burst:
        early -= step.burst
        if left_out.isdisjoint(step.clients) and not (step.burst and early >= 0):
            kept.append(step)
    return kept


def _of_those_here(steps: Sequence[Step]) -> list[Step]:
    """Return the steps of clients who connect in them."""
    here = {name for step in steps if step.effect == "joins" for name in step.clients}
    return [step for step in steps if here.issuperset(step.clients)]


def shows(performing: Performer, steps: Sequence[Step], like: Violation) -> Violation | None:
    """Play the steps, twice; return the violation they show, if it is one of the same clause, both times.

    A script waits for nothing but what it reads, so here no server is given the time to come to rest, unless the clause
    is about that very politeness.
    """
    return _shows(performing, steps, like) and _shows(performing, steps, like)


def _shows(performing: Performer, steps: Sequence[Step], like: Violation) -> Violation | None:
    clause = like.clause_id
    basic = CLAUSES[clause].profile == "basic"
    try:
        performing.prepare()
        with performing.stage(
            about=clause, polite=basic, abrupt=not basic, patience=min(BRIEF, performing.longest)
        ) as stage:
            stage.play(steps)
        performing.check_alive(stage)
    except Violation as violation:
        try:
            performing.seen(violation)
        except NotChecked:  # it may be somebody else's doing
            return None
        violation.explored = like.explored
        return violation if violation.clause_id == clause else None
    except (NotChecked, Ambiguous):
        pass
    return None
