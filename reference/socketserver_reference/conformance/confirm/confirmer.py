"""Confirms a violation before it is told.

Its exchange is played again on fresh servers: alone, then, if that does not show it, after the scenarios that the same
server had seen before. What shows is cut, and played a few times more: the report tells the exchange of the last replay
that showed it, and how often it showed. A race is played many times, on all processors. A violation that no replay
shows is unconfirmed.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace

from socketserver_reference.conformance.confirm import crowded
from socketserver_reference.conformance.confirm.cause import cause_before, cause_of, is_doubtful
from socketserver_reference.conformance.confirm.cut import Cutter, as_shown, condensed
from socketserver_reference.conformance.confirm.replay import Exchange, play_again
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.scene import Scene
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Waited
from socketserver_reference.conformance.scenario.violation import Replays, Violation

NOT_RESTARTABLE = "the server cannot be restarted"

RACE_HEARERS = (2, 1)
"""Clients that only listen when the last burst of a race is played alone."""

RACE_TRIES = 3
"""Replays of each shorter form of a race, while it is cut, and of what may have no part in a violation, without it."""


FALLBACKS = 4
"""Exchanges to count the replays of, the shortest first, until one shows the violation each time."""

MIN_VIOLATION_SECONDS = 3.0
"""Seconds for one violation, however much others have taken."""


@dataclass(frozen=True)
class Effort:
    """Limits of the confirmation of violations."""

    replays: int = 3
    """Replays of the exchange that is told."""
    attempts: int = 3
    """Replays until an exchange has shown the violation, if it is no race."""
    race_replays: int = 100
    """Most replays of a race."""
    seconds: float = 15.0
    """Seconds for all violations of one server together; each gets a few replays in any case."""
    cutting: float = 5.0
    """Most seconds to cut the exchange of one violation; with 0 it is told as it was found."""


QUICK = Effort(replays=1, attempts=5, cutting=0.0)
"""Enough to find out whether violations can be confirmed."""


class Confirmer:
    """Confirms the violations that one session finds."""

    def __init__(
        self,
        session: Session,
        effort: Effort,
        on_all_processors: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._session = session
        self._effort = effort
        self._on_all_processors = on_all_processors
        self._left = effort.seconds
        self._until = 0.0

    def __call__(self, violation: Violation) -> Violation | None:
        """Return a violation as it is to be told; None if a limit of the server explains it, so that the scenario needs
        to be played once more.
        """
        if not violation.scenes or violation.replays is not None:
            return violation
        if not self._session.site.restartable:
            violation.unrepeatable = NOT_RESTARTABLE
            return violation
        *before, scene = violation.scenes
        begun = time.monotonic()
        self._until = begun + max(self._left, MIN_VIOLATION_SECONDS)
        try:
            return self._confirmed(violation, before, replace(scene, about=violation.clause_id))
        except NotChecked as error:
            if self._session.unusable:
                violation.unrepeatable = str(error)
            else:
                violation.unreplayed = str(error)
            return violation
        finally:
            self._left -= time.monotonic() - begun

    def _confirmed(self, violation: Violation, before: list[Scene], scene: Scene) -> Violation | None:
        alone = Exchange([scene], violation)
        if self._shows(alone, self._effort.attempts):
            return self._told(alone)
        if limit := self._limit([*before, scene]):
            self._session.serve_afresh(limit)
            return None
        replays = alone.of
        for exchange, most in self._other_ways(alone, before):
            replays -= exchange.of
            if self._shows(exchange, most):
                return self._told(exchange)
            replays += exchange.of
        violation.replays = Replays(0, replays, self._cause(violation, scene))
        return violation

    def _other_ways(self, alone: Exchange, before: list[Scene]) -> Iterator[tuple[Exchange, int]]:
        """Yield exchanges that may show what the scenario alone did not, each with the most replays."""
        (scene,) = alone.scenes
        if before and not self._is_racy(scene):
            yield alone.of_scenes([*before, scene]), self._effort.attempts
        with self._on_all_processors():
            yield alone, self._effort.race_replays
            for hearers in RACE_HEARERS if self._is_racy(scene) else ():
                yield alone.of_scenes([scene.of(condensed(scene.steps, hearers))]), self._effort.race_replays
            if before:
                yield alone.of_scenes([*before, scene]), self._effort.attempts

    def _is_racy(self, scene: Scene) -> bool:
        return is_racy(scene.steps, datagrams=self._session.address.datagram)

    def _shows(self, exchange: Exchange, most: int) -> bool:
        """Play an exchange until it shows the violation, at most so many times, and once if the time is up."""
        for count in range(most):
            if count and time.monotonic() > self._until:
                return False
            if exchange.replay(self._session, self._timeout(exchange)):
                return True
        return False

    def _timeout(self, exchange: Exchange) -> float:
        """Return the timeout of a replay: all of it for a connection, which the kernel may try again only after 1 s."""
        refused = exchange.like.shape == "refused"
        return self._session.full_timeout if refused else self._session.brief_timeout

    def _told(self, exchange: Exchange) -> Violation:
        """Cut an exchange that has shown the violation, and play it a few times more."""
        until = min(self._until, time.monotonic() + self._effort.cutting)
        always = exchange.shown == exchange.of
        cutter = Cutter(as_shown(exchange), lambda one: self._shows(one, 1 if always else RACE_TRIES), until)
        with suppress(NotChecked):  # it has shown, even if no time is left for more
            cutter.cut()
        told = self._attributed(self._often_shown(cutter.kept[-FALLBACKS:], always=always)).told
        told.uncut = cutter.kept[0].last if told.shows_sometimes else None
        return told

    def _often_shown(self, exchanges: Sequence[Exchange], *, always: bool) -> Exchange:
        """Play exchanges a few times more, the last first; return the first that shows the violation each time, or the
        one that shows it most often. Of a race, return the last.
        """
        for short in reversed(exchanges):
            with suppress(NotChecked):
                while short.of < self._effort.replays and time.monotonic() < self._until + MIN_VIOLATION_SECONDS:
                    short.replay(self._session, self._timeout(short))
            if short.shown == short.of or not always:
                return short
        return max(exchanges, key=lambda one: one.shown)

    def _attributed(self, exchange: Exchange) -> Exchange:
        """Return an exchange that has shown a violation, counted against the clause that it depends on."""
        session, told = self._session, exchange.last
        if told is None or not is_doubtful(told):
            return exchange
        *before, scene = exchange.scenes
        if before:
            mostly = 2 * exchange.shown > exchange.of
            return replace(exchange, counts_against=cause_before(told, session.masking.known)) if mostly else exchange

        def shows(steps: list[Step]) -> bool:
            for _ in range(max(self._effort.replays, RACE_TRIES)):  # not to show once may be chance
                seen = play_again(session, [scene.of(steps)], session.brief_timeout, told.clause_id)
                if seen is not None and (seen.shape == told.shape or (seen.server_ended and told.server_ended)):
                    return True
            return False

        with suppress(NotChecked):  # whatever time is left for violations: it may be told on the wrong clause
            always = exchange.shown == exchange.of
            cause = cause_of(told, scene.steps, session.dialect, shows, always=always)
            return replace(exchange, counts_against=cause)
        return exchange

    def _limit(self, scenes: Sequence[Scene]) -> str:
        """Return after how many clients the server refuses one, if it has seen enough clients to refuse any."""
        many = sum(len(step.clients) for scene in scenes for step in scene.steps if step.comes)
        if many < crowded.MIN_LIMIT_CLIENTS or self._session.address.datagram:
            return ""
        return crowded.limit_of(self._session, 2 * many, self._session.brief_timeout)

    def _cause(self, violation: Violation, scene: Scene) -> str:
        """Return why a violation may not have shown again."""
        if violation.transcript is not None and any(isinstance(one, Waited) for one in violation.transcript.entries):
            return (
                f"the server or this machine may have been slow for more than {self._session.full_timeout:g} s; a "
                "longer --timeout tells"
            )
        if self._is_racy(scene):
            return "it may be a race that is rarer than that"
        return "it may depend on the time or on chance"


def is_racy(steps: Sequence[Step], *, datagrams: bool) -> bool:
    """Whether what the server does in a scenario may differ from run to run."""
    return datagrams or any(step.burst or step.in_one_instant or step.effect == "is gone" for step in steps)
