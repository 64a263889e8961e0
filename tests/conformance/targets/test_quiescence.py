"""Whether threads are at rest, as far as Linux tells."""

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from socketserver_reference.conformance.targets import quiescence

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="this system does not tell")


@contextmanager
def waiting() -> Iterator[threading.Thread]:
    """Another thread of this process, which waits."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        yield thread
    finally:
        end.set()
        thread.join()


def test_the_other_threads_of_this_process_are_those_but_the_one_that_asks() -> None:
    with waiting() as thread:
        others = list(quiescence.other_threads())
        assert f"/proc/self/task/{thread.native_id}" in others
        assert f"/proc/self/task/{threading.get_native_id()}" not in others


class Tasks:
    """Threads to look at; counts the looks."""

    def __init__(self, *tasks: str) -> None:
        self.tasks = tasks
        self.looks = 0

    def __call__(self) -> Sequence[str]:
        self.looks += 1
        return self.tasks


def test_threads_that_wait_are_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiescence, "IDLE_TIMEOUT", 3600.0)  # it comes back because they rest, or never
    with waiting() as thread:
        quiescence.IdleWaiter(Tasks(f"/proc/self/task/{thread.native_id}"))()


def test_threads_that_ran_come_or_go_while_they_are_looked_at_are_not_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    with waiting() as thread:
        place = f"/proc/self/task/{thread.native_id}"
        while not quiescence.IdleWaiter(Tasks(place)).looks_idle():
            os.sched_yield()  # it is on its way to wait
        comes = iter([[], [place]])
        assert not quiescence.IdleWaiter(lambda: next(comes)).looks_idle()
        used = itertools.count()
        monkeypatch.setattr(quiescence, "clock", lambda _: next(used))
        assert not quiescence.IdleWaiter(Tasks(place)).looks_idle()


def test_a_thread_that_computes_uses_processor_time_and_one_that_has_ended_none() -> None:
    own = f"/proc/self/task/{threading.get_native_id()}"
    assert 0 < quiescence.clock(own) < quiescence.clock(own)
    with waiting() as thread:
        pass
    while quiescence.clock(f"/proc/self/task/{thread.native_id}") != quiescence.ENDED:
        os.sched_yield()  # the system ends it a little after Python has


def test_a_thread_that_runs_is_waited_for_no_longer_than_the_bound_and_then_only_glanced_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quiescence, "IDLE_TIMEOUT", 0.05)
    tasks = Tasks(f"/proc/self/task/{threading.get_native_id()}")
    waiter = quiescence.IdleWaiter(tasks)
    waiter()
    assert waiter.gave_up
    waiter.timeout = 3600.0
    waiter()
    assert tasks.looks >= 2
    with waiting() as thread:  # seen at rest, it is worth waiting for again
        tasks.tasks = (f"/proc/self/task/{thread.native_id}",)
        while waiter.gave_up:
            waiter()


def test_threads_that_wait_for_a_processor_are_waited_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have used little of it, however long that has taken."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(quiescence, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    costs = iter([7.0, *(7.0 + count / 1000 for count in range(100))])
    waiter = quiescence.IdleWaiter(list)
    monkeypatch.setattr(waiter, "cost", lambda: next(costs, 8.1))
    idle = iter([False] * (quiescence.FAST_POLLS + 90) + [True])
    monkeypatch.setattr(waiter, "looks_idle", lambda: next(idle, False))
    monkeypatch.setattr(quiescence, "SLOW_POLL_INTERVAL", 0.1)
    waiter()
    assert waiter._timeouts == 0
    assert now > quiescence.IDLE_TIMEOUT
    begun = now
    waiter()  # it never rests, and computes
    assert waiter._timeouts == 1
    assert now < begun + quiescence.STARVED_TIMEOUT
    begun = now
    idle = iter([False] * (quiescence.FAST_POLLS + 1) + [True])
    monkeypatch.setattr(quiescence, "SLOW_POLL_INTERVAL", quiescence.GLANCE_TIMEOUT / 2)
    waiter()  # it had much to do, and rests soon
    assert waiter._timeouts == 0
    waiter._timeouts = 1
    waiter()
    assert now < begun + 3 * quiescence.GLANCE_TIMEOUT


@pytest.mark.parametrize(("letter", "idle"), [("S", True), ("D", False), ("R", False)])
def test_a_thread_that_waits_for_a_disk_is_not_idle(letter: str, idle: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiescence, "state", lambda _: letter)
    with waiting() as thread:
        assert quiescence.IdleWaiter(Tasks(f"/proc/self/task/{thread.native_id}")).looks_idle() is idle


def test_what_ends_while_it_is_looked_at_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> bytes:
        raise ProcessLookupError

    place = f"/proc/self/task/{threading.get_native_id()}"
    assert quiescence.state(place) == "R"
    monkeypatch.setattr(os, "read", gone)
    assert quiescence.state(place) == ""


def test_a_server_has_cost_what_it_costs_when_that_no_longer_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    """IdleWaiter gives up on a server that has much to do; what it has used by then is not all."""
    monkeypatch.setattr(quiescence, "REST_INTERVAL", 0.0)
    costs = iter([0.1, 0.2, 0.9, 0.9, 1.0])
    assert quiescence.cost_at_rest(lambda: next(costs), least=0.05) == 0.9
    assert next(costs) == 1.0


def test_a_cost_that_is_not_judged_is_not_waited_for() -> None:
    costs = iter([0.04, 0.2])
    assert quiescence.cost_at_rest(lambda: next(costs), least=0.05) == 0.04


def test_a_server_that_never_rests_is_waited_for_no_longer_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiescence, "REST_INTERVAL", 0.0)
    monkeypatch.setattr(quiescence, "REST_TIMEOUT", 0.0)
    costs = iter([0.1, 0.2, 0.3])
    assert quiescence.cost_at_rest(lambda: next(costs), least=0.05) == 0.1
