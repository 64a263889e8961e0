"""Small programs of two or three threads, and all that can come of them."""

import ast
import builtins
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

from socketserver_faults.schedule.core.queues import queue_of
from socketserver_faults.schedule.core.recorder import Recorder
from socketserver_faults.schedule.core.run import Choose, Deadlock, Task
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.core.shared_objects import SharedObjects
from socketserver_faults.schedule.core.watched_code import watched
from socketserver_faults.schedule.exploration.reduction import Reduction
from socketserver_faults.schedule.virtual.network import Network
from socketserver_faults.schedule.virtual.readiness import select_of

HEAD = """
class Shared:
    y = 0

def prepare():
    global shared, things, names, members, logs, locks, permits, events, condition, barrier, count
    global ends, lines, files, clients, boxes, stack
    shared, things, names, members, count = Shared(), [[], []], {}, set(), 0
    shared.x = Shared.y = 0
    locks, permits = [threading.Lock(), threading.RLock()], [threading.Semaphore(1), threading.Semaphore(0)]
    events, condition = [threading.Event(), threading.Event()], threading.Condition()
    barrier = threading.Barrier(2)
    ends, lines, clients = pair(), pair(), pair_with_client()
    files = [end.makefile("rb") for end in lines]
    boxes, stack = [queue.Queue(), queue.Queue(1)], queue.LifoQueue()

def watch(which, asked):
    watch = [select.poll, select.epoll][which]()
    watch.register(ends[0], asked and select.POLLIN | select.POLLRDHUP)
    watch.register(ends[1], asked and select.POLLIN | select.POLLOUT)
    return watch.poll(int(asked))

def watch_one(end):
    watch = select.poll()
    watch.register(end, select.POLLIN | select.POLLRDHUP)
    return watch.poll(1)

def slowly(one):
    pause()
    return one

def finish():
    return shared.x, count

def shares():
    inner = 0
    def more():
        nonlocal inner
        pause()
        inner += 1
        return inner
    return more
"""

