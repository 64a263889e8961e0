"""Sets up the stage of each scenario: its oracle, its rewriter, and what those before it left behind."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from socketserver_reference.conformance.dialects import rewrite_limits
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.passing import MAX_PASSING, passing
from socketserver_reference.conformance.dialects.rewrite import EchoRewriter, Rewriter
from socketserver_reference.conformance.dialects.rewrite_limits import CapacityLimit
from socketserver_reference.conformance.driver import rate_limit
from socketserver_reference.conformance.driver.carry_over import CarryOver
from socketserver_reference.conformance.driver.masking import UNSAID
from socketserver_reference.conformance.driver.reading import Pace
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.oracles.chat_room import ChatOracle
from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.oracles.frame_reader import unprompted
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.scenario.scene import Politeness, Scene
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import counted, show
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets import notice
from socketserver_reference.conformance.targets.base import Site
from socketserver_reference.conformance.targets.first_contact import FirstContact


class Suite(Protocol):
    """What a session needs of a conformance class: `checks/base.py` says what each is."""

    @property
    def oracle(self) -> Callable[[Dialect], Oracle]: ...
    @property
    def rewriter(self) -> Callable[[Dialect], Rewriter]: ...
    @property
    def health_check(self) -> Sequence[Step]: ...
    @property
    def health_clause(self) -> str: ...


class Staging:
    """The scenarios on one site, within the limits of its dialect."""

    def __init__(self, site: Site, dialect: Dialect, suite: Suite, timeout: float, remarks: list[str]) -> None:
        self._site = site
        self._dialect = self._lenient = dialect
        self._suite = suite
        self._remarks = remarks
        self._rate_limiter = rate_limit.RateLimiter(dialect.limits)
        self._carry_over = CarryOver(timeout)
        self._capacity_limit: CapacityLimit | None = None
        self.pace = Pace()
        self.seen: list[Scene] = []  # since the server was started; the last one grows while it is played
        self.contact = FirstContact(site)

    def begin_again(self) -> None:
        """Note that no client has met the server yet."""
        self.contact = FirstContact(self._site)
        self.seen.clear()

    def stage(self, about: str | None, politeness: Politeness, timeout: float, *, waits_for_ends: bool = True) -> Stage:
        """Return a stage for one scenario; the caller closes it."""
        self._rate_limiter.begin()
        oracle = self._suite.oracle(self.judged_by(about))
        if isinstance(oracle, EchoOracle):
            oracle.demands_ends = waits_for_ends
        if isinstance(oracle, ChatOracle):
            oracle.fresh = self._site.restartable and not self.seen
        if self._site.restartable:  # then its quiescence was observed
            self._carry_over.forget()
        mark = self._carry_over.begin(oracle)
        stage = Stage(
            self._site.address,
            oracle,
            mark=mark,
            reach=self.contact,
            timeout=timeout,
            about=about,
            wait_idle=self._site.wait_idle,
            restartable=self._site.restartable,
            waits_for_ends=waits_for_ends,
            dialect=self._dialect,
            rewriter=self._rewriter(mark, demands_ends=waits_for_ends),
            rate_limiter=self._rate_limiter,
            politeness=politeness,
            pace=self.pace,
        )
        stage.before_leaving = self.note_end
        self.seen.append(Scene(stage.transcript.scenario, about, politeness))
        return stage

    def judged_by(self, about: str | None) -> Dialect:
        """Return the dialect by which a scenario about a clause is judged."""
        return self._dialect if about == UNSAID else self._lenient

    def let_pass(self, violation: Violation) -> bool:
        """Let what no member said pass from now on where a scenario is about something else, if it is like a notice,
        and say so; return False for nothing new.
        """
        known, seen = self._lenient.notices, violation.transcript
        if not violation.extra or seen is None or len(known) - len(self._dialect.notices) == MAX_PASSING:
            return False
        names = {f"{who}{seen.mark}".encode() for step in seen.scenario for who in step.clients}
        found = passing(unprompted(violation.extra, self._dialect), self._dialect, names)
        if found is None or found in known:
            return False
        self._lenient = replace(self._lenient, notices=(*known, found))
        what = show(found.text.encode())
        self._remarks.append(notice.tell(f"{what} breaks {UNSAID}; to see what else is wrong, it passes elsewhere"))
        return True

    def note_end(self, violation: Violation) -> None:
        """Note whether the server has ended: once the clients of a broken scenario leave, that may end it as well."""
        self._site.wait_idle()  # a server that is about to die gets the time for it
        violation.exit_report = self._site.exit_report()

    def _rewriter(self, mark: str = "", *, demands_ends: bool = True) -> Rewriter:
        """Return the rewriter of a scenario for this server, within its limits."""
        rewriter = self._suite.rewriter(self._dialect)
        if isinstance(rewriter, EchoRewriter):
            rewriter.demands_ends = demands_ends
        rewriter, self._capacity_limit = rewrite_limits.within_limits(
            rewriter, self._dialect, sees_idle=self._site.restartable, mark=mark
        )
        return rewriter

    def check_duration(self, steps: Sequence[Step]) -> None:
        """Raise NotApplicable for a scenario that would take too long with the dialect's gaps."""
        limits = self._dialect.limits
        if limits.paced and rewrite_limits.too_long(steps, limits, self._rewriter()):
            raise NotApplicable(
                f"with the gaps of the dialect {self._dialect.name} its scenario would take more than "
                f"{rewrite_limits.MAX_SCENARIO_SECONDS:g} s"
            )

    def check_members(self) -> None:
        """Raise NotApplicable if the last scenario lost what it is about to the dialect's limit of members."""
        if self._capacity_limit is not None and self._capacity_limit.lost:
            missing = " and no ".join(self._capacity_limit.lost)
            most = counted(self._dialect.limits.members, "member")
            raise NotApplicable(f"the scenario had no {missing}: the dialect allows at most {most}")
