"""Code that says what it does with its objects does what it did before."""

import ast
import builtins
from typing import Any

import pytest

from socketserver_faults.schedule.core.footprints import READ, WRITE, CannotReduce
from socketserver_faults.schedule.core.recorder import Recorder
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.shared_objects import SharedObjects
from socketserver_faults.schedule.core.watched_code import watched

PROGRAM = """
import dataclasses

class Base:
    kind = "base"
    def __init__(self):
        self.__hidden = 1
    def hidden(self):
        return self.__hidden

@dataclasses.dataclass
class Point(Base):
    x: int = 0
    y: list[int] = dataclasses.field(default_factory=list)
    def hidden(self):
        self._Base__hidden = 2
        return super().hidden() + 1
    @property
    def sum(self):
        return sum(self.y, start=self.x)

def outer(*numbers, step=1, **names):
    total = 0
    def add(number):
        nonlocal total
        total += number * step
        return total
    for number in numbers:
        add(number)
    return total, {**names}, [add(one) for one in range(2)]

def told(thing):
    match thing:
        case Point(x=0):
            return "at zero"
        case {"key": value} if value:
            return f"key {value!r:>4}"
        case [first, *rest] if rest and not first:
            return rest
        case _:
            return type(thing).__name__ if thing is not None else "nothing"

def main():
    point = Point(3, [1, 2])
    point.x += 1
    point.y[0] -= 5
    point.y[1:] = [7, 8]
    del point.y[0]
    first, *rest = point.y
    found = [point.sum, point.hidden(), point.kind, first, rest, 7 in point.y, 9 not in point.y]
    found.append(point == Point(4, [7, 8]))
    found.append(outer(1, 2, *point.y, step=2, **{"a": 1}))
    found.extend(told(one) for one in (Point(), {"key": 5}, [0, 1, 2], {3}, None))
    found.append({one: two for one, two in zip("ab", (1, 2))})
    found.append([*map(str, {1, 2})] + list(vars(point)) + sorted({**vars(point)}))
    try:
        del point.x, point.x
    except AttributeError as error:
        found.append(str(error))
    while (count := len(found)) < 20:
        found.append(getattr(point, "none", count) if count % 2 else hasattr(point, "y") or None)
    with open(__file__) as file:
        found.append(bool(file.read))
    return found
"""


def run(code: ast.Module, scheduler: Scheduler, names: dict[str, Any]) -> Any:
    space: dict[str, Any] = {"__name__": "program", "__file__": __file__, "__builtins__": {**vars(builtins), **names}}
    exec(compile(code, "program.py", "exec"), space)
    found: list[Any] = []

    def main() -> None:
        scheduler.spawn(lambda: None, "other")
        found.append(space["main"]())

    scheduler.run(main)
    return found[0]


@pytest.mark.parametrize("recorded", [False, True])
def test_watched_code_does_the_same(scheduler: Scheduler, recorded: bool) -> None:
    expected = run(ast.parse(PROGRAM), scheduler, {})
    shared = SharedObjects(scheduler)
    shared.watched.add("program")
    scheduler.recorder = Recorder() if recorded else None
    assert run(watched(ast.parse(PROGRAM), "program"), scheduler, shared.functions()) == expected


def touched(scheduler: Scheduler, body: str) -> set[int]:
    """Return how the statements touch things, all in all."""
    shared = SharedObjects(scheduler)
    shared.watched.add("program")
    scheduler.recorder = recorder = Recorder()
    text = f"class Thing:\n    here = 1\nthing = Thing()\nthings = [2]\ndef main():\n    {body}\n"
    run(watched(ast.parse(text), "program"), scheduler, shared.functions())
    return {how for name, how in recorder.steps[0].footprint.items() if isinstance(name, tuple)} & {READ, WRITE, 3}


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("thing.here", {READ}),
        ("thing.there = 1", {WRITE}),
        ("thing.here += 1", {READ, 3}),
        ("vars(thing)['there'] = 1", {WRITE}),
        ("setattr(thing, 'there', 1)", {WRITE}),
        ("things[0]", {READ}),
        ("things.append(1)", {WRITE}),
        ("add = things.append; add(1)", {WRITE}),
        ("things.pop()", {3}),
        ("things[:] = []", {3}),
        ("sorted(things)", {READ}),
        ("import heapq; heapq.heappush(things, 1)", {3}),
        ("[one for one in things]", {READ}),
        ("5 if things else 6", {READ}),
        ("(*things,)", {READ}),
    ],
)
def test_what_a_statement_touches(scheduler: Scheduler, body: str, how: set[int]) -> None:
    assert touched(scheduler, body) == how


@pytest.mark.parametrize(
    "body",
    [
        "exec('1')",
        "globals()",
        "vars(Thing)",
        "Thing.main = main; Thing.main = 1",
        "list(map(things.append, [1]))",
        "import json; json.calls = 1",
    ],
)
def test_what_cannot_be_watched_is_refused(scheduler: Scheduler, body: str) -> None:
    with pytest.raises(CannotReduce):
        touched(scheduler, body)
