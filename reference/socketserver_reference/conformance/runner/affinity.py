"""To stay on one processor: what checker and server in one process do best."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_processor(number: int = 0) -> Iterator[None]:
    """Stay on one processor, where the system lets one choose; the number says on which of those there are.

    Checker and server take turns with one interpreter then; handing it from one processor to the other and back costs
    two to three times as much as all they do (measured on two processors).
    """
    if not hasattr(os, "sched_setaffinity"):  # pragma: no cover - Linux has it
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[number % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
