"""Plays one scenario after the other against one target, and sees to it that none suffers from the one before.

A server that has broken a clause may be in any state. So after a violation it is replaced by a fresh one, or, where
that is impossible, asked for one short conversation; if it cannot hold that, what follows is not checked rather than
blamed.

Nor is one bug told twice. What a scenario shows often fits several clauses; if one of them is `known` to be broken,
it is that one again, and the clause that the scenario was to decide is not checked. Known bugs cost little time, too:
once there is one, nobody waits long for what does not come, unless it would be news.
"""

from collections.abc import Callable, Sequence
from functools import partial

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects import effects, rewrite_limits
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.rewrite import Rewriter
from socketserver_reference.conformance.dialects.rewrite_limits import CapacityLimit, RateLimited, ScenarioMarked
from socketserver_reference.conformance.driver import rate_limit
from socketserver_reference.conformance.driver.carry_over import CarryOver
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles import delayed_ack, scaling
from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Finding, Violation
from socketserver_reference.conformance.targets.base import CannotCheck, Site, Target
from socketserver_reference.conformance.targets.external import Running

KNOWN_BROKEN_TIMEOUT = 0.5
"""Timeout in seconds with a server that is known to break a clause, until something else seems to be wrong with it."""

EXPECTED_SURVIVAL = "the server goes on when its clients have gone"
"""What is expected of a server in the end, whatever the scenario was."""

LAG_CONFIRMATIONS = 3
"""Times that a violation which only a clock can see must be seen."""


