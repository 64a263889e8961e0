"""A state machine as a test of its own, for tools that draw runs of Hypothesis tests."""

import atexit
from collections.abc import Callable, Iterator

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance import ChatConformance, state_machine
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from socketserver_reference.conformance.targets.in_process import InProcess, InProcessSite
from tests.support.planted import Bug

FEW = settings(max_examples=5, phases=[Phase.generate], database=None, derandomize=True, deadline=None)


class Shouts(ChatHandler):
    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk).upper()


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """What is to be done at the end of the process; it is done at the end of the test."""
    due: list[Callable[[], None]] = []
    monkeypatch.setattr(atexit, "register", due.append)
    yield due
    for end in due:
        end()


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the targets that were started."""
    started: list[str] = []
    start = InProcess.start

    def noting(self: InProcess, timeout: float) -> InProcessSite:
        started.append(self.name)
        return start(self, timeout)

    monkeypatch.setattr(InProcess, "start", noting)
    return started


def test_a_machine_starts_its_server_with_the_first_run_and_ends_it_with_the_process(
    ending: list[Callable[[], None]], starts: list[str]
) -> None:
    class Mine(ChatConformance):
        target = Bug("chat").target()

    machine = state_machine(Mine)
    assert not starts
    run_state_machine_as_test(machine, settings=FEW)
    run_state_machine_as_test(machine, settings=FEW)
    assert starts == ["in process"]
    assert len(ending) == 1


@pytest.mark.parametrize("profile", ["basic", "hardened"])
def test_a_run_raises_the_violation_that_it_sees(profile: str, ending: list[Callable[[], None]]) -> None:
    class Mine(ChatConformance):
        target = Bug("chat", Shouts).target()

    machine = state_machine(Mine, profile)  # type: ignore[arg-type]
    for _ in range(2):  # a server that holds no conversation at all fails each run, not the first alone
        with pytest.raises((*VIOLATIONS.values(), NotChecked)):
            run_state_machine_as_test(machine, settings=FEW)
    assert ending


def test_its_test_case_is_one_that_hypofuzz_takes() -> None:
    class Mine(ChatConformance):
        target = Bug("chat").target()

    chosen = state_machine(Mine).TestCase.settings
    assert chosen.deadline is None
    assert chosen.stateful_step_count == 50
    assert "nested_given" not in [one.name for one in chosen.suppress_health_check]
