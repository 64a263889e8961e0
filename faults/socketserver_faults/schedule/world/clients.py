"""The clients: the conformance suite's own stage and its own clients, copied into the virtual process.

Nothing of the suite is written twice. The modules that touch sockets or the clock (`stage`, `client`...) are
copies that use virtual ones; steps, oracle, transcript and violations are the suite's own. Two things are different
here: each connection carries the name of its client, for the story, and each entry of the transcript is an event of the
story.

One thread plays all clients. That loses no schedule: what clients have sent is in the server's buffers, and the
server's threads read it in any order.

Next: `calls.py`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from socketserver_faults.schedule.core.run import Choose, Task
from socketserver_faults.schedule.core.scheduler import Scheduler
from socketserver_faults.schedule.virtual.module_copies import Modules
from socketserver_faults.schedule.virtual.socket_object import MAX_NOTED_BYTES
from socketserver_faults.schedule.world.remembered import Memory
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_reference.address import Address
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.checks.echo import EchoConformance
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.rewrite_limits import within_limits
from socketserver_reference.conformance.driver.dialect_fit import Misfit
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Did, Ended, Entry, Heard

if TYPE_CHECKING:
    from socketserver_reference.conformance.driver.stage import Stage

READ_TIMEOUT = 30.0
"""Virtual seconds to wait for a delivery that is due. Virtual time passes only when no thread can run."""

SERVING_TIMEOUT = 60.0
"""Virtual seconds within which a program must begin to listen."""

CLIENTS_THREAD = "clients"
"""Name of the thread that plays the clients."""


class NoDialect(SubjectRefused):
    """The dialect of the program cannot be learned from what it says; the message says why."""


def in_time(until: float) -> Choose:
    """Return a chooser without preemption that raises SubjectRefused after a moment of time.monotonic()."""

    def choose(_: list[Task]) -> int:
        if time.monotonic() > until:
            raise SubjectRefused("the time is up (see --seconds)")
        return 0

    return choose


CONFORMANCE: dict[str, Any] = {"chat": ChatConformance, "echo": EchoConformance}

ADDRESS = Address("tcp", "127.0.0.1", 1)
"""Clients do not need it: they are connected to the server of the run."""


FIT_TIMEOUT = 30.0
"""Virtual seconds to wait for a program that says nothing: one that sleeps first may say something then."""

LEARNED_MEMBERS = 8
"""Members of the room, and utterances repeated to a newcomer, up to which learning asks: scenarios have fewer."""

LEARNING_TIMEOUT = 0.5
"""Virtual seconds of silence after which learning takes an answer for complete."""

LEARNED_BYTES = 192 * 1024
"""Bytes to one client after which learning takes a program to send without end: more than the longest utterances."""

MAX_LEARNERS = 1000
"""Clients that learning connects at most."""


class _OnlySite:
    """The server of the run, as the suite's test of a dialect sees it."""

    address = ADDRESS
    restart = exit_report = wait_idle = staticmethod(lambda: "")


class LearnedText(NamedTuple):
    """What was learned: the text of a dialect, and what it leaves open, with the reasons."""

    text: str
    doubts: tuple[str, ...]


@dataclass
class LearnedSite:
    """The program as `learn` sees it: a target, and its site, which can be restarted within the run."""

    name: str
    restart: Callable[[], None]
    exit_report: Callable[[], str]
    wait_idle: Callable[[], None]
    last_error: Callable[[], str]
    address = ADDRESS
    restartable = True
    start_timeout = 0.0
    deadline = math.inf
    absence = staticmethod(str)

    def start(self, _: float) -> Self:
        return self

    def close(self) -> None:
        """Nothing: the run ends the program."""

    def __str__(self) -> str:
        return self.name


@lru_cache(maxsize=256)
def _told(step: Step) -> tuple[str, str]:
    """Return the story's text for a step, and who does it."""
    who = getattr(step, "who", CLIENTS_THREAD)
    return str(step).removeprefix(f"{who} "), who


class NotedTranscript(list[Entry]):
    """Entries of a transcript, each of which becomes an event of the story at once."""

    def __init__(self, note: Callable[[str, str], None]) -> None:
        super().__init__()
        self.coming: list[str] = []
        """Names of the clients that are about to connect."""
        self._note = note

    def append(self, entry: Entry) -> None:
        super().append(entry)
        if isinstance(entry, Did):
            self.coming = list(entry.step.clients)
            self._note(*_told(entry.step))
        elif isinstance(entry, Heard):
            self._note(f"reads {show(entry.data, MAX_NOTED_BYTES)}", entry.who)
        elif isinstance(entry, Ended):
            self._note(f"reads {ENDINGS[entry.how]}", entry.who)
        else:
            self._note("reads nothing", entry.who)


def instead_of(module: Any, **values: object) -> None:
    """Put values in place of those that a module has under the same names."""
    assert values.keys() <= vars(module).keys(), f"{module.__name__} has no {values.keys() - vars(module).keys()}"
    vars(module).update(values)


