"""Shrinks the scenario of a violation: it removes clients and steps that the violation does not need.

Hypothesis shrinks its own draws, but not the list of a directed scenario. So here steps are removed greedily, as long
as the rest is a legal scenario (`is_legal`), is of use for a script, and still breaks the same clause. Most attempts
need a fresh server, so only reproductions are shrunk, within a time limit.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.driver.session import KNOWN_BROKEN_TIMEOUT, Session
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Violation


def is_legal(steps: Sequence[Step]) -> bool:
    """Whether these steps are a scenario: each client connects before it does anything else, and none says a settled
    utterance while its own burst is under way.
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
    session: Session, violation: Violation, until: float, useful: Callable[[Sequence[Step]], bool]
) -> Violation:
    """Return a violation of the same clause with fewer useful steps, if one is found before that monotonic time, or
    else the given one.
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
            shown = shows(session, candidate, violation)
            if shown is not None and shown.transcript is not None:
                violation, steps, again = shown, shown.transcript.scenario, True
                break
    return violation


def shorter(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Yield scenarios with some steps removed, roughly the shortest first: the last burst alone; one client less; one
    run of steps less.
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
    joining = [who for step in burst if step.effect == "joins" for who in step.clients]
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
    here = {name for step in steps if step.effect == "joins" for name in step.clients}
    return [step for step in steps if here.issuperset(step.clients)]


def shows(session: Session, steps: Sequence[Step], like: Violation) -> Violation | None:
    """Play the steps twice; return the violation if both times break the same clause.

    A script waits only for data, so here the stage does not wait until the server rests, unless the clause is a basic
    one.
    """
    return _shows(session, steps, like) and _shows(session, steps, like)


def _shows(session: Session, steps: Sequence[Step], like: Violation) -> Violation | None:
    clause = like.clause_id
    basic = CLAUSES[clause].profile == "basic"
    try:
        session.prepare()
        with session.stage(
            about=clause, polite=basic, abrupt=not basic, timeout=min(KNOWN_BROKEN_TIMEOUT, session.full_timeout)
        ) as stage:
            stage.play(steps)
        session.check_alive(stage)
    except Violation as violation:
        try:
            session.note_violation(violation)
        except NotChecked:  # another cause may explain it
            return None
        violation.explored = like.explored
        return violation if violation.clause_id == clause else None
    except (NotChecked, Ambiguous):
        pass
    return None
