"""What a program asks for at its keyboard is typed by `--type`."""

import re
import shlex

import pytest

from socketserver_faults.cli.main import main
from tests.support.scheduling.programs import Write

ASKS = """
    import socketserver, sys
    sys.stdout.write("Host: ")
    host, port = sys.stdin.readline().strip(), int(input("Port: "))
    greeting = next(sys.stdin) if MORE else ""
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(self.request.recv(1024).strip().upper() + greeting.encode())
    with socketserver.ThreadingTCPServer((host, port), Handler) as server:
        server.serve_forever()
"""
TYPED = ["--type", "", "--type", "5000"]


def asking(write: Write, more: bool = False) -> str:
    return f"{write(asks=ASKS.replace('MORE', str(more)))}/asks.py"


def test_each_run_gets_the_lines_that_are_typed(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", asking(write), "ask", *TYPED]) == 0
    assert "all 2 inequivalent schedules" in capsys.readouterr().out


def test_a_program_that_asks_for_more_waits_and_the_option_is_named(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedule", asking(write, more=True), "ask", *TYPED]) == 2
    waits = "it does not begin to listen: main waits for the keyboard, where nobody types (see --type)\n"
    assert capsys.readouterr().err.endswith(waits)


def test_a_failure_is_replayed_with_what_was_typed(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", asking(write, more=True), "request", *TYPED, "--type", "at your service"]) == 1
    again = re.search(r"^again: socketserver-faults (.*)$", capsys.readouterr().out, re.M)
    assert again is not None
    assert main(shlex.split(again[1])) == 1
    assert "at your service" in capsys.readouterr().out


OPENS = """
    import socketserver, threading
    opened = []
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            said = self.request.recv(1024).strip().upper()
            self.request.sendall(said if opened else b"not yet")
    server = socketserver.ThreadingTCPServer(("", 9999), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        opened.append(input())
"""


@pytest.mark.parametrize("typed", [["--type", "open"], []])
def test_what_is_typed_comes_before_the_clients(
    write: Write, capsys: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    assert main(["schedule", f"{write(opens=OPENS)}/opens.py", "request", *typed]) == (0 if typed else 1)
    assert ("b'not yet'" in capsys.readouterr().out) == (not typed)