class VirtualClients:
    """The suite's stage and clients in a virtual process; `connect` connects one by its name, within a timeout."""

    def __init__(self, modules: Modules, scheduler: Scheduler, connect: Callable[[str, float | None], Any]) -> None:
        self._scheduler = scheduler
        self._told = NotedTranscript(scheduler.note)
        self._memories: dict[str, tuple[Dialect, Memory]] = {}
        client: Any = modules.load("socketserver_reference.conformance.targets.client")
        instead_of(client, QUICKACK=0, MORE=0)  # no network: no acknowledgements, and no segments
        self._limits: Any = modules.load("socketserver_reference.conformance.driver.rate_limit")
        self._stage: Any = modules.load("socketserver_reference.conformance.driver.stage")

        def coming() -> str:
            if not self._told.coming:
                raise NoDialect(f"not even by {MAX_LEARNERS} clients")
            return self._told.coming.pop(0)

        class VirtualClient(client.Client):  # type: ignore[misc]  # the base is made at run time
            connect_timeout: float | None = None
            """Virtual seconds; where a scenario connects a client, it waits for ever, and its story shows for whom."""

            def __init__(self, address: Address, timeout: float, *_: object) -> None:
                try:
                    connected = connect(coming(), self.connect_timeout)
                except OSError as error:
                    raise client.Unreachable(error) from None
                super().__init__(address, timeout, connected=connected)

        def connect_at_once(address: Address, timeout: float, count: int) -> tuple[list[Any], str]:
            arrived: list[Any] = []
            try:
                while len(arrived) < count:
                    arrived.append(VirtualClient(address, timeout))
            except client.Unreachable as error:
                return arrived, str(error)
            return arrived, ""

        instead_of(self._stage, connect_at_once=connect_at_once)
        connecting: Any = modules.load("socketserver_reference.conformance.driver.connecting")
        instead_of(connecting, Client=VirtualClient)
        self._fit: Any = modules.load("socketserver_reference.conformance.driver.dialect_fit")

        class Learner(VirtualClient):
            connect_timeout = FIT_TIMEOUT

        class PatientClient(VirtualClient):
            def send(self, data: bytes) -> None:
                scheduler.sleep(0.01)  # so that the server does not read a name and a word at once
                super().send(data)

        instead_of(self._fit, Client=PatientClient, ANSWER_TIMEOUT=FIT_TIMEOUT)
        self._modules, self._learner = modules, Learner

    def misfit(self, dialect: Dialect, protocol: str) -> Misfit | None:
        """Return how the server shows that it does not speak the dialect, or None if it does not show that."""
        self._told = NotedTranscript(self._scheduler.note)
        self._told.coming = ["ann", "ben"]
        found: Misfit | None = self._fit.misfit(_OnlySite, dialect, protocol, READ_TIMEOUT)
        # a program whose threads wait for each other's locks says nothing: its schedules tell why
        silent = found is not None and found.read == "nothing"
        return None if silent and any(task.held_up_by() for task in self._scheduler.living) else found

    def learn(self, site: LearnedSite, protocol: str) -> LearnedText:
        """Talk to the server; return a dialect for it. Raise NoDialect if nothing can be learned."""
        self._told = NotedTranscript(self._scheduler.note)
        self._told.coming = [f"client {number}" for number in range(1, 1 + MAX_LEARNERS)]
        learn = "socketserver_reference.conformance.learn"
        load = self._modules.load
        conversation: Any = load(f"{learn}.conversation")
        instead_of(conversation, Client=self._learner, MAX_HEARD_BYTES=LEARNED_BYTES)
        instead_of(load(f"{learn}.waiting"), MIN_AWAIT_TIMEOUT=FIT_TIMEOUT, BRIEF_AWAIT_TIMEOUT=FIT_TIMEOUT)
        instead_of(load(f"{learn}.questions.limits"), CROWD_MEMBERS=LEARNED_MEMBERS)
        instead_of(load(f"{learn}.questions.history"), MAX_UTTERANCES=LEARNED_MEMBERS)
        propose: Any = load(f"{learn}.propose")
        base: Any = load("socketserver_reference.conformance.targets.base")
        instead_of(propose, verify=lambda *_: None)  # whether the program speaks the dialect is asked next
        try:
            proposal = propose.propose(protocol, site, LEARNING_TIMEOUT)
        except conversation.CannotLearn as error:
            raise NoDialect(str(error)) from None
        except base.CannotCheck as error:
            raise SubjectRefused(f"when it is started once more, {error}") from None
        return LearnedText(proposal.text, tuple(proposal.doubts))

    def _memory(self, protocol: str, dialect: Dialect) -> Memory:
        """Return what the oracles of a protocol in a dialect have answered."""
        if protocol not in self._memories or self._memories[protocol][0] is not dialect:
            self._memories[protocol] = dialect, Memory(partial(CONFORMANCE[protocol].oracle, dialect))
        return self._memories[protocol][1]

    def perform(self, scenario: NamedScenario, dialect: Dialect) -> None:
        """Play a scenario, then disconnect all clients; raise the Violation of the first clause that is broken."""
        conformance = CONFORMANCE[scenario.protocol]
        rewriter, _ = within_limits(conformance.rewriter(dialect), dialect, sees_idle=True)
        stage: Stage = self._stage.Stage(
            ADDRESS,
            self._memory(scenario.protocol, dialect).oracle(),
            timeout=READ_TIMEOUT,
            about=scenario.clause or None,
            wait_idle=self._scheduler.wait_idle,
            restartable=True,
            dialect=dialect,
            rewriter=rewriter,
            rate_limiter=self._limits.RateLimiter(dialect.limits),
            politeness=scenario.politeness,
        )
        self._told = NotedTranscript(self._scheduler.note)
        stage.transcript.entries = self._told
        with stage:
            stage.play(scenario.steps)
        if not scenario.stopped_at_once:
            self._scheduler.wait_idle()
