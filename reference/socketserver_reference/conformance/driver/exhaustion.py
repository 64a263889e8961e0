"""Leaves a server few descriptors, and brings more clients than they are enough for: see
`oracles/measured/exhaustion.py`.
"""

import contextlib
from collections.abc import Iterator
from functools import partial

from socketserver_reference.conformance.driver.masking import LASTING
from socketserver_reference.conformance.driver.measurements import shown_again, spins
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.measured import exhaustion
from socketserver_reference.conformance.oracles.measured.exhaustion import Exhaustion
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets import crowd
from socketserver_reference.conformance.targets.client import Client

SILENT_LEAVE_TIMEOUT = 3.0
"""Most seconds for the silent clients to leave: servers that could not accept some may try again after one."""


class _Attempt:
    """One play on one server."""

    def __init__(self, session: Session, about: str, spare: int) -> None:
        self._session = session
        self._about = about
        self._spare = spare
        self._table = attribution.rows_about(about)
        self._when = ""  # what has happened to the descriptors
        self.gave_back = False  # whether the server had some that it did not need, such as those of earlier clients

    def play(self, exhausts: Exhaustion, timeout: float) -> Transcript:
        """Play it; raise the Violation that it shows."""
        session = self._session
        session.prepare()
        limit = session.site.few_descriptors(self._spare)
        if limit is None:
            raise NotApplicable(exhaustion.UNSEEN)
        try:
            with session.stage(about=self._about, timeout=timeout) as stage:
                stage.play(exhausts.before)
                stage.wait_idle()
                with limit as left:
                    with self._silent_clients(stage):
                        used_up = min(left(), default=0) <= exhaustion.USED_UP
                        self.gave_back = max(left(), default=0) > self._spare
                        stage.play(exhausts.meanwhile)
                    self._when = exhaustion.AFTERWARDS
                    stage.play(exhausts.afterwards)
            session.check_alive(stage)
        except Violation as violation:
            raise session.note_violation(self._told(stage, violation)) from None
        if not used_up and self._spare == exhaustion.SPARE_DESCRIPTORS:
            raise NotApplicable(exhaustion.UNUSED)
        return stage.transcript

    @contextlib.contextmanager
    def _silent_clients(self, stage: Stage) -> Iterator[None]:
        """Let silent clients connect, and leave at the end of the block; see that the server comes to rest."""
        used = self._used()
        self._when = exhaustion.MEANWHILE
        silent: list[Client] = []
        try:
            for _ in range(exhaustion.SILENT_CLIENTS):  # not in one instant: its queue may be short
                silent += crowd.connect_without_waiting(self._session.site.address, 1)
                self._session.site.wait_idle()
            if spins(self._session.site, used):
                raise stage.violation(exhaustion.spinning(self._table, self._used() - used))
            yield
        except BaseException:
            crowd.leave_in_order(silent, 0.0)
            raise
        crowd.leave_in_order(silent, min(stage.timeout, SILENT_LEAVE_TIMEOUT))

    def _used(self) -> float:
        return self._session.site.cpu_time() or 0.0

    def _told(self, stage: Stage, violation: Violation) -> Violation:
        """Return a violation as one of this clause, if the server fails whom it has served, or does not recover."""
        if not self._when or not (violation.absent or violation.shape == "died"):
            violation.unscripted = exhaustion.UNSCRIPTED if self._when else violation.unscripted
            return violation
        told = stage.violation(
            exhaustion.finding(self._table, self._when, violation.expected, violation.observed, absent=violation.absent)
        )
        told.at, told.failing, told.due = violation.at, violation.failing, violation.due
        told.unscripted = exhaustion.UNSCRIPTED
        return told


def exhaust(session: Session, exhausts: Exhaustion, about: str) -> Transcript:
    """Play it with few descriptors; raise a Violation if the server fails, does so again when it is fresh, and does not
    fail with many descriptors.
    """

    def play(spare: int, timeout: float) -> Transcript:
        attempt = _Attempt(session, about, spare)
        try:
            return attempt.play(exhausts, timeout)
        except NotApplicable:
            if not attempt.gave_back:
                raise
        session.renew("what earlier clients have left behind")
        return _Attempt(session, about, spare).play(exhausts, timeout)

    scarce = partial(play, exhaustion.SPARE_DESCRIPTORS)
    try:
        return session.play_with_both_timeouts(scarce)
    except Violation as violation:
        first = violation
    if first.shape != "starves":
        raise first
    try:
        play(exhaustion.AMPLE_DESCRIPTORS, session.full_timeout)
    except NotChecked as other:
        raise _disturbed(session, first, str(other)) from None
    except Violation as other:
        if other.shape == "starves" or not {*LASTING}.isdisjoint({other.clause_id, *other.candidates}):
            raise _disturbed(session, first, other.observed) from None
    session.mark_broken(about)
    return shown_again(session, scarce, first)


def _disturbed(session: Session, first: Violation, why: str) -> NotChecked:
    """Return why a server is not told to lack descriptors."""
    session.acquit(first)
    return NotChecked(f"silent clients disturb the server even where descriptors are left: {why}")
