"""The clients: the conformance suite's own stage and its own clients, copied into the virtual process.

Nothing of the suite is written twice. The modules that touch sockets (`stage`, `client`) are copies that find virtual
ones; steps, oracle, transcript and violations are the suite's own. Two things are different here, and are said below:
who connects gets a name that the story can use, and what the transcript notes goes into the story as well.

One thread plays all clients. That loses no schedule: what clients have sent lies in the server's buffers, and it is the
server's threads that take it out, in any order.

Next: `world.py`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from faults.schedule.modules import Modules
from faults.schedule.scenarios import Scenario
from faults.schedule.scheduler import Scheduler
from reference.address import Address
from reference.conformance.dialect import Dialect
from reference.conformance.oracle import Oracle
from reference.conformance.scenario import Connect, Crowd, Step, show
from reference.conformance.transcript import ENDINGS, Did, Ended, Entry, Heard, Waited

if TYPE_CHECKING:
    from reference.conformance.stage import Stage

PATIENCE = 5.0
"""Virtual seconds that anything which must come may take: they pass only when no thread can go on."""

SHOWN = 16
"""Most bytes of what a client reads that the story shows; the exchange beside it has more."""

CLIENTS = "clients"
"""The name of the thread that plays them."""


class Told(list[Entry]):
    """Entries of a transcript, each of which goes into the story as it comes."""

    def __init__(self, note: Callable[[str, str], None]) -> None:
        super().__init__()
        self._note = note

    def append(self, entry: Entry) -> None:
        super().append(entry)
        match entry:
            case Did(step):
                who = getattr(step, "who", CLIENTS)
                self._note(str(step).removeprefix(f"{who} "), who)
            case Heard(who, data):
                self._note(f"reads {show(data, SHOWN)}", who)
            case Ended(who, how):
                self._note(f"reads {ENDINGS[how]}", who)
            case Waited(who, _):
                self._note("waits in vain", who)


def stage_class(modules: Modules, connect: Callable[[str], Any]) -> Callable[..., "Stage"]:
    """Return the suite's Stage, with clients whose connections `connect` makes for them, by name."""
    client = modules.load("reference.conformance.client")
    vars(client)["QUICKACK"] = 0  # no network, no acknowledgements
    stage: Any = modules.load("reference.conformance.stage")

    class VirtualStage(stage.Stage):  # type: ignore[misc]  # the base is made at run time
        def _act(self, step: Step) -> None:
            match step:
                case Connect(who):
                    self._admit(who)
                case Crowd(everyone):
                    for who in everyone:
                        self._admit(who)
                case _:
                    super()._act(step)

        def _admit(self, who: str) -> None:
            try:
                connected = connect(who)
            except OSError as error:
                self._report(self.oracle.refused(who, client.describe(error)))
            else:
                self._clients[who] = client.Client(self.address, self.patience, connected=connected)

    return VirtualStage


def perform(
    stage: Callable[..., "Stage"],
    oracle: Oracle,
    scenario: Scenario,
    scheduler: Scheduler,
    *,
    dialect: Dialect,
) -> None:
    """Play the steps, and leave; raise the Violation of the first clause that breaks."""
    performing = stage(
        Address("tcp", "127.0.0.1", 1),
        oracle,
        patience=PATIENCE,
        about=scenario.clause or None,
        rest=scheduler.rest,
        renewable=True,
        dialect=dialect,
        manners=scenario.manners,
    )
    told: list[Entry] = Told(scheduler.note)
    performing.transcript.entries = told
    with performing:
        performing.play(scenario.steps)
