"""The argument `play` of a check: it plays scenarios."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.driver.exhaustion import exhaust
from socketserver_reference.conformance.driver.growth import grow
from socketserver_reference.conformance.driver.masking import LASTING
from socketserver_reference.conformance.driver.measurements import measure_delay, measure_lag, rest, scale
from socketserver_reference.conformance.driver.port_reuse import come_back
from socketserver_reference.conformance.driver.rewritings import Rewriting, rewritten
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles.measured import exhaustion, growth, port_reuse, resting, scaling
from socketserver_reference.conformance.oracles.measured.exhaustion import Exhaustion
from socketserver_reference.conformance.oracles.measured.growth import Visits
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets import notice

MAX_ATTEMPTS = 3
"""Times that a scenario is played, as long as its violations do not show again."""

Played = TypeVar("Played")


class ScenarioRunner:
    """The `play` fixture: plays the steps of a scenario for the clause that the check decides."""

    def __init__(self, session: Session, clause: str, idle: float = 0.0) -> None:
        self._session = session
        self.idle = idle
        self._clause = clause
        self.address = session.address
        self.dialect = session.dialect

    @staticmethod
    def not_applicable(why: str) -> None:
        """End the check: the clause does not apply to this target."""
        raise NotApplicable(why)

    @staticmethod
    def not_checked(why: str) -> None:
        """End the check: the clause cannot be decided here."""
        raise NotChecked(why)

    def needs_exact_chunks(self) -> None:
        """End the check if an utterance may reach the server in pieces: the clause is about whole chunks."""
        if not self._session.dialect.exact:
            self.not_applicable("the path may split an utterance, and the clause is about whole chunks")

    def _needs_to_see(self) -> None:
        """End the check of a clause that is not applicable in this dialect, or cannot be observed from here, or for
        which no time is left. There is more of it for a server that clients harm by leaving.
        """
        dialect = self._session.dialect
        why = effects.not_applicable(dialect).get(self._clause) or self._session.site.unobservable.get(self._clause)
        if why:
            self.not_applicable(why)
        session = self._session
        harmed = session.site.restartable and not session.masking.known.isdisjoint(LASTING)
        if harmed and (more := session.budget.allow_for_harm()):
            session.remarks.append(notice.tell(more))
            session.site.deadline = session.budget.until
        session.budget.begin()

    def __call__(self, *steps: Step) -> Transcript:
        self._needs_to_see()
        session, about = self._session, self._clause
        return session.masking.decide(
            lambda rewritings: self._confirmed(partial(session.play_without, steps, about, rewritings)), steps, about
        )

    def measure_lag(self, *steps: Step, prompt: str, late: str) -> None:
        """Play the steps for a clause that only a clock can decide."""
        self._needs_to_see()
        self._confirmed(partial(measure_lag, self._session, *steps, about=self._clause, prompt=prompt, late=late))

    def measure_delay(self, *steps: Step, alone: Sequence[str], beside: str) -> None:
        """Play the steps, and compare what a client waits beside a silent one with what others wait alone."""
        self._needs_to_see()
        session, about = self._session, self._clause

        def play(rewritings: Sequence[Rewriting]) -> Transcript:
            left = rewritten(steps, rewritings, session.dialect)
            return self._confirmed(partial(measure_delay, session, left, about, alone, beside))

        session.masking.decide(play, steps, about)

    def scale(self, room: scaling.Room, many: int) -> bool:
        """Play a scenario in rooms of two sizes, for a clause that only the cost to the server can decide.

        Return whether that cost can be measured here.
        """
        self._needs_to_see()
        return self._confirmed(partial(scale, self._session, room, many, about=self._clause))

    def grow(self, visits: Visits) -> None:
        """Let many clients come and leave in these ways, for a clause that only what the server holds can decide."""
        self._needs_to_see()
        session, about = self._session, self._clause
        if session.dialect.limits.paced or session.dialect.limits.fresh:
            self.not_applicable("the dialect's limits leave no time for so many clients on one server")
        if not session.site.restartable and session.site.resources() is None:  # else it may have ended
            self.not_applicable(growth.UNSEEN)
        steps = visits.steps(1)
        session.masking.decide(
            lambda rewritings: self._confirmed(partial(grow, session, visits, about, rewritings)),
            steps,
            about,
            session.masking.spared(steps, about),  # a thousand clients would do great harm
        )

    def exhaust(self, exhausts: Exhaustion) -> None:
        """Play it while the server has few descriptors, for a clause that no client alone can show."""
        self._needs_to_see()
        if self._session.dialect.limits.paced:
            self.not_applicable("the dialect's limits let no crowd in")
        site = self._session.site
        if (
            not site.restartable and site.few_descriptors(exhaustion.SPARE_DESCRIPTORS) is None
        ):  # else it may have ended
            self.not_applicable(exhaustion.UNSEEN)
        session, about = self._session, self._clause

        def play(rewritings: Sequence[Rewriting]) -> Transcript:
            left = exhausts.rewritten(lambda steps: rewritten(steps, rewritings, session.dialect))
            return self._confirmed(partial(exhaust, session, left, about))

        session.masking.decide(play, exhausts.steps, about)

    def come_back(self, *steps: Step) -> None:
        """Play the steps, and start the server again at its port at once."""
        self._needs_to_see()
        if not self._session.site.restartable:
            self.not_applicable(port_reuse.UNSEEN)
        session, about = self._session, self._clause

        def play(rewritings: Sequence[Rewriting]) -> Transcript:
            return self._confirmed(partial(come_back, session, rewritten(steps, rewritings, session.dialect), about))

        session.masking.decide(play, steps, about)

    def rest(self, *steps: Step) -> None:
        """Play the steps, and see whether the server rests then."""
        self._needs_to_see()
        session, about = self._session, self._clause
        if not session.site.restartable and session.site.cpu_time() is None:  # else it may have ended
            self.not_applicable(resting.UNSEEN)

        def play(rewritings: Sequence[Rewriting]) -> Transcript:
            return self._confirmed(partial(rest, session, rewritten(steps, rewritings, session.dialect), about))

        session.masking.decide(play, steps, about)

    def _confirmed(self, play: Callable[[], Played]) -> Played:
        """Play a scenario, and confirm the violation that it shows, if it is a new one. It is played all the same if it
        could not be because the first conversation with the server showed a violation.
        """
        known = frozenset(self._session.masking.known)
        try:
            return self._decided(play)
        except NotChecked as error:
            first = error.violation
            if first is None or first.unconfirmed or first.clause_id in known or not self._session.healthy:
                raise
        try:
            self._decided(play)
        except Violation as violation:
            violation.before = (first, *violation.before)
            raise
        except NotChecked:
            raise first from None
        first.spares = True
        raise first

    def _decided(self, play: Callable[[], Played]) -> Played:
        """Play a scenario, once more if no replay shows its violation, since it may show another."""
        doubtful: Violation | None = None
        for _ in range(MAX_ATTEMPTS):
            known = frozenset(self._session.masking.known)
            try:
                played = play()
            except (Violation, NotChecked) as error:
                seen = error if isinstance(error, Violation) else error.violation
                if doubtful is not None and seen is None:
                    raise doubtful from None
                if seen is None or seen.clause_id in known:
                    raise
                told = self._session.confirm(seen)
                if told is not None and not told.unconfirmed:
                    self._session.masking.put_down(seen.clause_id, told.clause_id)
                    raise (told if seen is error else NotChecked(str(error), told)) from None
                self._session.acquit(seen)
                doubtful = told or doubtful
            else:
                break
        else:
            raise NotChecked("its scenario showed something else each time that it was played", doubtful)
        if doubtful is not None:
            raise doubtful
        return played
