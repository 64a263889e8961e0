"""The state machines: their rules are the steps of `scenario/steps.py`, in any order.

The oracle's model of the room alone, never the behaviour of the server, decides what a rule may do, so that a failing
run replays. A rule names a client by a number, an index among those that can take the step.
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
"""Most clients that are connected at one time."""


class Machine(RuleBasedStateMachine):
    """The base of all machines: a stage for every run, which ends at the first violation."""

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
            failure = self.campaign.note_violation(violation)
            if failure is not None:
                raise failure from None
        except Ambiguous:
            self._end()
        except KeyboardInterrupt:  # nobody knows what was done of the step: what follows would prove nothing
            self._end(failed=True)
            raise

    def _end(self, *, failed: bool = False) -> None:
        if self.stage is not None:
            self.stage.close(failed=failed)
            self.stage = None

    def finish(self) -> None:
        """Perform the last steps of a run, after which every member must have received everything."""

    def empty(self) -> None:
        """Have every client leave, and check that the server works for the next ones."""

    def teardown(self) -> None:
        try:
            self.finish()
            self.empty()
            if self.stage is not None:
                self._leave(self.stage)
        finally:
            self._end()

    def _leave(self, stage: Stage) -> None:
        """End the run, and check that the server has survived it."""
        self._end()
        try:
            self.campaign.session.check_alive(stage)
        except Violation as violation:
            failure = self.campaign.note_violation(violation)
            if failure is not None:
                raise failure from None


def pick(names: list[str], number: int) -> str:
    """Return the name at this index, modulo their number."""
    return names[number % len(names)]


NAMES = ("ann", "ben", "cal", "dan", "eve", "fay", "gus", "hal", "ida", "jim", "kay", "lee", "may", "ned", "pam", "ray")

NUMBERS = st.integers(0, MAX_MEMBERS - 1)

UTTERANCES = st.sampled_from(
    [b"hello\n", b"QUIT", b"quit now", b"xquit", b"\0", b"\xff\xfe", b"ack", b"  ", b"x" * 1024, b"a" * 300]
) | st.binary(min_size=1, max_size=40)
"""Utterances, shrunk to a plain line: unusual bytes remain only where the violation needs them."""
