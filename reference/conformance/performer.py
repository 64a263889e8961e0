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

from reference.clauses import CLAUSES
from reference.conformance import pace, pacing, scaling
from reference.conformance.dialect import NOTE, Dialect
from reference.conformance.log import Ambiguous
from reference.conformance.oracle import Oracle
from reference.conformance.past import Marked, Past
from reference.conformance.phrasing import Phrasing
from reference.conformance.scenario import Step
from reference.conformance.seats import Seats
from reference.conformance.stage import Stage
from reference.conformance.suite import Conformance, NotApplicable, NotChecked
from reference.conformance.target import CannotCheck, Running, Site, Target
from reference.conformance.transcript import Transcript
from reference.conformance.violation import Finding, Violation

BRIEF = 0.5
"""Seconds of patience with a server that is known to break a clause, until something else seems to be wrong with it."""

GOES_ON = "the server goes on when its clients have gone"
"""What is expected of a server in the end, whatever the scenario was."""

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
        phrasing: Callable[[Dialect], Phrasing],
        greeting: Sequence[Step],
        conversation: str,
        survival: str,
        dialect: Dialect = NOTE,
    ) -> None:
        self.target: Target = Running(target) if isinstance(target, str) else target
        self.known: set[str] = set()
        """The clauses that this server is known to break."""
        self.listed: frozenset[str] = frozenset()
        """Those that somebody lists as broken, and whose violations are no news: see `known.py`."""
        self.presumed: set[str] = set()
        """Those of them that explain nothing before it is confirmed that they are broken indeed."""
        self.confirm: Callable[[str], bool] = lambda _: True
        """Finds that out for one of them."""
        self.longest = patience
        """Seconds that anything which must come may take, whatever is known."""
        self.dialect = dialect
        self._oracle = oracle
        self._phrasing = phrasing
        self.greeting = greeting
        self._conversation = conversation
        self._survival = survival
        self._broken_by = ""
        self._hopeless = ""
        self._greeted = False
        self._last: Stage | None = None
        self._pace = pace.Pace(dialect.limits)
        self._seats: Seats | None = None
        self._past = Past(patience)
        self._used = False
        self.site: Site = self.target.start(max(patience, dialect.limits.start))
        if dialect.limits.fresh and not self.site.renewable:
            self.site.close()
            raise CannotCheck(f"the dialect {dialect.name} needs a fresh server for every scenario: let it be launched")
        self.address = self.site.address
        self._pace.joined()  # whoever looked whether it listens

    @classmethod
    def of(
        cls, suite: type[Conformance], target: Target | str, patience: float, dialect: Dialect = NOTE
    ) -> "Performer":
        """Return a performer for the checks of a conformance class."""
        return cls(
            target,
            patience=patience,
            oracle=suite.oracle,
            phrasing=suite.phrasing,
            greeting=suite.greeting,
            conversation=suite.conversation,
            survival=suite.survival,
            dialect=dialect,
        )

    @property
    def patience(self) -> float:
        """How long, in seconds, anything that must come may take now."""
        return min(BRIEF, self.longest) if self.known else self.longest

    def play(self, *steps: Step, about: str) -> Transcript:
        """Play a scenario that decides a clause, and see everybody whole; raise the Violation it shows."""
        return self._patiently(partial(self._play, steps, about))

    def _patiently(self, play: Callable[[float], Transcript]) -> Transcript:
        """Play with the patience there is now, and with all of it if what did not come would be news."""
        try:
            return play(self.patience)
        except Violation as violation:
            hasty = violation.absent and self.patience < self.longest and not self.explained(violation)
            if not hasty:
                raise self.blamed(violation) from None
        try:
            return play(self.longest)
        except Violation as violation:
            raise self.blamed(violation) from None

    def _play(
        self,
        steps: Sequence[Step],
        about: str,
        patience: float,
        perform: Callable[[Stage, Sequence[Step]], object] = Stage.play,
    ) -> Transcript:
        self.prepare()
        self._consider(steps)
        farewell = False
        try:
            with self.stage(about=about, polite=CLAUSES[about].profile == "basic", patience=patience) as stage:
                perform(stage, steps)
                farewell = True
                stage.rest()  # what was abrupt has its effect now, before anybody is taken to have survived it
                stage.play(stage.oracle.farewell())
            self.check_alive(stage)
        except Ambiguous:
            raise NotChecked("what was said allows too many readings to judge") from None
        except Violation as violation:
            violation.afterwards = farewell and violation.clause_id != about
            raise self.seen(violation) from None
        if self._seats is not None and self._seats.lost:
            missing = " and no ".join(self._seats.lost)
            raise NotChecked(
                f"there was no {missing} for want of a seat: the dialect has {self.dialect.limits.members}"
            )
        return stage.transcript

    def pace(self, *steps: Step, about: str, prompt: str, late: str) -> None:
        """Play a scenario again and again; a violation only if `late` is kept waiting every time.

        A busy machine and a stalled delivery look alike to a stopwatch. So `late` is compared with `prompt`, another
        member who hears the same deliveries at the same time, and one slow delivery says nothing: a fifth of them must
        be slow.
        """
        for _ in range(SIGHTS):
            self.prepare()
            with self.stage(about=about, polite=CLAUSES[about].profile == "basic") as stage:
                try:
                    stage.play(steps)
                except Violation as violation:
                    raise self.blamed(self.seen(violation)) from None
                lags = pacing.lags(stage.transcript, prompt, late)
                if not pacing.stalls(lags):
                    return
                finding = pacing.finding(lags, prompt, late)
        raise self.blamed(self.seen(stage.violation(finding)))

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
            self.spoiled(about)  # it may still be at work for those who have gone
            small, _ = self._cost(room(few), about)
            self.spoiled(about)
            found.append(scaling.Costs(large, small))
        if scaling.is_excessive(found):
            violation = stage.violation(scaling.finding(found, many))
            violation.unscripted = scaling.UNSCRIPTED
            raise self.blamed(self.seen(violation))
        return True

    def _cost(self, room: scaling.Departure, about: str) -> tuple[float, Stage]:
        """Play a scenario; return what it costs the server that a crowd leaves, and the stage it was played on."""
        seen: list[tuple[float, Stage]] = []

        def perform(stage: Stage, _: Sequence[Step]) -> None:
            stage.play(room.coming)
            stage.rest()
            before = self.site.cpu_time() or 0.0
            stage.play_at_once(room.leaving)
            stage.play(room.staying)
            stage.rest()
            seen.append(((self.site.cpu_time() or 0.0) - before, stage))

        self._patiently(lambda patience: self._play(room.steps, about, patience, perform))
        return seen[-1]

    def stage(
        self, *, about: str | None = None, polite: bool = True, abrupt: bool = False, patience: float | None = None
    ) -> Stage:
        """Return a stage before the server; the caller closes it."""
        self._used = True
        self._pace.begin()
        oracle = self._oracle(self.dialect)
        if self.site.renewable:  # then it was seen to come to rest
            self._past.forget()
        mark = self._past.begin(oracle)
        return Stage(
            self.site.address,
            oracle,
            mark=mark,
            patience=self.patience if patience is None else patience,
            about=about,
            rest=self.site.rest,
            renewable=self.site.renewable,
            dialect=self.dialect,
            phrasing=self._phrased(mark),
            pace=self._pace,
            manners="abrupt" if abrupt else "polite" if polite else "polite at first",
        )

    def _phrased(self, mark: str = "") -> Phrasing:
        """Return what phrases a scenario for this server, within its limits."""
        phrasing = self._phrasing(self.dialect)
        if self.dialect.history:
            phrasing = Marked(phrasing, self.dialect, mark)
        self._seats = None
        if self.dialect.limits.members:
            self._seats = Seats(phrasing, self.dialect, sees_rest=self.site.renewable)
            phrasing = self._seats
        return pace.Paced(phrasing) if self.dialect.limits.gap and "chat" in self.dialect.protocols else phrasing

    def _consider(self, steps: Sequence[Step]) -> None:
        """Raise NotChecked for a scenario that the limits of the dialect leave no time for."""
        limits = self.dialect.limits
        if (limits.gap or limits.join_gap) and pace.too_long(steps, limits, self._phrased()):
            raise NotChecked(
                f"with the gaps of the dialect {self.dialect.name} its scenario would take more than {pace.LONGEST:g} s"
            )

    def seen(self, violation: Violation) -> Violation:
        """Note that the server has broken a clause, and whether it died of it; raise NotChecked if somebody else may
        have done it.
        """
        self._broken_by = violation.clause_id
        if deed := self.site.interference():
            raise NotChecked(f"{deed}, so it may not be the server that breaks {violation.clause_id}")
        self.site.rest()  # whoever is about to die shall have the time
        obituary = self.site.obituary()
        if obituary:
            violation.observed += f"; {obituary}"
        return violation

    def explained(self, violation: Violation) -> str:
        """Return the clause that a violation may come from and that is known, or "" if it is news.

        What the dialect does not ask explains only what nothing else explains better: it excuses no other clause.
        """
        if violation.clause_id in {*self.known, *self.listed, *self.dialect.not_applicable}:
            self.presumed.discard(violation.clause_id)
            return violation.clause_id
        return next((clause for clause in violation.candidates if clause in self.known and self._certain(clause)), "")

    def _certain(self, clause: str) -> bool:
        """Whether a known clause is broken indeed, or only said to be."""
        if clause in self.presumed:
            self.presumed.discard(clause)
            if not self.confirm(clause):
                self.known.discard(clause)
        return clause in self.known

    def blamed(self, violation: Violation) -> Violation:
        """Return the violation as one of the clause that is known to be broken, if it fits; otherwise as it is, known
        from now on. Raise NotChecked for what the dialect does not ask of the server.
        """
        clause = self.explained(violation) or violation.clause_id
        if clause in self.dialect.not_applicable:
            why = self.dialect.not_applicable[clause]
            raise NotChecked(
                f"its scenario came upon {clause}, which the dialect {self.dialect.name} leaves out: {why}"
            )
        self.known.add(clause)
        return violation if clause == violation.clause_id else violation.of(clause)

    def check_alive(self, stage: Stage) -> None:
        """Raise a Violation if the server has died though nobody was harmed by it."""
        self._last = stage
        self.site.calm()
        if self.site.obituary():
            raise stage.violation(Finding((self._survival,), GOES_ON, "it ended"))

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
        self._broken_by = self._broken_by or self.site.interference()
        try:
            if (self._broken_by or self._stale) and self.site.renew():
                self._note_renewal()
            elif self._broken_by or not self._greeted:
                self._greet()
                if self._stale and self.site.renew():
                    self._note_renewal()
        except CannotCheck as error:
            self._hopeless = f"the server could not be restarted after {self._after()}: {error}"
            raise NotChecked(self._hopeless) from None
        self._broken_by = ""

    def spoiled(self, clause: str) -> None:
        """Note that somebody else has made the server break a clause: the next scenario needs a fresh one."""
        self._broken_by = clause

    @property
    def _stale(self) -> bool:
        """Whether the server has seen somebody, and must not have."""
        return self.dialect.limits.fresh and self._used

    def _note_renewal(self) -> None:
        self.address = self.site.address
        self._used = False
        self._pace.joined()

    def _after(self) -> str:
        """Return what has broken the server, in words."""
        return f"the violation of {self._broken_by}" if self._broken_by in CLAUSES else f"this: {self._broken_by}"

    def _greet(self) -> None:
        """Hold a short conversation, to see that the server is in order; raise NotChecked if it is not."""
        greeted = False
        try:
            with self.stage(about=self._conversation, patience=self.longest) as stage:
                stage.play(self.greeting)
                greeted = True
                if not self._greeted:
                    stage.about = None
                    stage.play(stage.oracle.farewell())
        except Violation as first:
            before = self._after()
            violation = self.seen(first)
            if self._greeted:
                why = f"the server has not recovered from {before} and cannot be restarted"
                self._hopeless = why
                raise NotChecked(why) from None
            if not violation.absent:  # a conversation there was, and something was wrong with it
                violation = violation.of(violation.candidates[0])
            why = f"a fresh server breaks {violation.clause_id} in its first conversation"
            self._hopeless = "" if greeted else why
            self._greeted = greeted
            raise NotChecked(why, self.blamed(violation)) from None
        self._greeted = True

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


