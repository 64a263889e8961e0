"""What a user reads where `--learn` fails: why, and what to do next."""

import re

import pytest

from socketserver_faults.cli.main import main
from tests.support.scheduling.programs import Write

LONG = ("--seconds", "600")
"""A test waits for what is found, however busy the machine is."""

BY_HAND = re.escape(
    "; if it is a chat or an echo, write down how its clients speak (socketserver-reference dialects --keys), and use "
    "--dialect FILE in place of --learn; no other program can be judged"
)


def refusal(program: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the line that says why the dialect of a program cannot be learned."""
    assert main(["schedule", program, "--learn", *LONG]) == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_the_next_step_and_the_error_of_the_program_are_told(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(
        stock="""
        import socketserver
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    item, count = line.split()
                    self.wfile.write(b"%d of %s\\n" % (int(count), item))
        with socketserver.ThreadingTCPServer(("", 7777), Handler) as server:
            server.serve_forever()
    """
    )
    told = refusal(f"{folder}/stock.py", capsys)
    error = re.escape("the server printed 'ValueError: not enough values to unpack (expected 2, got 1)'")
    other = re.escape('the server printed "ValueError: invalid literal')
    assert re.search(rf"cannot be learned, as a chat: .*{error}.*; as an echo: .*; {other}[^;]*{BY_HAND}$", told)


def test_a_reason_for_both_protocols_is_told_once(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(
        ticker="""
        import itertools, socketserver
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                for count in itertools.count():
                    self.request.sendall(b"tick %d\\n" % count)
        with socketserver.ThreadingTCPServer(("", 7777), Handler) as server:
            server.serve_forever()
    """
    )
    told = refusal(f"{folder}/ticker.py", capsys)
    assert re.search(rf"ticker.py cannot be learned: the server sends without end: [^;]*{BY_HAND}$", told)


def test_learning_ends_after_so_many_steps(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socketserver_faults.schedule.world.world.MAX_LEARNING_STEPS", 200)
    monkeypatch.setattr("socketserver_faults.schedule.world.learning.MAX_LEARNING_STEPS", 200)
    folder = write(
        counts="""
        import socketserver
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    self.wfile.write(b"%d\\n" % len(line))
        with socketserver.ThreadingTCPServer(("", 7777), Handler) as server:
            server.serve_forever()
    """
    )
    told = refusal(f"{folder}/counts.py", capsys)
    assert re.search(rf"cannot be learned: not within 200 steps of its threads{BY_HAND}$", told)


def test_a_program_that_serves_nothing_needs_no_dialect(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(typo="import socketservers")
    told = refusal(f"{folder}/typo.py", capsys)
    assert "/typo.py cannot be learned: " in told
    assert told.endswith("/typo.py serves nothing: it ends by ModuleNotFoundError: No module named 'socketservers'")


def test_a_program_that_does_not_start_once_more_is_no_server_to_learn_from(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(
        briefly="""
        import socketserver, time
        if time.monotonic() > 5:
            raise SystemExit("too late")
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                while self.request.recv(1024): pass
        with socketserver.ThreadingTCPServer(("", 7777), Handler) as server:
            server.serve_forever()
    """
    )
    told = refusal(f"{folder}/briefly.py", capsys)
    assert "cannot be learned: when it is started once more, it ends by SystemExit: too late" in told
    assert "--dialect" not in told


def test_a_program_may_set_handlers_of_signals_each_time_that_it_starts(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(
        mute="""
        import signal, socketserver, threading
        assert threading.current_thread() is threading.main_thread()
        signal.signal(signal.SIGTERM, lambda *_: None)
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                while self.request.recv(1024): pass
        with socketserver.ThreadingTCPServer(("", 7777), Handler) as server:
            server.serve_forever()
    """
    )
    told = refusal(f"{folder}/mute.py", capsys)
    assert "when it is started once more" not in told
    assert re.search(r"as an echo: nothing answers b'  Otter Weasel-1  '", told)


def test_a_chat_that_reads_the_end_for_ever_is_not_taken_for_an_echo(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(
        mirror="""
        import socketserver
        members = []
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                members.append(self.request)
                while True:
                    said = self.request.recv(1024)
                    self.request.sendall(said)
                    for member in members:
                        if said and member is not self.request:
                            member.sendall(b"<" + said[::-1])
        with socketserver.ThreadingTCPServer(("", 7777), Handler) as server:
            server.serve_forever()
    """
    )
    told = refusal(f"{folder}/mirror.py", capsys)
    assert re.search(rf"as an echo: .* ben reads b'<olleh.*, by what was learned{BY_HAND}$", told)
