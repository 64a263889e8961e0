"""The bridge to the world: the closed-request demo, played in a virtual process by the very code that plays it really.

`faults/demo/playing.py` holds the threads of a real server at gates, so that each row of its table happens every time.
A copy of it, with virtual sockets and threads, has the same gates: what it notes must be what the real one notes,
event for event, under every schedule that the gates leave open. It is, and that is what we know of the simulation.
"""

from types import ModuleType
from typing import Any

from faults.demo import rows
from faults.demo.rows import Play, Row
from faults.schedule import stand_ins
from faults.schedule.modules import Modules
from faults.schedule.runs import Choose, Story, go_on
from faults.schedule.scheduler import Scheduler
from faults.schedule.sockets import Network


class Rehearsal:
    """A virtual process in which the demo is played. A context manager, as it owns a scheduler."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self._network = Network(self.scheduler)
        conformance = ModuleType("reference.conformance")
        threads = ModuleType("reference.conformance.threads")
        vars(threads)["Rest"] = lambda _: self.scheduler.rest
        vars(conformance)["threads"] = threads
        self._modules = Modules(
            {
                **stand_ins.substitutes(self.scheduler, lambda: self._network),
                "reference.conformance": conformance,
                "faults.demo.rows": rows,  # data alone: so that plays can be compared
            }
        )

    def play(self, row: Row, joined: bool, choose: Choose = go_on) -> tuple[Play, Story]:
        """Play a row once; return what the demo returns, and the story of the run."""
        self._network = Network(self.scheduler)
        playing: Any = self._modules.load("faults.demo.playing")
        played: list[Play] = []
        story = self.scheduler.run(lambda: played.append(playing.play(row, joined)), choose)
        return played[0], story

    def __enter__(self) -> "Rehearsal":
        return self

    def __exit__(self, *_: object) -> None:
        self.scheduler.close()
