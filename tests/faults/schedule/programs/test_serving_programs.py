"""Programs that make their server themselves: run whole, with their own classes and their own loop."""

import pytest

from socketserver_faults.cli.main import main
from socketserver_faults.schedule import explore
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import SubjectRefused, read
from socketserver_faults.schedule.world.worlds import world_of
from tests.support.scheduling.programs import Write, searched

ECHO = """
    import argparse, socketserver, sys, threading
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(self.request.recv(1024).strip().upper())
            AFTER
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        actions = 0
        def service_actions(self):
            self.actions += 1
        def verify_request(self, request, client_address):
            return VERIFIED
        def get_request(self):
            self.seen = super().get_request()
            return self.seen
        def process_request(self, request, client_address):
            assert request is self.seen[0]
            super().process_request(request, client_address)
    if __name__ == "__main__":
        parser = argparse.ArgumentParser()
        parser.add_argument("port", type=int, nargs="?", default=9999)
        with Server(("", parser.parse_args().port), Handler) as server:
            SERVES
"""


def echo(serves: str = "server.serve_forever()", after: str = "pass", verified: str = "True") -> str:
    return ECHO.replace("SERVES", serves).replace("AFTER", after).replace("VERIFIED", verified)


THREAD = "thread = threading.Thread(target=server.serve_forever{}); thread.start(); {}"

SERVING = {
    "main": "server.serve_forever()",
    "a thread, and a key to stop": THREAD.format(", daemon=True", "input('Enter stops me')"),
    "a thread, and a line to stop": THREAD.format(", daemon=True", "sys.stdin.readline()"),
    "a thread, and lines to stop": THREAD.format(
        ", daemon=True", "\n            with sys.stdin as lines:\n                for line in lines: break"
    ),
    "a thread, and a join": THREAD.format("", "thread.join()"),
    "a thread, and a loop that does nothing": THREAD.format(", daemon=True", "\n            while True: pass"),
    "a thread, and a loop until it has ended": THREAD.format("", "\n            while thread.is_alive(): 'it serves'"),
    "a loop of its own": "[server.handle_request() for _ in iter(int, 1)]",
}


@pytest.mark.parametrize("serves", SERVING.values(), ids=SERVING)
def test_a_file_that_serves_is_played_whole(serves: str, write: Write) -> None:
    folder = write(serving=echo(serves))
    found = searched(f"{folder}/serving.py", "ask", 1 if serves == SERVING["main"] else 0)
    assert found.outcome is None
    assert found.whole


OWN_SOCKET = """
    import socket, threading
    class Echo(socket.socket):
        def __init__(self, port):
            super().__init__(socket.AF_INET, socket.SOCK_STREAM)
            self.clients = {}
            self.bind(("", port))
            self.listen()
        def run(self):
            while True:
                client, _ = self.accept()
                assert type(client) is socket.socket
                self.clients[repr(client)] = client
                threading.Thread(target=self.answer, args=(repr(client),)).start()
        def answer(self, which):
            assert threading.current_thread().name.endswith("(answer)")
            with self.clients.pop(which) as client:
                client.sendall(client.recv(1024).strip().upper())
    Echo(9999).run()
"""

EPOLL = """
    from select import *
    from socket import *
    server = socket()
    server.bind(("", 9999))
    server.listen()
    sockets, waiting = {server.fileno(): server}, epoll()
    waiting.register(server, EPOLLIN | EPOLLERR)
    while True:
        for number, event in waiting.poll():
            if number == server.fileno():
                client, _ = server.accept()
                sockets[client.fileno()] = client
                waiting.register(client, EPOLLIN | EPOLLHUP)
            elif event & EPOLLHUP or event & EPOLLIN:
                with sockets.pop(number) as client:
                    client.sendall(client.recv(1024).strip().upper())
"""


@pytest.mark.parametrize("program", [OWN_SOCKET, EPOLL], ids=["a class of sockets", "epoll"])
def test_a_program_with_a_loop_of_its_own_is_played_whole(program: str, write: Write) -> None:
    found = searched(f"{write(looping=program)}/looping.py", "ask")
    assert found.outcome is None
    assert found.whole


