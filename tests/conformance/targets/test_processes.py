"""The processes of a server: what Linux tells of them, and whether they are idle, however many threads they have."""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from socketserver_reference.conformance.targets import proc_files, processes
from socketserver_reference.conformance.targets.process import Launch
from socketserver_reference.conformance.targets.quiescence import ENDED

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="this system does not tell")


def test_a_process_below_lives_until_it_has_ended() -> None:
    program = "import subprocess, sys;subprocess.Popen([sys.executable, '-c', 'input()']).wait()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        while not list(processes.threads_below(process.pid)):
            os.sched_yield()
        assert not processes.all_dead(process.pid)
        process.communicate(b"\n")
    assert not processes.all_dead(process.pid)  # nothing is to be seen any more
    assert list(processes.threads_below(process.pid)) == []


BURNING = 0.2
"""Seconds of processor time."""

BURN = f"import time\nwhile time.process_time() < {BURNING}: pass\n"
"""A program that uses up so much."""


@pytest.mark.slow
def test_what_processes_below_have_used_is_counted_when_they_have_ended_too() -> None:
    child = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {!r}])\n"
    program = child.format(child.format(BURN) + BURN + "print(flush=True)\ninput()")
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = processes.cpu_time(process.pid)
        process.communicate(b"\n")
    assert used is not None
    assert used > 2 * BURNING - 0.05  # each figure is cut to hundredths of a second
    assert processes.cpu_time(process.pid) is None  # nothing is to be seen any more


WAIT = "import signal; signal.pause()"

THREADS = processes.MANY_THREADS + 10

CROWD = f"""
import threading
for _ in range({THREADS}):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print(flush=True)
threading.Event().wait()
"""
"""A program with many threads, all of which wait."""


PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


@contextmanager
def above(program: str) -> Iterator[int]:
    """The id of a process with the program below it, which has printed a line."""
    command = [sys.executable, "-c", PARENT, program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            processes.kill_all_below(process.pid)


def look_until_idle(waiter: processes.ServerWaiter) -> None:
    while not waiter.looks_idle():
        os.sched_yield()


def test_processes_that_wait_are_idle() -> None:
    with above(
        f"import subprocess, sys; print(flush=True); subprocess.run([sys.executable, '-c', {WAIT!r}])"
    ) as parent:
        look_until_idle(processes.ServerWaiter(parent))


def test_a_process_that_computes_is_not_idle() -> None:
    with above("print(flush=True)\nwhile True: pass") as parent:
        waiter = processes.ServerWaiter(parent)
        assert not any(waiter.looks_idle() for _ in range(20))


def test_where_nothing_else_runs_many_threads_need_not_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with above(CROWD) as parent:
        waiter = processes.ServerWaiter(parent)
        look_until_idle(waiter)
        monkeypatch.setattr(processes, "state", lambda _: pytest.fail("it was looked at"))
        monkeypatch.setattr(processes, "only_this_thread_runs", lambda: True)
        assert waiter.looks_idle()
        monkeypatch.undo()


@pytest.mark.parametrize("runs", [[False], [True, False]])
def test_where_something_else_may_run_every_thread_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, runs: list[bool]
) -> None:
    with above(CROWD) as parent:
        waiter = processes.ServerWaiter(parent)
        look_until_idle(waiter)
        answers = iter(runs)
        looked: list[str] = []

        def note(task: str) -> str:
            looked.append(task)
            return "S"

        monkeypatch.setattr(processes, "only_this_thread_runs", lambda: next(answers))
        monkeypatch.setattr(processes, "state", note)
        assert waiter.looks_idle()
        assert len(looked) > THREADS
        monkeypatch.undo()


def test_a_new_process_of_a_server_with_many_threads_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    forking = CROWD.replace("threading.Event().wait()\n", "import os, sys, time\nsys.stdin.read(1)\nos.fork()\n" + WAIT)
    command = [sys.executable, "-c", forking]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setattr(processes, "only_this_thread_runs", lambda: False)
        waiter = processes.ServerWaiter(os.getpid())
        look_until_idle(waiter)
        assert str(process.pid) in waiter._below
        process.stdin.write(b"!")
        process.stdin.flush()
        while not (children := {*processes.processes_below(process.pid)}):
            os.sched_yield()
        look_until_idle(waiter)
        assert {str(process.pid), *children} <= waiter._below
        processes.kill_all_below(process.pid)
        process.kill()


def test_what_runs_while_it_is_looked_at_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    with above(f"print(flush=True); {WAIT}") as parent:
        waiter = processes.ServerWaiter(parent)
        look_until_idle(waiter)
        clocks = iter(range(3))
        monkeypatch.setattr(processes, "clock", lambda _: waiter._used[next(iter(waiter._used))] + next(clocks))
        assert not waiter.looks_idle()


def test_that_nothing_else_runs_is_read_from_the_load_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["0.10 0.20 0.30 1/941 23113\n", "1.10 0.20 0.30 11/941 23113\n", ""])
    monkeypatch.setattr(proc_files, "read", lambda _: next(said))
    assert [processes.only_this_thread_runs() for _ in range(3)] == [True, False, False]


def test_the_processor_time_of_a_process_that_has_ended_is_not_to_be_had() -> None:
    with above(f"print(flush=True); {WAIT}") as parent:
        assert processes.clock(str(parent)) > 0
    assert processes.clock(str(parent)) == ENDED


def test_all_processes_below_one_are_killed_and_those_below_them() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(flush=True); {WAIT}'])"
    with above(child) as parent:
        assert not processes.all_dead(parent)
        processes.kill_all_below(parent)
        assert processes.all_dead(parent) or not os.path.exists(f"/proc/{parent}/task")


def test_a_process_that_cannot_be_killed_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(processes, "KILL_ROUND_INTERVAL", 0.0)
    with above(f"print(flush=True); {WAIT}") as parent:
        monkeypatch.setattr(os, "kill", forbidden)
        processes.kill_all_below(parent)
        monkeypatch.undo()
        assert not processes.all_dead(parent)


def test_a_process_is_not_idle_as_long_as_its_output_was_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = threading.Event()
    monkeypatch.setattr(Launch, "_listen", lambda _: read.wait())
    program = f"import os; os.write(1, b'x'); {WAIT}"
    with closing(Launch([sys.executable, "-c", program])) as launch, ExitStack() as stack:
        stack.callback(read.set)
        assert launch._supervisor.stdout is not None
        select.select([launch._supervisor.stdout], [], [])
        look_until_idle(processes.ServerWaiter(launch._supervisor.pid))
        assert not any(launch.wait_idle.looks_idle() for _ in range(20))
        launch._supervisor.stdout.read(1)
        look_until_idle(launch.wait_idle)
