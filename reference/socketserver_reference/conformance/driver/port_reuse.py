"""Ends a server while clients are connected, and starts it again at its port: see `oracles/measured/port_reuse.py`."""

from collections.abc import Sequence

from socketserver_reference.conformance.driver.measurements import shown_twice
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.measured import port_reuse
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import CannotCheck


def _attempt(session: Session, steps: Sequence[Step], about: str, timeout: float) -> Transcript:
    session.prepare()
    site = session.site
    try:
        with session.stage(about=about, timeout=timeout) as stage:
            stage.play(steps)
            stage.wait_idle()  # the system resets what a server has not accepted
            failed = site.come_back(stage.close)
            if failed:
                raise stage.violation(port_reuse.finding(attribution.rows_about(about), session.address, failed))
    except CannotCheck as error:
        session.mark_broken(about)
        raise NotChecked(
            f"it cannot be started again, neither there nor where nothing is in TIME_WAIT: {error}"
        ) from None
    except Violation as violation:
        violation.unscripted = port_reuse.UNSCRIPTED if violation.shape == "no restart" else violation.unscripted
        raise session.note_violation(violation) from None
    if failed is None:
        session.mark_broken(about)
        raise NotApplicable(port_reuse.UNSEEN)
    session.seen.clear()  # nobody has come to this server
    return stage.transcript


def come_back(session: Session, steps: Sequence[Step], about: str) -> Transcript:
    """Play the steps, and see whether the server can be started again at once; raise a Violation if not, twice."""

    def play(timeout: float) -> Transcript:
        return _attempt(session, steps, about, timeout)

    return shown_twice(session, play, "no restart")
