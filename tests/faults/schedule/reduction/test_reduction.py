"""The reduced search reaches what all schedules reach, on small programs that Hypothesis draws."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st

from socketserver_faults.schedule.core.line_points import between_lines
from socketserver_faults.schedule.core.queues import SimpleQueue
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.shared_objects import SharedObjects
from socketserver_faults.schedule.virtual.connection import End
from tests.support.scheduling.small_programs import (
    LINES,
    OPERATIONS,
    Program,
    SmallProgram,
    TooMany,
    all_outcomes,
    reduced_outcomes,
)

MOST_SCHEDULES = 120
"""Schedules of a program at most; one with more is not compared."""

FEW_SCHEDULES = 30
"""The same where few programs are compared."""


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw two or three threads that have a few kinds of operations in common."""
    kinds = draw(st.lists(st.sampled_from(sorted(OPERATIONS)), min_size=1, max_size=4, unique=True))
    threads = draw(st.integers(2, 3))
    thread = st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 1)), min_size=1, max_size=4 - threads)
    return draw(st.lists(thread, min_size=threads, max_size=threads))


def compared(
    drawn: st.SearchStrategy[Program],
    small_program: Callable[[Program], SmallProgram],
    examples: int,
    schedules: int,
    first: int = 0,
) -> None:
    """Compare the outcomes of all schedules with those of the reduced search, for programs with so many of them.

    `first` is the seed of the programs.
    """

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @seed(first)
    @given(drawn)
    def check(program: Program) -> None:
        small = small_program(program)
        try:
            every = all_outcomes(small.run, schedules)
        except TooMany:
            assume(False)
        assert reduced_outcomes(small.run)[0] == every

    check()


@pytest.mark.slow
def test_the_reduced_search_of_a_drawn_program_reaches_all_outcomes(scheduler: Scheduler, virtual: Any) -> None:
    compared(programs(), partial(SmallProgram, scheduler, virtual), 20, FEW_SCHEDULES)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(8))
def test_the_reduced_search_of_ten_thousand_programs_does(scheduler: Scheduler, virtual: Any, part: int) -> None:
    compared(programs(), partial(SmallProgram, scheduler, virtual), 10_000 // 8, MOST_SCHEDULES, part)


def test_a_condition_that_nobody_notifies_is_given_up_as_without_a_recorder(scheduler: Scheduler, virtual: Any) -> None:
    small = SmallProgram(scheduler, virtual, [[("add", 0)], [("be notified", 0)]])
    assert reduced_outcomes(small.run)[0] == all_outcomes(small.run, FEW_SCHEDULES)
    assert "KeyError" not in str(reduced_outcomes(small.run)[0])


@st.composite
def programs_of_lines(draw: st.DrawFn) -> Program:
    """Draw two threads of a few lines each."""
    kinds = draw(st.lists(st.sampled_from(sorted(LINES)), min_size=1, max_size=4, unique=True))
    thread = st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 1)), min_size=1, max_size=2)
    return draw(st.lists(thread, min_size=2, max_size=2))


def compared_by_lines(scheduler: Scheduler, virtual: Any, examples: int, schedules: int) -> None:
    with between_lines(scheduler) as add:
        made = partial(SmallProgram, scheduler, virtual, add=add)
        compared(programs_of_lines(), made, examples, schedules)


def test_the_reduced_search_between_lines_reaches_all_outcomes(scheduler: Scheduler, virtual: Any) -> None:
    compared_by_lines(scheduler, virtual, 10, FEW_SCHEDULES)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_the_reduced_search_between_lines_of_many_programs_does(scheduler: Scheduler, virtual: Any) -> None:
    compared_by_lines(scheduler, virtual, 1000, 10 * MOST_SCHEDULES)


@pytest.mark.parametrize(
    "program",
    [
        [[("select", 1)], [("send", 1), ("receive", 0)]],  # it looks before, between or after
        [[("watch mishaps", 0)], [("reset", 1)]],
        [[("watch", 0)], [("send", 1), ("end", 1)]],  # the end comes behind what is not read
        [[("watch mishaps", 1)], [("end", 0), ("end", 1)]],
        [[("watch", 0)], [("send", 1), ("receive now", 0)]],
        [[("watch", 1)], [("close", 0), ("make", 0)]],
        [[("watch one", 0)], [("send", 1), ("end", 1)]],
        [[("watch one", 0)], [("reset", 1), ("send", 0)]],  # the send gets the error that poll() reports before
        [[("receive in time", 0)], [("close", 0), ("make", 0)]],
        [[("receive in time", 0)], [("end", 0), ("close", 0)]],  # the end wakes it, before the close or after it
        [[("receive in time", 0)], [("send", 1), ("receive now", 0)]],
        [[("send in time", 0)], [("send much", 0), ("receive now", 1)]],
        [[("show", 0)], [("close", 0)]],
    ],
)
def test_a_thread_that_looks_at_sockets_sees_all_that_others_do_to_them(
    scheduler: Scheduler, virtual: Any, program: Program
) -> None:
    small = SmallProgram(scheduler, virtual, program)
    every = all_outcomes(small.run, MOST_SCHEDULES)
    assert len(every) > 1
    assert reduced_outcomes(small.run)[0] == every


