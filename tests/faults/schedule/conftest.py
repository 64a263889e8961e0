"""Fixtures of the tests of the scheduler."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.threads import threading_of
from tests.support.scheduling.programs import Write, writer


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


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes the modules of a program where they can be imported."""
    return writer(tmp_path, monkeypatch)