class Playing:
    """The `play` fixture: plays the steps of a scenario for the clause that the check decides."""

    def __init__(self, performer: Performer, clause: str) -> None:
        self._performer = performer
        self._clause = clause
        self.address = performer.address
        self.dialect = performer.dialect
        self.not_applicable = performer.not_applicable
        self.not_checked = performer.not_checked

    def needs_exact_chunks(self) -> None:
        """End the check where an utterance may reach the server in pieces: the clause is about whole chunks."""
        if not self._performer.dialect.exact:
            self.not_applicable("the path may split what a client says, and the clause is about whole chunks")

    def _needs_to_see(self) -> None:
        """End the check of a clause that says nothing in this dialect, or that cannot be seen from here."""
        dialect = self._performer.dialect
        why = dialect.not_applicable.get(self._clause) or self._performer.site.hidden.get(self._clause)
        if why:
            self.not_applicable(why)

    def __call__(self, *steps: Step) -> Transcript:
        self._needs_to_see()
        return self._performer.play(*steps, about=self._clause)

    def pace(self, *steps: Step, prompt: str, late: str) -> None:
        """Play the steps for a clause that only a clock can decide."""
        self._needs_to_see()
        self._performer.pace(*steps, about=self._clause, prompt=prompt, late=late)

    def scale(self, room: scaling.Room, many: int) -> bool:
        """Play a scenario in rooms of two sizes, for a clause that only what they cost the server can decide; return
        whether that could be seen.
        """
        self._needs_to_see()
        return self._performer.scale(room, many, about=self._clause)
