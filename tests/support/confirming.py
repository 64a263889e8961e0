"""Sessions whose violations are confirmed as thoroughly as `check` does it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from socketserver_reference.conformance.confirm.confirmer import Effort
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.violation import Violation

TIMEOUT = 5.0

THOROUGH = Effort(race_replays=20, seconds=600.0, cutting=300.0)
"""Time enough on a busy machine, too."""


@contextmanager
def checked(bug: Any, effort: Effort = THOROUGH) -> Iterator[Session]:
    target = bug.target() if hasattr(bug, "target") else bug
    with closing(open_session("chat", target, TIMEOUT, effort=effort)) as session:
        yield session


def violation(session: Session, clause: str, *steps: Step) -> Violation:
    with pytest.raises(Violation) as caught:
        ScenarioRunner(session, clause)(*steps)
    return caught.value
