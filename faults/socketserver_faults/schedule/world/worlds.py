"""Virtual processes, to be opened and closed: of a program as it is, or watched; with points between lines, or without.

Next: `scenarios.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from socketserver_faults.schedule.core.line_points import between_lines
from socketserver_faults.schedule.core.run import uninterrupted
from socketserver_faults.schedule.world.subject import Subject
from socketserver_faults.schedule.world.world import World
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect


@contextmanager
def world_of(
    subject: Subject, *, lines: bool = False, dialect: Dialect = NOTE, watched: bool = False
) -> Iterator[World]:
    """Yield a virtual process for the subject; with `lines`, threads may be switched between its lines."""
    with uninterrupted(), World(subject, dialect=dialect, watched=watched) as world:
        if lines:
            with between_lines(world.scheduler) as add:
                world.modules.watch_code(add, subject.lines)
                world.lines = True
                yield world
        else:
            yield world
