"""The scheduler and its threading: one thread at a time, decisions that replay, waits that are told, nothing left."""

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from socketserver_faults.schedule.core import scheduler as scheduler_module
from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.run import Aborted, Deadlock, LostThread, StepLimitReached, Task
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.threads import threading_of
from socketserver_faults.schedule.exploration.search import chooser, levels
from socketserver_faults.schedule.world.world import ScheduleResult


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    before = set(threading.enumerate())
    with Scheduler() as scheduler:
        yield scheduler
    assert set(threading.enumerate()) <= before


@pytest.fixture
def virtual(scheduler: Scheduler) -> Any:
    """The `threading` of the scheduler."""
    return threading_of(scheduler)


def started(virtual: Any, *targets: Callable[[], object], **keywords: Any) -> list[Any]:
    threads = [virtual.Thread(target=target, **keywords) for target in targets]
    for thread in threads:
        thread.start()
    return threads


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


def test_what_the_chooser_raises_reaches_whoever_runs(scheduler: Scheduler, virtual: Any) -> None:
    def refuse(_: list[Task]) -> int:
        raise LookupError("no idea")

    def main() -> None:
        started(virtual, lambda: scheduler.point("works"))

    with pytest.raises(LookupError, match="no idea"):
        scheduler.run(main, refuse)


