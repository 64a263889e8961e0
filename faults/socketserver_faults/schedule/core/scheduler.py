"""The scheduler: many threads, of which exactly one runs, and a decision at every point where another could.

Real threads run the code under test, so nothing of it is rewritten. But each runs only while it holds the *baton*. At a
**point** (before each operation on a socket, a lock, a thread or the clock) the running thread says what it is about to
do, and somebody is asked who goes on::

    point("sends to ann")
        options: the threads that can go on; first the one that runs, then the others in turn
        choose(options) -> 0        the thread itself goes on: no preemption
                           1, 2..   another gets the baton, and this one waits to be chosen: a *deviation*

Between two points nobody else runs. So a run is its decisions: the same choices give the same run, and a run in which
every choice is 0 is the one without preemption, which is the one that everybody has in mind.

A thread that waits (for a lock, for bytes) is no option until what it waits for is there. When nobody can go on, time
passes: the clock is virtual, and jumps to the first moment for which somebody waits. When nobody waits for a moment
either, it is a deadlock, and the run ends with who waits for what.

What a run leaves is ended: its threads are resumed one by one, and find `Aborted` raised at their point.

Next: `locks.py`.
"""

import threading
from collections.abc import Callable
from typing import Self

from socketserver_faults.schedule.core.run import (
    Aborted,
    Choose,
    Deadlock,
    LostThread,
    ScheduleEvent,
    ScheduleTrace,
    StepLimitReached,
    Task,
    Worker,
    no_preemption,
    thread_location,
)

STEP_SECONDS = 1e-6
"""Virtual seconds that every step takes, so that a loop which looks at the clock ends."""

MAX_RUN_STEPS = 20_000
"""Steps after which a run is taken to go on for ever."""

LOST_TIMEOUT = 10.0
"""Real seconds in which a thread must come to a point."""

IDLE = "sees everybody else at rest"


