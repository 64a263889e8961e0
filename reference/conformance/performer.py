"""Plays one scenario after the other against one target, and sees to it that none suffers from the one before.

A server that has broken a clause may be in any state. So after a violation it is replaced by a fresh one, or, where
that is impossible, asked for one short conversation; if it cannot hold that, what follows is not checked rather than
blamed.
"""

from collections.abc import Callable, Sequence

from reference.clauses import CLAUSES
from reference.conformance import pacing
from reference.conformance.dialect import NOTE, Dialect
from reference.conformance.log import Ambiguous
from reference.conformance.oracle import Oracle
from reference.conformance.scenario import Step
from reference.conformance.stage import Stage
from reference.conformance.suite import NotApplicable, NotChecked
from reference.conformance.target import CannotCheck, Running, Site, Target
from reference.conformance.transcript import Transcript
from reference.conformance.violation import VIOLATIONS, Finding, Violation

SIGHTS = 3
"""Times that a violation which only a clock can see must be seen."""


class Performer:
    """One target, and the scenarios played against it. `close` ends the target's server."""

    def __init__(
        self,
        target: Target | str,
        *,
        patience: float,
        oracle: Callable[[Dialect], Oracle],
        greeting: Sequence[Step],
        conversation: str,
        survival: str,
    ) -> None:
        self.target: Target = Running(target) if isinstance(target, str) else target
        self.patience = patience
        self._oracle = oracle
        self._greeting = greeting
        self._conversation = conversation
        self._survival = survival
        self._broken_by = ""
        self._hopeless = ""
        self._greeted = False
        self._last: Stage | None = None
        self.site: Site = self.target.start(patience)
        self.address = self.site.address

    def play(self, *steps: Step, about: str) -> Transcript:
        """Play a scenario that decides a clause, and see everybody whole; raise the Violation it shows."""
        self.prepare()
        farewell = False
        try:
            with self.stage(about=about, polite=CLAUSES[about].profile == "basic") as stage:
                stage.play(steps)
                farewell = True
                stage.play(stage.oracle.farewell())
            self.check_alive(stage)
        except Ambiguous:
            raise NotChecked("what was said allows too many readings to judge") from None
        except Violation as violation:
            violation.afterwards = farewell and violation.clause_id != about
            raise self.seen(violation) from None
        return stage.transcript

    def pace(self, *steps: Step, about: str, prompt: str, late: str) -> None:
        """Play a scenario again and again; a violation only if `late` is kept waiting every time.

        A busy machine and a stalled delivery look alike to a stopwatch. So `late` is compared with `prompt`, another
        member who hears the same deliveries at the same time, and one slow delivery says nothing: a third of them must
        be slow.
        """
        for _ in range(SIGHTS):
            self.prepare()
            with self.stage(about=about, polite=CLAUSES[about].profile == "basic") as stage:
                try:
                    stage.play(steps)
                except Violation as violation:
                    raise self.seen(violation) from None
                lags = pacing.lags(stage.transcript, prompt, late)
                if not pacing.stalls(lags):
                    return
                finding = pacing.finding(lags, prompt, late)
        raise self.seen(stage.violation(finding))

    def stage(
        self, *, about: str | None = None, polite: bool = True, abrupt: bool = False, patience: float | None = None
    ) -> Stage:
        """Return a stage before the server; the caller closes it."""
        return Stage(
            self.site.address,
            self._oracle(NOTE),
            patience=self.patience if patience is None else patience,
            about=about,
            rest=self.site.rest,
            manners="abrupt" if abrupt else "polite" if polite else "polite at first",
        )

    def seen(self, violation: Violation) -> Violation:
        """Note that the server has broken a clause, and whether it died of it."""
        self._broken_by = violation.clause_id
        obituary = self.site.obituary()
        if obituary:
            violation.observed += f"; {obituary}"
        return violation

    def check_alive(self, stage: Stage) -> None:
        """Raise a Violation if the server has died though nobody was harmed by it."""
        self._last = stage
        self.site.rest()
        if self.site.obituary():
            raise stage.violation(
                Finding((self._survival,), "the server goes on when its clients have gone", "it ended")
            )

    def prepare(self) -> None:
        """Make sure that a server in good order is there; raise NotChecked otherwise.

        A server that has died since the last scenario, when nobody looked any more, breaks a clause by that.
        """
        if self._hopeless:
            raise NotChecked(self._hopeless)
        if not self._broken_by and self._last is not None:
            try:
                self.check_alive(self._last)
            except Violation as violation:
                raise self.seen(violation) from None
        self.site.calm()
        if self._greeted and not self._broken_by:
            return
        try:
            fresh = not self._broken_by or self.site.renew()
            self.address = self.site.address
            with self.stage(about=self._conversation) as stage:
                stage.play(self._greeting)
            self._greeted = True
        except CannotCheck as error:
            self._hopeless = f"the server could not be restarted after the violation of {self._broken_by}: {error}"
        except Violation as violation:
            if fresh:
                if not violation.absent:  # a conversation there was, and something was wrong with it
                    violation = VIOLATIONS[violation.candidates[0]](
                        violation.expected, violation.observed, violation.exchange
                    )
                self._hopeless = f"a fresh server breaks {violation.clause_id} in its first conversation"
                raise NotChecked(self._hopeless, violation) from None
            self._hopeless = (
                f"the server has not recovered from the violation of {self._broken_by} and cannot be restarted"
            )
        if self._hopeless:
            raise NotChecked(self._hopeless)
        self._broken_by = ""

    @staticmethod
    def not_applicable(why: str) -> None:
        """End the check: the clause says nothing about this target."""
        raise NotApplicable(why)

    @staticmethod
    def not_checked(why: str) -> None:
        """End the check: the clause cannot be decided here."""
        raise NotChecked(why)

    def close(self) -> None:
        """End the server, if it is ours."""
        self.site.close()
