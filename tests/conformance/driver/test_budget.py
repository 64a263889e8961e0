"""The time that a check may take: it is kept, and what it left no time for is told."""

import time
from contextlib import closing

import pytest

from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.driver.budget import Budget, default_budget
from socketserver_reference.conformance.driver.reading import Pace
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.exploration.campaign import Campaign
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Say, join
from socketserver_reference.conformance.targets.launched import Launched
from tests.support.checking import Checker, bad
from tests.support.planted import Planted

TIMEOUT = 10.0


@pytest.mark.parametrize(
    ("timeout", "examples", "limits", "seconds"),
    [
        (5.0, 30, Limits(), 60.0),
        (1.0, 1, Limits(), 60.0),
        (10.0, 30, Limits(), 120.0),
        (5.0, 300, Limits(), 600.0),
        (5.0, 30, Limits(members=3), 60.0),
        (5.0, 30, Limits(gap=0.1), 600.0),
        (5.0, 30, Limits(join_gap=0.1), 600.0),
        (5.0, 30, Limits(start=20.0), 600.0),
        (5.0, 30, Limits(fresh=True), 600.0),
    ],
)
def test_a_check_that_has_to_wait_may_take_longer(
    timeout: float, examples: int, limits: Limits, seconds: float
) -> None:
    assert default_budget(timeout, examples, limits) == seconds


def test_scenarios_begin_in_the_first_part_of_the_time_and_go_on_in_all_of_it(clock: list[float]) -> None:
    budget = Budget(20.0)
    clock[0] += 14.9
    budget.begin()
    clock[0] += 0.2
    with pytest.raises(NotChecked, match=r"the check may take 20 s, and had no time left for it: see --budget"):
        budget.begin()
    clock[0] += 4.8
    budget.go_on()
    clock[0] += 0.2
    with pytest.raises(NotChecked, match=r"the check may take 20 s"):
        budget.go_on()


def test_polite_exploration_leaves_time_for_the_scenarios_of_the_hardened_profile(clock: list[float]) -> None:
    budget = Budget(20.0)
    assert budget.last_run("basic") == clock[0] + 8.0
    assert budget.last_run("hardened") == budget.last_begin == clock[0] + 15.0


def test_without_a_budget_there_is_always_time(clock: list[float]) -> None:
    budget = Budget()
    clock[0] += 1e9
    budget.begin()
    budget.go_on()


def test_a_server_that_is_slow_to_serve_its_first_client_gets_more_time(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt, slow = (Budget(60.0, fixed=False) for _ in range(2))
    assert prompt.allow_for(0.01) == ""
    assert prompt.until == clock[0] + 67.0
    assert "took 1.6 s to serve its first client" in slow.allow_for(1.6)
    assert slow.until == clock[0] + 1180.0
    assert slow.allow_for(1.6) == "", "each start of the server would take more"
    assert slow.until == clock[0] + 1180.0
    assert Budget(60.0).allow_for(1.6) == ""
    assert Budget(60.0).until == clock[0] + 60.0
    monkeypatch.undo()
    monkeypatch.setattr(Pace, "note", lambda pace, _: setattr(pace, "slowest", 1.6))
    with closing(open_session("chat", Planted("delivers-quit").target(), TIMEOUT)) as session:
        session.keep(Budget(60.0, fixed=False))
        session.play(*join("ann"), about="CHAT-1")
        assert session.site.deadline > time.monotonic() + 1000
        assert len(session.remarks) == 1


def test_a_server_that_is_harmed_by_clients_that_leave_gets_more_time(clock: list[float]) -> None:
    budget = Budget(60.0, fixed=False)
    assert "the check 120 s instead of 60 s" in budget.allow_for_harm()
    assert budget.until == clock[0] + 120.0
    assert budget.allow_for_harm() == "", "each start of the server would take more"
    assert budget.until == clock[0] + 120.0
    assert Budget(60.0).allow_for_harm() == ""
    slow = Budget(60.0, fixed=False)
    slow.allow_for(1.0, clients=1000)
    assert "the check 1120 s instead of 1060 s" in slow.allow_for_harm(), "its slowness is allowed for"


def test_each_scenario_on_a_fresh_server_gives_the_check_more_time() -> None:
    with closing(open_session("chat", Planted("delivers-quit").target(), TIMEOUT)) as session:
        session.keep(Budget(60.0, fixed=False))
        before = session.site.deadline
        for _ in range(2):
            ScenarioRunner(session, "CHAT-1")(*join("ann"))
            session.masking.known.add("CHAT-10")
        assert session.site.deadline > before + 59.0
        assert [remark.partition(",")[0] for remark in session.remarks] == ["clients that leave harm the server"]


def test_a_session_plays_nothing_and_waits_for_nothing_when_the_time_is_over() -> None:
    with closing(open_session("chat", Planted("delivers-quit").target(), TIMEOUT)) as session:
        session.play(*join("ann"), about="CHAT-1")
        seen = len(session.seen)
        session.keep(Budget(0.0))
        assert session.site.deadline <= time.monotonic()
        with pytest.raises(NotChecked, match="had no time left for it"):
            ScenarioRunner(session, "CHAT-1")(*join("ann"))
        with pytest.raises(NotChecked, match="had no time left for it"):
            session.play(*join("ann"), about="CHAT-1")
        assert len(session.seen) == seen
        assert Campaign(session, "basic", 30).over


def test_a_silence_is_not_waited_for_longer_than_the_check_may_take() -> None:
    with closing(open_session("chat", Launched(bad("silent")), 3600.0)) as session:
        session.keep(Budget(0.5))
        with pytest.raises(NotChecked, match=r"the check may take 0.5 s, and had no time left for it"):
            session.play(*join("ann"), about="CHAT-1")


class CountedBudget(Budget):
    """Is over after so many questions whether it is."""

    def __init__(self, questions: int) -> None:
        super().__init__()
        self.questions = questions

    @property
    def is_over(self) -> bool:
        self.questions -= 1
        return self.questions < 0


def test_a_scenario_of_many_steps_ends_when_the_time_is_over() -> None:
    with closing(open_session("chat", Planted("delivers-quit").target(), TIMEOUT)) as session:
        session.play(*join("ann"), about="CHAT-1")
        session.keep(CountedBudget(10))
        with pytest.raises(NotChecked, match="had no time left for it"):
            session.play(*join("ann"), *(Say("ann", b"on and on") for _ in range(100)), about="CHAT-2")
        assert len(session.seen[-1].steps) < 11


def test_what_a_check_had_no_time_for_is_not_checked(check: Checker) -> None:
    starts_late = f"sh -c 'sleep 0.2; exec {bad('well-behaved')}'"
    outcome = check("chat", "--launch", starts_late, "--budget", 0.1)
    assert outcome.code == 2
    assert "at most 0.1 s" in outcome.out
    clauses = outcome.document["clauses"]
    assert all(clause["verdict"] in ("not-checked", "not-applicable") for clause in clauses)
    assert "the check may take 0.1 s, and had no time left for it: see --budget" in {one["why"] for one in clauses}
