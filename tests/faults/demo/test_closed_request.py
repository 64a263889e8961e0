"""The closed-request bug as `catalogue/closed_request.py` tells it: every row of its table, and the join."""

import glob
import os
import pickle
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from socketserver_faults.catalogue.closed_request import ClosedRequest
from socketserver_faults.cli import demo
from socketserver_faults.demo import play as playing
from socketserver_faults.demo.play import play
from socketserver_faults.demo.rows import ROWS, CallEvent, DemoRow, PlayedConnection, PlayedRow
from socketserver_faults.demo.timeline import render
from socketserver_reference.address import Address
from socketserver_reference.cli.parser import Parser
from socketserver_reference.family import PROGRAMS
from tests.support.serving import SOURCES, TIMEOUT, connect, read_to_end, serving

TIMES = 100

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)


@dataclass(frozen=True)
class Told:
    """What a row of the table says: of the worker, of what it then does, of the client, of the members."""

    error: str
    worker: list[str]
    client: list[str]
    closed: int


FAILS_IN_RECV = ["recv", "recv raises EBADF", "ends by the exception"]
SENDS_ONE = ["reads end of stream", "sends b'hi'", "sends b'anyone there?'", "gets EPIPE"]
TABLE = {
    "not yet in recv": Told("recv: EBADF", FAILS_IN_RECV, SENDS_ONE, closed=1),
    "blocked in recv, the client speaks": Told(
        "send: EBADF",
        ["recv", "recv returns b'hi'", "send to the members", "send raises EBADF", "ends by the exception"],
        ["reads end of stream", "sends b'hi'", "sends b'anyone there?'", "sends b'hello?'", "gets EPIPE"],
        closed=1,
    ),
    "blocked in recv, the client closes": Told(
        "",
        ["recv", "recv returns b''", "leaves the room"],
        ["reads end of stream", "closes"],
        closed=0,
    ),
    "blocked in recv with a timeout set": Told("recv: EBADF", FAILS_IN_RECV, SENDS_ONE, closed=1),
}
CALLS = ["process_request", "finish_request", "setup", "handle"]
CALLS_AFTERWARDS = ["handle returns", "finish", "shutdown_request", "close_request"]
CONVERSATION = ["sends b'hi'", "reads b'ackhi'", "sends b'quit'", "reads end of stream"]


def calls(talk: PlayedConnection) -> list[str]:
    return [event.call for event in talk.events if event.lane == "handler"]


def order(talk: PlayedConnection, *events: CallEvent) -> bool:
    """Whether these came one after the other."""
    places = [talk.events.index(event) for event in events]
    return places == sorted(places)


def assert_the_table_is_right(told: Told, played: PlayedRow) -> None:
    """What came of a row without the join."""
    first = played.first
    assert first.error == told.error
    assert first.lane("worker") == told.worker
    assert first.lane("client") == told.client
    assert first.heard == b""
    assert calls(first) == CALLS + CALLS_AFTERWARDS
    assert order(first, CallEvent("handler", "close_request"), CallEvent("worker", *told.worker[1].split(" ", 1)))
    assert played.closed == told.closed


def assert_all_is_well(played: PlayedRow) -> None:
    """What came of a row with the join."""
    first = played.first
    assert first.error == ""
    leaves = "sends b'quit'" if played.row.speaks else "ends its stream"
    assert first.lane("client") == ["sends b'hi'", "reads b'ackhi'", leaves, "reads end of stream"]
    assert calls(first) == [*CALLS, "worker.join", *CALLS_AFTERWARDS]
    assert order(first, CallEvent("worker", "leaves the room"), CallEvent("handler", "handle returns"))
    assert played.closed == 0
    assert_next_is_well(played)


def assert_next_is_well(played: PlayedRow) -> None:
    assert played.next.lane("client") == CONVERSATION
    assert played.next.error == ""
    assert played.closed_then == 0


def assert_next_is_a_victim(played: PlayedRow) -> None:
    assert played.next.lane("client") == ["sends b'hi'", "reads end of stream"]
    assert played.next.error == "send: EBADF"
    assert "worker.join" in calls(played.next)
    assert played.closed_then == 2


def assert_as_told(played: PlayedRow) -> None:
    if played.joined:
        assert_all_is_well(played)
    else:
        assert_the_table_is_right(TABLE[played.row.case], played)


@pytest.mark.slow
@each_row
def test_without_the_join_worker_client_and_members_are_as_the_table_says(row: DemoRow) -> None:
    for _ in range(TIMES):
        assert_as_told(play(row, joined=False))


@pytest.mark.slow
@each_row
def test_with_the_join_the_client_hears_its_words_and_the_end_and_the_members_are_clean(row: DemoRow) -> None:
    for _ in range(TIMES):
        assert_as_told(play(row, joined=True))


@each_row
def test_a_closed_socket_that_is_still_a_member_makes_the_next_speaker_fail_whose_handler_joins(row: DemoRow) -> None:
    played = play(row, joined=False)
    if played.closed:
        assert_next_is_a_victim(played)
    else:
        assert_next_is_well(played)


def test_where_finish_takes_the_client_out_the_members_are_clean_and_only_the_missing_ack_tells() -> None:
    class Quiet(ClosedRequest):
        def talk(self) -> None:
            with suppress(OSError):
                super().talk()

    program = replace(PROGRAMS["overthreaded"], connection_handler=Quiet)
    with serving(program, Address("tcp", "127.0.0.1")) as server, connect(server) as client:
        assert read_to_end(client) == b""
        assert server.members == set()
        client.sendall(b"hi")
        assert read_to_end(client) == b""