class Session:
    """One target, and the scenarios played against it. `close` ends the target's server."""

    def __init__(
        self,
        target: Target | str,
        *,
        timeout: float,
        oracle: Callable[[Dialect], Oracle],
        rewriter: Callable[[Dialect], Rewriter],
        health_check: Sequence[Step],
        health_clause: str,
        survival_clause: str,
        dialect: Dialect = NOTE,
    ) -> None:
        self.target: Target = Running(target) if isinstance(target, str) else target
        self.known: set[str] = set()
        """The clauses that this server is known to break."""
        self.expected_failures: frozenset[str] = frozenset()
        """Those that somebody lists as broken, and whose violations are no news: see `results/known.py`."""
        self.unconfirmed: set[str] = set()
        """Those of them that explain nothing before it is confirmed that they are broken indeed."""
        self.confirm_broken: Callable[[str], bool] = lambda _: True
        """Finds that out for one of them."""
        self.full_timeout = timeout
        """Seconds that anything which must come may take, whatever is known."""
        self.dialect = dialect
        self._oracle = oracle
        self._rewriter_of = rewriter
        self.health_check = health_check
        self._health_clause = health_clause
        self._survival_clause = survival_clause
        self._broken_by = ""
        self._unusable = ""
        self._healthy = False
        self._last: Stage | None = None
        self._rate_limiter = rate_limit.RateLimiter(dialect.limits)
        self._capacity_limit: CapacityLimit | None = None
        self._carry_over = CarryOver(timeout)
        self._used = False
        self.site: Site = self.target.start(max(timeout, dialect.limits.start))
        if dialect.limits.fresh and not self.site.restartable:
            self.site.close()
            raise CannotCheck(f"the dialect {dialect.name} needs a fresh server for every scenario: let it be launched")
        self.address = self.site.address
        self._rate_limiter.joined()  # whoever looked whether it listens

    @property
    def timeout(self) -> float:
        """How long, in seconds, anything that must come may take now."""
        return min(KNOWN_BROKEN_TIMEOUT, self.full_timeout) if self.known else self.full_timeout

    def play(self, *steps: Step, about: str) -> Transcript:
        """Play a scenario that decides a clause, and see everybody whole; raise the Violation it shows."""
        return self._patiently(partial(self._play, steps, about))

    def _patiently(self, play: Callable[[float], Transcript]) -> Transcript:
        """Play with the timeout there is now, and with all of it if what did not come would be news."""
        try:
            return play(self.timeout)
        except Violation as violation:
            premature = violation.absent and self.timeout < self.full_timeout and not self.explanation_of(violation)
            if not premature:
                raise self.attributed(violation) from None
        try:
            return play(self.full_timeout)
        except Violation as violation:
            raise self.attributed(violation) from None

    def _play(
        self,
        steps: Sequence[Step],
        about: str,
        timeout: float,
        perform: Callable[[Stage, Sequence[Step]], object] = Stage.play,
    ) -> Transcript:
        self.prepare()
        self._check_duration(steps)
        finishing = False
        try:
            with self.stage(about=about, polite=CLAUSES[about].profile == "basic", timeout=timeout) as stage:
                perform(stage, steps)
                finishing = True
                stage.wait_idle()  # what was abrupt has its effect now, before anybody is taken to have survived it
                stage.play(stage.oracle.final_steps())
            self.check_alive(stage)
        except Ambiguous:
            raise NotChecked("what was said allows too many readings to judge") from None
        except Violation as violation:
            violation.after_scenario = finishing and violation.clause_id != about
            raise self.note_violation(violation) from None
        if self._capacity_limit is not None and self._capacity_limit.lost:
            missing = " and no ".join(self._capacity_limit.lost)
            raise NotChecked(
                f"there was no {missing} for want of a seat: the dialect has {self.dialect.limits.members}"
            )
        return stage.transcript

    def measure_lag(self, *steps: Step, about: str, prompt: str, late: str) -> None:
        """Play a scenario again and again; a violation only if `late` is kept waiting every time.

        A busy machine and a stalled delivery look alike to a stopwatch. So `late` is compared with `prompt`, another
        member who hears the same deliveries at the same time, and one slow delivery says nothing: a fifth of them must
        be slow.
        """
        for _ in range(LAG_CONFIRMATIONS):
            self.prepare()
            with self.stage(about=about, polite=CLAUSES[about].profile == "basic") as stage:
                try:
                    stage.play(steps)
                except Violation as violation:
                    raise self.attributed(self.note_violation(violation)) from None
                lags = delayed_ack.lags(stage.transcript, prompt, late)
                if not delayed_ack.stalls(lags):
                    return
                finding = delayed_ack.finding(lags, prompt, late)
        raise self.attributed(self.note_violation(stage.violation(finding)))

    def scale(self, room: scaling.Room, many: int, about: str) -> bool:
        """Play a scenario in a room of so many, and in one a quarter as large; a violation if the large one costs the
        server too much more, twice. Where nobody sees what it costs, play the small one alone, and return False.
        """
        few = many // scaling.TIMES
        if self.site.cpu_time() is None:
            self.play(*room(few).steps, about=about)
            return False
        found: list[scaling.Costs] = []
        while not scaling.decided(found):
            large, stage = self._cost(room(many), about)
            if scaling.is_little(large):
                return True
            self.mark_broken(about)  # it may still be at work for those who have gone
            small, _ = self._cost(room(few), about)
            self.mark_broken(about)
            found.append(scaling.Costs(large, small))
        if scaling.is_excessive(found):
            violation = stage.violation(scaling.finding(found, many))
            violation.unscripted = scaling.UNSCRIPTED
            raise self.attributed(self.note_violation(violation))
        return True

    def _cost(self, room: scaling.Departure, about: str) -> tuple[float, Stage]:
        """Play a scenario; return what it costs the server that a crowd leaves, and the stage it was played on."""
        seen: list[tuple[float, Stage]] = []

        def perform(stage: Stage, _: Sequence[Step]) -> None:
            stage.play(room.coming)
            stage.wait_idle()
            before = self.site.cpu_time() or 0.0
            stage.play_at_once(room.leaving)
            stage.play(room.staying)
            stage.wait_idle()
            seen.append(((self.site.cpu_time() or 0.0) - before, stage))

        self._patiently(lambda timeout: self._play(room.steps, about, timeout, perform))
        return seen[-1]

    def stage(
        self, *, about: str | None = None, polite: bool = True, abrupt: bool = False, timeout: float | None = None
    ) -> Stage:
        """Return a stage before the server; the caller closes it."""
        self._used = True
        self._rate_limiter.begin()
        oracle = self._oracle(self.dialect)
        if self.site.restartable:  # then it was seen to come to rest
            self._carry_over.forget()
        mark = self._carry_over.begin(oracle)
        return Stage(
            self.site.address,
            oracle,
            mark=mark,
            timeout=self.timeout if timeout is None else timeout,
            about=about,
            wait_idle=self.site.wait_idle,
            restartable=self.site.restartable,
            dialect=self.dialect,
            rewriter=self._rewriter(mark),
            rate_limiter=self._rate_limiter,
            politeness="abrupt" if abrupt else "polite" if polite else "polite at first",
        )

    def _rewriter(self, mark: str = "") -> Rewriter:
        """Return what phrases a scenario for this server, within its limits."""
        rewriter = self._rewriter_of(self.dialect)
        if self.dialect.history:
            rewriter = ScenarioMarked(rewriter, self.dialect, mark)
        self._capacity_limit = None
        if self.dialect.limits.members:
            self._capacity_limit = CapacityLimit(rewriter, self.dialect, sees_idle=self.site.restartable)
            rewriter = self._capacity_limit
        return RateLimited(rewriter) if self.dialect.limits.gap and "chat" in self.dialect.protocols else rewriter

    def _check_duration(self, steps: Sequence[Step]) -> None:
        """Raise NotChecked for a scenario that the limits of the dialect leave no time for."""
        limits = self.dialect.limits
        if (limits.gap or limits.join_gap) and rewrite_limits.too_long(steps, limits, self._rewriter()):
            raise NotChecked(
                f"with the gaps of the dialect {self.dialect.name} its scenario would take more than "
                f"{rewrite_limits.MAX_SCENARIO_SECONDS:g} s"
            )

    def note_violation(self, violation: Violation) -> Violation:
        """Note that the server has broken a clause, and whether it died of it; raise NotChecked if somebody else may
        have done it.
        """
        self._broken_by = violation.clause_id
        if injected := self.site.interference():
            raise NotChecked(f"{injected}, so it may not be the server that breaks {violation.clause_id}")
        self.site.wait_idle()  # whoever is about to die shall have the time
        exit_report = self.site.exit_report()
        if exit_report:
            violation.observed += f"; {exit_report}"
        return violation

    def explanation_of(self, violation: Violation) -> str:
        """Return the clause that a violation may come from and that is known, or "" if it is news.

        What the dialect does not ask explains only what nothing else explains better: it excuses no other clause.
        """
        if violation.clause_id in {*self.known, *self.expected_failures, *effects.not_applicable(self.dialect)}:
            self.unconfirmed.discard(violation.clause_id)
            return violation.clause_id
        return next(
            (clause for clause in violation.candidates if clause in self.known and self._is_confirmed(clause)), ""
        )

    def _is_confirmed(self, clause: str) -> bool:
        """Whether a known clause is broken indeed, or only said to be."""
        if clause in self.unconfirmed:
            self.unconfirmed.discard(clause)
            if not self.confirm_broken(clause):
                self.known.discard(clause)
        return clause in self.known

    def attributed(self, violation: Violation) -> Violation:
        """Return the violation as one of the clause that is known to be broken, if it fits; otherwise as it is, known
        from now on. Raise NotChecked for what the dialect does not ask of the server.
        """
        clause = self.explanation_of(violation) or violation.clause_id
        if clause in effects.not_applicable(self.dialect):
            why = effects.not_applicable(self.dialect)[clause]
            raise NotChecked(
                f"its scenario came upon {clause}, which the dialect {self.dialect.name} leaves out: {why}"
            )
        self.known.add(clause)
        return violation if clause == violation.clause_id else violation.of(clause)

    def check_alive(self, stage: Stage) -> None:
        """Raise a Violation if the server has died though nobody was harmed by it."""
        self._last = stage
        self.site.drain()
        if self.site.exit_report():
            raise stage.violation(Finding((self._survival_clause,), EXPECTED_SURVIVAL, "it ended"))

    def prepare(self) -> None:
        """Make sure that a server in good order is there; raise NotChecked otherwise.

        A server that has died since the last scenario, when nobody looked any more, breaks a clause by that.
        """
        if self._unusable:
            raise NotChecked(self._unusable)
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
            elif self._broken_by or not self._healthy:
                self._check_health()
                if self._used_up and self.site.restart():
                    self._note_restart()
        except CannotCheck as error:
            self._unusable = f"the server could not be restarted after {self._cause()}: {error}"
            raise NotChecked(self._unusable) from None
        self._broken_by = ""

    def mark_broken(self, clause: str) -> None:
        """Note that somebody else has made the server break a clause: the next scenario needs a fresh one."""
        self._broken_by = clause

    @property
    def _used_up(self) -> bool:
        """Whether the server has seen somebody, and must not have."""
        return self.dialect.limits.fresh and self._used

    def _note_restart(self) -> None:
        self.address = self.site.address
        self._used = False
        self._rate_limiter.joined()

    def _cause(self) -> str:
        """Return what has broken the server, in words."""
        return f"the violation of {self._broken_by}" if self._broken_by in CLAUSES else f"this: {self._broken_by}"

    def _check_health(self) -> None:
        """Hold a short conversation, to see that the server is in order; raise NotChecked if it is not."""
        greeted = False
        try:
            with self.stage(about=self._health_clause, timeout=self.full_timeout) as stage:
                stage.play(self.health_check)
                greeted = True
                if not self._healthy:
                    stage.about = None
                    stage.play(stage.oracle.final_steps())
        except Violation as first:
            before = self._cause()
            violation = self.note_violation(first)
            if self._healthy:
                why = f"the server has not recovered from {before} and cannot be restarted"
                self._unusable = why
                raise NotChecked(why) from None
            if not violation.absent:  # a conversation there was, and something was wrong with it
                violation = violation.of(violation.candidates[0])
            why = f"a fresh server breaks {violation.clause_id} in its first conversation"
            self._unusable = "" if greeted else why
            self._healthy = greeted
            raise NotChecked(why, self.attributed(violation)) from None
        self._healthy = True

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
