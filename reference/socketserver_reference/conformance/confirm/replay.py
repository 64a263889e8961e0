"""Plays scenarios again, each time on a fresh server, and counts how often they show a violation."""

from collections.abc import Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.scene import Scene
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Replays, Violation


@dataclass
class Exchange:
    """A scenario that showed a violation, with those that the server had seen before, if it depends on them."""

    scenes: Sequence[Scene]
    like: Violation
    """The violation as it was first seen."""
    shown: int = 0
    of: int = 0
    last: Violation | None = None
    """The violation as it was last seen in a replay."""
    counts_against: str = ""
    """The clause that the violation depends on, if that is another than it was first put down to."""

    def of_scenes(self, scenes: Sequence[Scene]) -> "Exchange":
        """Return another exchange for the same violation, not yet played."""
        return Exchange(scenes, self.like)

    def replay(self, session: Session, timeout: float) -> bool:
        """Play it on a fresh server; return whether it shows the same clause broken."""
        seen = play_again(session, self.scenes, timeout, self.like.clause_id)
        self.of += 1
        if seen is None or seen.clause_id != self.like.clause_id:
            return False
        seen.explored, seen.spares, seen.note = self.like.explored, self.like.spares, self.like.note
        self.shown += 1
        self.last = seen
        return True

    @property
    def told(self) -> Violation:
        """The violation to report: as it was last seen, with the number of replays."""
        violation = self.last or self.like
        if self.counts_against not in ("", violation.clause_id):
            violation = violation.of(self.counts_against)
        violation.replays = Replays(self.shown, self.of)
        return violation


def play_again(session: Session, scenes: Sequence[Scene], timeout: float, cause: str) -> Violation | None:
    """Play scenarios one after another on a fresh server; return the violation that the last one shows, if any.

    The server is replaced because of that `cause`. Raises NotChecked if there is no fresh one.
    """
    session.renew(cause)
    before: list[Transcript] = []
    try:
        for scene in scenes:
            with session.stage_of(scene, timeout) as stage:
                stage.transcript.before = before if scene is scenes[-1] else []
                stage.play(scene.steps)
                if scene is scenes[-1]:
                    stage.wait_idle()
                    stage.read_what_is_there()
            session.check_alive(stage)
            before.append(stage.transcript)
    except Violation as violation:
        shown = violation.transcript is not None and len(before) == len(scenes) - 1
        try:
            session.note_violation(violation)
        except NotChecked:  # another cause may explain it
            return None
        return violation if shown else None
    except (NotChecked, Ambiguous):
        return None
    return None