OPERATIONS = {
    "read": "log.append(shared.{v})",
    "write": "shared.{v} = {t}",
    "add": "shared.{v} += 1",
    "add slowly": "shared.{v} += pause() or 1",
    "change the class": "Shared.y += 1",
    "append": "things[{i}].append({t})",
    "extend": "things[{i}] += [{t}]",
    "pop": "log.append(things[{i}].pop() if things[{i}] else None)",
    "walk": "log.append([pause() or one for one in things[{i}]])",
    "copy": "log.append((*things[{i}], len(things[{i}])))",
    "bind": "pop = things[{i}].pop; pause(); log.append(pop())",
    "sort": "things[{i}].sort(key=slowly)",
    "sorted": "log.append(sorted(things[{i}], key=slowly))",
    "replace": "things[{i}] = [{t}]",
    "put": "names[{i}] = {t}",
    "get": "log.append(names.get({i}))",
    "view": "view = names.values(); pause(); log.append(list(view))",
    "delete": "del names[{i}]",
    "enter": "members.add({i})",
    "leave": "members.discard({i})",
    "is in": "log.append({i} in members)",
    "all": "log.append(sorted(members))",
    "empty": "members.clear()",
    "count": "count = count + 1",
    "tell": "log.append(count)",
    "share": "log.append(more())",
    "lock": "with locks[{i}]: shared.{v} += 1",
    "hold": "with locks[{i}]: pause(); log.append(shared.{v})",
    "both": "with locks[{i}], locks[1 - {i}]: log.append({t})",
    "try": "log.append(locks[{i}].acquire(blocking=False) and (locks[{i}].release() or True))",
    "look": "log.append(locks[0].locked())",
    "take": "permits[{i}].acquire(); log.append(shared.{v})",
    "give": "permits[{i}].release()",
    "set": "events[{i}].set()",
    "clear": "events[{i}].clear()",
    "wait": "events[{i}].wait(); log.append(shared.{v})",
    "wait a second": "log.append(events[{i}].wait(1.0))",
    "be notified": "with condition: log.append(condition.wait({i} or None))",
    "notify": "with condition: condition.notify()",
    "meet": "log.append(barrier.wait({i} or None))",
    "sleep": "sleep(1 + {i})",
    "box": "boxes[{i}].put({t})",
    "box now": "boxes[{i}].put_nowait({t})",
    "unbox": "log.append(boxes[{i}].get())",
    "unbox now": "log.append(boxes[{i}].get_nowait())",
    "unbox in time": "log.append(boxes[{i}].get(timeout=1))",
    "ask a box": "log.append((boxes[{i}].qsize(), boxes[{i}].full()))",
    "is a box empty": "log.append(boxes[{i}].empty())",
    "finish": "boxes[{i}].task_done()",
    "wait for a box": "boxes[{i}].join(); log.append(shared.{v})",
    "pile": "stack.put({t})",
    "unpile": "log.append(stack.get())",
    "send": "ends[{i}].send(b'{t}')",
    "say a line": "lines[{i}].send(b'{t}\\n')",
    "end a line": "lines[{i}].shutdown(1)",
    "read a line": "log.append(files[{i}].readline(3))",
    "send much": "log.append(ends[{i}].send(b'{t}' * 3))",
    "send now": "log.append(ends[{i}].send(b'{t}' * 2, 0x40))",
    "receive": "log.append(ends[{i}].recv(9))",
    "receive one": "log.append(ends[1 - {i}].recv(1))",
    "receive in time": "ends[{i}].settimeout(1); log.append(ends[{i}].recv(9))",
    "send in time": "ends[{i}].settimeout(1); log.append(ends[{i}].send(b'{t}' * 3))",
    "receive now": "log.append(ends[{i}].recv(9, 0x40))",
    "end": "ends[{i}].shutdown(1)",
    "hang up": "ends[{i}].shutdown(2)",
    "close": "ends[{i}].close()",
    "reset": "ends[{i}].setsockopt(1, 13, b'\\1\\0\\0\\0\\0\\0\\0\\0'); ends[{i}].close()",
    "make": "made = pair()[0]",
    "watch": "log.append(watch({i}, True))",
    "watch mishaps": "log.append(watch({i}, False))",
    "watch one": "log.append(watch_one(ends[{i}]))",
    "select": "log.append([end in found for found in select.select(ends, ends, [], {i}) for end in ends])",
    "show": "log.append(repr(ends[{i}]))",
    "number": "log.append(pair()[0].fileno())",
    "say": "clients[{i}].send(b'{t}{i}')",
    "hear": "log.append(clients[1].recv(9))",
    "hear one": "log.append(clients[1].recv(1))",
    "dismiss": "clients[{i}].shutdown(1)",
}
"""Name -> statement; `t` is the number of the thread, `i` is 0 or 1, and `v` is an attribute."""

LINES = {
    "read": "seen = shared.{v}",
    "write": "shared.{v} = seen + {t}",
    "look": "log.append(shared.{v})",
    "take": "one = [*things[{i}]]",
    "put": "things[{i}] = [*one, {t}]",
    "append": "things[{i}].append({t})",
    "walk": "log.append([one for one in things[{i}]])",
    "enter": "members.add({i})",
    "all": "log.append(sorted(members))",
    "is in": "log.append({i} in members)",
    "tally": "seen = count",
    "count": "count = seen + 1",
    "share": "log.append(more())",
    "begin": "locks[{i}].acquire()",
    "end": "locks[{i}].release()",
}
"""The same for threads that may be switched before each line."""

Operation = tuple[str, int]
Program = list[list[Operation]]


class TooMany(Exception):
    """A program has too many schedules."""


def text(program: Program) -> str:
    """Return the source of a program."""
    lines = [HEAD]
    for number, operations in enumerate(program):
        lines += [f"def thread{number}(log, more):", "    global count"]
        for name, index in operations:
            done = OPERATIONS[name].format(t=number, i=index, v="xy"[index])
            lines += ["    pause()", "    try:", f"        {done}"]
            lines += ["    except (OSError, LookupError, RuntimeError, ValueError, queue.Empty, queue.Full) as error:"]
            lines += ["        log.append(repr(error))"]
    return "\n".join(lines)


