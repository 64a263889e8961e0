"""Programs of a user for the scheduler, written for one test."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from socketserver_faults.schedule.exploration.explore import meet, protocol_of, scenarios_for, search_schedules
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect

Write = Callable[..., Path]


def writer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes modules into a folder where they can be imported, and returns it."""
    monkeypatch.syspath_prepend(folder)

    def write(**modules: str) -> Path:
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text))
        return folder

    return write


def searched(program: str, scenario: str | None, deviations: int = 0, dialect: Dialect = NOTE) -> SearchResult:
    """Search the schedules of a program, as `schedule` does."""
    protocol = protocol_of(scenario, dialect)
    with world_of(read(program, protocol), dialect=dialect) as world:
        meet(world, protocol)
        return search_schedules(world, scenarios_for(world.subject, scenario, dialect), Bounds(deviations))
