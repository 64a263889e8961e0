"""The scheduler's `queue` does what the library's does."""

import queue
from collections.abc import Callable
from typing import Any

import pytest

from socketserver_faults.schedule.core.namespace import Namespace, NotModelled
from socketserver_faults.schedule.core.queues import queue_of
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.exploration.explore import search_schedules
from socketserver_faults.schedule.exploration.search import Bounds
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of
from tests.support.scheduling.programs import Write


@pytest.fixture
def modelled(scheduler: Scheduler) -> Namespace:
    return queue_of(scheduler)


def outcome(act: Callable[[], object]) -> str:
    try:
        return repr(act())
    except (queue.Empty, queue.Full, ValueError) as error:
        return repr(error)


def told(made: Any, size: int) -> list[str]:
    """Return what comes of operations on a new queue, one after another."""
    box = made(size)
    acts: list[Callable[[], object]] = [
        box.empty,
        lambda: box.get(block=False),
        lambda: box.get(timeout=-1),
        box.task_done,
        *[lambda item=item: box.put(item, timeout=0.01) for item in (2, 3, 1)],
        lambda: box.put(4, block=False),
        lambda: (box.qsize(), box.full(), box.empty(), box.unfinished_tasks, list(box.queue)),
        *[box.get_nowait] * 2,
        lambda: box.get(timeout=0.01),
        lambda: box.get(timeout=0.01),
        *[box.task_done] * 4,
        box.join,
        lambda: box.put_nowait(5),
        box.queue.clear,
        lambda: (box.qsize(), box.maxsize),
    ]
    return list(map(outcome, acts))


@pytest.mark.parametrize("size", [0, 2, -1])
@pytest.mark.parametrize("kind", ["Queue", "LifoQueue", "PriorityQueue"])
def test_a_queue_does_what_that_of_the_library_does(
    scheduler: Scheduler, modelled: Namespace, kind: str, size: int
) -> None:
    seen: list[list[str]] = []
    scheduler.run(lambda: seen.append(told(getattr(modelled, kind), size)))
    assert seen == [told(getattr(queue, kind), size)]


def test_all_queues_are_of_one_kind_and_their_names_take_parameters(modelled: Namespace) -> None:
    for name in ("LifoQueue", "PriorityQueue"):
        assert issubclass(getattr(modelled, name), modelled.Queue)
    assert modelled.Queue[int]
    assert (modelled.Empty, modelled.Full) == (queue.Empty, queue.Full)


def test_a_queue_of_ones_own_may_keep_its_items_otherwise(scheduler: Scheduler, modelled: Namespace) -> None:
    def main() -> None:
        class Once(modelled.Queue):  # type: ignore[name-defined, misc]
            def _init(self, _: int) -> None:
                self.queue: set[int] = set()

            def _put(self, item: int) -> None:
                self.queue.add(item)

            def _qsize(self) -> int:
                return len(self.queue)

            def _get(self) -> int:
                return self.queue.pop()

        once = Once()
        for item in (1, 1, 2):
            once.put(item)
        taken.extend([once.get(), once.get(), once.empty()])
        assert once.mutex.acquire()
        assert repr(once) == "<queue.Once once>"

    taken: list[object] = []
    scheduler.run(main)
    assert sorted(taken[:2]) == [1, 2]  # type: ignore[type-var]
    assert taken[2]


@pytest.mark.parametrize("name", ["not_empty", "not_full", "all_tasks_done", "shutdown", "nothing"])
def test_what_a_queue_does_not_model_is_refused(scheduler: Scheduler, modelled: Namespace, name: str) -> None:
    def main() -> None:
        box = modelled.Queue()
        known = name.startswith(("not_", "all_")) or hasattr(queue.Queue, name)
        with pytest.raises(NotModelled if known else AttributeError, match=name):
            getattr(box, name)

    scheduler.run(main)


BOXES = """
    import queue, socketserver, threading
    box = queue.Queue()
    def write():
        while True:
            request, data = box.get()
            request.sendall(data)
            box.task_done()
    threading.Thread(target=write, daemon=True).start()
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            box.put((self.request, self.request.recv(1024).strip().upper()))
            LOOK
            box.join()
"""


@pytest.mark.parametrize(("look", "why"), [("pass", ""), ("len(box.queue)", "the program reaches into a queue")])
def test_a_program_that_reaches_into_a_queue_is_searched_by_deviations(write: Write, look: str, why: str) -> None:
    write(boxes=BOXES.replace("LOOK", look))
    with world_of(read("boxes:Handler", "echo")) as world:
        found = search_schedules(world, {"ask": SCENARIOS["ask"]}, Bounds())
    assert found.outcome is None
    assert found.covered["ask"].whole
    assert (found.covered["ask"].cleared.whole, found.bounded) == (not why, why)
