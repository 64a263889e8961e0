"""The search, on a program that is nothing but decisions."""

import os
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from socketserver_faults.schedule.core.run import Choose, ScheduleTrace, Task
from socketserver_faults.schedule.exploration import explore as exploring
from socketserver_faults.schedule.exploration import search as searching
from socketserver_faults.schedule.exploration.clearing import Cleared
from socketserver_faults.schedule.exploration.search import (
    Bounds,
    NoSuchOption,
    chooser,
    deviations_of,
    reduced,
    search,
)
from socketserver_faults.schedule.exploration.story import coverage_lines
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_faults.schedule.world.world import ScheduleResult
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.servers import racy_chat

TASKS = [Task(number, f"T{number}", daemon=False, body=lambda: None) for number in range(3)]


def deciding(wrong: Callable[[list[int]], bool], options: int = 2) -> Callable[[Choose], ScheduleResult]:
    """Return a program of five decisions that fails when these are wrong."""

    def play(choose: Choose) -> ScheduleResult:
        choices = [choose(TASKS[:options]) for _ in range(5)]
        story = ScheduleTrace(decisions=[(options, choice) for choice in choices])
        return ScheduleResult(story, VIOLATIONS["CHAT-2"]("right", "wrong", ()) if wrong(choices) else None)

    return play


def test_all_schedules_with_few_deviations_are_run_once_the_fewest_first() -> None:
    ran: list[list[int]] = []

    def look(choices: list[int]) -> bool:
        ran.append(choices)
        return False

    found = search({"all": (deciding(look, 3), 2)}, Bounds())
    assert found.covered["all"].levels == [1, 10, 40]
    assert found.covered["all"].complete == 3
    assert len({tuple(choices) for choices in ran}) == found.schedules == 51
    deviations = [sum(map(bool, choices)) for choices in ran]
    assert deviations == sorted(deviations)


def test_what_is_found_has_as_few_deviations_as_can_be() -> None:
    found = search({"two": (deciding(lambda choices: sum(choices) >= 2), 5)}, Bounds())
    assert found.deviations == ((0, 1), (1, 1))
    assert found.schedules == 7


def test_scenarios_take_turns_level_by_level_and_each_has_its_own_bound() -> None:
    right = deciding(lambda _: False)
    found = search({"short": (right, 0), "long": (right, 2), "wrong": (deciding(lambda c: c[4] == 1), 1)}, Bounds())
    assert found.scenario == "wrong"
    assert {name: coverage.levels for name, coverage in found.covered.items()} == {
        "short": [1],
        "long": [1, 5],
        "wrong": [1, 5],
    }


def test_a_scenario_that_cannot_be_judged_hides_no_failure_in_another() -> None:
    def refuses(_: Choose) -> ScheduleResult:
        raise SubjectRefused("it is not modelled")

    def clear(name: str, *_: float) -> Cleared:
        assert name == "other"
        return Cleared()

    right, wrong = deciding(lambda _: False), deciding(lambda choices: choices[4] == 1)
    assert search({"refused": (refuses, 2), "other": (wrong, 2)}, Bounds(), clear).scenario == "other"
    with pytest.raises(SubjectRefused, match="it is not modelled"):
        search({"refused": (refuses, 2), "other": (right, 2)}, Bounds(), clear)


def test_a_search_keeps_its_bounds() -> None:
    right = deciding(lambda _: False)
    found = search({"right": (right, 5)}, Bounds(schedules=4))
    assert (found.schedules, found.covered["right"].complete) == (4, 1)
    assert search({"right": (right, 5)}, Bounds(seconds=0)).schedules == 1


def test_a_scenario_that_is_cleared_needs_no_further_level() -> None:
    right = deciding(lambda _: False)

    def clear(name: str, *_: float) -> Cleared:
        whole = name == "cleared"
        return Cleared(7, 1, whole=whole, why="" if whole else "there are more than 7")

    found = search({"cleared": (right, 2), "not": (right, 2)}, Bounds(), clear)
    assert {name: coverage.levels for name, coverage in found.covered.items()} == {"cleared": [1], "not": [1, 5, 10]}
    assert found.whole
    assert found.schedules == 9 + 24
    assert [line.split("  ")[-1] for line in coverage_lines(found)] == [
        "all 7 inequivalent schedules",
        "all with up to 2 deviations; NOT all inequivalent ones: there are more than 7",
    ]


def test_schedules_that_cannot_be_judged_are_counted() -> None:
    def play(choose: Choose) -> ScheduleResult:
        outcome = deciding(lambda _: False)(choose)
        return replace(outcome, judged=not deviations_of(outcome))

    found = search({"own": (play, 1)}, Bounds(), lambda *_: Cleared(3, unjudged=1, why="one of them cannot be judged"))
    assert [line.split("  ")[-1] for line in coverage_lines(found)] == [
        "all with up to 1 deviation; NOT all inequivalent ones: one of them cannot be judged; 6 could not be judged"
    ]
    assert found.covered["own"].judged
    assert not search({"own": (lambda choose: replace(play(choose), judged=False), 1)}, Bounds()).covered["own"].judged


@pytest.mark.parametrize(("names", "moments"), [("a", [30.0]), ("abcd", [10.0, 10.0, 15.0, 30.0])])
def test_half_of_the_time_is_for_clearing(names: str, moments: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Here nothing takes any of it."""
    given: list[float] = []

    def clear(_: str, until: float, __: int) -> Cleared:
        given.append(until)
        return Cleared(whole=True)

    monkeypatch.setattr(searching, "time", SimpleNamespace(monotonic=lambda: 0.0))
    search({name: (deciding(lambda _: False), 2) for name in names}, Bounds(seconds=60.0), clear)
    assert given == moments


def test_what_fails_with_many_deviations_is_found_by_the_reduced_search_and_shortened() -> None:
    play = deciding(lambda choices: sum(choices) >= 3)

    def fails(*_: object) -> Cleared:
        return Cleared(1, outcome=play(chooser(((0, 1), (1, 1), (3, 1), (4, 1)))))

    assert search({"deep": (play, 2)}, Bounds()).outcome is None
    found = search({"deep": (play, 2)}, Bounds(), fails)
    assert found.scenario == "deep"
    assert found.deviations == ((0, 1), (1, 1), (3, 1))


def test_a_drawn_schedule_is_reduced_to_what_it_needs() -> None:
    shallow = deciding(lambda choices: choices[3] == 1)
    outcome = shallow(chooser(((0, 1), (1, 1), (3, 1), (4, 1))))
    assert reduced(shallow, outcome)[0] == ((3, 1),)
    deep = deciding(lambda choices: choices[0] + choices[2] + choices[4] == 3)
    outcome = deep(chooser(tuple((decision, 1) for decision in range(5))))
    deviations, least = reduced(deep, outcome)
    assert deviations == deviations_of(least) == ((0, 1), (2, 1), (4, 1))


def test_a_schedule_of_another_program_is_out_of_place() -> None:
    with pytest.raises(NoSuchOption, match="decision 1 has 2 options, and the schedule takes number 2"):
        deciding(lambda _: False)(chooser(((1, 2),)))


def test_explore_keeps_to_one_processor_and_then_goes_back_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def confirm(*_: object, **__: object) -> None:
        used.append(os.sched_getaffinity(0))

    used: list[set[int]] = []
    before = os.sched_getaffinity(0)
    monkeypatch.setattr(exploring, "confirm", confirm)
    assert exploring.explore(racy_chat.Locked, "greet", deviations=0).whole
    assert [len(processors) for processors in used] == [1]
    assert os.sched_getaffinity(0) == before
