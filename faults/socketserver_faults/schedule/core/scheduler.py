"""The scheduler: many threads, of which exactly one runs, and a decision at every point where another could.

Real threads run the code under test, so none of it is rewritten. But a thread runs only while it holds the *baton*, of
which there is one. At a **point** (before each operation on a socket, a lock, a thread or the clock) the running thread
says what it is about to do, and `choose` decides which thread runs next::

    point("sends to ann")
        options: the threads that can run; first the running one, then the others in turn
        choose(options) -> 0        the running thread goes on: no preemption
                           1, 2..   another gets the baton, and this one waits to be chosen: a *deviation*

Between two points no other thread runs. So the decisions define the run: the same choices give the same run. If every
choice is 0, it is the run without preemption, the one that a programmer has in mind.

A thread that waits (for a lock, for bytes) is no option until it can have what it waits for. When no thread can run,
time passes: the clock is virtual, and jumps to the next moment for which a thread waits. If no thread waits for a
moment, the run ends with a deadlock, which says what each thread waits for.

At the end of a run the threads that are left are resumed one by one, and `Aborted` is raised at their point.

Next: `unrecorded.py`.
"""

import sys
import threading
from collections.abc import Callable
from typing import NoReturn, Self

from socketserver_faults.schedule.core.decisions import STEP_SECONDS, STREAK_SECONDS, Deciding, event_of, when_idle
from socketserver_faults.schedule.core.footprints import WRITE
from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.recorder import IDLE, PROCESS
from socketserver_faults.schedule.core.run import (
    Aborted,
    Choose,
    Deadlock,
    LostThread,
    ScheduleEvent,
    ScheduleTrace,
    Task,
    Worker,
    never,
    no_preemption,
    thread_location,
)

MAX_NOTE_CHARACTERS = 500
"""Most characters of a note: a program may print anything."""

LOST_TIMEOUT = 10.0
"""Real seconds within which a thread must come to a point."""


MAX_RUN_STEPS = 20_000
"""Steps after which a run counts as endless."""


MAX_ROUNDS = 1000
POLLING_ROUNDS = 10
"""Rounds of a loop without a point after which it is looked at whether it changes anything: the first time, and then.
"""


def _state(value: object) -> object:
    """Return what changes if the value of a variable does; it refers to no object of the program."""
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    if isinstance(value, list | tuple | set | dict):
        return [*map(id, value), *(map(id, value.values()) if isinstance(value, dict) else ())]
    return id(value)


