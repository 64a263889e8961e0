"""The scheduler on the reference: no schedule that is tried here breaks it, and none is taken for broken."""

import pytest

from socketserver_faults.schedule.exploration.explore import scenarios_for, search_random, search_schedules
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.world import World
from socketserver_faults.schedule.world.worlds import world_of

pytestmark = pytest.mark.usefixtures("on_one_processor")

LONG = ("flood", "resume", "cut-off")
"""Scenarios with too many decisions for a test; `make schedules` has them."""


def searched(program: str, scenario: str, deviations: int | None) -> SearchResult:
    subject = read(program, SCENARIOS[scenario].protocol)
    with world_of(subject) as world:
        return search_schedules(world, scenarios_for(subject, scenario), Bounds(deviations, seconds=600))


BOUNDED = {
    ("chat", "greet"): 115,
    ("chat", "speak"): 782,
    ("chat", "join"): 1455,
    ("chat", "arrive"): 1164,
    ("chat", "reset"): 3153,
    ("chat", "quit"): 3138,
    ("chat", "half-close"): 1993,
    ("chat", "turnover"): 1539,
    ("chat", "stall"): 1611,
    ("overthreaded", "greet"): 132,
    ("overthreaded", "speak"): 861,
    ("overthreaded", "join"): 1641,
    ("overthreaded", "arrive"): 1486,
    ("overthreaded", "reset"): 3316,
    ("overthreaded", "quit"): 3360,
    ("overthreaded", "half-close"): 2054,
    ("overthreaded", "turnover"): 1735,
    ("overthreaded", "stall"): 1779,
    ("echo", "ask"): 703,
    ("echo", "hang-up"): 542,
}
"""Program and scenario -> the schedules with up to two deviations."""


@pytest.mark.slow
@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize(("program", "scenario"), BOUNDED)
def test_a_scenario_of_up_to_three_clients_is_cleared_by_few_schedules(program: str, scenario: str) -> None:
    """By a twentieth of all with up to two deviations at most."""
    found = searched(program, scenario, None)
    assert found.outcome is None
    assert found.covered[scenario].cleared.whole
    assert 20 * found.schedules <= BOUNDED[program, scenario]


@pytest.mark.parametrize("program", ["chat", "overthreaded"])
def test_a_room_that_is_silent_for_an_hour_is_cleared_at_once(program: str) -> None:
    found = searched(program, "idle", None)
    assert found.outcome is None
    assert found.covered["idle"].cleared.whole
    assert found.schedules <= 20


@pytest.mark.sweep
@pytest.mark.parametrize("program", ["chat", "overthreaded", "echo"])
def test_no_schedule_with_one_deviation_breaks_the_reference(program: str) -> None:
    subject = read(program)
    with world_of(subject) as world:
        scenarios = scenarios_for(subject, None)
        for name in LONG:
            scenarios.pop(name, None)
        found = search_schedules(world, scenarios, Bounds(1, seconds=600))
    assert found.outcome is None
    assert all(coverage.complete == 2 and not coverage.unjudged for coverage in found.covered.values())


@pytest.mark.sweep
def test_a_member_that_is_cut_off_while_it_speaks_is_cleared_if_there_is_time() -> None:
    subject = read("chat", "chat")
    with world_of(subject) as world:
        found = search_schedules(world, scenarios_for(subject, "cut-off"), Bounds(None, seconds=3600))
    assert found.outcome is None
    assert found.covered["cut-off"].cleared.whole


@pytest.mark.sweep
def test_no_schedule_of_the_shortest_scenario_with_three_deviations_does() -> None:
    found = searched("chat", "greet", 3)
    assert found.outcome is None
    assert found.covered["greet"].complete == 4


@pytest.mark.slow
def test_no_random_schedule_of_a_random_scenario_does() -> None:
    with world_of(read("chat")) as world:
        found = search_random(world, 100)
    assert found.outcome is None
    assert found.covered["random"].unjudged == 0


@pytest.mark.slow
@pytest.mark.parametrize("program", ["chat", "overthreaded", "echo", "closed-request", "changes-the-set-under-a-loop"])
def test_a_program_that_is_watched_does_the_same(program: str) -> None:
    subject = read(program)
    scenarios = scenarios_for(subject, None)
    with World(subject) as plain, World(subject, watched=True) as watched:
        for name in scenarios.keys() - {*LONG}:
            told, again = plain.play(scenarios[name]), watched.play(scenarios[name])
            assert told.story == again.story
            assert str(told.failure) == str(again.failure)
