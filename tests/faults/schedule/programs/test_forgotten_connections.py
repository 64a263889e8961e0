"""Connections that a program does not close: CPython closes them once nothing refers to them."""

import pytest

from socketserver_faults.schedule.core.namespace import NotModelled
from tests.support.scheduling.programs import Write, searched

SHOUTS = """
    import socket, threading
    def serve(connection):
        connection.sendall(connection.recv(1024).strip().upper())
        LAST
    class Serving(threading.Thread):
        def __init__(self, connection):
            super().__init__()
            self.connection = connection
        def run(self):
            serve(self.connection)
    def accept():
        connection, _ = listener.accept()
        START
    listener, kept = socket.create_server(("", 9999)), []
    while True:
        accept()
"""

ROOM = """
    import socket, threading
    members, lock = [], threading.Lock()
    def serve(connection):
        with lock:
            members.append(connection)
        while (said := connection.recv(1024)) and said.strip() != b"quit":
            with lock:
                for member in members:
                    member.sendall(b"ack" + said)
        with lock:
            members.remove(connection)
    def accept():
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,)).start()
    listener = socket.create_server(("", 9999))
    while True:
        accept()
"""

THREAD = "threading.Thread(target=serve, args=(connection,))"
FUNCTION = f"{THREAD}.start()"
ADVICE = "forgets the connection to ann without closing it: CPython then closes it.* close it, as by `with connection:`"


def shouting(write: Write, start: str = FUNCTION, last: str = "pass") -> str:
    return f"{write(shouts=SHOUTS.replace('START', start).replace('LAST', last))}/shouts.py"


@pytest.mark.parametrize(
    "start",
    [FUNCTION, "Serving(connection).start()", f"thread = {THREAD}; kept.append(thread); thread.start()"],
    ids=["function", "subclass", "kept thread"],
)
def test_a_connection_that_is_forgotten_is_not_taken_for_one_that_stays_open(start: str, write: Write) -> None:
    with pytest.raises(NotModelled, match=ADVICE):
        searched(shouting(write, start), "request")


def test_a_connection_that_is_closed_or_kept_is_judged(write: Write) -> None:
    assert searched(shouting(write, last="connection.close()"), "request").outcome is None
    found = searched(shouting(write, f"kept.append(connection); {FUNCTION}"), "request").outcome
    assert found is not None
    assert found.failure is not None
    assert found.failure.observed == "ann reads b'A', then nothing"


def test_a_member_that_is_forgotten_after_its_quit_is_not_taken_for_one_that_hears_nothing(write: Write) -> None:
    with pytest.raises(NotModelled, match=ADVICE.replace("ann", "ben")):
        searched(f"{write(room=ROOM)}/room.py", "quit")
