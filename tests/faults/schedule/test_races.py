"""Every race of the catalogue is found, and its code replays it."""

import os
import subprocess
import sys
from glob import glob

import pytest

from socketserver_faults.catalogue import index
from socketserver_faults.schedule.exploration.explore import replay_schedule, scenarios_for, search_schedules
from socketserver_faults.schedule.exploration.replay import BadCode, Code, Deviations
from socketserver_faults.schedule.exploration.search import Bounds
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of
from tests.support.serving import ROOT

pytestmark = pytest.mark.usefixtures("on_one_processor")

RACES = {
    "closed-request": ("greet", "CHAT-2", 0),
    "changes-the-set-under-a-loop": ("speak", "CHAT-13", 1),
    "leaves-the-reset-behind": ("reset", "CHAT-12", 0),
    "leaves-the-quitter-behind": ("quit", "CHAT-11", 0),
    "leaves-the-gone-behind": ("half-close", "CHAT-11", 0),
    "reset-ends-the-speaker": ("reset", "CHAT-12", 0),
    "delivers-without-the-lock": ("speak", "CHAT-13", 1),
    "ignores-short-sends": ("resume", "CHAT-14", 0),
    "waits-for-the-slow": ("flood", "CHAT-15", 0),
    "closes-twice": ("turnover", "CHAT-11", 0),
    "closes-who-is-slow": ("resume", "CHAT-15", 0),
}
"""Fault -> the scenario that shows it, the clause, and with how many deviations."""

MOST = 1000
"""Schedules within which each is found, whatever the scenario."""


def find(program: str, scenario: str | None = None, *, lines: bool = False) -> tuple[str, int]:
    """Return the replay code of the first failure, and how many schedules it took."""
    subject = read(program)
    with world_of(subject, lines=lines) as world:
        found = search_schedules(world, scenarios_for(subject, scenario), Bounds(seconds=600))
    assert found.outcome is not None
    return str(Code.of(found.scenario, found.deviations, found.outcome.story, lines=lines)), found.schedules


# The races of the catalogue


@pytest.mark.parametrize("name", RACES)
def test_a_race_is_found_in_its_scenario_with_as_few_deviations_as_can_be(name: str) -> None:
    scenario, clause, deviations = RACES[name]
    subject = read(name)
    with world_of(subject) as world:
        found = search_schedules(world, scenarios_for(subject, scenario), Bounds())
    assert found.outcome is not None
    assert found.outcome.clause == clause
    assert len(found.deviations) == deviations
    assert clause in index.find(name).breaks


@pytest.mark.sweep
@pytest.mark.parametrize("name", RACES)
def test_a_race_is_found_within_a_thousand_schedules_without_naming_the_scenario(name: str) -> None:
    _, schedules = find(name)
    assert schedules <= MOST


def test_a_member_that_says_nothing_for_an_hour_is_put_out_at_once_under_the_scheduler() -> None:
    code, _ = find("gives-up-the-silent")
    assert code.startswith("idle:")
    subject = read("gives-up-the-silent")
    with world_of(subject) as world:
        found = search_schedules(world, scenarios_for(subject, "idle"), Bounds())
    assert found.outcome is not None
    assert found.outcome.clause == "CHAT-21"


@pytest.mark.slow
@pytest.mark.usefixtures("untraced")
def test_a_switch_between_two_lines_is_found_with_lines_alone() -> None:
    code, schedules = find("joins-a-copy", "arrive", lines=True)
    assert code.startswith("arrive+lines:")
    assert schedules <= MOST
    subject = read("joins-a-copy")
    with world_of(subject) as world:
        found = search_schedules(world, scenarios_for(subject, "arrive"), Bounds(1))
    assert found.outcome is None
    with world_of(subject, lines=True) as world:
        parsed = Code.parse(code)
        for _ in range(3):  # `make sweep` replays a hundred times
            outcome = replay_schedule(world, SCENARIOS["arrive"], parsed)
            assert outcome.clause == "CHAT-2"


# Replays


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "times"), [("delivers-without-the-lock", 100), ("waits-for-the-slow", 10)])
def test_a_code_replays_exactly_again_and_again(name: str, times: int) -> None:
    code = Code.parse(find(name)[0])
    subject = read(name)
    with world_of(subject) as world:
        scenario = scenarios_for(subject, code.scenario)[code.scenario]
        first = replay_schedule(world, scenario, code)
        for _ in range(times):
            again = replay_schedule(world, scenario, code)
            assert again.story == first.story
            assert str(again.failure) == str(first.failure)


def others() -> list[str]:
    """Return a CPython of each other minor version from 3.11 on that there is here."""
    found = {}
    for version in range(11, 20):
        places = sorted(glob(os.path.expanduser(f"~/.pyenv/versions/3.{version}.*/bin/python")))
        if places and version != sys.version_info.minor:
            found[version] = places[-1]
    return list(found.values())


@pytest.mark.parametrize("python", others() or [pytest.param("", marks=pytest.mark.skip(reason="no other Python"))])
@pytest.mark.sweep
def test_a_code_of_one_python_replays_on_another(python: str) -> None:
    code, _ = find("delivers-without-the-lock")
    command = [python, "-m", "socketserver_faults", "schedule", "delivers-without-the-lock", "--replay", code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.startswith("CHAT-13: ")


def test_a_code_is_one_printable_word() -> None:
    deviations: Deviations = ((3, 1), (17, 2))
    code = Code("half-close", deviations, "0123ab", lines=True)
    assert str(code) == "half-close+lines:3.1-17.2~0123ab"
    assert Code.parse(str(code)) == code
    with pytest.raises(BadCode):
        Code.parse(f"{code}\n")
