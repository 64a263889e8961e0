"""The `threading` of the scheduler: locks, conditions, events, semaphores and threads do as the real ones do."""

import functools
import re
import sys
import threading
from typing import Any

import pytest

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.run import Deadlock
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.exploration.search import levels
from socketserver_faults.schedule.world.world import ScheduleResult
from tests.support.scheduling.virtual_threads import started


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


@pytest.mark.parametrize("kind", ["event", "condition"])
def test_a_thread_that_has_waited_too_long_takes_no_other_from_those_that_wait(
    scheduler: Scheduler, virtual: Any, kind: str
) -> None:
    woken: dict[str, bool] = {}

    def main() -> None:
        event, condition = virtual.Event(), virtual.Condition()

        def wait(name: str, seconds: float) -> None:
            if kind == "event":
                woken[name] = event.wait(seconds)
            else:
                with condition:
                    woken[name] = condition.wait(seconds)

        started(virtual, lambda: wait("patient", 10), lambda: wait("hasty", 1))
        scheduler.sleep(2)
        if kind == "event":
            event.set()
            event.clear()
        else:
            with condition:
                condition.notify()

    scheduler.run(main)
    assert woken == {"hasty": False, "patient": True}


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
        with pytest.raises(RuntimeError, match="current thread"):
            virtual.current_thread().join()
        (nothing,) = started(virtual, None)  # type: ignore[arg-type]
        nothing.join(1)
        assert nothing.getName() == "Thread-2"
        nothing.setDaemon(True)
        assert nothing.isDaemon()
        nothing.setName("named")
        assert virtual.currentThread().name == "MainThread"
        assert virtual.activeCount() == 1
        with pytest.raises(NotModelled, match=r"threading\.Thread\._bootstrap"):
            nothing._bootstrap  # noqa: B018 - looking is enough
        with pytest.raises(AttributeError, match="has no attribute 'own'"):
            nothing.own  # noqa: B018 - looking is enough
        assert virtual.get_native_id() == 0

    assert [event.what for event in scheduler.run(main).events if event.note] == []


def test_threads_are_named_and_shown_as_in_threading(scheduler: Scheduler, virtual: Any) -> None:
    class Own:
        def work(self) -> None:
            pass

    def shown(module: Any) -> list[str]:
        named = {"name": "mine", "daemon": True}
        threads = [module.Thread(target=Own().work), module.Thread(target=Own().work, **named), module.Timer(9, print)]
        threads += [module.Thread(target=functools.partial(print, end=""))]
        found = [repr(thread) for thread in (module.main_thread(), *threads)]
        for thread in threads[:2]:
            thread.start()
            thread.join()
        found += [repr(thread) for thread in threads]
        return [re.sub(r"-\d+|\b\d{2,}\b", "", re.sub(r" \d+\)", " N)", text)) for text in found]

    found: list[list[str]] = []
    scheduler.run(lambda: found.append(shown(virtual)))
    assert found == [shown(threading)]


def test_what_threading_has_beyond_that_is_refused_by_name(scheduler: Scheduler, virtual: Any) -> None:
    for name in ("settrace", "excepthook"):
        with pytest.raises(NotModelled, match=rf"the scheduler does not model threading\.{name}"):
            getattr(virtual, name)
    assert not hasattr(virtual, "__wrapped__")

    def refused() -> None:
        virtual.settrace(print)

    def main() -> None:
        started(virtual, refused)
        scheduler.sleep(1)

    with pytest.raises(NotModelled):
        scheduler.run(main)


def test_outside_a_run_no_operation_waits(virtual: Any) -> None:
    lock = virtual.Lock()
    with lock, pytest.raises(Deadlock, match="no other thread could end this wait: takes lock"):
        lock.acquire()
