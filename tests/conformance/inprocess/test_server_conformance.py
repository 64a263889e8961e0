"""The checks of the SRV clauses: they pass on the whole family, and each finds the servers that break its clause."""

import contextlib
import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from socketserver_faults import tutorial
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.inprocess.checks import ServerConformance
from socketserver_reference.conformance.inprocess.hosts import ConcurrencyName, ServerSpec
from socketserver_reference.conformance.inprocess.probes import Handler
from socketserver_reference.conformance.inprocess.server_session import ServerSession
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.runner.collected_family import CLASSES
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.echo import EchoHandler
from tests.servers.family.broken_family import (
    BROKEN,
    FinishesTwice,
    KeepsRequestsOpen,
    UnjoinedPoolChat,
    keep_working,
)
from tests.servers.family.broken_serving import BROKEN_SERVING
from tests.servers.family.making_families import Faultless, made
from tests.support.serving import TIMEOUT

CHECKS = [name for name in dir(ServerConformance) if name.startswith("test_")]


@pytest.fixture(scope="module", autouse=True)
def forker() -> Iterator[None]:
    yield
    ServerConformance.forker.close()


def outcome(cls: type[ServerConformance], check: str) -> str:
    """Run one check; return what came of it, and in a word why."""
    try:
        getattr(cls(), check)()
    except Violation as violation:
        print(violation)  # what pytest shows of a test that fails
        return violation.clause_id
    except NotApplicable:
        return "not applicable"
    except NotChecked:
        return "not checked"
    return "holds"


@pytest.mark.parametrize("name", CLASSES)
def test_every_clause_holds_on_every_class_of_the_family(name: str) -> None:
    outcomes = {outcome(CLASSES[name], check) for check in CHECKS}
    assert outcomes == {"holds", "not applicable"}


def test_every_clause_of_the_group_is_decided() -> None:
    decided = {getattr(ServerConformance, check).decides for check in CHECKS}
    assert decided == {clause.id for clause in CLAUSES.values() if clause.group == "SRV"}


def subject(served: ServerSpec, timeout: float) -> type[ServerConformance]:
    return type("Subject", (ServerConformance,), {"target": served, "timeout": timeout})


def told_apart() -> Iterator[Any]:
    """Yield all broken servers; the same mistake in another kind of server, or one that costs a process for each
    check, is for `make sweep`. A room in processes is a mistake of its own.
    """
    seen = {("SRV-9", "forking library", "")}
    for clause, served in [*BROKEN, *BROKEN_SERVING]:
        mistake = clause, str(served), served.concurrency if served.chat else ""
        again = mistake in seen
        seen.add(mistake)
        yield pytest.param(clause, served, marks=[pytest.mark.sweep] if again else [])


BESIDES = {
    "threading library": ["SRV-15"],  # it turns a client away for which there is no thread
    "forking library": ["SRV-15"],
    "TurnsAway": ["SRV-9"],  # server_close() joins a thread that could not be started
    "ListensInTheLoop": ["SRV-9"],  # it does so at the end, too
    "NeverVerifiesDatagrams": ["SRV-16"],
}
"""What else is broken."""


@pytest.mark.parametrize(("clause", "served"), [*told_apart()], ids=str)
def test_a_broken_server_breaks_its_clause_and_no_other(clause: str, served: ServerSpec) -> None:
    due = {clause, *BESIDES.get(str(served), ())}
    violated: set[str] = set()
    for timeout in (0.3, 5.0):  # what is broken is waited for in vain; a busy machine gets more time
        outcomes = {check: outcome(subject(served, timeout), check) for check in CHECKS}
        violated = {found for found in outcomes.values() if found in CLAUSES}
        if violated == due:
            break
    assert violated == due, outcomes
    deciding = [found for check, found in outcomes.items() if getattr(ServerConformance, check).decides == clause]
    assert clause in deciding


class ServesNobody(Faultless):
    def verify_request(self, *_: object) -> bool:
        return False


