"""`schedule --dialect`: in dialects of every kind the right program passes, and the same with a bug does not."""

import textwrap

import pytest

from socketserver_faults.schedule.exploration.explore import (
    code_of,
    replay_schedule,
    scenarios_for,
    search_schedules,
)
from socketserver_faults.schedule.exploration.search import Bounds
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read as read_subject
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.dialects.loader import bundled, read
from tests.support.scheduling.programs import Write, searched
from tests.support.served_dialects import DIALECTS

PROGRAM = """
    from dataclasses import replace
    from socketserver_reference.address import Address
    from socketserver_reference.family import PROGRAMS, make_server
    from tests.servers.dialect_bugs import TakesAnotherAlong
    from tests.servers.dialects_served import DIALECTS, Speaker

    def server(handler):
        made = type("Handler", (handler,), {"dialect": DIALECTS[NAME]})
        return make_server(replace(PROGRAMS["chat"], connection_handler=made), Address("tcp", "127.0.0.1"))

    def right():
        return server(Speaker)

    def wrong():
        return server(TakesAnotherAlong)
"""


@pytest.mark.parametrize(
    "name", ["binary", "fixed", "json", "objects", "recv", "returns", "timed", "two ends", "unmarked"]
)
def test_a_program_is_judged_in_its_dialect(name: str, write: Write) -> None:
    module = f"speaks_{name.replace(' ', '_')}"
    write(**{module: PROGRAM.replace("NAME", repr(name))})
    assert searched(f"{module}:right", "turnover", 0, DIALECTS[name]).outcome is None
    outcome = searched(f"{module}:wrong", "turnover", 0, DIALECTS[name]).outcome
    assert outcome is not None
    assert outcome.clause == "CHAT-11"


GREETING = """
    protocol = "echo"
    [framing]
    in = "line"
    out = "line"
    [echo]
    transform = "identity"
    requests = "many"
    greeting = "who is there?\\n"
"""

GREETS = """
    import socketserver, threading
    lock = threading.Lock()
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            try:
                self.wfile.write(b"who is there?\\n")
                for line in self.rfile:
                    REPLY
            except OSError:
                pass
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
    def make():
        return Server(("", 0), Handler)
"""


@pytest.mark.parametrize(
    ("reply", "clause"),
    [
        ("with lock: self.wfile.write(line)", ""),
        ("lock.acquire(); self.wfile.write(line); lock.release()", "ECHO-7"),  # never, if the client is gone
    ],
)
def test_clients_hang_up_on_an_echo_that_greets(reply: str, clause: str, write: Write) -> None:
    write(greets=GREETS.replace("REPLY", reply))
    found = searched("greets:make", "hang-up", 2, read(textwrap.dedent(GREETING), "greets", "here"))
    assert (found.outcome.clause if found.outcome else "") == clause


VERBATIM = """
    import socketserver
    greeted = []
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            greeted.append(self)
            while data := self.request.recv(1024):
                if ASKED:
                    self.request.sendall(data)
    def make():
        return socketserver.SERVER(("", 0), Handler)
"""


@pytest.mark.parametrize(
    ("server", "asked", "clause"),
    [
        ("ThreadingTCPServer", "True", ""),
        ("TCPServer", "True", "ECHO-8"),
        ("ThreadingTCPServer", "self is greeted[0]", "ECHO-2"),  # not because another is there
    ],
)
def test_an_echo_that_waits_for_an_idle_client_and_one_that_says_nothing_are_told_apart(
    server: str, asked: str, clause: str, write: Write
) -> None:
    write(verbatim=VERBATIM.replace("SERVER", server).replace("ASKED", asked))
    program, dialect = read_subject("verbatim:make", "echo"), bundled()["rfc862"]
    with world_of(program, dialect=dialect) as world:
        found = search_schedules(world, scenarios_for(program, "ask", dialect), Bounds(0))
        assert (found.outcome.clause if found.outcome else "") == clause
        if found.outcome is not None:
            again = replay_schedule(world, SCENARIOS["ask"], code_of(found, lines=False))
            assert again.clause == clause


ROOM = """
    import socketserver, threading
    members, lock = [], threading.Lock()
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with lock:
                members.append(self.request)
            while chunk := self.request.recv(1024):
                with HELD:
                    for other in [member for member in members if member is not self.request]:
                        other.sendall(chunk)
            with lock:
                members.remove(self.request)
"""


@pytest.mark.parametrize(
    ("held", "clause"),
    [("lock", ""), ("threading.Lock()", "CHAT-13")],
)
def test_two_orders_are_seen_where_speakers_do_not_hear_themselves(held: str, clause: str, write: Write) -> None:
    """A speaker reads one of two utterances there, so the order shows to members who only listen."""
    write(hushed=ROOM.replace("HELD", held))
    found = searched("hushed:Handler", "speak", 1, bundled()["ncat-broker"])
    assert (found.outcome.clause if found.outcome else "") == clause
