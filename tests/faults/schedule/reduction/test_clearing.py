"""Programs of a user that are cleared without a bound on deviations, and what would be missed if less were watched."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from socketserver_faults.schedule.core.run import ScheduleTrace
from socketserver_faults.schedule.core.watched_code import watched
from socketserver_faults.schedule.exploration import clearing
from socketserver_faults.schedule.exploration.explore import scenarios_for, search_schedules
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult
from socketserver_faults.schedule.virtual import module_copies
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.world import ScheduleResult
from socketserver_faults.schedule.world.worlds import world_of
from tests.support.scheduling.handler_programs import PROGRAMS
from tests.support.scheduling.programs import Write


def cleared(program: str, scenario: str, protocol: str) -> SearchResult:
    subject = read(program, protocol)
    with world_of(subject) as world:
        return search_schedules(world, scenarios_for(subject, scenario), Bounds(seconds=600))


LINES = """
    import socketserver
    class Handler(socketserver.StreamRequestHandler):
        wbufsize = SIZE
        def handle(self):
            for data in [READ]:
                self.wfile.write(data.strip().upper())
"""


@pytest.mark.parametrize("size", ["0", "-1"])
@pytest.mark.parametrize("reads", ["self.rfile.read1(1024)", "self.rfile.peek(1)", "next(iter(self.rfile))"])
def test_a_handler_that_uses_its_socket_as_a_file_is_cleared(write: Write, size: str, reads: str) -> None:
    write(uses_a_file=LINES.replace("SIZE", size).replace("READ", reads))
    scenario = "request" if reads.startswith("next") else "ask"
    found = cleared("uses_a_file:Handler", scenario, "echo")
    coverage = found.covered[scenario]
    if reads.startswith("next"):  # a line that never ends
        assert found.outcome is not None
        assert found.outcome.clause == "ECHO-2"
    else:
        assert coverage.cleared.whole, (found.bounded, coverage)


@pytest.mark.parametrize("kind", ["SimpleQueue", "Queue"])
def test_a_queue_and_a_writer_for_each_member_multiply_no_schedules(write: Write, kind: str) -> None:
    program = PROGRAMS["a queue and a writer for each member"].text
    write(program=program.replace("SimpleQueue", kind))
    found = cleared("program:Handler", "speak", "chat")
    assert found.covered["speak"].cleared.whole
    assert found.schedules <= 5


SERVES = """
    import socketserver, threading
    word = b"AC"
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            while (chunk := self.request.recv(1024)) and chunk.strip() != b"quit":
                self.request.sendall(word + chunk)
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
    with Server(("", 9999), Handler) as server:
        BODY
"""
LATE = """thread = threading.Thread(target=server.serve_forever)
        thread.start()
        word = b"ack"
        thread.join()"""
EARLY = """word = b"ack"
        server.serve_forever()"""


def test_a_program_that_serves_by_itself_is_cleared(write: Write) -> None:
    write(serves_early=SERVES.replace("BODY", EARLY))
    assert cleared("serves_early", "greet", "chat").covered["greet"].cleared.whole


def test_however_many_classes_there_are_a_scenario_is_cleared_if_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Many:
        complete = cut_short = 0

        def runs(self, _: object) -> Iterator[ScheduleResult]:
            for self.complete in range(1, 2001):
                yield ScheduleResult(ScheduleTrace())

    monkeypatch.setattr(clearing, "Reduction", Many)
    with world_of(read("chat")) as world, clearing.Clearing(world) as clears:
        result = clears.clear(SCENARIOS["greet"], math.inf, 10**6)
    assert (result.complete, result.whole) == (2000, True)


def test_a_scenario_that_cannot_be_cleared_leaves_the_others(write: Write) -> None:
    """In an hour of silence, the loop of serve_forever() looks for clients too often to be watched."""
    write(program=PROGRAMS["a set of handlers"].text)
    with world_of(read("program:Handler", "chat")) as world:
        scenarios = {name: SCENARIOS[name] for name in ("idle", "greet")}
        found = search_schedules(world, scenarios, Bounds(schedules=12, seconds=600))
    assert found.covered["greet"].cleared.whole
    assert found.covered["idle"].cleared.why == "main waits by looking again and again"
    assert not found.bounded


def test_a_variable_that_a_program_binds_while_it_serves_is_watched(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that is served before that hears what it should not, unless the main thread goes on first."""
    write(serves_late=SERVES.replace("BODY", LATE))
    found = cleared("serves_late", "greet", "chat")
    assert found.outcome is not None
    assert found.outcome.clause == "CHAT-2"

    def functions_alone(*arguments: Any, **_: Any) -> Any:
        return watched(*arguments)

    monkeypatch.setattr("socketserver_faults.schedule.virtual.module_copies.watched", functions_alone)
    module_copies._code.cache_clear()
    try:
        assert cleared("serves_late", "greet", "chat").covered["greet"].cleared.whole
    finally:
        module_copies._code.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("untraced")
def test_who_always_reads_does_not_multiply_the_schedules_of_a_flood() -> None:
    found = cleared("chat", "flood", "chat")
    assert found.covered["flood"].cleared.whole
    assert found.schedules <= 100


LOSES = """
    import os, socketserver, threading
    seen = []
    def pause():
        with threading.Lock():
            pass
    def get():
        try:
            GET
        except OSError:
            return 0
    def put(n):
        PUT
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            n = get()
            pause()
            put(n + 1)
            pause()
            seen.append(n)
            data = self.request.recv(1024)
            self.request.sendall(b"lost" if seen.count(0) == 2 else data.strip().upper())
"""
"""An echo that counts its clients, and tells if it has lost one."""

KEPT = {
    "the environment": ('return int(os.getenv("N", "0"))', 'os.environ["N"] = str(n)'),
    "a file": ('return int(open("count.txt").read())', 'with open("count.txt", "w") as file: file.write(str(n))'),
}


@pytest.mark.parametrize("where", KEPT)
def test_what_is_kept_outside_the_objects_of_a_program_is_watched(
    write: Write, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    get, put = KEPT[where]
    write(loses=LOSES.replace("GET", get).replace("PUT", put))
    assert cleared("loses:Handler", "ask", "echo").outcome is not None
    for module in ("files", "paths"):
        monkeypatch.setattr(f"socketserver_faults.schedule.virtual.{module}.WRITE", 0)
    monkeypatch.setattr("socketserver_faults.schedule.virtual.process.WRITE", 0)
    assert cleared("loses:Handler", "ask", "echo").covered["ask"].cleared.whole
