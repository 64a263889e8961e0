"""Which thread runs next: the decision at each point, and what becomes of a run in which none can.

Next: `scheduler.py`.
"""

from socketserver_faults.schedule.core.footprints import CannotReduceHere
from socketserver_faults.schedule.core.recorder import IDLE, Recording
from socketserver_faults.schedule.core.run import (
    Choose,
    Deadlock,
    ScheduleEvent,
    ScheduleTrace,
    StepLimitReached,
    Task,
    never,
)

STEP_SECONDS = 1e-6
"""Virtual seconds that every step takes, so that a loop which polls the clock ends."""

MAX_STREAK_STEPS = 200
"""Steps that a thread takes at most in a row: then others go first, and time passes, since it may wait by looking again
and again."""

STREAK_SECONDS = 0.1
"""Virtual seconds that pass then: together less than any client waits for a reply."""

POLLING_STEPS = 20
"""The same for a thread that has taken so many once: it *polls*."""

MAX_NAPS = 5000
NAP_SECONDS = 10.0
"""Times at most that threads wait for a moment within so many seconds while nothing else happens: then time passes
until another moment; after twice as many until one twice as late, and so on. A program that looks again every tenth of
a second would never come to the end of an hour.
"""

POLL_NAPS = 100
"""For how many naps it counts that time passes while threads poll: that takes as many steps."""

event_of = tuple.__new__
"""Makes an event, faster than its class does."""


def when_idle() -> bool:
    """The condition of a thread that waits until no other can run."""
    return False


class Deciding(Recording):
    """The part of the scheduler that decides which thread runs next."""

    living: list[Task]
    """The threads that are not over."""
    story: ScheduleTrace
    _choose: Choose
    _steps: int
    _most_steps: int
    _streak: int
    _polls: int
    _naps: int

    def _decide(self, me: Task | None) -> Task | None:
        """Return the thread to run next; None if the run is over."""
        self._steps += 1
        if self.recorder is None:
            self.now = now = self.now + STEP_SECONDS
            options = []
            in_turn = self.living if me is None else me.turn or self._turn(me)
            for task in in_turn:  # as `_options`, but in one function
                if (ready := task.ready) is None or ready() or ((until := task.until) is not None and now >= until):
                    options.append(task)
            options = options or [task for task in in_turn if task.ready is when_idle]
        else:
            options = self._options(me)
        jumps = False
        if not options or self._streak > MAX_STREAK_STEPS or self._steps > self._most_steps:
            options, jumps = self._look_again(me, options)
            if not options:
                self._end()
                return None
        taken, many = 0, len(options)
        if many > 1:
            taken = self._choose(options)
            self.story.decisions.append((many, taken))
        elif self.recorder is not None:
            self._choose(options)
        chosen = options[taken]
        if self.recorder is not None:
            self.recorder.begin(chosen, options, jumps or chosen.doing == IDLE)
        if chosen is me:
            self._streak += 1
        else:
            self._streak = MAX_STREAK_STEPS - POLLING_STEPS if chosen.polls else 0
            self._polls = self._polls if chosen.polls else 0
            if chosen.until is None and not chosen.polls:  # something has happened
                self._naps = 0
        instead = f"{options[0].name} {options[0].doing}" if taken else ""
        self.story.events.append(event_of(ScheduleEvent, (chosen.name, chosen.doing, instead, False)))
        return chosen

    def _look_again(self, me: Task | None, options: list[Task]) -> tuple[list[Task], bool]:
        """Return the threads that can run, once time has passed if it must, and whether it has; none at the end."""
        if self._streak > MAX_STREAK_STEPS and me is not None:
            options = self._poll(me)
        options, jumps = options or self._options(me), False
        while not options and self._moments():
            self.story.stuck = self.story.stuck or self.waits()
            self.now, jumps = max(self.now, self._next_moment(1)), True
            options = self._options(me)
        if self._steps > self._most_steps and options:
            raise StepLimitReached(f"no end after {self._most_steps} steps: {'; '.join(self.waits())}")
        return options, jumps

    def progress(self) -> None:
        """Note that the running thread does something: it is not just looking again."""
        if self._streak:
            polls = self.running is not None and self.running.polls
            self._streak, self._polls = MAX_STREAK_STEPS - POLLING_STEPS if polls else 0, 0

    def _poll(self, me: Task) -> list[Task]:
        """Let the others go first, and time pass, as the running thread looks again and again; return the options."""
        if self.recorder is not None:
            raise CannotReduceHere(f"{me.name} waits by looking again and again")
        self._streak = 0
        options = self._options(me, others_first=True)
        if me not in options:  # it sleeps again and again
            self.now += STREAK_SECONDS
            return options
        self._streak, me.polls = MAX_STREAK_STEPS - POLLING_STEPS, True
        self._polls += 1
        busy = [task for task in options if task.polls]
        idle = busy == options and self._polls > len(busy)  # each has looked at all that the others have done
        if idle and (waiting := [task for task in self.living if task.ready is when_idle]):
            return waiting
        self.now = max(self.now + STREAK_SECONDS, self._next_moment(POLL_NAPS) if idle else 0)
        return self._options(me, others_first=True)

    def _next_moment(self, naps: int) -> float:
        """Return the moment until which nothing happens: the later, the more often threads have napped."""
        self._naps += naps
        late = self.now + NAP_SECONDS * (self._naps // MAX_NAPS)
        moments = self._moments()
        return min([moment for moment in moments if moment > late] or moments, default=0)

    def _moments(self) -> list[float]:
        """Return the moments for which threads wait."""
        return [task.until for task in self.living if task.until is not None and task.ready is not None]

    def _options(self, me: Task | None, *, others_first: bool = False) -> list[Task]:
        """Return the threads that can run: the running one, if it can, then the others in turn."""
        in_turn = self.living if me is None else self._turn(me)
        if others_first and me is not None:
            in_turn = [*(task for task in in_turn if task is not me), me]
        options = [task for task in in_turn if self._enabled(task)]
        return options or [task for task in in_turn if task.ready is when_idle]

    def _turn(self, me: Task) -> list[Task]:
        """Return all threads that live, in the order in which they are asked when this one runs."""
        if not me.turn:
            me.turn = [task for task in self.living if task.number >= me.number]
            me.turn += [task for task in self.living if task.number < me.number]
        return me.turn

    def _change_living(self, *, begins: Task | None = None, ends: Task | None = None) -> None:
        """Note that a thread lives from now on, or no more."""
        if begins is not None:
            self.living.append(begins)
        if ends is not None:
            self.living.remove(ends)
        for task in self.living:
            task.turn = []

    def _end(self) -> None:
        """No thread can ever run: the end if all left are daemons, a deadlock otherwise."""
        if not all(task.daemon for task in self.living):
            self.story.stuck = self.waits()
            raise Deadlock("; ".join(self.waits()))

    def waits(self) -> list[str]:
        """Return what each thread waits for."""
        return [task.waits() for task in self.living if task.ready is not never]