class Scheduler:
    """See the module. One run at a time; a context manager, as it owns the real threads."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._home = threading.Lock()
        self._home.acquire()
        self.trace: Callable[[bool], None] | None = None
        """Called in each thread before it begins (True) and after it ends (False): for points between lines."""
        self._lost: Task | None = None
        self._begin(no_preemption, MAX_RUN_STEPS)

    def _begin(self, choose: Choose, most_steps: int) -> None:
        self.story = ScheduleTrace()
        self.tasks: list[Task] = []
        self.running: Task | None = None
        self.aborting = False
        self.now = 0.0
        self.threads_made = 0
        self._choose = choose
        self._steps = 0
        self._most_steps = most_steps
        self._failure: BaseException | None = None

    # A run, from outside

    def run(
        self, main: Callable[[], object], choose: Choose = no_preemption, *, most_steps: int = MAX_RUN_STEPS
    ) -> ScheduleTrace:
        """Run `main` as the first thread, and all that it starts, until no thread that counts is left.

        Raise what the chooser raised, Blocked, Endless or Lost. What happened until then is in `story`.
        """
        assert self._lost is None, "a thread was lost here, and may come back"
        self._begin(choose, most_steps)
        self.spawn(main, "main")
        self._pass_on()
        self._await()
        self.aborting = True
        for task in self.tasks:  # whoever is left; no thread begins any more
            if not task.over and task is not self._lost:
                self.running = task
                self._give(task)
                self._await()
        self.running = None
        if self._failure:
            raise self._failure
        return self.story

    def _await(self) -> None:
        """Wait until the baton comes home, or give up a thread that keeps it without a sign of life."""
        before = -1
        while not self._home.acquire(timeout=LOST_TIMEOUT):
            task = self.running
            if before == self._steps and task is not None:
                self._lost = self._lost or task
                where = thread_location(task)
                self._failure = self._failure or LostThread(
                    f"{task.name} has not come to a point for {LOST_TIMEOUT:g} seconds; {where}"
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
        """Add a thread; it begins when it is chosen."""
        if self.aborting:
            raise Aborted
        task = Task(len(self.tasks), name, daemon, body)
        self.tasks.append(task)
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
        """Tell that the running thread is about to do `what` ("reads from ann"), and let somebody decide who goes on.

        With `ready`, do not come back before it is true or `timeout` (virtual seconds) has passed; return whether it
        is. `waiting` words the waiting for that, and `holder` tells, if asked, who has what is waited for.
        """
        task = self.running
        if self.aborting:
            raise Aborted
        if task is None:  # no run is on: modules are being prepared, and nobody else is there
            if ready is not None and not ready():
                raise Deadlock(f"nobody is there who could end this: {what}")
            return True
        task.doing, task.waiting, task.ready, task.holder = what, waiting, ready, holder
        task.until = None if timeout is None else self.now + timeout
        self._pass_on()
        if self.aborting:
            raise Aborted
        task.ready = None
        return ready is None or ready()

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass; everybody else may go first."""
        self.point(f"sleeps {seconds:g} s", lambda: False, max(seconds, STEP_SECONDS))

    def wait_idle(self) -> None:
        """Return when every other thread waits, and for nothing that would come by itself."""
        me = self.running
        self.point(
            IDLE,
            lambda: (
                not any(
                    task is not me and not task.over and task.doing != IDLE and task.enabled(self.now)
                    for task in self.tasks
                )
            ),
        )

    def give_up(self, failure: BaseException) -> None:
        """End the run here and now; `run` raises the failure."""
        self._failure = self._failure or failure
        self.aborting = True
        raise Aborted

    def note(self, what: str, who: str = "") -> None:
        """Note something that the running thread has just seen; of a flood of notes, the rest is dropped."""
        if len(self.story.events) > 2 * self._most_steps:
            return
        name = who or (self.running.name if self.running else "main")
        self.story.events.append(ScheduleEvent(name, what, note=True))

    # The baton

    def _pass_on(self) -> None:
        """Decide who goes on; return when the thread that calls this goes on itself, or is not there any more."""
        me = self.running
        if me is not None and me.over:
            me = None
        try:
            following = self._decide(me)
        except BaseException as failure:  # also of what others gave us: the chooser, a condition
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
        """Let a thread run; the one that calls this has to stop at once."""
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
        except BaseException as failure:
            self._failure = self._failure or failure  # bodies have their own idea of errors: what gets here is ours
        finally:
            if self.trace:
                self.trace(False)
        task.over = True
        assert task.worker is not None
        worker, task.worker = task.worker, None
        if task is self._lost:  # it has come back after all, when nobody waits for it any more
            worker.baton.release()  # to nothing: it ends
            return
        self._workers.append(worker)
        if self.aborting or self._failure:
            self._home.release()
        else:
            self._pass_on()

    def _decide(self, me: Task | None) -> Task | None:
        """Return whose turn it is; None if the run is over."""
        self._steps += 1
        self.now += STEP_SECONDS
        options = self._options(me)
        while not options:
            moments = [task.until for task in self.tasks if not task.over and task.until is not None and task.ready]
            if not moments:
                self._end()
                return None
            self.story.stuck = self.story.stuck or self.waits()
            self.now = max(self.now, min(moments))
            options = self._options(me)
        if self._steps > self._most_steps:
            raise StepLimitReached(f"no end after {self._most_steps} steps: {'; '.join(self.waits())}")
        taken = 0
        if len(options) > 1:
            taken = self._choose(options)
            self.story.decisions.append((len(options), taken))
        chosen = options[taken]
        first = options[0]
        instead = f"{first.name} {first.doing}" if taken else ""
        self.story.events.append(ScheduleEvent(chosen.name, chosen.doing, instead))
        return chosen

    def _options(self, me: Task | None) -> list[Task]:
        """Return who can go on: the one that runs, if it can, then those after it in turn."""
        begin = me.number if me else 0
        in_turn = self.tasks[begin:] + self.tasks[:begin]
        return [task for task in in_turn if not task.over and task.enabled(self.now)]

    def _end(self) -> None:
        """Nobody can ever go on: that is the end if nobody counts, and a deadlock otherwise."""
        if any(not task.over and not task.daemon for task in self.tasks):
            self.story.stuck = self.story.stuck or self.waits()
            raise Deadlock("; ".join(self.waits()))

    def waits(self) -> list[str]:
        """Return who waits for what."""
        return [task.waits() for task in self.tasks if not task.over]
