"""The state machines as tests of their own, for what draws runs of Hypothesis tests without end: HypoFuzz does.

class TestMine(ChatConformance):
    target = Launched("node server.js {port}")

TestMachine = state_machine(TestMine).TestCase
"""

import atexit
from functools import cached_property
from typing import Any

from hypothesis import HealthCheck, settings

from socketserver_reference.clauses import Profile
from socketserver_reference.conformance.checks.base import Conformance
from socketserver_reference.conformance.dialects.loader import spoken
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.exploration.campaign import Campaign
from socketserver_reference.conformance.exploration.explore import machine_for, most_steps
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.runner.options import DEFAULT_TIMEOUT
from socketserver_reference.conformance.scenario.violation import Violation


class Endless(Campaign):
    """A campaign that is never over: no time is up, and a server that cannot be used fails each run."""

    @property
    def over(self) -> bool:
        return False

    def stop(self, why: NotChecked | Violation) -> None:
        raise why


class _Opened:
    """Starts the server of a class when its first run begins; it ends with the process."""

    def __init__(self, suite: type[Conformance], profile: Profile) -> None:
        self._suite = suite
        self._profile = profile

    def __get__(self, *_: object) -> Campaign:
        return self.campaign

    @cached_property
    def campaign(self) -> Campaign:
        session: Session = direct.session_for(self._suite, self._suite.target, DEFAULT_TIMEOUT, _dialect(self._suite))
        atexit.register(session.close)
        return Endless(session, self._profile, examples=0)


def _dialect(suite: type[Conformance]) -> Any:
    return spoken(suite.dialect or "note", suite.protocol, any_segmentation=False)


def state_machine(suite: type[Conformance], profile: Profile = "hardened") -> Any:
    """Return the state machine that explores the target of a conformance class, for Hypothesis and what drives it.

    Each run raises the first violation that it sees, as it saw it: nothing is known before, and nothing is confirmed.
    """
    dialect = _dialect(suite)
    base = machine_for(suite.protocol, profile, dialect)
    made: Any = type(f"{suite.__name__}Machine", (base,), {"campaign": _Opened(suite, profile)})
    made.TestCase.settings = settings(
        deadline=None,
        stateful_step_count=most_steps(suite.protocol, dialect),
        suppress_health_check=[one for one in HealthCheck if one.name != "nested_given"],  # HypoFuzz leaves those out
    )
    return made
