"""Scenario and schedule, both drawn by Hypothesis: nothing breaks the reference, and what breaks a fault is shrunk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from random import Random

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from socketserver_faults.schedule.exploration.random_runs import choices_from_bytes, pick_scenario
from socketserver_faults.schedule.exploration.search import deviations_of, levels
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.world import ScheduleResult, World
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.scenario.steps import Connect

SCHEDULE = 40
"""Decisions that a drawn schedule makes. Of a fixed size, since of lists Hypothesis draws the short ones."""

SCHEDULES = 150
"""Schedules of a scenario that are tried until one fails."""

Drawn = tuple[NamedScenario, bytes]


@st.composite
def scenarios(draw: st.DrawFn) -> NamedScenario:
    return pick_scenario(lambda n: draw(st.integers(0, n - 1)), "drawn")


DRAWN = st.tuples(scenarios(), st.binary(min_size=SCHEDULE, max_size=SCHEDULE))

EXAMPLES = settings(
    max_examples=50, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

pytestmark = pytest.mark.sweep


@contextmanager
def world(program: str) -> Iterator[World]:
    with one_processor(os.getpid()), world_of(read(program)) as world:
        yield world


def played(world: World, drawn: Drawn) -> ScheduleResult:
    scenario, schedule = drawn
    return world.play(scenario, choices_from_bytes(schedule))


@pytest.mark.parametrize("program", ["chat", "overthreaded"])
def test_the_reference_keeps_its_clauses_in_every_scenario_under_every_schedule(program: str) -> None:
    with world(program) as virtual:

        @EXAMPLES
        @given(DRAWN)
        def check(drawn: Drawn) -> None:
            outcome = played(virtual, drawn)
            assert outcome.failure is None
            assert outcome.judged

        check()


def failure_of(world: World, scenario: NamedScenario) -> ScheduleResult | None:
    """Return the first failure among schedules with at most one deviation; None if the first of these show none."""
    runs = islice(levels(lambda choose: world.play(scenario, choose), 1), SCHEDULES)
    return next((outcome for *_, outcome in runs if outcome.failure is not None), None)


def test_what_breaks_a_fault_is_shrunk_to_a_short_scenario_and_few_deviations() -> None:
    """Where a shrinker ends depends on where it begins: of several scenarios the shortest counts. A drawn schedule
    would not do: each byte of it decides at another point when a step is left out.
    """
    drawing = settings(EXAMPLES, max_examples=1000, derandomize=False)
    with world("delivers-without-the-lock") as virtual:

        def fails(scenario: NamedScenario) -> bool:
            return failure_of(virtual, scenario) is not None

        least = min((find(scenarios(), fails, settings=drawing, random=Random(seed)) for seed in range(4)), key=length)
        outcome = failure_of(virtual, least)
    assert outcome is not None
    assert outcome.clause == "CHAT-13"
    assert len(deviations_of(outcome)) == 1
    assert sum(isinstance(step, Connect) for step in least.steps) == 2
    assert length(least) <= 10


def length(scenario: NamedScenario) -> int:
    return len(scenario.steps)