@pytest.mark.parametrize(
    "first", ["test_a_handler_knows_its_request_its_client_and_its_server", "test_a_silent_client_delays_nobody"]
)
def test_where_no_handler_runs_nothing_is_checked_and_nobody_waits_for_one_again(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls = subject(made(ServesNobody, "tcp", "threading"), 0.1)
    assert outcome(cls, first) == "not checked"
    monkeypatch.setattr(cls, "timeout", None)  # no event is waited for
    assert {outcome(cls, check) for check in CHECKS} == {"not checked", "not applicable"}


def test_no_handler_calls_shutdown_once_the_check_for_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the thread of the loop it would wait for itself: the handler begins when that of lou has ended."""
    planned: list[str] = []
    plan = ServerSession.plan

    def note(session: ServerSession, answer: str, name: str, *phases: str) -> None:
        planned.append(answer)
        plan(session, answer, name, *phases)

    monkeypatch.setattr(ServerSession, "plan", note)
    one_at_a_time = made(Faultless, "tcp", "sync", claims="threading")
    assert outcome(subject(one_at_a_time, 0.3), "test_shutdown_in_the_thread_of_a_handler_returns") == "not checked"
    assert planned == ["shut down", "go"]


@pytest.fixture
def pool() -> Iterator[None]:
    thread = threading.Thread(target=keep_working)
    thread.start()
    yield
    UnjoinedPoolChat.work.put(None)
    thread.join()


@pytest.mark.usefixtures("pool")
def test_a_worker_from_a_pool_is_one_that_handle_has_to_wait_for() -> None:
    served = made(Faultless, "tcp", "threading", "chat", handler=UnjoinedPoolChat)
    check = "test_handle_does_not_return_while_a_worker_uses_the_request"
    assert outcome(subject(served, 5.0), check) == "SRV-3"


def _note_server(
    server: type[socketserver.TCPServer], own: type[socketserver.BaseRequestHandler], handler: Handler | None = None
) -> socketserver.BaseServer:
    return server(("127.0.0.1", 0), handler or own)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "violated"),
    [
        ("echo", {"SRV-9"}),
        ("chat", {"SRV-9", "SRV-10", "SRV-15"}),
        ("overthreaded", {"SRV-9", "SRV-10", "SRV-15"}),
        ("unjoined", {"SRV-3", "SRV-9", "SRV-15"}),
    ],
)
def test_the_programs_of_the_note_break_what_it_says_of_them(program: str, violated: set[str]) -> None:
    server, own = tutorial.PROGRAMS[program]

    def served() -> ServerSpec:
        """Return the program with a room that nobody has been in: the note keeps it on the class."""
        fresh = type("Fresh", (own,), {"members": set()})
        concurrency: ConcurrencyName = "sync" if program == "echo" else "threading"
        make = partial(_note_server, server, fresh)
        return ServerSpec(program, "tcp", concurrency, make, chat=program != "echo")

    outcomes = {check: outcome(subject(served(), 1.0), check) for check in CHECKS}
    assert {found for found in outcomes.values() if found in CLAUSES} == violated


def refuses(_: Handler | None) -> socketserver.BaseServer:
    raise OSError("refused")


@pytest.mark.parametrize("concurrency", ["sync", "threading", "forking"])
def test_what_cannot_be_made_is_not_checked_and_says_why(concurrency: ConcurrencyName) -> None:
    with pytest.raises(NotChecked, match="refused"):
        subject(ServerSpec("none", "tcp", concurrency, refuses), 5.0)().test_nothing_runs_after_setup_has_raised()


def test_the_maker_of_a_forking_server_must_be_importable() -> None:
    with pytest.raises(NotChecked, match="importable by name"):
        subject(
            ServerSpec("none", "tcp", "forking", lambda _: refuses(None)), 5.0
        )().test_finish_runs_when_handle_raises()


def test_a_violation_tells_its_exchange() -> None:
    with pytest.raises(Violation) as raised:
        subject(
            made(FinishesTwice, "tcp", "sync"), 5.0
        )().test_setup_handle_and_finish_run_once_each_and_in_this_order()
    assert raised.value.expected == "what runs is setup, handle, finish"
    assert raised.value.observed == "what runs is setup, handle, finish, finish"
    assert raised.value.exchange[:4] == (
        "   1  ann connects",
        "      ann's handler runs setup",
        "      ann's handler runs handle",
        "      ann's handler runs finish",
    )


# Servers that are broken in an uncommon way


class TakesItsProcessDown(EchoHandler):
    def handle(self) -> None:
        os._exit(1)


class ComesBack(socketserver.BaseServer):
    """Serves a client, and then whoever came before it once more."""

    before: tuple[Any, ...] = ()

    def finish_request(self, request: Any, client_address: Any) -> None:
        super().finish_request(request, client_address)
        if self.before:
            super().finish_request(*self.before)
        self.before = request, client_address


class ListensToOne(socketserver.BaseServer):
    """Listens no more when it has somebody to serve."""

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
        return True


class TurnsTheFirstAway(socketserver.BaseServer):
    awaited = True

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        first, self.awaited = self.awaited, False
        return not first


class FallsOver(TurnsTheFirstAway):
    """Serves the first client, and ends by the second."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if super().verify_request(request, client_address):
            raise ZeroDivisionError("one too many")
        return True


class SharesItsAddress(socketserver.BaseServer):
    allow_reuse_port = True


class Deputy:
    """Stands for a server."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)


class SendsADeputy(socketserver.BaseServer):
    """Gives its handlers something else for the server."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.RequestHandlerClass(request, client_address, Deputy(self))  # type: ignore[arg-type]


LIFE_CYCLE = "test_setup_handle_and_finish_run_once_each_and_in_this_order"
ONE_BY_ONE = "test_connections_are_accepted_and_served_one_at_a_time"
SILENT = "test_a_silent_client_delays_nobody"
PROCESSES = "test_handlers_run_at_once_in_processes_that_share_no_memory"
SHUTDOWN = "test_shutdown_in_the_thread_of_a_handler_returns"
TAKEN = "test_a_server_that_finds_its_address_taken_leaves_nothing_behind"
ROOM = "test_an_exception_leaves_the_room_in_order"


def told(served: ServerSpec, check: str, expected: str) -> str:
    """Run a check of a broken server; return all that the check says of it."""
    story = ""
    for timeout in (0.3, 5.0):  # what is broken is waited for in vain; a busy machine gets more time
        with pytest.raises((Violation, NotChecked)) as raised:
            getattr(subject(served, timeout)(), check)()
        story = str(raised.value)
        if expected in story:
            break
    return story


UNCOMMON = [
    (made(Faultless, "tcp", "forking", handler=TakesItsProcessDown), LIFE_CYCLE, "handle does not return"),
    (made(ComesBack, "tcp", "sync"), ONE_BY_ONE, "observed: their handlers overlap"),
    (made(ListensToOne, "tcp", "sync"), ONE_BY_ONE, "observed: ben cannot connect: "),
    (made(ListensToOne, "unix", "sync"), ONE_BY_ONE, "observed: ben cannot connect: "),
    (made(TurnsTheFirstAway, "tcp", "threading"), SILENT, "observed: lou is not served"),
    (made(FallsOver, "tcp", "forking"), PROCESSES, "serve_forever() ended with ZeroDivisionError('one too many')"),
    (made(SharesItsAddress, "tcp", "sync"), TAKEN, "its class makes no second server for an address that is taken"),
    (made(SendsADeputy, "tcp", "threading"), SHUTDOWN, "the handler has another server, which SRV-1 is about"),
    (made(KeepsRequestsOpen, "tcp", "threading", "chat"), ROOM, "observed: cal waits in vain"),
]


@pytest.mark.parametrize(("served", "check", "expected"), UNCOMMON, ids=[str(served) for served, *_ in UNCOMMON])
def test_a_server_that_is_broken_in_an_uncommon_way_is_told_from_others(
    served: ServerSpec, check: str, expected: str
) -> None:
    assert expected in told(served, check, expected)


def ends_its_process(_: Handler | None) -> socketserver.BaseServer:
    os._exit(3)


@pytest.mark.slow
def test_a_maker_that_ends_the_process_to_fork_in_is_told_and_the_next_server_gets_another() -> None:
    with pytest.raises(NotChecked, match="the server cannot be made: nothing happens"):
        getattr(subject(ServerSpec("none", "tcp", "forking", ends_its_process), TIMEOUT)(), LIFE_CYCLE)()
    getattr(subject(made(Faultless, "tcp", "forking"), TIMEOUT)(), LIFE_CYCLE)()
