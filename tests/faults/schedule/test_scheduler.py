"""The scheduler: one thread at a time, decisions that replay, waits that are told, nothing left."""

import itertools
import os
import threading
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from socketserver_faults.schedule.core.run import Aborted, Deadlock, LostThread, StepLimitReached, Task, uninterrupted
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.exploration.search import chooser, levels
from socketserver_faults.schedule.world.world import ScheduleResult
from tests.support.scheduling.virtual_threads import started

# Decisions


def orders(scheduler: Scheduler, virtual: Any, deviations: int) -> list[str]:
    """Return in which orders two threads that each do two things can do them."""
    done: list[str] = []

    def work(name: str) -> None:
        for _ in range(2):
            scheduler.point(f"does {name}")
            done.append(name)

    def main() -> None:
        done.clear()
        started(virtual, lambda: work("a"), lambda: work("b"))

    found = []
    for _ in levels(lambda choose: ScheduleResult(scheduler.run(main, choose)), deviations):
        found.append("".join(done))
    return found


def test_without_a_deviation_each_thread_goes_on_as_long_as_it_can(scheduler: Scheduler, virtual: Any) -> None:
    assert orders(scheduler, virtual, 0) == ["aabb"]


def test_every_order_is_found_and_none_twice_by_the_same_deviations(scheduler: Scheduler, virtual: Any) -> None:
    every = {"".join(order) for order in itertools.permutations("aabb")}
    assert set(orders(scheduler, virtual, 3)) == every
    assert set(orders(scheduler, virtual, 1)) < every


def test_the_same_choices_give_the_same_run(scheduler: Scheduler, virtual: Any) -> None:
    def main() -> None:
        lock = virtual.Lock()

        def work() -> None:
            with lock:
                scheduler.point("works")

        started(virtual, work, work, work)

    schedules = [deviations for _, deviations, _ in levels(lambda c: ScheduleResult(scheduler.run(main, c)), 2)]
    for deviations in schedules[::20]:
        first = scheduler.run(main, chooser(deviations))
        assert scheduler.run(main, chooser(deviations)) == first


def test_what_the_chooser_raises_reaches_the_caller_of_run(scheduler: Scheduler, virtual: Any) -> None:
    def refuse(_: list[Task]) -> int:
        raise LookupError("no idea")

    def main() -> None:
        started(virtual, lambda: scheduler.point("works"))

    with pytest.raises(LookupError, match="no idea"):
        scheduler.run(main, refuse)


def test_what_the_first_thread_raises_reaches_the_caller_of_run_and_ends_the_other_threads(
    scheduler: Scheduler, virtual: Any
) -> None:
    ended = []

    def wait() -> None:
        try:
            virtual.Event().wait()
        except BaseException as error:
            ended.append(type(error))
            with suppress(Aborted):
                started(virtual, lambda: ended.append(LookupError))  # begins no more: the run is over
            scheduler.point("cleans up")

    def main() -> None:
        started(virtual, wait)
        scheduler.sleep(1)
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        scheduler.run(main)
    assert ended == [Aborted]


# Ends


def test_a_deadlock_says_what_each_thread_waits_for(scheduler: Scheduler, virtual: Any) -> None:
    def main() -> None:
        first = virtual.Lock()
        second = virtual.Lock()
        gate = virtual.Event()

        def one() -> None:
            with first:
                gate.wait()
                with second:
                    pass

        def other() -> None:
            with second:
                gate.set()
                with first:
                    pass

        started(virtual, one, other)

    with pytest.raises(Deadlock) as blocked:
        scheduler.run(main)
    assert str(blocked.value) == "T1 waits for second, which T2 holds; T2 waits for first, which T1 holds"


def test_threads_whose_process_has_ended_wait_for_nothing(scheduler: Scheduler, virtual: Any) -> None:
    def main() -> None:
        lock = virtual.Lock()
        lock.acquire()
        started(virtual, lambda: lock.acquire())
        scheduler.point("lets it wait")
        scheduler.halt()
        scheduler.point("waits for nobody", lambda: False)

    with pytest.raises(Deadlock, match=r"^main waits for nobody$"):
        scheduler.run(main, lambda options: len(options) - 1)


def test_a_daemon_that_waits_for_ever_does_not_keep_a_run_from_ending(scheduler: Scheduler, virtual: Any) -> None:
    scheduler.run(lambda: started(virtual, virtual.Event().wait, daemon=True))


def test_a_run_without_an_end_is_ended(scheduler: Scheduler) -> None:
    def main() -> None:
        while True:
            scheduler.sleep(0)

    with pytest.raises(StepLimitReached, match="no end after 50 steps: main sleeps 0 s"):
        scheduler.run(main, most_steps=50)


class OutOfTime:
    """A lock on which the first two timeouts are over as soon as another lock is free."""

    def __init__(self, lock: Any, over: Any) -> None:
        self._lock = lock
        self._over = over
        self._timeouts = iter([0.0, 0.0])
        self.release = lock.release

    def acquire(self, timeout: float) -> bool:
        with self._over:
            return self._lock.acquire(timeout=next(self._timeouts, timeout))  # type: ignore[no-any-return]


