"""The state machines: their rules are the steps of `scenario/steps.py`, in any order.

What a rule may do is decided by the oracle's model of the room alone, never by what the server did, so that a failing
run replays. A rule names a client by a number, counted among those that can do the thing.
"""

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.exploration.campaign import Campaign
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Violation

MAX_MEMBERS = 6
"""Clients connected at one time at most."""


class Machine(RuleBasedStateMachine):
    """What the machines have in common: a stage for every run, and an end when something is found."""

    campaign: "ClassVar[Campaign]"

    def __init__(self) -> None:
        super().__init__()
        self.stage: Stage | None = None
        campaign = self.campaign
        if campaign.over:
            return
        try:
            campaign.session.prepare()
        except (NotChecked, Violation) as error:
            campaign.stop(error)
            return
        campaign.runs += 1
        self.stage = campaign.session.stage(abrupt=campaign.profile == "hardened", timeout=campaign.timeout)

    def do(self, *steps: Step) -> None:
        """Perform steps, unless this run has ended."""
        for step in steps:
            if self.stage is not None:
                self._perform(self.stage, step)

    def _perform(self, stage: Stage, step: Step) -> None:
        if self.campaign.over:
            self._end()
            return
        self.campaign.steps += 1
        try:
            stage.perform(step)
        except Violation as violation:
            self._end(failed=True)
            failure = self.campaign.note_violation(violation, list(stage.transcript.scenario))
            if failure is not None:
                raise failure from None
        except Ambiguous:
            self._end()

    def _end(self, *, failed: bool = False) -> None:
        if self.stage is not None:
            self.stage.close(failed=failed)
            self.stage = None

    def finish(self) -> None:
        """Perform what the end of a run needs, to see everyone whole."""

    def empty(self) -> None:
        """Let everyone leave, and see that the server is in order for those who come next."""

    def teardown(self) -> None:
        try:
            self.finish()
            self.empty()
            if self.stage is not None:
                self._leave(self.stage)
        finally:
            self._end()

    def _leave(self, stage: Stage) -> None:
        """End the run, and see that the server has survived it."""
        self._end()
        try:
            self.campaign.session.check_alive(stage)
        except Violation as violation:
            failure = self.campaign.note_violation(violation, list(stage.transcript.scenario))
            if failure is not None:
                raise failure from None


def pick(names: list[str], number: int) -> str:
    """Return one of the names."""
    return names[number % len(names)]


NAMES = ("ann", "ben", "cal", "dan", "eve", "fay", "gus", "hal", "ida", "jim", "kay", "lee", "may", "ned", "pam", "ray")

NUMBERS = st.integers(0, MAX_MEMBERS - 1)

UTTERANCES = st.binary(min_size=1, max_size=40) | st.sampled_from(
    [b"hello\n", b"QUIT", b"quit now", b"xquit", b"\0", b"\xff\xfe", b"ack", b"  ", b"x" * 1024, b"a" * 300]
)
