"""Points between lines: for races that no operation on a socket or a lock separates.

    members = self.members | {member}
                                            HERE another thread goes first, and the member that it adds is lost
    self.members = members

The functions of the program under test get a point before each line: by `sys.monitoring` from Python 3.12 on, which
costs nothing elsewhere, and by `sys.settrace` before. Versions of Python count lines a little differently, so a replay
code with lines is valid for one version.

A recorded run notes what each line reads and changes, as it does for all steps; code that is watched has points at
the same lines, and a few more where a statement has several.

This may find races that a given Python cannot produce. CPython with its global lock switches threads at calls and at
the ends of loops, not between any two lines; a build without that lock switches anywhere. So a race that only this
finds may never have been seen. It is a race all the same: no version promises not to show it.
"""

import linecache
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from inspect import CO_NEWLOCALS
from types import CodeType, FrameType
from typing import Any

from socketserver_faults.schedule.core.scheduler import Scheduler

TOOL_IDS = (3, 4)
"""Tool ids of sys.monitoring that no known tool uses."""


class NoLines(Exception):
    """Lines cannot be monitored; the message says why."""


def functions(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of each function in a module; bodies of modules and classes run before there are threads."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_flags & CO_NEWLOCALS:
                yield constant
            yield from functions(constant)


@contextmanager
def between_lines(scheduler: Scheduler) -> Iterator[Callable[[CodeType], None]]:
    """Within the block, put a point before each line of the functions of modules; yield what adds a module."""
    codes: set[CodeType] = set()

    def reach(code: CodeType, line: int) -> None:  # pragma: no cover - nothing is traced while a tracer runs
        task = scheduler.running
        mine = task is not None and task.worker is not None and task.worker.thread is threading.current_thread()
        if mine and not scheduler.aborting:
            scheduler.line(describe(code.co_filename, line))

    if sys.version_info >= (3, 12):  # pragma: no cover - one branch or the other
        with _monitored(codes, reach) as monitor:

            def add(module: CodeType) -> None:
                for code in functions(module):
                    codes.add(code)
                    monitor(code)

            yield add
    else:  # pragma: no cover - likewise
        scheduler.trace = _tracing(codes, reach)
        try:
            yield lambda module: codes.update(functions(module))
        finally:
            scheduler.trace = None


@cache
def describe(file: str, line: int) -> str:  # pragma: no cover - called by a tracer
    """Return a line as a story shows it."""
    return f"{os.path.basename(file)}:{line} {linecache.getline(file, line).strip()}"


if sys.version_info >= (3, 12):  # pragma: no cover - one branch or the other

    @contextmanager
    def _monitored(
        codes: set[CodeType], reach: Callable[[CodeType, int], None]
    ) -> Iterator[Callable[[CodeType], None]]:
        monitoring = sys.monitoring
        tool = next((number for number in TOOL_IDS if monitoring.get_tool(number) is None), None)
        if tool is None:
            raise NoLines("other tools monitor the lines of this process, and sys.monitoring has no tool id left")
        monitoring.use_tool_id(tool, "socketserver_faults.schedule")
        monitoring.register_callback(tool, monitoring.events.LINE, reach)
        try:
            yield lambda code: monitoring.set_local_events(tool, code, monitoring.events.LINE)
        finally:
            for code in codes:
                monitoring.set_local_events(tool, code, 0)
            monitoring.register_callback(tool, monitoring.events.LINE, None)
            monitoring.free_tool_id(tool)

else:  # pragma: no cover - nothing is traced while a tracer runs

    def _tracing(codes: set[CodeType], reach: Callable[[CodeType, int], None]) -> Callable[[bool], None]:
        """Return a function that a thread calls when it begins, with True, and when it ends, with False."""
        before: dict[int, Any] = {}

        def in_function(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                reach(frame.f_code, frame.f_lineno)
            return in_function

        def everywhere(frame: FrameType, _: str, __: Any) -> Any:
            return in_function if frame.f_code in codes else None

        def switch(on: bool) -> None:
            if on:
                before[threading.get_ident()] = sys.gettrace()
                sys.settrace(everywhere)
            else:
                sys.settrace(before.pop(threading.get_ident(), None))

        return switch