def test_a_thread_that_waits_behind_the_schedulers_back_is_given_up(
    scheduler: Scheduler, virtual: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    real, arriving = threading.Lock(), threading.Lock()
    monkeypatch.setattr(scheduler, "_home", OutOfTime(scheduler._home, arriving))
    arriving.acquire()
    with real:

        def main() -> None:
            started(virtual, virtual.Event().wait)
            with suppress(Aborted):
                scheduler.sleep(1)
            arriving.release()
            real.acquire()

        with pytest.raises(LostThread, match=r"main has not come to a point for 10 seconds; it is at .*test_scheduler"):
            scheduler.run(main)
    with pytest.raises(LostThread, match="main was lost in a run before"):
        scheduler.run(main)
    scheduler.close()
    for thread in set(threading.enumerate()) - before:  # the one that was lost has come back, and ends
        thread.join(10)
        assert not thread.is_alive()


# The clock


def test_time_passes_only_when_no_thread_can_run(scheduler: Scheduler, virtual: Any) -> None:
    seen = []

    def main() -> None:
        def patient() -> None:
            event = virtual.Event()
            seen.append((event.wait(5), round(scheduler.now)))

        def busy() -> None:
            for _ in range(100):
                scheduler.point("works")
            seen.append((True, round(scheduler.now)))

        started(virtual, patient, busy)

    story = scheduler.run(main)
    assert seen == [(True, 0), (False, 5)]
    assert story.stuck == ["T1 waits for event to be set"]


def test_a_thread_sees_when_all_others_are_at_rest(scheduler: Scheduler, virtual: Any) -> None:
    seen = []

    def main() -> None:
        def work() -> None:
            scheduler.point("works")
            seen.append("worked")

        started(virtual, work, virtual.Event().wait, daemon=True)
        scheduler.wait_idle()
        seen.append("rested")

    scheduler.run(main)
    assert seen == ["worked", "rested"]


def test_a_flood_of_notes_is_cut(scheduler: Scheduler) -> None:
    def main() -> None:
        for number in range(1000):
            scheduler.note(f"says {number}")

    assert len(scheduler.run(main, most_steps=50).events) == 101


def test_a_thread_that_looks_again_and_again_lets_others_go_on_and_time_pass(scheduler: Scheduler) -> None:
    seen: list[str] = []

    def sleeper() -> None:
        scheduler.sleep(5)
        seen.append("slept")

    def main() -> None:
        scheduler.spawn(sleeper, "sleeper")
        while not seen:
            scheduler.point("looks")

    scheduler.run(main)
    assert 5 < scheduler.now < 6


def test_threads_that_sleep_again_and_again_reach_a_late_moment_unless_something_else_happens(
    scheduler: Scheduler, virtual: Any
) -> None:
    """This one naps 4,000 times, wakes another, and naps as often again: in seconds. Only then does an hour pass."""
    ends: list[float] = []

    def nap(times: int) -> None:
        for _ in range(times):
            scheduler.sleep(0.00025)
        ends.append(scheduler.now)

    def main() -> None:
        event = virtual.Event()
        scheduler.spawn(event.wait, "woken")
        scheduler.spawn(lambda: scheduler.sleep(3600), "late")
        nap(4000)
        event.set()
        nap(4000)
        nap(6000)

    scheduler.run(main)
    assert ends[1] < 10
    assert 3600 < ends[2] < 3610


def test_threads_that_poll_are_idle_once_each_has_seen_what_the_others_did(scheduler: Scheduler, virtual: Any) -> None:
    """Meanwhile another wakes every second, and an hour passes."""
    seen: list[str] = []

    def poll(lock: Any) -> None:
        while "end" not in seen:
            with lock:
                if seen[-1:] == ["work"]:
                    for _ in range(100):
                        scheduler.point("works")
                        scheduler.progress()
                    seen.append("done")

    def wake() -> None:
        while "end" not in seen:
            scheduler.sleep(1)

    def main() -> None:
        for _ in range(3):
            scheduler.spawn(partial(poll, virtual.Lock()), "poller")
        scheduler.spawn(wake, "wakes")
        scheduler.wait_idle()
        seen.append("work")
        scheduler.wait_idle()
        seen.append("rested")
        scheduler.sleep(3600)
        seen.append("end")

    scheduler.run(main)
    assert seen == ["work", "done", "rested", "end"]
    assert 3600 < scheduler.now < 3610


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="a policy of Linux")
def test_threads_that_hand_over_are_not_interrupted_when_they_wake_others(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.sched_getscheduler(0)
    seen: list[int] = []
    with uninterrupted():
        seen.append(os.sched_getscheduler(0))
    scheduler.run(lambda: seen.append(os.sched_getscheduler(0)))
    assert seen == [os.SCHED_BATCH] * 2
    assert os.sched_getscheduler(0) == before

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with uninterrupted():
        assert os.sched_getscheduler(0) == before
