"""Lets many clients come and leave, and looks at what the server holds then: see `oracles/measured/growth.py`."""

import math
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

from socketserver_reference.conformance.driver.masking import LASTING
from socketserver_reference.conformance.driver.measurements import shown_again
from socketserver_reference.conformance.driver.rewritings import Rewriting, rewritten
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.measured import growth
from socketserver_reference.conformance.oracles.measured.growth import Visits
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import POLL_INTERVAL
from socketserver_reference.conformance.targets.resources import MEMORY, WRITABLE, Resources

SHARE_OF_BUDGET = 1 / 3
"""Share of the time left that all rounds may take, where that is more than ALL_ROUNDS_TIMEOUT."""


class _Rounds:
    """The rounds on one server."""

    def __init__(self, session: Session, visits: Visits, about: str, rewritings: Sequence[Rewriting]) -> None:
        self._session = session
        self._visits = visits
        self._about = about
        self._rewritings = rewritings
        self._timeout = self._until = math.inf
        self._came = 0
        self._clients: list[int] = []  # how many have come and left, after each round
        self._held: list[Resources] = []
        self._growing: set[str] = set()  # what has grown in every round so far

    def play(self, timeout: float, *, wait: bool) -> Transcript:
        """Play the rounds; raise a Violation if something grows in each, and is still held after a wait."""
        session = self._session
        session.prepare()
        if session.site.resources() is None:
            raise NotApplicable(growth.UNSEEN)
        harmed = not session.masking.known.isdisjoint(LASTING)
        self._timeout = all_rounds_timeout(session.budget.left, harmed=harmed)
        self._until = time.monotonic() + self._timeout
        story = self._play(1, timeout)
        failed = ""
        for number, repeated in enumerate(growth.ROUNDS + growth.MEMORY_ROUNDS):
            late = number >= len(growth.ROUNDS)
            if late and self._growing != {MEMORY}:
                break
            session.budget.go_on()
            try:
                self._play(repeated, timeout)
            except (Violation, NotChecked) as end:
                if not self._is_sure():
                    raise
                failed = end.observed if isinstance(end, Violation) else "no time was left"
                break
            if not self._grows(repeated, late=late):
                return story.transcript
        grown = [one for one in self._held[0] if one in self._growing]
        what = next((one for one in grown if failed or not wait or self._still_holds(one)), "")
        if not what:
            return story.transcript
        table = attribution.rows_about(self._about)
        held = [one[what] for one in self._held]
        found = story.violation(growth.finding(table, what, self._clients, held, failed))
        found.unscripted = growth.UNSCRIPTED
        raise session.note_violation(found)

    def _play(self, repeated: int, timeout: float) -> Stage:
        """Play a round; return its stage."""
        session = self._session
        steps = rewritten(self._visits.steps(repeated), self._rewritings, session.dialect)
        try:
            with session.stage(about=self._about, polite=False, timeout=timeout) as stage:
                for visit in _visits(steps):
                    if time.monotonic() > self._until:
                        session.mark_broken(self._about)  # it may work on
                        raise NotChecked(f"a thousand clients did not come and leave in {self._timeout:.3g} s")
                    stage.play(visit)
                    stage.wait_idle()
            session.check_alive(stage)
        except Violation as violation:
            harmed = sorted(session.masking.known.intersection(LASTING)) if self._came else []  # all have left since
            raise session.note_violation(violation.of(harmed[0]) if harmed else violation) from None
        self._came += sum(len(step.clients) for step in steps if step.comes)
        return stage

    def _grows(self, repeated: int, *, late: bool) -> bool:
        """Look at what the server holds after a round; return whether something has grown in each so far."""
        self._clients.append(self._came)
        self._held.append(self._session.site.resources() or {})
        if len(self._held) == 1:
            self._growing = {*self._held[0]} - {WRITABLE}
            return True
        before, now = self._held[-2:]
        kib = growth.CLIENT_KIB * (self._clients[-1] - self._clients[-2])
        grown = growth.growing(before, now, dict.fromkeys(before, repeated) | {MEMORY: kib, WRITABLE: kib})
        self._growing &= grown
        if late and WRITABLE not in grown:
            self._growing.discard(MEMORY)
        return bool(self._growing)

    def _is_sure(self) -> bool:
        """Whether so much has grown so often that a failure is due to it; memory grows at first in any server."""
        return len(self._held) > growth.SURE_ROUNDS and bool(self._growing - {MEMORY})

    def _still_holds(self, what: str) -> bool:
        """Whether the server goes on holding that: it may let go of what a client held somewhat later."""
        until = time.monotonic() + growth.RELEASE_TIMEOUT
        before, now = self._held[-2:]
        while (self._session.site.resources() or now)[what] > before[what]:
            if time.monotonic() > until:
                return True
            time.sleep(POLL_INTERVAL)  # no event says that a server has let go of something
        return False


def all_rounds_timeout(left: float, *, harmed: bool) -> float:
    """Return the seconds for all rounds, more where very many are left of the budget.

    Where N threads want each processor, everything takes N times as long. Those of a server that is harmed by clients
    that leave may be its own.
    """
    crowded = 1.0 if harmed else max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    return max(growth.ALL_ROUNDS_TIMEOUT * crowded, left * SHARE_OF_BUDGET if left < math.inf else 0.0)


def _visits(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Yield the steps of one client after another: a server may have a short queue of connections."""
    begins = [at for at, step in enumerate(steps) if step.comes]
    yield from (steps[begin:end] for begin, end in pairwise([*begins, len(steps)]))


def grow(session: Session, visits: Visits, about: str, rewritings: Sequence[Rewriting]) -> Transcript:
    """Let clients come and leave in these ways; raise a Violation if the server holds more after each round, and does
    so again when it is fresh.
    """

    def play(timeout: float, *, wait: bool = True) -> Transcript:
        return _Rounds(session, visits, about, rewritings).play(timeout, wait=wait)

    try:
        return session.play_with_both_timeouts(partial(play, wait=not session.site.restartable))
    except Violation as violation:
        first = violation
    if first.shape != "grows" or not session.site.restartable or first.clause_id != about:  # that is known
        raise first
    return shown_again(session, play, first)
