"""Plays scenarios one after another against one target, and keeps them independent of each other.

A server that has broken a clause may be in any state. So after a violation it is replaced by a fresh one. Where that is
impossible, it gets a short health check; if it fails that, the remaining clauses are "not checked", not broken.

One bug is reported once, and hides no other: `masking.py` says which known broken clause explains a violation, and how
a scenario is played again without what triggers it. Known bugs cost little time: once there is one, the timeout is
shorter, and a missing delivery that no known bug explains is confirmed with the full timeout.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver import rate_limit
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.masking import LASTING, Masking
from socketserver_reference.conformance.driver.rewritings import Rewriting, rewritten
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.driver.staging import Staging, Suite
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.scene import Politeness, Scene
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets import notice
from socketserver_reference.conformance.targets.base import CannotCheck, Site, Target
from socketserver_reference.conformance.targets.external import Running

KNOWN_BROKEN_TIMEOUT = 0.5
"""Timeout in seconds with a server that is known to break a clause, until a violation would be a new one."""

SLOWNESS_FACTOR = 5
"""The timeout is at least so many times the longest time that the server has taken for anything."""

EXPECTED_SURVIVAL = "the server goes on when its clients have gone"
"""What every scenario expects of the server in the end."""


class Session:
    """One target and the scenarios played against it. `close` ends the target's server."""

    def __init__(self, target: Target | str, suite: Suite, timeout: float, dialect: Dialect = NOTE) -> None:
        self.target: Target = Running(target) if isinstance(target, str) else target
        self.masking = Masking(dialect)
        self.full_timeout = timeout
        """The timeout in seconds while no clause is known to be broken."""
        self.dialect = dialect
        self._suite = suite
        self._health_check: Sequence[Step] = suite.health_check
        self._broken_by = self._limit = self._absent = ""
        self.unusable = ""
        """Why nothing further can be checked, or ""."""
        self.healthy = self._was_met = False
        """Whether a first conversation with the server went well."""
        self._last: Stage | None = None
        self.remarks: list[str] = []
        """Messages about the server for the user, a line each."""
        self.confirm: Callable[[Violation], Violation | None] = lambda violation: violation
        """Plays a violation again, and returns it as it is to be told; None if a limit of the server explains it."""
        self.site: Site = self.target.start(max(timeout, dialect.limits.start))
        if dialect.limits.fresh and not self.site.restartable:
            self.site.close()
            raise CannotCheck(
                f"the dialect {dialect.name} needs a fresh server for every scenario: let the suite launch it"
            )
        self.address = self.site.address
        self._staging = Staging(self.site, dialect, suite, timeout, self.remarks)
        self.judged_by = self._staging.judged_by
        """Returns the dialect by which a scenario about a clause is judged: what no member said may pass in others."""
        self.masking.lets_pass = self._staging.let_pass
        self.budget = Budget()
        """The time that all of it may take; unlimited until `keep`."""

    def keep(self, budget: Budget) -> None:
        """Keep a budget: what has no time left is not checked."""
        self.budget = budget
        self.site.deadline = budget.until

    @property
    def seen(self) -> list[Scene]:
        """The scenarios that the server has seen since it was started, in order, the health check included; the last
        one grows while it is played.
        """
        return self._staging.seen

    @property
    def timeout(self) -> float:
        """The timeout in seconds now: shorter once a clause is known to be broken."""
        return self.brief_timeout if self.masking.known else self.full_timeout

    @property
    def brief_timeout(self) -> float:
        """The timeout in seconds for what is expected to fail: long enough for a server as slow as this one."""
        return min(max(KNOWN_BROKEN_TIMEOUT, SLOWNESS_FACTOR * self._staging.pace.slowest), self.full_timeout)

    def play(self, *steps: Step, about: str) -> Transcript:
        """Play a scenario that decides a clause, and its final steps; raise the Violation that it shows."""
        return self.masking.decide(partial(self.play_without, steps, about), steps, about)

    def play_without(self, steps: Sequence[Step], about: str, rewritings: Sequence[Rewriting]) -> Transcript:
        """Play a scenario without what the rewritings take out."""
        return self.play_with_both_timeouts(partial(self.play_once, steps, about, rewritings=rewritings))

    def play_with_both_timeouts(self, play: Callable[[float], Transcript]) -> Transcript:
        """Play with the timeout there is now; on a fresh server, and with all of it, before a violation is news."""
        try:
            return play(self.timeout)
        except Violation as violation:
            premature = violation.absent and self.timeout < self.full_timeout
            left_over = self._left_over(violation)
            if self.masking.explanation_of(violation) or not (premature or left_over):
                raise self.masking.attributed(violation) from None
            if left_over and not self.site.restartable:
                raise violation.of(left_over) from None
            first = violation
        try:
            return play(self.full_timeout)
        except Violation as violation:
            first = violation
        except NotChecked:
            if not self.unusable:  # else no server is left after the first
                raise
        raise self.masking.attributed(first)

    def _left_over(self, violation: Violation) -> str:
        """Return the known clause that may explain it, since an earlier scenario on this server broke it; or ""."""
        return self.masking.left_over(violation) if len(self.seen) > 1 else ""

    def explanation_of(self, violation: Violation) -> str:
        """Return the known broken clause that explains a violation, or "" if the violation is new."""
        return self.masking.explanation_of(violation, late=True) or self._left_over(violation)

    def attributed(self, violation: Violation) -> Violation:
        """Return the violation, attributed to a known broken clause if one explains it; raise NotChecked if the dialect
        does not demand that one.
        """
        return self.masking.demanded(self.masking.attributed(violation))

    def play_once(
        self,
        steps: Sequence[Step],
        about: str,
        timeout: float,
        perform: Callable[[Stage, Sequence[Step]], object] = Stage.play,
        rewritings: Sequence[Rewriting] = (),
    ) -> Transcript:
        """Play a scenario without what the rewritings take out, and its final steps."""
        self.prepare()
        steps = rewritten(steps, rewritings, self.dialect)
        self._staging.check_duration(steps)
        finishing = False
        try:
            with self.stage(about=about, polite=CLAUSES[about].profile == "basic", timeout=timeout) as stage:
                stage.before_step = self.budget.go_on  # in some dialects a scenario has very many steps
                perform(stage, steps)
                finishing = True
                stage.wait_idle()  # abrupt steps take effect now, before the final steps
                stage.play(rewritten(self.masking.in_the_end(stage.oracle.final_steps()), rewritings, self.dialect))
            self.check_alive(stage)
        except Ambiguous:
            raise NotChecked("too many segmentations are possible to judge the scenario") from None
        except Violation as violation:
            violation.in_final_steps = finishing
            violation.spares = finishing and violation.clause_id != about
            raise self.note_violation(violation) from None
        self._staging.check_members()
        return stage.transcript

    def stage(
        self, *, about: str | None = None, polite: bool = True, abrupt: bool = False, timeout: float | None = None
    ) -> Stage:
        """Return a stage for one scenario; the caller closes it."""
        politeness: Politeness = "abrupt" if abrupt else "polite" if polite else "polite at first"
        within = min(self.timeout if timeout is None else timeout, self.budget.left)
        return self._staging.stage(about, politeness, within, waits_for_ends=self.masking.demands_ends(about))

    def stage_of(self, scene: Scene, timeout: float) -> Stage:
        """Return a stage to play a scenario as it was played before; the caller closes it."""
        how = scene.politeness
        return self.stage(about=scene.about, polite=how == "polite", abrupt=how == "abrupt", timeout=timeout)

    def note_violation(self, violation: Violation) -> Violation:
        """Note that the server has broken a clause, and whether it has died; raise NotChecked if interference may be
        the cause, or if something was missing when the time of the check was over.
        """
        self._broken_by, violation.scenes = violation.clause_id, tuple(self.seen)
        if violation.absent:
            self.budget.go_on()
        if injected := self.site.interference():
            raise NotChecked(f"{injected}, so it may not be the server that breaks {violation.clause_id}")
        if violation.exit_report is None:
            self._staging.note_end(violation)
        if not violation.absent or violation.clause_id in self.masking.known:
            self.site.note_flood()
        if violation.exit_report:
            violation.server_ended = True
            violation.observed += f"; {violation.exit_report}"
        return violation

    def check_alive(self, stage: Stage) -> None:
        """Raise a Violation if the server has died, even if no client noticed."""
        self._last = stage
        self.site.drain()
        if self.site.exit_report():
            raise stage.violation_after_all(stage.oracle.explain_death(EXPECTED_SURVIVAL))

    def prepare(self) -> None:
        """Make sure that a healthy server is there; raise NotChecked otherwise, or CannotCheck if there never was one.

        A server that died after the last scenario was judged breaks a clause by that.
        """
        if self._absent:
            raise CannotCheck(self._absent)
        self.budget.go_on()
        if self.unusable:
            raise NotChecked(self.unusable)
        if not self._broken_by and self._last is not None:
            try:
                self.check_alive(self._last)
            except Violation as violation:
                raise self.note_violation(violation) from None
        self.site.drain()
        self._broken_by = self._broken_by or self.site.interference()
        try:
            if (self._broken_by or self._used_up) and self.site.restart():
                self._note_restart()
            elif self._broken_by or not self.healthy:
                self._meet()
                if self._used_up and self.site.restart():
                    self._note_restart()
        except CannotCheck as error:
            if not self._was_met:
                self._absent = str(error)
                raise
            self.unusable = f"the server could not be restarted after {self._cause()}: {error}"
            raise NotChecked(self.unusable) from None
        self._broken_by = ""

    def renew(self, cause: str) -> None:
        """Replace the server because of that cause, even one that is not checked any further; raise NotChecked if that
        is impossible.
        """
        self.mark_broken(cause)
        unusable, self.unusable = self.unusable, ""
        try:
            self.prepare()
        finally:
            self.unusable = self.unusable or unusable

    def mark_broken(self, clause: str) -> None:
        """Note that another component made the server break a clause: the next scenario needs a fresh server."""
        self._broken_by = clause

    @property
    def _used_up(self) -> bool:
        """Whether every scenario needs a fresh server, and this one has seen a client, which has left."""
        harmed = not self.masking.known.isdisjoint(LASTING)
        return bool(self.dialect.limits.fresh or self._limit or harmed) and bool(self.seen)

    def serve_afresh(self, limit: str) -> None:
        """Give every scenario a fresh server from now on: this one refuses clients after that many."""
        self.remarks += [] if self._limit else [notice.tell(rate_limit.remark(limit))]
        self._limit = limit

    def acquit(self, violation: Violation) -> None:
        """Forget a violation that did not show again."""
        self.masking.known.discard(violation.clause_id)
        self.unusable = ""
        self.mark_broken(violation.clause_id)

    def _note_restart(self) -> None:
        self.address = self.site.address
        self.seen.clear()
        if self.site.start_timeout:  # it was not seen to listen
            self._staging.begin_again()
            self.healthy = False
            self._check_health()

    def _cause(self) -> str:
        """Return the cause of the server's bad state, in words."""
        return f"the violation of {self._broken_by}" if self._broken_by in CLAUSES else f"this: {self._broken_by}"

    def _meet(self) -> None:
        """Play the health check; again, while the server may be starting, if no socket receives its datagrams yet."""
        until = time.monotonic() + self.site.start_timeout
        while not self._check_health():
            if time.monotonic() > until:
                raise CannotCheck(self.site.absence("connection refused"))
            self._staging.begin_again()

    def _check_health(self) -> bool:
        """Play the health check; return False if there is no server yet, raise NotChecked if it fails."""
        greeted = False
        try:
            with self.stage(about=self._suite.health_clause, timeout=self.full_timeout) as stage:
                stage.play(self._health_check)
                greeted = True
                if not self.healthy:
                    stage.about = None
                    stage.play(stage.oracle.final_steps())
        except Violation as first:
            if not self._was_met and self._staging.contact.refused:
                return False
            self._was_met = True
            before = self._cause()
            violation = self.note_violation(first)
            if self._can_spare(violation):
                try:
                    return self._check_health()
                except NotChecked as error:  # not the leaver alone
                    if self.healthy or error.violation is None or {*LASTING}.intersection(violation.candidates):
                        raise
                    self.masking.known.discard(error.violation.clause_id)
            if self.healthy:
                self.unusable = f"the server has not recovered from {before} and cannot be restarted"
                raise NotChecked(self.unusable) from None
            if not violation.absent:  # the server did answer, but wrongly
                violation = violation.of(violation.candidates[0])
            why = f"a fresh server breaks {violation.clause_id} in its first conversation"
            self.unusable = "" if greeted else why
            self.healthy = greeted
            raise NotChecked(why, self.attributed(violation)) from None
        if not self.healthy and (slow := self.budget.allow_for(self._staging.pace.slowest)):
            self.remarks.append(notice.tell(slow))
        self.site.deadline = self.budget.until
        self.healthy = self._was_met = True
        return True

    def _can_spare(self, violation: Violation) -> bool:
        """Whether it may pass the health check without the client that leaves in silence, or if it does not hang up."""
        leavers = {who for step in self._health_check if step.leaves for who in step.clients}
        blamed = leavers and (violation.failing in leavers or {*LASTING}.intersection(violation.candidates))
        stays = not blamed and violation.shape == "no end" and self.masking.hangs_up
        if not (blamed or stays) or not (self.site.restart() or stays or not violation.absent):  # else it may be stuck
            return False
        if self.site.restartable:
            self.address = self.site.address
            self.seen.clear()
        self.masking.hangs_up &= not stays
        spared = leavers if blamed else set()
        self._health_check = [step for step in self._health_check if spared.isdisjoint(step.clients)]
        return True

    def close(self) -> None:
        """End the server, if the suite started it."""
        self.site.close()
