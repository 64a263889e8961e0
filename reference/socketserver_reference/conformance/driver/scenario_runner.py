"""The argument `play` of a check: it plays scenarios."""

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles import scaling
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Transcript


class ScenarioRunner:
    """The `play` fixture: plays the steps of a scenario for the clause that the check decides."""

    def __init__(self, session: Session, clause: str) -> None:
        self._session = session
        self._clause = clause
        self.address = session.address
        self.dialect = session.dialect
        self.not_applicable = session.not_applicable
        self.not_checked = session.not_checked

    def needs_exact_chunks(self) -> None:
        """End the check if an utterance may reach the server in pieces: the clause is about whole chunks."""
        if not self._session.dialect.exact:
            self.not_applicable("the path may split an utterance, and the clause is about whole chunks")

    def _needs_to_see(self) -> None:
        """End the check of a clause that is not applicable in this dialect, or cannot be observed from here."""
        dialect = self._session.dialect
        why = effects.not_applicable(dialect).get(self._clause) or self._session.site.unobservable.get(self._clause)
        if why:
            self.not_applicable(why)

    def __call__(self, *steps: Step) -> Transcript:
        self._needs_to_see()
        return self._session.play(*steps, about=self._clause)

    def measure_lag(self, *steps: Step, prompt: str, late: str) -> None:
        """Play the steps for a clause that only a clock can decide."""
        self._needs_to_see()
        self._session.measure_lag(*steps, about=self._clause, prompt=prompt, late=late)

    def scale(self, room: scaling.Room, many: int) -> bool:
        """Play a scenario in rooms of two sizes, for a clause that only the cost to the server can decide.

        Return whether that cost can be measured here.
        """
        self._needs_to_see()
        return self._session.scale(room, many, about=self._clause)
