"""Whether threads are at rest, as far as Linux tells."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from reference.conformance import threads

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
        others = list(threads.others())
        assert f"/proc/self/task/{thread.native_id}" in others
        assert f"/proc/self/task/{threading.get_native_id()}" not in others


def test_threads_that_wait_are_at_rest() -> None:
    looks: list[int] = []
    with waiting() as thread:

        def tasks() -> list[str]:
            looks.append(1)
            return [f"/proc/self/task/{thread.native_id}"]

        threads.rest(tasks)
    assert len(looks) % 2 == 0  # it went because two looks were alike


def test_a_thread_that_runs_is_waited_for_no_longer_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "RESTED_WITHIN", 0.05)
    own = f"/proc/self/task/{threading.get_native_id()}"
    looks: list[int] = []

    def tasks() -> list[str]:
        looks.append(1)
        return [own]

    threads.rest(tasks)
    assert looks


def test_a_process_below_lives_until_it_has_ended() -> None:
    program = "import subprocess, sys;subprocess.Popen([sys.executable, '-c', 'input()']).wait()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        while not list(threads.below(process.pid)):
            os.sched_yield()
        assert not threads.all_dead(process.pid)
        process.communicate(b"\n")
    assert not threads.all_dead(process.pid)  # nothing is to be seen any more
    assert list(threads.below(process.pid)) == []
