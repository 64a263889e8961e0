"""The bridge to the world: the closed-request demo, played in a virtual process by the very code that plays it really.

The demo's `play.py` holds the threads of a real server at gates, so that each row of its table happens every time.
A copy of it, with virtual sockets and threads, has the same gates: what it notes must be what the real one notes,
event for event, under every schedule that the gates leave open. It is, and that is what we know of the simulation.
"""

from types import ModuleType
from typing import Any

from socketserver_faults.demo import rows
from socketserver_faults.demo.rows import DemoRow, PlayedRow
from socketserver_faults.schedule.core.run import Choose, ScheduleTrace, no_preemption
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual import substitutes
from socketserver_faults.schedule.virtual.module_copies import Modules
from socketserver_faults.schedule.virtual.network import Network


class Rehearsal:
    """A virtual process in which the demo is played. A context manager, as it owns a scheduler."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self._network = Network(self.scheduler)
        targets = ModuleType("socketserver_reference.conformance.targets")
        quiescence = ModuleType("socketserver_reference.conformance.targets.quiescence")
        vars(quiescence)["IdleWaiter"] = lambda _: self.scheduler.wait_idle
        vars(targets)["quiescence"] = quiescence
        self._modules = Modules(
            {
                **substitutes.substitutes(self.scheduler, lambda: self._network),
                targets.__name__: targets,
                "socketserver_faults.demo.rows": rows,  # data alone: so that plays can be compared
            }
        )

    def play(self, row: DemoRow, joined: bool, choose: Choose = no_preemption) -> tuple[PlayedRow, ScheduleTrace]:
        """Play a row once; return what the demo returns, and the story of the run."""
        self._network = Network(self.scheduler)
        playing: Any = self._modules.load("socketserver_faults.demo.play")
        played: list[PlayedRow] = []
        story = self.scheduler.run(lambda: played.append(playing.play(row, joined)), choose)
        return played[0], story

    def __enter__(self) -> "Rehearsal":
        return self

    def __exit__(self, *_: object) -> None:
        self.scheduler.close()
