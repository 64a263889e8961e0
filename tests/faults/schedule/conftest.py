"""Fixtures of the tests of the scheduler."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.threads import threading_of


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