def test_what_the_first_thread_raises_reaches_whoever_runs_and_ends_the_others(
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


def test_a_deadlock_is_told_as_who_waits_for_what(scheduler: Scheduler, virtual: Any) -> None:
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


def test_a_daemon_that_waits_for_ever_keeps_nobody(scheduler: Scheduler, virtual: Any) -> None:
    scheduler.run(lambda: started(virtual, virtual.Event().wait, daemon=True))


def test_a_run_without_an_end_is_ended(scheduler: Scheduler) -> None:
    def main() -> None:
        while True:
            scheduler.sleep(0)

    with pytest.raises(StepLimitReached, match="no end after 50 steps: main sleeps 0 s"):
        scheduler.run(main, most_steps=50)


def test_a_thread_that_waits_behind_the_schedulers_back_is_given_up(
    scheduler: Scheduler, virtual: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "LOST_TIMEOUT", 0.05)
    before = set(threading.enumerate())
    real = threading.Lock()
    with real:

        def main() -> None:
            started(virtual, virtual.Event().wait)
            with suppress(Aborted):
                scheduler.sleep(1)
            real.acquire()

        with pytest.raises(
            LostThread, match=r"main has not come to a point for 0\.05 seconds; it is at .*test_scheduler"
        ):
            scheduler.run(main)
    with pytest.raises(AssertionError, match="a thread was lost"):
        scheduler.run(main)
    scheduler.close()
    for thread in set(threading.enumerate()) - before:  # the one that was lost has come back, and ends
        thread.join(10)
        assert not thread.is_alive()


# The clock


def test_time_passes_only_when_nobody_can_go_on(scheduler: Scheduler, virtual: Any) -> None:
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


# Locks and threads, as `threading` has them


def test_only_one_thread_has_a_lock(scheduler: Scheduler, virtual: Any) -> None:
    holders: list[int] = []

    def main() -> None:
        lock = virtual.Lock()

        def work() -> None:
            with lock:
                holders.append(1)
                scheduler.point("works")
                assert len(holders) == 1
                holders.pop()

        started(virtual, work, work)

    for _ in levels(lambda choose: ScheduleResult(scheduler.run(main, choose)), 3):
        assert holders == []


def test_locks_are_taken_and_given_back_as_in_threading(scheduler: Scheduler, virtual: Any) -> None:
    def main() -> None:
        lock = virtual.Lock()
        assert lock.acquire()
        assert lock.locked()
        assert repr(lock) == "<lock>"
        assert not lock.acquire(blocking=False)
        assert not lock.acquire(timeout=1)
        lock.release()
        with pytest.raises(RuntimeError, match="release unlocked lock"):
            lock.release()
        with pytest.raises(ValueError, match="timeout"):
            lock.acquire(False, 1)
        again = virtual.RLock()
        with again, again:
            for thread in started(virtual, lambda: again.acquire(blocking=False), again.release):
                thread.join()
        with pytest.raises(RuntimeError, match="un-acquired"):
            again.release()

    story = scheduler.run(main)
    assert [event.what for event in story.events if event.note] == [
        "ends by RuntimeError: cannot release un-acquired lock"
    ]


def test_a_condition_hands_over_what_it_is_notified_of(scheduler: Scheduler, virtual: Any) -> None:
    def main() -> None:
        condition = virtual.Condition()
        things: list[int] = []
        taken: list[int] = []

        def take() -> None:
            with condition:
                assert condition.wait_for(lambda: things)
                taken.append(things.pop())

        takers = started(virtual, take, take)
        for thing in range(2):
            with condition:
                things.append(thing)
                condition.notify()
        for taker in takers:
            taker.join()
        assert sorted(taken) == [0, 1]

    for _ in levels(lambda choose: ScheduleResult(scheduler.run(main, choose)), 2):
        pass


def test_a_condition_needs_its_lock_and_keeps_its_time(scheduler: Scheduler, virtual: Any) -> None:
    def main() -> None:
        lock = virtual.Lock()
        condition = virtual.Condition(lock)
        for call in (condition.wait, condition.notify_all):
            with pytest.raises(RuntimeError, match="un-acquired lock"):
                call()
        with condition:
            assert not condition.wait(1)
            assert not condition.wait_for(lambda: False, timeout=2)
            assert round(scheduler.now) == 3

            def hold() -> None:
                with lock:
                    scheduler.sleep(5)

            started(virtual, hold)
            assert not condition.wait(1)  # and then waits for the lock
            assert round(scheduler.now) == 8
            condition.acquire(blocking=False)
            condition.notify_all()

    scheduler.run(main)


def test_events_and_semaphores_as_in_threading(scheduler: Scheduler, virtual: Any) -> None:
    def main() -> None:
        event = virtual.Event()
        assert not event.is_set()
        started(virtual, event.set)
        assert event.wait()
        event.clear()
        assert not event.wait(1)
        permits = virtual.Semaphore(2)
        with permits:
            assert permits.acquire(timeout=1)
            assert not permits.acquire(timeout=1)
            assert not permits.acquire(blocking=False)
            permits.release()
        bounded = virtual.BoundedSemaphore()
        with pytest.raises(ValueError, match="too many times"):
            bounded.release()
        with pytest.raises(ValueError, match=">= 0"):
            virtual.Semaphore(-1)

    scheduler.run(main)


def test_threads_as_in_threading(scheduler: Scheduler, virtual: Any) -> None:
    def main() -> None:
        assert virtual.current_thread() is virtual.main_thread()
        assert virtual.main_thread().name == "MainThread"
        seen = []

        class Own(virtual.Thread):  # type: ignore[misc]  # the class is made at run time
            def run(self) -> None:
                seen.append((virtual.current_thread() is self, virtual.get_ident(), virtual.active_count()))
                sys.exit()

        own = Own(name="own", daemon=True)
        assert own.ident is None
        assert not own.is_alive()
        with pytest.raises(RuntimeError, match="before it is started"):
            own.join()
        own.start()
        with pytest.raises(RuntimeError, match="only be started once"):
            own.start()
        assert own in virtual.enumerate()
        own.join()
        assert not own.is_alive()
        assert seen == [(True, own.ident, 2)]
        assert repr(own) == "<Thread own>"
        with pytest.raises(RuntimeError, match="current thread"):
            virtual.current_thread().join()
        (nothing,) = started(virtual, None)  # type: ignore[arg-type]
        nothing.join(1)
        assert nothing.getName() == "T2"
        nothing.setDaemon(True)
        assert nothing.daemon
        with pytest.raises(NotModelled, match=r"threading\.Thread\.isDaemon"):
            nothing.isDaemon()
        with pytest.raises(AttributeError, match="has no attribute 'own'"):
            nothing.own  # noqa: B018 - looking is enough
        assert virtual.get_native_id() == 0

    assert [event.what for event in scheduler.run(main).events if event.note] == []


def test_what_threading_has_beyond_that_is_refused_by_name(scheduler: Scheduler, virtual: Any) -> None:
    for name in ("local", "Barrier", "Timer", "settrace"):
        with pytest.raises(NotModelled, match=rf"the scheduler does not model threading\.{name}"):
            getattr(virtual, name)
    assert not hasattr(virtual, "__wrapped__")

    def refused() -> None:
        virtual.Barrier(2)

    def main() -> None:
        started(virtual, refused)
        scheduler.sleep(1)

    with pytest.raises(NotModelled):
        scheduler.run(main)


def test_a_flood_of_notes_is_cut(scheduler: Scheduler) -> None:
    def main() -> None:
        for number in range(1000):
            scheduler.note(f"says {number}")

    assert len(scheduler.run(main, most_steps=50).events) == 101


def test_outside_a_run_nobody_waits(virtual: Any) -> None:
    lock = virtual.Lock()
    with lock, pytest.raises(Deadlock, match="nobody is there who could end this: takes lock"):
        lock.acquire()
