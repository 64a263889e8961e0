"""Classes for runs that nobody records: the same, but for what says what is touched."""

import inspect
from collections.abc import Iterator

import pytest

from socketserver_faults.schedule.core.recorder import Recorder
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.unrecorded import unrecorded
from socketserver_faults.schedule.virtual.connection import End
from socketserver_faults.schedule.virtual.kernel import Kernel
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of


class Base:
    recording = True

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def touch(self, what: str) -> bool:
        self.told.append(what)
        return True

    def inherited(self) -> str:
        self.touch("inherited")
        return "done"


class Counter(Base):
    """Says whatever it does."""

    count = 0

    def add(self) -> int:
        self.touch("added")
        if self.recording:
            self.touch("while it is recorded")
        for _ in range(2):
            self.touch("twice")
        self.count += 1
        return self.count

    @property
    def used(self) -> bool:
        return self.touch("a result that is used")


def test_nothing_says_what_it_touches() -> None:
    told: list[str] = []
    silent = unrecorded(Counter)(told)
    assert (silent.add(), silent.add(), silent.inherited()) == (1, 2, "done")
    assert not told
    assert silent.used
    assert told == ["a result that is used"]
    loud = Counter(told := [])
    loud.add()
    assert told == ["added", "while it is recorded", "twice", "twice"]


def test_it_is_the_same_class_otherwise() -> None:
    silent = unrecorded(Counter)
    assert unrecorded(Counter) is silent
    assert issubclass(silent, Counter)
    assert (silent.__name__, silent.__module__) == (Counter.__name__, __name__)
    assert silent.add.__code__.co_firstlineno == Counter.add.__code__.co_firstlineno
    assert silent.add.__code__.co_filename == __file__


def methods(kind: type) -> Iterator[str]:
    """Yield the names of the methods of a class, without that which returns what notes touches."""
    own = {name for name, value in vars(kind).items() if inspect.isfunction(value)} - {"_toucher"}
    return (name for name in own if name in vars(unrecorded(kind)))


@pytest.mark.parametrize("kind", [End, Kernel, Scheduler])
def test_no_method_asks_whether_it_is_recorded(kind: type) -> None:
    for name in methods(kind):
        used = vars(unrecorded(kind))[name].__code__.co_names
        assert not {"_touch", "touch", "recorded", "recording", "recorder"} & set(used), name


def test_a_world_of_a_program_as_it_is_says_nothing_and_one_of_a_watched_program_says_all() -> None:
    for watched in (False, True):
        with world_of(read("chat"), watched=watched) as world:
            world.play(SCENARIOS["greet"])
            world.scheduler.recorder = recorder = Recorder()
            world.play(SCENARIOS["greet"])
            assert bool(recorder.steps) is watched
