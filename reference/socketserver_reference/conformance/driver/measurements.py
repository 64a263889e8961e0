"""Plays scenarios for other questions: how late replies and deliveries come, what they cost, whether the server fails
at all, and whether it rests afterwards.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.driver.masking import LASTING
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.measured import delay, delayed_ack, resting, scaling
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Finding, Replays, Shape, Violation
from socketserver_reference.conformance.targets import quiescence
from socketserver_reference.conformance.targets.base import Site

LAG_CONFIRMATIONS = 3
"""Measurements that must all show a violation that only a clock can find."""


def shows(session: Session, steps: Sequence[Step]) -> bool:
    """Whether the server breaks anything in these steps, or that cannot be found out; not if it is gone for good, since
    that is what it did in the scenario before.

    Afterwards all clients leave. If the server is known to be harmed by that, the next scenario gets a fresh one.
    """
    try:
        session.prepare()
        with session.stage(timeout=session.full_timeout) as stage:
            stage.play(steps)
        if harmed := session.masking.known.intersection(LASTING):
            session.mark_broken(min(harmed))
        else:
            session.check_alive(stage)
    except Violation as violation:
        session.mark_broken(violation.clause_id)
        return True
    except (NotChecked, Ambiguous):
        return not session.unusable
    return False


def measure_lag(session: Session, *steps: Step, about: str, prompt: str, late: str) -> None:
    """Play a scenario several times; raise a Violation only if `late` waits every time.

    A clock cannot tell a busy machine from a stalled delivery. So `late` is compared with `prompt`, a member that
    receives the same deliveries at the same time, and a fifth of the deliveries must be slow, not just one.
    """

    def judge(transcript: Transcript) -> Finding | None:
        lags = delayed_ack.lags(transcript, prompt, late)
        return delayed_ack.finding(lags, prompt, late) if delayed_ack.stalls(lags) else None

    _measure(session, steps, about, session.timeout, judge)


def measure_delay(session: Session, steps: Sequence[Step], about: str, alone: Sequence[str], beside: str) -> Transcript:
    """Play a scenario; raise a Violation if a client waits far longer beside a silent one than others do alone, each of
    several times.
    """
    return _measure(session, steps, about, session.full_timeout, partial(delay.finding, alone=alone, beside=beside))


def _measure(
    session: Session,
    steps: Sequence[Step],
    about: str,
    timeout: float,
    judge: Callable[[Transcript], Finding | None],
) -> Transcript:
    """Play a scenario; raise a Violation if its transcript shows a finding, each of several times."""
    shown: list[Violation] = []
    for _ in range(LAG_CONFIRMATIONS):
        session.prepare()
        with session.stage(about=about, polite=CLAUSES[about].profile == "basic", timeout=timeout) as stage:
            try:
                stage.play(steps)
            except Violation as violation:
                raise session.attributed(session.note_violation(violation)) from None
            finding = judge(stage.transcript)
            if finding is None:
                return stage.transcript
            shown.append(stage.violation(finding))
        if session.site.restartable:
            session.mark_broken(about)
    last = session.note_violation(shown[-1])
    last.replays = _replays(session, LAG_CONFIRMATIONS - 1)
    raise session.attributed(last)


def _replays(session: Session, shown: int) -> Replays | None:
    """Return the number of replays on fresh servers of what was measured more than once."""
    return Replays(shown, shown) if session.site.restartable else None


def shown_again(session: Session, play: Callable[[float], Transcript], first: Violation) -> Transcript:
    """Play what has shown a violation on a fresh server: raise what it shows there, or acquit the server of the first
    and return what was played.
    """
    try:
        transcript = session.play_with_both_timeouts(play)
    except Violation as second:
        second.replays = Replays(1, 1) if second.shape == first.shape else None
        raise
    session.acquit(first)
    return transcript


def shown_twice(session: Session, play: Callable[[float], Transcript], shape: Shape) -> Transcript:
    """Play what may show a violation of this shape, on a fresh server again where it does; raise what it shows."""
    try:
        return session.play_with_both_timeouts(play)
    except Violation as violation:
        first = violation
    if first.shape != shape:
        raise first
    return shown_again(session, play, first)


def scale(session: Session, room: scaling.Room, many: int, about: str) -> bool:
    """Play a scenario in a room of so many, and in one a quarter as large; a violation if the large one costs the
    server too much more, twice. Return False, and play nothing, where that cost cannot be measured.
    """
    few = many // scaling.ROOM_FACTOR
    if session.site.cpu_time() is None:
        return False
    found: list[scaling.Costs] = []
    while not scaling.decided(found):
        large, stage = _cost(session, room(many), about)
        if scaling.is_little(large):
            return True
        session.mark_broken(about)  # it may still be at work for those who have gone
        small, _ = _cost(session, room(few), about)
        session.mark_broken(about)
        found.append(scaling.Costs(large, small))
    if scaling.is_excessive(found):
        violation = stage.violation(scaling.finding(found, many))
        violation.unscripted = scaling.UNSCRIPTED
        violation.replays = _replays(session, len(found) - 1)
        raise session.attributed(session.note_violation(violation))
    return True


def _cost(session: Session, room: scaling.Departure, about: str) -> tuple[float, Stage]:
    """Play a scenario; return what it costs the server that a crowd leaves, and the stage it was played on."""
    seen: list[tuple[float, Stage]] = []

    def perform(stage: Stage, _: Sequence[Step]) -> None:
        stage.play(room.coming)
        stage.wait_idle()
        before = session.site.cpu_time() or 0.0

        def cost() -> float:
            return (session.site.cpu_time() or 0.0) - before

        stage.play_at_once(room.leaving)
        stage.play(room.staying)
        stage.wait_idle()
        seen.append((quiescence.cost_at_rest(cost, scaling.MAX_UNJUDGED_SECONDS / 4), stage))

    try:
        session.play_with_both_timeouts(lambda timeout: session.play_once(room.steps, about, timeout, perform))
    except Violation as violation:
        raise session.masking.demanded(violation) from None
    return seen[-1]


def spins(site: Site, begun: float) -> bool:
    """Whether the server uses the processor without a rest, since it had used so many seconds; one that is idle and has
    used little is not waited for. Raise NotChecked where that cannot be found out.

    One that gets no processor uses none either: only one that is idle rests.
    """
    until = time.monotonic() + resting.DECIDED_TIMEOUT
    idle, now = site.wait_idle(), site.cpu_time() or 0.0
    if idle and now - begun < resting.LITTLE_SECONDS:
        return False
    while now - begun < resting.SPINNING_SECONDS:
        if time.monotonic() > until:
            raise NotChecked(resting.UNDECIDED)
        time.sleep(resting.REST_SECONDS)
        before, now = now, site.cpu_time() or 0.0
        if now - before <= quiescence.REST_COST and site.wait_idle():
            return False
    return True


def rest(session: Session, steps: Sequence[Step], about: str) -> Transcript:
    """Play the steps, and see whether the server rests then; raise a Violation if not, twice."""

    def play(timeout: float) -> Transcript:
        return _rest(session, steps, about, timeout)

    return shown_twice(session, play, "spins")


def _rest(session: Session, steps: Sequence[Step], about: str, timeout: float) -> Transcript:
    session.prepare()
    site, table = session.site, attribution.rows_about(about)
    left: list[attribution.Disruption] = ["reset", "half-closed", "left"] if any(one.leaves for one in steps) else []
    if site.cpu_time() is None:
        raise NotApplicable(resting.UNSEEN)
    try:
        with session.stage(about=about, timeout=timeout) as stage:
            stage.play(steps)
            stage.wait_idle()
            begun = site.cpu_time() or 0.0
            if spins(site, begun):
                seconds = (site.cpu_time() or 0.0) - begun
                raise stage.violation(resting.finding(table, left, seconds))
        session.check_alive(stage)
    except Violation as violation:
        violation.unscripted = resting.UNSCRIPTED if violation.shape == "spins" else violation.unscripted
        raise session.note_violation(violation) from None
    return stage.transcript