def test_what_a_program_does_when_its_run_is_given_up_is_not_refused(write: Write) -> None:
    kills = """
    import os, socketserver, threading
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(self.request.recv(1024).strip().upper())
            AFTER
    server = socketserver.ThreadingTCPServer(("", 9999), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        input()
    finally:
        os._exit(0)
    """
    keeps = kills.replace("AFTER", "threading.Event().wait()")
    stops = keeps.replace("os._exit(0)", "server.shutdown()")
    write(kills=kills.replace("AFTER", ""), keeps=keeps, stops=stops)
    assert searched("kills", "request", 0).outcome is None
    for name in ("keeps", "stops"):
        found = searched(name, "request", 0)
        assert found.outcome is not None
        assert found.outcome.clause == "ECHO-3"


def test_a_server_that_serves_one_at_a_time(write: Write) -> None:
    folder = write(one_by_one=echo().replace("Threading", ""))
    assert searched(f"{folder}/one_by_one.py", None, 0).outcome is None


@pytest.mark.parametrize("second", ["", "threading.Thread(target=look, daemon=True).start();"])
def test_a_program_that_looks_again_all_the_time_comes_to_the_end_of_an_hour(second: str, write: Write) -> None:
    """With a loop of its own in the main thread, and in another."""
    folder = write(
        looks=f"""
        import socketserver, threading, time
        members, lock = set(), threading.Lock()
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with lock: members.add(self.request)
                while said := self.request.recv(100):
                    with lock:
                        for member in members: member.sendall(b"ack" + said)
                with lock: members.discard(self.request)
        def look():
            while True: time.sleep(0.3)
        server = socketserver.ThreadingTCPServer(("", 9999), Handler)
        threading.Thread(target=server.serve_forever, args=(60,), daemon=True).start()
        {second}
        while True: pass
    """
    )
    found = searched(f"{folder}/looks.py", "idle", 0)
    assert found.outcome is None
    assert found.whole


def test_a_server_made_by_create_server(write: Write) -> None:
    """An address that is taken leaves no socket behind."""
    folder = write(
        created="""
        import socket, threading
        def serve(client):
            with client:
                client.sendall(client.recv(1024).strip().upper())
        with socket.create_server(("", 9999), backlog=5) as server:
            try:
                socket.create_server(("", 9999))
            except OSError:
                assert socket.create_server(("", 9998)).fileno() == server.fileno() + 1
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],)).start()
    """
    )
    assert searched(f"{folder}/created.py", "ask").outcome is None


def test_a_module_that_serves_when_it_is_imported_and_a_package_with_a_main(write: Write) -> None:
    folder = write(serves_always=echo().replace('__name__ == "__main__"', "True"))
    assert searched("serves_always", "ask").outcome is None
    (folder / "served").mkdir()
    (folder / "served" / "__main__.py").write_text("from .parts import Server\nServer(('', 1)).serve_forever()\n")
    text = "import serves, __main__\nassert __main__.__file__\ndef Server(at): return serves.Server(at, serves.Handler)"
    (folder / "served" / "parts.py").write_text(text)
    write(serves=echo())
    assert searched("served", "ask").outcome is None


def test_a_bug_in_the_loop_of_the_server_ends_it_and_is_shown(write: Write) -> None:
    folder = write(falls=echo(verified="client_address[1] % 2 or 1 / 0"))
    found = searched(f"{folder}/falls.py", "ask", 0)
    assert found.outcome is not None
    assert any("ends by ZeroDivisionError" in event.what for event in found.outcome.story.events)


def test_what_fails_at_the_end_of_a_program_stops_nothing_else_that_is_to_be_done_then(write: Write) -> None:
    wanted = "((print, 'last'), (int, 'x'), (print, 'first'))"
    wants = f"import atexit; [atexit.register(call, word) for call, word in {wanted}]; atexit.unregister(len)"
    folder = write(ends=echo(verified="1 / 0").replace("parser = ", f"{wants}\n        parser = "))
    found = searched(f"{folder}/ends.py", "ask", 0)
    assert found.outcome is not None
    said = [event.what for event in found.outcome.story.events if event.note]
    begin = next(at for at, what in enumerate(said) if what.startswith("ends by ZeroDivisionError"))
    assert said[begin + 1 : begin + 4] == [
        "prints 'first'",
        "fails at its end with ValueError: invalid literal for int() with base 10: 'x'",
        "prints 'last'",
    ]


