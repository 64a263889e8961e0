"""Exchanges are cut to the clients and steps that a violation needs."""

import time
from collections.abc import Sequence

import pytest

from socketserver_reference.conformance.confirm.cut import Cutter, condensed, is_legal, last_burst
from socketserver_reference.conformance.confirm.replay import Exchange
from socketserver_reference.conformance.scenario.scene import Scene
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    Crowd,
    HalfClose,
    Quit,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS


@pytest.mark.parametrize(
    ("steps", "legal"),
    [
        (join("ann"), True),
        ([Say("ann", b"x")], False),
        ([Crowd(("ann", "ben")), Say("ben", b"x")], True),
        ([Connect("ann"), Close("ann"), Say("ann", b"x")], False),
        ([Connect("ann"), Send("ann", b"x"), Say("ann", b"x")], False),
        ([Connect("ann"), Connect("lou"), Send("ann", b"x"), WaitUntilHeard("lou", "ann")], False),
        ([Connect("ann"), Send("ann", b"x"), Settle(), Quit("ann")], True),
        ([Connect("ann"), Connect("lou"), WaitUntilHeard("lou", "ann")], True),
        ([Connect("ann"), WaitUntilHeard("lou", "ann")], False),
        ([Connect("lou"), WaitUntilHeard("lou", "ann")], False),
    ],
)
def test_a_scenario_is_legal_if_everybody_is_there_and_says_one_thing_at_a_time(
    steps: Sequence[Step], legal: bool
) -> None:
    assert is_legal(steps) == legal


def test_a_race_is_condensed_to_its_last_burst_and_a_few_hearers() -> None:
    names = ["ann", "ben", "cal", "dan", "eve"]
    early: list[Step] = [Connect("fay"), Send("ann", b"0"), Settle(), HalfClose("fay")]
    late: list[Step] = [Send(who, b"%d" % count) for count in range(1, 8) for who in ("ann", "ben")]
    steps = [*join(*names), *early, *late, Settle(), Say("cal", b"?")]
    assert last_burst(steps) == [*join(*names), Connect("fay"), HalfClose("fay"), *late, Settle(), Say("cal", b"?")]
    assert condensed(steps)[-12:] == [*late[-10:], Settle(), Say("cal", b"?")]
    assert {step.who for step in condensed(steps) if isinstance(step, Connect)} == {"ann", "ben", "cal", "dan"}
    assert condensed(join("ann")) == last_burst(join("ann")) == join("ann")
    stalled = [*join(*names), Stall("eve"), *late, Settle()]
    assert condensed(stalled)[-11:] == [*late[-10:], Settle()]
    assert Stall("eve") in condensed(stalled), "a client that does not read is needed, one that only listens is not"


def cut(*scenarios: list[Step], needed: Sequence[Step], seconds: float = 60.0) -> list[list[Step]]:
    """Cut an exchange whose violation shows as long as it has these steps."""

    def shows(exchange: Exchange) -> bool:
        exchange.last = VIOLATIONS["CHAT-2"]("this", "that", [])
        exchange.last.transcript = Transcript([], exchange.scenes[-1].steps)
        return all(step in [one for scene in exchange.scenes for one in scene.steps] for step in needed)

    like = VIOLATIONS["CHAT-2"]("this", "that", [])
    exchange = Exchange([Scene(steps) for steps in scenarios], like)
    return [scene.steps for scene in Cutter(exchange, shows, time.monotonic() + seconds).cut().scenes]


def test_only_what_the_violation_needs_is_kept() -> None:
    steps = [*join("ann", "ben", "cal"), Say("ben", b"x"), Say("ann", b"y"), Say("ann", b"z")]
    assert cut(steps, needed=[Say("ann", b"y")]) == [[Connect("ann"), Say("ann", b"y")]]
    assert cut(steps, needed=[Say("ann", b"y")], seconds=-1.0) == [steps]


def test_what_the_last_two_clients_do_is_tried_first() -> None:
    visits = [step for count in range(20) for step in (Connect(f"guest{count}"), Close(f"guest{count}"))]
    last: list[Step] = [Connect("ann"), Connect("ben"), Close("ann"), Say("ben", b"x")]
    violation = VIOLATIONS["CHAT-11"]("", "", ())
    violation.transcript = Transcript(scenario=[*visits, *last])
    tried: list[Sequence[Step]] = []

    def shows(one: Exchange) -> bool:
        tried.append(one.scenes[0].steps)
        return False

    Cutter(Exchange([Scene([*visits, *last])], violation, last=violation), shows, time.monotonic() + 60.0).cut()
    assert tried[:2] == [[Connect("ben"), Say("ben", b"x")], last]


def test_scenarios_before_it_are_left_out_or_cut_too() -> None:
    before = [join("ann"), [*join("ben", "cal"), Close("ben")], join("dan")]
    kept = cut(*before, [*join("eve"), Say("eve", b"x")], needed=[Close("ben"), Say("eve", b"x")])
    assert kept == [[Connect("ben"), Close("ben")], [Connect("eve"), Say("eve", b"x")]]


def test_a_crowd_is_cut_to_those_that_are_needed() -> None:
    assert cut([Crowd(("ann", "ben", "cal")), Say("ben", b"x")], needed=[Say("ben", b"x")]) == [
        [Crowd(("ben",)), Say("ben", b"x")]
    ]
