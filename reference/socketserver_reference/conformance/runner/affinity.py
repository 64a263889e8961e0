"""One processor for checker and server, which is fastest when both are in one process; all of them for races."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_processor(number: int = 0) -> Iterator[None]:
    """Bind this process to one of its processors, by index, within the block, where the system supports it.

    Checker and server share one interpreter in turn; to pass it between processors costs a little: to explore the
    reference's chat takes 1.9 s instead of 1.8 s (measured by `make bench OPTIONS='--only checking'`).
    """
    if not hasattr(os, "sched_setaffinity"):  # pragma: no cover - Linux has it
        yield
        return
    before = os.sched_getaffinity(0)
    _allowed.append(before)
    os.sched_setaffinity(0, {sorted(before)[number % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, _allowed.pop())


_allowed: list[set[int]] = []
"""The processors before each `one_processor` block that is open."""


@contextmanager
def all_processors() -> Iterator[None]:
    """Use all processors within the block, inside one of `one_processor`: threads that begin in it race."""
    if not _allowed:
        yield
        return
    now = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _allowed[0])
    try:
        yield
    finally:
        os.sched_setaffinity(0, now)
