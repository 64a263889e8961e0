"""A virtual process: one server of real classes, its clients, and a run for every schedule.

    main        makes the server, and closes it when it serves no more; or runs a program that does so
    clients     play the scenario, then let the server stop; the suite's oracle judges what they read
    T1, T2..    threads that the server starts for its handlers, and threads that handlers start

The server consists of real classes, the real process_request() and the real handler, as the reference's `family.py`,
the catalogue or the user's program combines them. Only what they call is virtual.

Next: `worlds.py`.
"""

import errno
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from socketserver_faults.schedule.core.footprints import READ, WRITE
from socketserver_faults.schedule.core.recorder import LIVES
from socketserver_faults.schedule.core.run import (
    Aborted,
    Choose,
    Deadlock,
    ScheduleTrace,
    StepLimitReached,
    Task,
    no_preemption,
)
from socketserver_faults.schedule.core.scheduler import MAX_RUN_STEPS, Scheduler
from socketserver_faults.schedule.core.serials import SERIALS
from socketserver_faults.schedule.core.shared_objects import SharedObjects
from socketserver_faults.schedule.core.unrecorded import unrecorded
from socketserver_faults.schedule.virtual import substitutes
from socketserver_faults.schedule.virtual.connection import failure as os_error
from socketserver_faults.schedule.virtual.module_copies import Modules
from socketserver_faults.schedule.virtual.network import Network, NotModelled, SocketKinds
from socketserver_faults.schedule.virtual.outside import watch
from socketserver_faults.schedule.world.calls import note_calls
from socketserver_faults.schedule.world.clients import (
    CLIENTS_THREAD,
    SERVING_TIMEOUT,
    LearnedSite,
    LearnedText,
    VirtualClients,
    in_time,
)
from socketserver_faults.schedule.world.endless import goes_on, reads_ends, refuse
from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.subject import Subject, SubjectRefused, hint
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver.dialect_fit import Misfit
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation

WORLD_CAPACITY_BYTES = 72 * 1024
"""Bytes that the connection of a client that stops reading holds each way: 64 KiB of deliveries (CHAT-15), and little
more, to keep scenarios short.
"""

READ_CAPACITY_BYTES = 256 * 1024
"""The same for a client that always reads: Linux lets its buffers grow, and no scenario says as much."""

MAX_LEARNING_STEPS = 10 * MAX_RUN_STEPS
"""Steps of a run in which the dialect of the program is learned."""

PROGRAM = "whether the program has ended"
"""What its main thread touches when it ends."""


@dataclass(frozen=True)
class ScheduleResult:
    """The result of a run: its story, and its failure, if any; `judged` is False if the oracle cannot say."""

    story: ScheduleTrace
    failure: Violation | None = None
    judged: bool = True

    @property
    def clause(self) -> str:
        """The clause that is broken; "" if none is."""
        return self.failure.clause_id if self.failure else ""


