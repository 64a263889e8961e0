"""One broken clause hides no other.

A server with one bug shows it in many scenarios, in many disguises, and one bug is to be reported once. So a violation
that a *known* broken clause explains is attributed to that one: a clause found broken before, or one that the user
lists and that is confirmed. An explanation needs two things: the clause is among those that fit the observation, and
the steps before the violation hold a trigger of it (`triggers.py`).

The clause that the scenario was to decide is still to be decided then. So the scenario is played again without what
triggers the known clause. What no member said (CHAT-4) may come at any step: if it is like a notice, it passes then.
Only where nothing would be left of a scenario, its clause is "not checked".
"""

from collections.abc import Callable, Mapping, Sequence

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.rewritings import Rewriting, rewritten, staying
from socketserver_reference.conformance.driver.triggers import BEFORE_IT_SHOWS, TRIGGERS, Trigger, still_decides
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Did, Transcript
from socketserver_reference.conformance.scenario.violation import Violation

LASTING = ("CHAT-10", "CHAT-11", "CHAT-12", "ECHO-7", "UDP-5")
"""Clauses about clients that have left: to break one may harm the scenarios that follow on the same server."""

ABOUT_STREAM_ENDS = ("CHAT-10", "CHAT-11")
"""Clauses that a chat breaks if it does not end the streams of clients that have left."""

UNSAID = "CHAT-4"
"""The clause about texts that no member said: these may pass, as notices do, and then hide nothing."""

DISGUISED = ("CHAT-3", "CHAT-6")
"""Clauses about the bytes of deliveries: what a server that breaks one of them sends may look like anything."""


