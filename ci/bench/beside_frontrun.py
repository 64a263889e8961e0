"""The handlers of `small_room.py` under frontrun, which plays no sockets: members say and hear what lies in memory.

frontrun patches locks when it starts, so this is a program of its own: `frontrun python beside_frontrun.py` prints a
row for each room, as JSON.

Next: `results.py`.
"""

import json
import threading
import time
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import small_room

MAX_EXECUTIONS = 10_000


class Member:
    """A connection in memory: it says one thing, then leaves."""

    def __init__(self, said: bytes) -> None:
        self._said = [said]
        self.heard: list[bytes] = []

    def recv(self, _: int) -> bytes:
        return self._said.pop() if self._said else b""

    def sendall(self, data: bytes) -> None:
        self.heard.append(data)


def room(speakers: int, locked: bool) -> list[Any]:
    """Return the handlers of a room in which all have joined."""
    members = [Member(b"%d" % number) for number in range(speakers)]
    server = SimpleNamespace(members=members, guard=threading.Lock() if locked else nullcontext())
    handlers = [small_room.Handler.__new__(small_room.Handler) for _ in members]
    for handler, member in zip(handlers, members, strict=True):
        vars(handler).update(request=member, server=server)
    return handlers


def handle(number: int, handlers: list[Any]) -> None:
    """Be the thread of a handler."""
    handlers[number].handle()


def in_one_order(handlers: list[Any]) -> bool:
    """Whether all members have heard the same."""
    return len({tuple(handler.request.heard) for handler in handlers}) == 1


def main() -> None:
    """Print the rows."""
    frontrun: Any = import_module("frontrun")
    rows = []
    for speakers in (2, 3):
        for locked in (True, False):
            begun = time.perf_counter()
            found = frontrun.explore(
                setup=partial(room, speakers, locked),
                workers=[partial(handle, number) for number in range(speakers)],
                invariant=in_one_order,
                preemption_bound=None,
                max_executions=MAX_EXECUTIONS,
                reproduce_on_failure=0,
                detect_io=False,
            )
            seconds = time.perf_counter() - begun
            verdict = {True: "cleared", False: "fails", None: "-"}[found.property_holds]
            rows.append({"speakers": speakers, "locked": locked, "verdict": verdict} | {"seconds": seconds})
            rows[-1]["schedules"] = found.num_explored
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