def text_of_lines(program: Program) -> str:
    """Return the source of a program of lines."""
    lines = [HEAD.replace("        pause()\n", "")]
    for number, operations in enumerate(program):
        lines += [f"def thread{number}(log, more, seen=0, one=()):", "    global count"]
        lines += [f"    {LINES[name].format(t=number, i=index, v='xy'[index])}" for name, index in operations]
    return "\n".join(lines)


class SmallProgram:
    """A program that is run many times; a run returns its outcome."""

    def __init__(
        self, scheduler: Scheduler, virtual: Any, program: Program, add: Callable[[CodeType], None] | None = None
    ) -> None:
        """`virtual` is the `threading` of the scheduler; `add` puts points before the lines of a program of lines."""
        self._scheduler = scheduler
        self._program = program
        shared = SharedObjects(scheduler)
        shared.watched |= {"small", __name__}
        self._names: dict[str, Any] = {
            "__name__": "small",
            "__builtins__": {**vars(builtins), **shared.functions()},
            "threading": virtual,
            "queue": queue_of(scheduler),
            "select": select_of(scheduler, lambda: self._network.kernel),
            "pause": lambda: scheduler.point("goes on"),
            "sleep": scheduler.sleep,
            "pair": lambda: self._network.pair("ann"),
            "pair_with_client": lambda: self._network.pair("ben", of_client=True),
        }
        source = text_of_lines(program) if add else text(program)
        code = compile(watched(ast.parse(source), "small"), "small.py", "exec")
        if add:
            add(code)
        exec(code, self._names)

    def run(self, recorder: Recorder, choose: Choose) -> str:
        """Run the program; return what its threads have seen, and which of them wait for ever."""
        scheduler, names = self._scheduler, self._names
        logs: list[list[object]] = [[] for _ in self._program]
        scheduler.recorder = recorder
        self._network = Network(scheduler, capacity=4)
        ended: list[object] = []

        def main() -> None:
            names["prepare"]()
            more = names["shares"]()
            bodies = [names[f"thread{number}"] for number in range(len(logs))]
            tasks = [
                scheduler.spawn(partial(_noting_errors, body, log, more), f"T{number}")
                for number, (body, log) in enumerate(zip(bodies, logs, strict=True))
            ]
            scheduler.point("waits for all to end", lambda: all(scheduler.is_over(task) for task in tasks))
            ended.append(names["finish"]())

        waiting = ""
        try:
            scheduler.run(main, choose)
        except Deadlock as blocked:
            waiting = str(blocked)
        finally:
            scheduler.recorder = None
            self._network.kernel.over = True
        return f"{logs} {ended} {waiting}"


def _noting_errors(body: Callable[..., object], log: list[object], more: object) -> None:
    try:
        body(log, more)
    except RuntimeError as error:
        log.append(repr(error))


def all_outcomes(run: Callable[[Recorder, Choose], str], most: int) -> set[str]:
    """Return the outcomes of all schedules; raise TooMany if there are more than so many."""
    found: set[str] = set()
    prefix: list[int] = []
    for _ in range(most):
        taken: list[tuple[int, int]] = []

        def choose(options: list[Task], taken: list[tuple[int, int]] = taken) -> int:
            option = prefix[len(taken)] if len(taken) < len(prefix) else 0
            taken.append((option, len(options)))
            return option

        found.add(run(Recorder(), choose))
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return found
        prefix[:] = [option for option, _ in taken]
        prefix[-1] += 1
    raise TooMany


def reduced_outcomes(run: Callable[[Recorder, Choose], str]) -> tuple[set[str], Reduction]:
    """Return the outcomes of the reduced search, and the search."""
    reduction = Reduction()
    return {outcome for outcome in reduction.runs(run) if outcome is not None}, reduction