class Masking:
    """The clauses that one server is known to break, and what they explain."""

    def __init__(self, dialect: Dialect) -> None:
        self.known: set[str] = set()
        """The clauses that the server is known to break."""
        self.expected_failures: frozenset[str] = frozenset()
        """The clauses that the user lists as broken: see `results/known.py`."""
        self.hangs_up = True
        """Whether an echo ends the stream of a client that half-closes, or that it answers once, as far as is known."""
        self.unconfirmed: set[str] = set()
        """The expected failures that explain no other violation until they are confirmed."""
        self.confirm_broken: Callable[[str], bool] = lambda _: True
        """Confirms one of them: returns whether the clause is indeed broken."""
        self.shows: Callable[[Sequence[Step]], bool] = lambda _: True
        """Whether the server breaks anything in these steps."""
        self.lets_pass: Callable[[Violation], bool] = lambda _: False
        """Lets what has come pass from now on, in scenarios about other clauses; returns False if that is impossible.
        """
        self._dialect = dialect
        self._shown: dict[Sequence[Step], bool] = {}

    @property
    def left_out(self) -> Mapping[str, str]:
        """The clauses that the dialect does not demand, each with the reason."""
        return effects.not_applicable(self._dialect)

    def explanation_of(self, violation: Violation, *, late: bool = False) -> str:
        """Return the known broken clause that explains a violation, or "" if the violation is new; also one that
        explains a delay, if what is absent may be `late`.

        A clause that the dialect does not demand explains only violations of itself: it excuses no other clause.
        """
        steps = performed(violation)
        given_way = not violation.absent and any(step.gives_way for step in steps)
        if given_way:  # who reads while others wait delays nobody, though the server may end it all the same
            steps = [step for step in steps if not step.gives_way]
        listed = violation.clause_id in {*self.known, *self.expected_failures, *self.left_out}
        if listed and (not given_way or self._triggered(violation.clause_id, steps)):
            self.unconfirmed.discard(violation.clause_id)
            return violation.clause_id
        disguised = () if violation.absent else DISGUISED
        delays = violation.delayed_by if late else ()
        fitting = [clause for clause in (*violation.candidates, *delays, *disguised) if clause in self.known]
        # No step waited for the server: it may have been delivering whenever a client came or left.
        hurried = {"CHAT-13"} if violation.scenes and violation.scenes[-1].politeness == "abrupt" else set()
        shown = (clause for clause in fitting if clause in hurried or self._triggered(clause, steps))
        return next(filter(self._is_confirmed, shown), violation.clause_id if listed else "")

    def left_over(self, violation: Violation) -> str:
        """Return the known broken clause that explains a violation if an earlier scenario on the same server broke it,
        or "".
        """
        fitting = [clause for clause in violation.candidates if clause in self.known and clause in LASTING]
        return next(filter(self._is_confirmed, fitting), "")

    def _triggered(self, clause: str, steps: Sequence[Step]) -> bool:
        """Whether the steps hold what the server fails on."""
        present = [trigger for trigger in TRIGGERS.get(clause, ()) if trigger.present(steps, self._dialect)]
        return any(self._is_live(trigger) for trigger in present)

    def _is_live(self, trigger: Trigger) -> bool:
        """Whether the server fails on this trigger, where the clause has several and they can be told apart."""
        return (not trigger.probe or self._fails(trigger.probe)) and not (
            trigger.unless and self._fails(trigger.unless)
        )

    def _fails(self, steps: Sequence[Step]) -> bool:
        """Whether the server breaks anything in these steps; asked once."""
        if steps not in self._shown:
            self._shown[steps] = True  # for what is asked meanwhile
            self._shown[steps] = self.shows(steps)
        return self._shown[steps]

    def _is_confirmed(self, clause: str) -> bool:
        """Whether a clause that is listed as broken is indeed broken."""
        if clause in self.unconfirmed:
            self.unconfirmed.discard(clause)
            self.known.discard(clause)  # it must not explain what its own checks show
            if self.confirm_broken(clause):
                self.known.add(clause)
        return clause in self.known

    def attributed(self, violation: Violation) -> Violation:
        """Return the violation, attributed to a known broken clause if one explains it; the clause is known from now
        on.
        """
        clause = self.explanation_of(violation) or violation.clause_id
        if clause not in self.left_out:
            self.known.add(clause)
        if (clause, violation.shape) == ("ECHO-3", "no end"):
            self.hangs_up = False
        if clause == violation.clause_id:
            return violation
        other = violation.of(clause)
        other.spares = violation.in_final_steps
        return other

    def put_down(self, seen: str, told: str) -> None:
        """Note that what looked like a violation of one clause is one of another."""
        if told != seen:
            self.known.discard(seen)
            self.known.add(told)

    def demanded(self, violation: Violation) -> Violation:
        """Return the violation; raise NotChecked if the dialect does not demand its clause."""
        clause = violation.clause_id
        if clause in self.left_out:
            raise NotChecked(
                f"its scenario shows a violation of {clause}, which does not apply in the dialect "
                f"{self._dialect.name}: {self.left_out[clause]}"
            )
        return violation

    def spared(self, steps: Sequence[Step], about: str) -> list[Rewriting]:
        """Return what takes out of the steps all that is known to harm the server when clients leave."""
        found: list[Rewriting] = []
        for clause in LASTING:
            further = self._further(clause, steps, about, found) if clause in self.known else None
            found += [further] if further is not None else []
        return found

    @property
    def leaves_streams_open(self) -> bool:
        """Whether the server is known not to end the streams of clients that have left."""
        return bool(self.known.intersection(ABOUT_STREAM_ENDS) - self.unconfirmed)

    def demands_ends(self, about: str | None) -> bool:
        """Whether the end of a stream is due in a scenario: where the server is known not to end streams, only in one
        about that.
        """
        return not self.leaves_streams_open and (self.hangs_up or about == "ECHO-3")

    def in_the_end(self, steps: Sequence[Step]) -> Sequence[Step]:
        """Return the final steps of a scenario, without leaving if the server is known to break that: each end of
        stream that does not come costs a timeout, and it would only show the same again.
        """
        return rewritten(steps, [staying] if self.leaves_streams_open else [], self._dialect)

    def decide(
        self,
        play: Callable[[Sequence[Rewriting]], Transcript],
        steps: Sequence[Step],
        about: str,
        spared: Sequence[Rewriting] = (),
    ) -> Transcript:
        """Play a scenario that decides a clause; where a known clause breaks it, play it without what triggers that.
        What is `spared` is left out from the beginning.

        Raise the violation that it shows, with those of other clauses `before` it. It `spares` the clause if the
        scenario held in the end.
        """
        seen: list[Violation] = []
        rewritings = [*spared]
        while True:
            try:
                transcript = play(rewritings)
            except NotChecked:
                if not seen:
                    raise
                raise self._last_of(seen) from None
            except Violation as violation:
                seen.append(violation)
                decided = violation.clause_id == about or violation.spares or violation.unconfirmed
                passes = violation.clause_id == UNSAID and not violation.unconfirmed and self.lets_pass(violation)
                if passes and not decided:
                    continue
                fitting = [violation.clause_id, *(one for one in violation.candidates if one in self.known)]
                ways = (self._further(clause, steps, about, rewritings) for clause in fitting)
                further = None if decided else next(filter(None, ways), None)
                if further is None:
                    raise self._last_of(seen) from None
                rewritings.append(further)
                continue
            if told := [violation for violation in seen if violation.clause_id not in self.left_out]:
                told[-1].spares = True
                raise self._last_of(told)
            return transcript

    def _further(self, clause: str, steps: Sequence[Step], about: str, so_far: Sequence[Rewriting]) -> Rewriting | None:
        """Return a rewriting that takes a trigger of a clause out of the steps, and leaves the trigger of the other."""
        before = rewritten(steps, so_far, self._dialect)
        ways = [one for trigger in TRIGGERS.get(clause, ()) for one in trigger.without]
        ways += BEFORE_IT_SHOWS.get(clause, ())
        for rewriting in (one for one in ways if one not in so_far):
            after = rewriting(before, self._dialect)
            if after != list(before) and still_decides(about, before, after, self._dialect):
                return rewriting
        return None

    def _last_of(self, seen: Sequence[Violation]) -> Violation:
        """Return the last violation, with the others before it."""
        *earlier, last = seen
        before = [one for violation in earlier for one in (*violation.before, violation)]
        last.before = (*(one for one in before if one.clause_id not in self.left_out), *last.before)
        return self.demanded(last)


def performed(violation: Violation) -> list[Step]:
    """Return the steps that clients performed before the violation."""
    entries = violation.transcript.entries if violation.transcript is not None else []
    return [entry.step for entry in entries if isinstance(entry, Did)]