class Scheduler(Deciding):
    """See the module. One run at a time; a context manager, as it owns the real threads."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._home = threading.Lock()
        self._home.acquire()
        self.trace: Callable[[bool], None] | None = None
        """Each thread calls it before it begins (True) and after it ends (False): for points between lines."""
        Deciding.__init__(self)
        self._lost: Task | None = None
        self._begin(no_preemption, MAX_RUN_STEPS)

    def _begin(self, choose: Choose, most_steps: int) -> None:
        self.story = ScheduleTrace()
        self.tasks: list[Task] = []
        self.main: Task | None = None
        """The first thread of the process, which may have been started anew."""
        self.living = []
        self.running = None
        self.aborting = False
        self.now = 0.0
        self.threads_made = 0
        self._choose = choose
        self._steps = 0
        self._lines = self._streak = self._polls = self._naps = 0
        self._most_steps = most_steps
        self._failure: BaseException | None = None

    # A run, from outside

    def run(
        self, main: Callable[[], object], choose: Choose = no_preemption, *, most_steps: int = MAX_RUN_STEPS
    ) -> ScheduleTrace:
        """Run `main` as the first thread, and all that it starts, until no thread that counts is left.

        Raise Deadlock, StepLimitReached, LostThread, or what the chooser raised; `story` then has all events before.
        """
        if self._lost is not None:  # it may come back, and would disturb this run
            raise LostThread(f"{self._lost.name} was lost in a run before: it does not end, though it was told to")
        self._begin(choose, most_steps)
        self.spawn(main, "main")
        self._pass_on()
        self._await()
        if self.recorder is not None:
            self.recorder.left = [(task.path, task.waited, task.born) for task in self.tasks if not task.over]
        self.aborting = True
        refused = len(NotModelled.refusals)
        for task in self.tasks:  # those that are left; no thread begins any more
            if not task.over and task is not self._lost:
                self.running = task
                self._give(task)
                self._await()
        del NotModelled.refusals[refused:]  # what they do at their end is no part of the run
        self.running = None
        if self._failure:
            raise self._failure
        return self.story

    def _await(self) -> None:
        """Wait until no thread has the baton, or give up a thread that keeps it and comes to no point."""
        before = -1
        while not self._home.acquire(timeout=LOST_TIMEOUT):
            task = self.running
            if before == self._steps and task is not None:
                self._lost = self._lost or task
                where = thread_location(task)
                self._failure = self._failure or LostThread(
                    f"{task.name} has not come to a point for {LOST_TIMEOUT:g} seconds; {where}: it "
                    "computes without end, or waits for what is not modelled"
                )
                return
            before = self._steps

    def close(self) -> None:
        """End the real threads; one that was lost ends when it comes back."""
        while self._workers:
            self._workers.pop().end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What the threads of a run call

    def spawn(self, body: Callable[[], object], name: str, *, daemon: bool = False) -> Task:
        """Add a thread; it begins when it is first chosen."""
        if self.aborting:
            raise Aborted
        task = Task(len(self.tasks), name, daemon, body)
        self._note_spawned(task)
        self.tasks.append(task)
        self.main = self.main or task
        self._change_living(begins=task)
        return task

    def point(
        self,
        what: str,
        ready: Callable[[], bool] | None = None,
        timeout: float | None = None,
        *,
        waiting: str = "",
        holder: Callable[[], Task | None] | None = None,
    ) -> bool:
        """Announce that the running thread is about to do `what` ("reads from ann"), and decide which thread runs next.

        With `ready`, return once it is true or `timeout` virtual seconds have passed; the result is whether it is true.
        `waiting` is the story's text while it waits, and `holder` returns the thread that has what it waits for.
        """
        task = self.running
        if self.aborting:
            raise Aborted
        if task is None:  # no run yet: modules are being imported, and there is no other thread
            if ready is not None and not ready():
                raise Deadlock(f"no other thread could end this wait: {what}")
            return True
        task.doing = what
        if ready is not None:
            task.waiting, task.ready, task.holder = waiting, ready, holder
            task.until = None if timeout is None else self.now + timeout
        if self.recorder is not None:
            task.waited = {}
        self._pass_on(task)
        if self.aborting:
            raise Aborted
        if ready is None:
            return True
        task.ready = task.until = None
        return (timeout is None and self.recorder is None) or ready()

    def line(self, what: str) -> None:
        """Announce a line of the program: a point, but one that a program does not come to by itself."""
        self.point(what)
        self._lines += 1
        self._streak = max(self._streak - 1, 0)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass; all other threads may go first."""
        self.point(f"sleeps {seconds:g} s", lambda: False, max(seconds, STEP_SECONDS))

    def look_again(self) -> None:
        """Go round a loop once more: sleep if it comes to no point, and changes no variable."""
        if self.aborting:
            raise Aborted
        task = self.running
        if task is None:
            return
        if task.round_step != (step := self._steps - self._lines):
            task.round_step, task.rounds = step, 0
        task.rounds += 1
        most = POLLING_ROUNDS if task.polls else MAX_ROUNDS
        if task.rounds < most:
            return
        variables = sys._getframe(1).f_locals
        before, task.variables = task.variables, {name: _state(value) for name, value in variables.items()}
        if task.rounds > most:
            task.rounds = 0
            if before == task.variables:
                task.polls = True
                self.sleep(STREAK_SECONDS)

    def wait_idle(self) -> None:
        """Return when no other thread can run."""
        self.point(IDLE, when_idle)

    def give_up(self, failure: BaseException | None = None) -> NoReturn:
        """End the run here and now; `run` raises the failure, if there is one."""
        if not self.aborting:
            self._failure = self._failure or failure
        self.aborting = True
        raise Aborted

    def freeze(self) -> None:
        """Let no daemon run any more: the process has ended."""
        self.touch(PROCESS, WRITE)
        for task in self.tasks:
            if task.daemon and not task.over:
                task.ready, task.until = never, None

    def halt(self) -> None:
        """Let no other thread run any more: their process has been ended, and another begins."""
        self.main = None
        for task in self.tasks:
            if task is not self.running and not task.over:
                task.ready, task.until, task.holder, task.daemon = never, None, None, True

    def note(self, what: str, who: str = "") -> None:
        """Note what the running thread has just seen; a run keeps only so many notes."""
        if len(self.story.events) > 2 * self._most_steps:
            return
        name = who or (self.running.name if self.running else "main")
        self.story.events.append(event_of(ScheduleEvent, (name, what[:MAX_NOTE_CHARACTERS], "", True)))

    # The baton

    def _pass_on(self, me: Task | None = None) -> None:
        """Decide which thread runs next; return when the calling thread may go on, if it is not over."""
        try:
            following = self._decide(me)
        except BaseException as failure:  # also one of the chooser or of a condition
            self._failure = failure
            following = None
        if following is me and me is not None:
            return
        if following is None:
            self._home.release()
        else:
            self.running = following
            self._give(following)
        if me is not None:
            assert me.worker is not None
            me.worker.baton.acquire()

    def _give(self, task: Task) -> None:
        """Give a thread the baton; the calling thread must stop at once."""
        if task.worker is None:
            task.worker = self._workers.pop() if self._workers else Worker()
            task.worker.job = lambda: self._live(task)
        task.worker.baton.release()

    def _live(self, task: Task) -> None:
        """The life of a thread."""
        try:
            if not self.aborting:
                if self.trace:
                    self.trace(True)
                task.body()
        except Aborted:
            pass
        except NotModelled as refusal:
            if not self.aborting:
                self._failure = self._failure or refusal
        except BaseException as failure:  # the scheduler's: bodies handle their own
            self._failure = self._failure or failure
        finally:
            if self.trace:
                self.trace(False)
        self._note_ended(task)
        task.over = True
        task.body, task.thread = never, None  # what nothing else refers to is freed now
        self._change_living(ends=task)
        assert task.worker is not None
        worker, task.worker = task.worker, None
        if task is self._lost:  # it came to a point after all, but the run is over
            worker.baton.release()  # with no job: it ends
            return
        self._workers.append(worker)
        if self.aborting or self._failure:
            self._home.release()
        else:
            self._pass_on()