def test_an_exception_outside_the_handlers_ends_a_server_and_is_shown() -> None:
    found = searched("asks-who-is-there", "hang-up", 0)
    assert found.outcome is not None
    assert found.outcome.clause == "ECHO-7"
    assert any(event.what.startswith("ends by OSError") for event in found.outcome.story.events)


def test_threads_that_are_daemons_end_with_the_program(write: Write) -> None:
    serves = THREAD.format(", daemon=True", "import time; time.sleep(0.5)")
    text = echo(serves, after="import time; time.sleep(5)").replace("actions = 0", "actions = 0; daemon_threads = True")
    folder = write(ends_early=text)
    found = searched(f"{folder}/ends_early.py", "ask", 0)
    assert found.outcome is not None
    assert found.outcome.clause == "ECHO-2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (echo(THREAD.format("", "server.shutdown()")), "before the clients have left: main calls shutdown(); play its"),
        (echo("pass"), "serves nothing: it ends (its arguments stand after --)"),
        (echo("len(None)"), "has no len() (its arguments stand after --)"),
        (echo("sys.exit('usage')"), "serves nothing: it ends by SystemExit: usage"),
        ("def", "it ends by SyntaxError: invalid syntax (refused.py, line 1)"),
        ("import threading\nthreading.Event().wait()", "serves nothing: it does not begin to listen"),
        ("port = int(input('Port: '))", "not begin to listen: main waits for the keyboard, where nobody types"),
        (
            "import threading\nthreading.Thread(target=threading.Event().wait).start()\n1 / 0",
            "ends by ZeroDivisionError",
        ),
        ("import socketserver\nsocketserver.UnixStreamServer('x', None)", "no AF_UNIX"),
    ],
    ids=[
        "shuts down",
        "serves not",
        "lacks an argument",
        "wants arguments",
        "cannot be read",
        "waits",
        "asks for a port",
        "waits in a thread",
        "has another transport",
    ],
)
def test_a_program_that_cannot_be_played_is_refused_with_the_reason(text: str, message: str, write: Write) -> None:
    folder = write(refused=text)
    with pytest.raises((SubjectRefused, AttributeError)) as refused:
        searched(f"{folder}/refused.py", "ask")
    assert message in str(refused.value)


def test_what_a_program_prints_is_cut_however_much_it_is(write: Write) -> None:
    folder = write(prints=echo("import sys; sys.stdout.write('x' * 10**6); print('y' * 10**6); 1 / 0", verified="0"))
    with world_of(read(f"{folder}/prints.py")) as world:
        with pytest.raises(SubjectRefused, match="division by zero"):
            world.play(SCENARIOS["ask"])
        printed = [event.what for event in world.scheduler.story.events if event.what.startswith("prints")]
    assert [len(line) for line in printed] == [500, 500]


def test_the_command_takes_files_their_arguments_and_options_anywhere(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    program = str(write(**{"with-arguments": echo()}) / "with-arguments.py")
    assert main(["schedule", program, "--deviations", "0", "ask", "--", "7000"]) == 0
    assert main(["schedule", f"{program}:Handler", "--deviations", "0", "ask"]) == 0
    assert explore(program, "ask", deviations=0).whole
    dotted = str(write(**{"echo.2.0": echo()}) / "echo.2.0.py")
    assert main(["schedule", dotted, "--deviations", "0", "ask"]) == 0
    capsys.readouterr()
    assert main(["schedule", program, "ask", "--", "seven"]) == 2
    assert "serves nothing: it ends by SystemExit: 2" in capsys.readouterr().err
    assert main(["schedule", program, "--replay", ""]) == 2
    assert "'' is no replay code" in capsys.readouterr().err
    for path in (f"{program}x.py", "no/such.py"):
        with pytest.raises(SubjectRefused, match=r"there is no module .*: can it be read"):
            read(path)