class World:
    """See the module. A context manager, as it owns a scheduler."""

    def __init__(
        self, subject: Subject, *, capacity: int = WORLD_CAPACITY_BYTES, dialect: Dialect = NOTE, watched: bool = False
    ) -> None:
        """With `watched`, the program says what it does with its objects, and its runs can be recorded."""
        self.subject = subject
        self.scheduler = Scheduler() if watched else unrecorded(Scheduler)()
        self.lines = False
        """Whether threads may be switched between its lines."""
        shared = SharedObjects(self.scheduler) if watched else None
        self._capacity = capacity
        self._stalling: set[str] = set()
        """The clients that stop reading in the scenario that is played."""
        self.dialect = dialect
        self._kinds = SocketKinds(recorded=watched)
        self._network = Network(self.scheduler, kinds=self._kinds)
        self.modules = Modules(
            substitutes.substitutes(self.scheduler, lambda: self._network, *subject.given),
            subject.fresh,
            self.scheduler.note,
            shared,
            serves=subject.make is None,
        )
        self._begin()
        library: Any = self.modules.load("socketserver")
        note_calls(library.BaseServer, self.scheduler, self._begins_to_serve, self._shuts_down)
        self._players = VirtualClients(self.modules, self.scheduler, self._connect)

    def _begin(self) -> None:
        """Begin a run."""
        self._server: Any = None
        self._ended = self.main_ended = ""
        """How the program has ended, and how its main thread has, for which others may go on."""
        self._shut_down_by = ""
        """The thread of the program that has called shutdown()."""
        self._left = False
        """Whether the clients have left."""
        self._begun = 0
        """Number of events before the program was last started."""

    def _begins_to_serve(self) -> None:
        if self._server is None and self.subject.make:
            raise SubjectRefused(
                f"{self.subject.name} serves while it is imported, and never returns: play the whole program, "
                f"schedule {self.subject.name.partition(':')[0]}"
            )

    def _shuts_down(self) -> None:
        running = self.scheduler.running
        if running is not None and running.name != CLIENTS_THREAD and not self.scheduler.aborting:
            self._shut_down_by = self._shut_down_by or running.name

    def _connect(self, who: str, timeout: float | None) -> Any:
        address = self._server.socket.getsockname() if self._server else self._network.kernel.listens_at
        if address is None:
            raise os_error(errno.ECONNREFUSED)
        client = self._network.connect_to(address, who, timeout)
        if who not in self._stalling:
            self._network.resize(client, READ_CAPACITY_BYTES)
        return client

    def play(
        self, scenario: NamedScenario, choose: Choose = no_preemption, *, dialect: Dialect | None = None
    ) -> ScheduleResult:
        """Play the scenario under a schedule, in the world's dialect or another."""
        self._stalling = {who for step in scenario.steps if step.effect == "stops reading" for who in step.clients}
        return self._run(lambda: self._players.perform(scenario, dialect or self.dialect), choose)

    def misfit(self, protocol: str) -> Misfit | None:
        """Return how the program shows that it does not speak the dialect, or None if it does not show that."""
        found: list[Misfit | None] = []
        self._run(lambda: found.append(self._players.misfit(self.dialect, protocol)), no_preemption)
        return found[0] if found else None

    def reads_ends(self) -> bool:
        """Return whether the program has read the end of a stream for ever in the run."""
        return reads_ends(self.subject, self._network.kernel.ends_read) is not None

    def learn(self, protocol: str, until: float = math.inf) -> LearnedText:
        """Return a dialect for the program; raise SubjectRefused if none can be learned until a moment of
        time.monotonic().
        """
        learned: list[LearnedText] = []
        site = LearnedSite(
            self.subject.name,
            self._restart,
            exit_report=lambda: self._ended,
            wait_idle=self.scheduler.wait_idle,
            last_error=lambda: self.scheduler.story.last_error(self._begun),
        )
        met = self._run(lambda: self._learn(site, protocol, learned), in_time(until), MAX_LEARNING_STEPS)
        if not learned:
            broken = met.failure
            raise SubjectRefused(f"expected that {broken.expected}, but {broken.observed}" if broken else "it ends")
        return learned[0]

    def _learn(self, site: LearnedSite, protocol: str, learned: list[LearnedText]) -> None:
        learned.append(self._players.learn(site, protocol))
        self.scheduler.give_up()

    def _restart(self) -> None:
        """End the process of the program, and run it anew in the same run."""
        self.scheduler.halt()
        self.modules.forget()
        self._begin()
        self._begun = len(self.scheduler.story.events)
        self._network.kernel.over = True
        self._network = Network(self.scheduler, capacity=self._capacity, kinds=self._kinds)
        self.scheduler.spawn(self._run_program, "main")
        self.scheduler.point("waits for a server", self._serves, SERVING_TIMEOUT)

    def _run(self, visit: Callable[[], object], choose: Choose, most_steps: int = MAX_RUN_STEPS) -> ScheduleResult:
        self.modules.forget()
        SERIALS.begin()
        SERIALS.note = partial(self.scheduler.touch, "the numbers of objects", READ | WRITE)
        NotModelled.refusals.clear()
        self._begin()
        self._network = Network(self.scheduler, capacity=self._capacity, kinds=self._kinds)
        failure: Violation | None = None
        judged = True
        watch(self.scheduler)
        try:
            serve = self._serve if self.subject.make else self._run_whole
            self.scheduler.run(partial(serve, visit), choose, most_steps=most_steps)
        except Violation as found:
            failure = found
        except StepLimitReached as endless:
            failure = goes_on(self.subject, self._network.kernel.ends_read, str(endless), left=self._left)
        except Deadlock as blocked:
            if not self.subject.make:
                raise SubjectRefused(f"{self.subject.name} does not go on: {blocked}") from None
            failure = VIOLATIONS["SRV-9"](
                "shutdown() and server_close() return, as all clients have left", str(blocked), ()
            )
            failure.absent = True
        except Ambiguous:
            judged = False
        except NotChecked as why:
            raise SubjectRefused(f"{self.subject.name} cannot be judged: {why}") from None
        finally:
            watch(None)
            self._network.kernel.over = True
        if failure is not None and self._shut_down_by and not self.subject.make:
            raise SubjectRefused(
                f"{self.subject.name} ends its server before the clients have left: {self._shut_down_by} calls "
                "shutdown(); play its handler class, module:Handler, which the scheduler serves"
            )
        if failure is not None:
            refuse(failure, self._network.kernel.forgotten)
        return ScheduleResult(self.scheduler.story, failure, judged)

    def _serve(self, visit: Callable[[], object]) -> None:
        """The first thread of a run. An exception outside the handlers, as in verify_request(), ends the process."""
        try:
            self._main(visit)
        except (Aborted, NotModelled, SubjectRefused):
            raise
        except Exception as error:
            clients = next((task for task in self.scheduler.tasks if task.name == CLIENTS_THREAD), None)
            if clients is None:  # there is no server yet
                raise
            self.scheduler.note(f"ends by {type(error).__name__}: {error}")
            self.scheduler.freeze()
            self._network.kernel.end_process()
            self.scheduler.point("has ended", lambda: self.scheduler.is_over(clients))

    def _main(self, visit: Callable[[], object]) -> None:
        """Make the server, and serve until all clients have left."""
        assert self.subject.make is not None
        server = self._server = self.subject.make(self.modules)
        self._network.kernel.file(server.fileno()).end.name = "the server"
        clients = self.scheduler.spawn(lambda: self._play(visit), CLIENTS_THREAD)
        if self.subject.loop:
            while not self._have_left():  # a handler may call shutdown(): the program that would end then is not here
                server.serve_forever()
        else:
            while self._comes(clients):
                server.handle_request()
        server.server_close()
        self.modules.exits.end_threads()

    def _have_left(self) -> bool:
        self.scheduler.touch("whether the clients have left", READ)
        return self._left

    def _run_whole(self, visit: Callable[[], object]) -> None:
        """The first thread of a run of a program that serves by itself."""
        clients = self.scheduler.spawn(lambda: self._visit(visit), CLIENTS_THREAD)
        self._run_program()
        self.scheduler.point("has ended", lambda: self.scheduler.is_over(clients, needed=True))

    def _run_program(self) -> None:
        """Run the program until it ends."""
        try:
            if self.subject.make:
                self._server = self.subject.make(self.modules)
                self._server.serve_forever()
            else:
                self.modules.run(self.subject.main)
            self.main_ended = f"it ends{hint(self.subject)}"
        except (Aborted, NotModelled, SubjectRefused):
            raise
        except BaseException as error:
            self.main_ended = f"it ends by {type(error).__name__}: {error}{hint(self.subject, error)}"
            self.scheduler.note(f"ends by {type(error).__name__}: {error}")
        self.modules.exits.end_threads()
        me = self.scheduler.running
        self.scheduler.touch(LIVES, READ)
        others = [
            task for task in self.scheduler.tasks if not task.daemon and task.name != CLIENTS_THREAD and task is not me
        ]
        self.scheduler.point(
            "waits for its threads to end", lambda: all(self.scheduler.is_over(task) for task in others)
        )
        self._ended = self.main_ended
        self.scheduler.touch(PROGRAM, WRITE)
        self.modules.exits.end()
        self.scheduler.freeze()
        self._network.kernel.end_process()

    def _visit(self, visit: Callable[[], object]) -> None:
        """The second thread of a run of a program that serves by itself."""
        self.scheduler.point("waits for a server", self._serves, SERVING_TIMEOUT)
        if self.subject.typed:  # what is typed is meant to come before the clients
            self.scheduler.wait_idle()
        if self._network.kernel.listens_at is None:
            why = self.main_ended or f"it does not begin to listen: {self.scheduler.tasks[0].waits()}"
            raise SubjectRefused(f"{self.subject.name} serves nothing: {why}")
        visit()
        self.scheduler.wait_idle()
        self.scheduler.give_up(reads_ends(self.subject, self._network.kernel.ends_read))

    def _serves(self) -> bool:
        """Whether the program serves, or never will."""
        self.scheduler.touch(PROGRAM, READ)
        return bool(self._network.kernel.listens_at or self._ended)

    def _comes(self, clients: Task) -> bool:
        """Wait for a client; return False once all have left."""
        listener = substitutes.listener_of(self._server)
        is_over, comes = self.scheduler.is_over, bool if listener is None else listener.has_arrived
        ready = lambda: is_over(clients) or comes()  # noqa: E731
        self.scheduler.point("sees a client connect", ready, waiting="waits for clients")
        return comes()

    def _play(self, visit: Callable[[], object]) -> None:
        """The second thread of a run."""
        visit()
        self.scheduler.touch("whether the clients have left", WRITE)
        self._left = True
        if self.subject.loop:
            self._server.shutdown()

    def close(self) -> None:
        """End the real threads."""
        self.scheduler.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