def test_two_lines_that_lose_a_count_are_told_apart_from_two_that_do_not(scheduler: Scheduler, virtual: Any) -> None:
    with between_lines(scheduler) as add:
        lost = SmallProgram(scheduler, virtual, [[("tally", 0), ("count", 0)]] * 2, add)
        apart = SmallProgram(scheduler, virtual, [[("read", index), ("write", index)] for index in range(2)], add)
        assert (len(reduced_outcomes(lost.run)[0]), len(reduced_outcomes(apart.run)[0])) == (2, 1)


MISSING: dict[str, tuple[type, str, Callable[..., object], Program]] = {
    "an attribute": (SharedObjects, "store", lambda _, thing, __: thing, [[("read", 0)], [("write", 0)]]),
    "a container": (SharedObjects, "_note_method", lambda *_: None, [[("append", 0)], [("copy", 0)]]),
    "a variable": (SharedObjects, "change_name", lambda _, __, value: value, [[("count", 0)], [("tell", 0)]]),
    "a connection": (End, "_touch", lambda *_: None, [[("send", 1)], [("receive now", 0)]]),
    "the order in a queue": (Scheduler, "observe", lambda *_: None, [[("box", 0), ("unbox", 0)], [("box", 0)]]),
    "a place in a queue": (SimpleQueue, "_place", lambda *_: object(), [[("box", 0)], [("unbox now", 0)]]),
    "a place of bytes": (End, "_touch_places", lambda *_: None, [[("send", 1), ("send", 1)], [("receive now", 0)]]),
}
"""What a footprint lacks, the function that would note it, and a program to which it matters."""


@pytest.mark.parametrize("lacking", MISSING)
def test_without_a_part_of_the_footprints_outcomes_are_missed(
    scheduler: Scheduler, virtual: Any, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    kind, name, silent, program = MISSING[lacking]
    small = SmallProgram(scheduler, virtual, program)
    every = all_outcomes(small.run, MOST_SCHEDULES)
    assert len(every) > 1
    assert reduced_outcomes(small.run)[0] == every
    monkeypatch.setattr(kind, name, silent)
    assert reduced_outcomes(SmallProgram(scheduler, virtual, program).run)[0] < every


@pytest.mark.parametrize(
    ("program", "classes"),
    [
        ([[("write", 0)], [("write", 1)]], 1),  # two attributes
        ([[("write", 0)], [("write", 0)]], 2),  # one, which the main thread reads
        ([[("append", 0)], [("append", 0)]], 1),  # a list that nobody reads
        ([[("append", 0)], [("append", 0)], [("copy", 0)]], 6),
        ([[("enter", 0)], [("enter", 1)], [("is in", 0)]], 2),
        ([[("lock", 0)], [("lock", 1)]], 1),
        ([[("give", 0)], [("give", 0)]], 1),
        ([[("send", 0)], [("end", 1)]], 1),  # the two directions of a connection
        ([[("end", 0)], [("end", 1)]], 1),
        ([[("send", 1), ("receive", 0)], [("end", 0)]], 1),
        ([[("end", 0), ("reset", 0)], [("end", 1), ("close", 1)]], 2),  # a reset comes, or all has ended before
        ([[("end", 0), ("hang up", 0)], [("end", 1)]], 2),  # the end comes before the second call, or after: it fails
        (
            [[("end", 0), ("end", 0)], [("end", 0)]],
            2,
        ),  # one thread ends it, or the other; then nothing changes
        ([[("hang up", 0), ("close", 0)], [("end", 1)]], 1),
        ([[("hang up", 0), ("receive", 0)], [("end", 1)]], 1),  # after it has hung up it reads the same
        ([[("send", 0), ("receive in time", 0)], [("receive now", 1)]], 2),  # that there is room again wakes no reader
        ([[("box", 0)], [("box", 0)]], 1),  # nobody takes anything out
        ([[("box", 0), ("box", 0)], [("unbox", 0)]], 1),  # the second item is nothing to who takes the first
        ([[("box", 0), ("box", 0)], [("unbox", 0), ("finish", 0)]], 1),
        ([[("box", 0)], [("box", 0)], [("unbox", 0)]], 2),
        ([[("box", 1), ("box", 1)], [("unbox", 1), ("unbox", 1)]], 1),  # there is room for one
        ([[("box", 0)], [("ask a box", 0)]], 2),
        ([[("pile", 0), ("pile", 0)], [("unpile", 0)]], 2),
        ([[("close", 0)], [("make", 0)]], 1),  # it may get a descriptor that is closed, and nobody sees which
    ],
)
def test_only_the_orders_that_matter_are_run(
    scheduler: Scheduler, virtual: Any, program: Program, classes: int
) -> None:
    small = SmallProgram(scheduler, virtual, program)
    _, reduction = reduced_outcomes(small.run)
    assert reduction.complete == classes


def test_what_a_lock_protects_is_tried_in_another_order_only_where_the_lock_can_be_had(
    scheduler: Scheduler, virtual: Any
) -> None:
    small = SmallProgram(scheduler, virtual, [[("hold", 0)], [("lock", 0)], [("lock", 0)]])
    _, reduction = reduced_outcomes(small.run)
    assert (reduction.complete, reduction.cut_short) == (6, 16)  # 20 that come to a lock that another thread holds