# Other Pythons

PLAYS = """
import pickle, sys
sys.path[:0] = sys.argv[2].split(":")
from socketserver_faults.demo.play import play
from socketserver_faults.demo.rows import ROWS
plays = [play(row, joined) for row in ROWS for joined in (False, True) for _ in range(int(sys.argv[1]))]
pickle.dump(plays, sys.stdout.buffer)
"""


def candidates() -> Iterator[tuple[int, str]]:
    """Yield what may be CPython 3.11 or later, by minor version and file: on the PATH, and wherever pyenv has it."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for directory in (
        *os.get_exec_path(),
        *sorted(glob.glob(os.path.join(glob.escape(pyenv), "versions", "*", "bin"))),
    ):
        for file in sorted(glob.glob(os.path.join(glob.escape(directory), "python3.*"))):
            if (found := re.fullmatch(r"python3\.(\d+)", os.path.basename(file))) and int(found[1]) >= 11:
                yield int(found[1]), file


def other_pythons() -> list[str]:
    """Return one that starts for each minor version but that of the Python that runs the tests."""
    found: dict[int, str] = {}
    for minor, file in candidates():
        if minor == sys.version_info.minor or minor in found:
            continue
        ask = [file, "-c", "import sys; print(sys.implementation.name)"]
        with suppress(OSError, subprocess.TimeoutExpired):
            if subprocess.run(ask, capture_output=True, timeout=10, check=False).stdout == b"cpython\n":
                found[minor] = file
    return list(found.values())


def played_by(python: str) -> list[PlayedRow]:
    """Let another Python play every row; a warning would be an error there, and any word of complaint is one here."""
    command = [python, "-E", "-W", "error", "-c", PLAYS, str(TIMES), SOURCES]
    ran = subprocess.run(command, capture_output=True, timeout=240, check=False)
    assert (ran.returncode, ran.stderr.decode()) == (0, ""), python
    plays: list[PlayedRow] = pickle.loads(ran.stdout)
    return plays


@pytest.mark.timeout(300)  # on a busy machine each of thousands of waits takes a turn of the scheduler
@pytest.mark.sweep
def test_every_other_python_on_this_machine_agrees() -> None:
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other CPython from 3.11 on is installed here")
    with ThreadPoolExecutor() as pool:
        for python, plays in zip(pythons, pool.map(played_by, pythons), strict=True):
            assert len(plays) == TIMES * len(ROWS) * 2, python
            for played in plays:
                assert_as_told(played)


# The command


def run(*words: str) -> int:
    parser = Parser(prog="socketserver-faults demo")
    demo.add_arguments(parser)
    return demo.run(parser.parse_args(words))


def test_the_demo_prints_both_lanes_of_every_row_without_and_with_the_join(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("closed-request") == 0
    printed = capsys.readouterr().out
    for case in TABLE:
        assert f"The worker is {case}" in printed
    lines = printed.splitlines()
    for line, times in {
        "    handler thread                          worker thread": 8,
        "        worker.join": 4,
        "        close_request": 8,
        "                                            recv raises EBADF": 2,
        "                                            send raises EBADF": 1,
        "    the client       heard nothing but end of stream": 4,
        "    the client       heard b'ackhi'": 4,
        "    the member set   the closed socket is still a member": 3,
        "    the member set   clean": 5,
        "    the worker       no exception: the bug hides": 1,
    }.items():
        assert lines.count(line) == times, line
    assert printed.count("although its handler joins: send: EBADF; now 2 members are closed sockets") == 3


def test_there_is_no_demo_of_anything_else(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        run("open-request")
    assert exited.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_who_waits_in_vain_says_for_what_and_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await_gate = playing.await_gate

    def await_the_end_briefly(gate: threading.Event, what: str) -> None:
        if what == "the worker to end":  # the first for which there is nothing to wait
            monkeypatch.setattr(playing, "GATE_TIMEOUT", 0.01)
        await_gate(gate, what)

    before = threading.active_count()
    monkeypatch.setattr(playing, "await_gate", await_the_end_briefly)
    monkeypatch.setattr(playing.Joining, "talk", lambda handler: handler.stage.settled.wait(TIMEOUT))
    assert run("closed-request") == 2
    assert (
        capsys.readouterr().err
        == "socketserver-faults demo: the client has waited 0.01 seconds for the worker to end\n"
    )
    monkeypatch.setattr(playing.Joining, "talk", lambda _: None)
    with pytest.raises(playing.GateTimeout, match="for the worker to call recv"):
        play(ROWS[1], joined=False)
    one, other = socket.socketpair()
    with one, other, pytest.raises(playing.GateTimeout, match="for the reset"):
        playing.await_reset(one)
    assert threading.active_count() == before


def test_where_threads_cannot_be_seen_they_are_given_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "THREADS", "/nowhere")
    assert_as_told(play(ROWS[3], joined=False))  # recv is EBADF in this row, whether or not it was called in time


def test_a_handler_that_fails_fails_the_play(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: playing.Joining) -> None:
        raise ArithmeticError("of this test")

    monkeypatch.setattr(playing.Joining, "finish", fail)
    with pytest.raises(ArithmeticError, match="of this test"):
        play(ROWS[2], joined=True)


def test_nothing_that_was_heard_is_printed_as_it_is() -> None:
    talk = PlayedConnection((CallEvent("client", "reads", "end of stream"),), "", b"\x1b[31m")
    assert "\x1b" not in render(PlayedRow(ROWS[0], True, talk, 0, talk, 0))
