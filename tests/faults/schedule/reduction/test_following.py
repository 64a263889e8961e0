"""What fails under a schedule of the watched program is followed with the program as it is."""

import time
from typing import Any

import pytest

from socketserver_faults.schedule.core.run import ScheduleEvent
from socketserver_faults.schedule.exploration.clearing import Cleared, Clearing
from socketserver_faults.schedule.exploration.explore import code_of, replay_schedule, search_schedules
from socketserver_faults.schedule.exploration.following import followed
from socketserver_faults.schedule.exploration.search import Bounds
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of
from tests.support.scheduling.programs import Write

DEEP = """
    import socketserver, threading
    order, lock = [], threading.Lock()
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            for _ in range(3):
                with lock:
                    order.append(self.client_address)
            data = self.request.recv(1024)
            wrong = len(order) == 6 and order[0] != order[1] and order == order[:2] * 3
            self.request.sendall(b"wrong" if wrong else data.strip().upper())
"""
"""An echo that replies wrongly if two threads take a lock in turns, switch by switch."""

ASK = {"ask": SCENARIOS["ask"]}


@pytest.mark.slow
def test_a_race_of_many_switches_is_found_without_a_bound_and_its_code_replays_it(write: Write) -> None:
    write(deep=DEEP)
    with world_of(read("deep:Handler", "echo")) as world:
        assert search_schedules(world, ASK, Bounds(2)).outcome is None
        found = search_schedules(world, ASK, Bounds())
        assert found.outcome is not None
        assert len(found.deviations) > 2
        assert replay_schedule(world, ASK["ask"], code_of(found, lines=False)).story == found.outcome.story


@pytest.mark.parametrize(
    ("name", "scenario"), [("changes-the-set-under-a-loop", "speak"), ("delivers-without-the-lock", "speak")]
)
def test_a_race_of_the_catalogue_is_found_by_the_reduced_search_and_told_as_by_the_other(
    name: str, scenario: str
) -> None:
    with world_of(read(name)) as world:
        with Clearing(world) as clearing:
            cleared = clearing.clear(SCENARIOS[scenario], time.monotonic() + 60, 1000)
        assert cleared.outcome is not None
        assert cleared.outcome.clause == "CHAT-13"
        both = [search_schedules(world, {scenario: SCENARIOS[scenario]}, Bounds(most)) for most in (None, 1)]
        assert len({str(code_of(found, lines=False)) for found in both}) == 1


def test_what_does_not_fail_without_being_watched_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        return None

    monkeypatch.setattr("socketserver_faults.schedule.exploration.clearing.followed", never)
    with world_of(read("delivers-without-the-lock")) as world, Clearing(world) as clearing:
        cleared = clearing.clear(SCENARIOS["speak"], time.monotonic() + 60, 1000)
    assert cleared == Cleared(
        cleared.complete, cleared.cut_short, why="one fails while the program is watched, and not otherwise"
    )


def test_events_of_another_program_are_followed_as_far_as_they_go() -> None:
    with world_of(read("chat")) as world:
        assert followed(world, SCENARIOS["greet"], [ScheduleEvent("T9", "flies")]) is None


COPYING = """
    import socketserver, threading
    members, lock = frozenset(), threading.Lock()
    class Handler(socketserver.BaseRequestHandler):
        def setup(self):
            global members
            joined = members | {self.request}
            members = joined
        def handle(self):
            while chunk := self.request.recv(1024):
                with lock:
                    for member in members:
                        member.sendall(b"ack" + chunk)
        def finish(self):
            global members
            with lock:
                members = members - {self.request}
"""
"""A chat in which a client that joins between two lines of another is lost."""


def test_a_race_between_two_lines_is_found_without_a_bound_and_a_right_program_is_cleared(write: Write) -> None:
    right = COPYING.replace("joined =", "lock.acquire(); joined =").replace("= joined", "= joined; lock.release()")
    write(copying=COPYING, right=right)
    arrive = SCENARIOS["arrive"]
    with world_of(read("copying:Handler"), lines=True) as world, Clearing(world) as clearing:
        cleared = clearing.clear(arrive, time.monotonic() + 60, 1000)
        assert cleared.outcome is not None
        assert cleared.outcome.clause == "CHAT-2"
    with world_of(read("right:Handler"), lines=True) as world:
        assert search_schedules(world, {"arrive": arrive}, Bounds()).covered["arrive"].cleared.whole
