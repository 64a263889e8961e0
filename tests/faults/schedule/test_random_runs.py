"""Scenario and schedule, both drawn by Hypothesis: nothing breaks the reference, and what breaks a fault is shrunk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from socketserver_faults.schedule.exploration.random_runs import choices_from_bytes, pick_scenario
from socketserver_faults.schedule.exploration.search import deviations_of
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.world import ScheduleResult, World
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.scenario.steps import Connect

SCHEDULE = 40
"""Decisions that a drawn schedule makes. Of a fixed size, since of lists Hypothesis draws the short ones."""

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


def test_what_breaks_a_fault_is_shrunk_to_a_short_scenario_and_few_deviations() -> None:
    """Not to the shortest: each byte of the schedule decides at another point when a step is left out."""
    with world("delivers-without-the-lock") as virtual:
        least = find(
            DRAWN,
            lambda drawn: played(virtual, drawn).failure is not None,
            settings=settings(EXAMPLES, max_examples=1000),
        )
        outcome = played(virtual, least)
    assert outcome.clause == "CHAT-13"
    assert len(deviations_of(outcome)) <= 5
    steps = least[0].steps
    assert 2 <= sum(isinstance(step, Connect) for step in steps) <= 3
    assert len(steps) <= 15
