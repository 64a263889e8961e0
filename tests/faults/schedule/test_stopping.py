"""A server that is stopped while its handlers are still ending, and what the other scenarios need not play."""

from dataclasses import replace

from socketserver_faults.schedule.exploration.explore import search_schedules
from socketserver_faults.schedule.exploration.search import Bounds, SearchResult
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of
from tests.support.scheduling.programs import Write

COUNTING = """
    import socketserver, threading
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(self.request.recv(1024).strip().upper())
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        busy, ending = 0, False
        def __init__(self):
            self.lock, self.idle = threading.Lock(), threading.Event()
            super().__init__(("", 9999), Handler)
        def process_request_thread(self, *request):
            with self.lock:
                self.busy += 1
            super().process_request_thread(*request)
            with self.lock:
                self.busy -= 1
            if self.ending:
                self.idle.set()
        def server_close(self):
            with self.lock:
                waits = self.busy > 0
            self.ending = True
            if waits:
                self.idle.wait()
            super().server_close()
"""
"""An echo that waits for its handlers, and for ever if the last one ends between two of its lines."""


def searched(*, stopped_at_once: bool) -> SearchResult:
    scenario = replace(SCENARIOS["request"], stopped_at_once=stopped_at_once)
    with world_of(read("counting:Server", "echo")) as world:
        return search_schedules(world, {"request": scenario}, Bounds())


def test_a_stop_that_misses_the_end_of_a_handler_shows_where_the_server_is_stopped_at_once(write: Write) -> None:
    write(counting=COUNTING)
    found = searched(stopped_at_once=True)
    assert found.outcome is not None
    assert found.outcome.clause == "SRV-9"
    assert searched(stopped_at_once=False).covered["request"].cleared.complete == 1


def test_each_protocol_has_a_scenario_in_which_one_client_leaves_then_and_one_in_which_two_do() -> None:
    assert [scenario.name for scenario in SCENARIOS.values() if scenario.stopped_at_once] == [
        *("greet", "arrive"),
        *("request", "ask"),
    ]
