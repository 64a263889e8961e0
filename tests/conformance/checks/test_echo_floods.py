"""Much at once to an echo: a client reads it meanwhile, only afterwards, or half-closes at once."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.checks import echo
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.loader import bundled
from socketserver_reference.conformance.driver import pouring
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.stream_echo import StreamEchoOracle
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner.direct import CheckResult, outcomes, violation_of
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Pour, Say, Settle, Step
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server
from tests.servers.dialect_echoes import DropsWhatIsNotRead, Echo, served
from tests.support.serving import server_that

STREAM = replace(bundled()["rfc862"], protocols=("echo",))
TIMEOUT = 5.0
LONG_TIMEOUT = 60.0
"""Seconds that never pass, however busy the machine is."""

MUCH = b"0123456789abcdef" * (1 << 20)


def about(clause: str, dialect: Dialect, handler: type[Any], timeout: float = TIMEOUT) -> list[CheckResult]:
    return list(outcomes("echo", served(dialect, handler), timeout, clause, dialect))


@pytest.mark.slow
@pytest.mark.parametrize("clause", ["ECHO-3", "ECHO-6"])
def test_an_echo_that_waits_for_its_client_gives_all_of_it_back(clause: str) -> None:
    assert [str(raised) for _, _, raised in about(clause, STREAM, Echo) if raised is not None] == []


class ReadsLittle(Echo):
    """So the kernel is full of small replies, and the server waits, when its client has said all."""

    dialect = STREAM

    def requests(self) -> Iterator[bytes]:
        return iter(partial(self.request.recv, 16), b"")


@pytest.mark.slow
def test_an_echo_that_reads_little_at_a_time_misses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo, "ECHO_FLOOD_BYTES", 1024 * 1024)
    program = replace(PROGRAMS["echo"], connection_handler=ReadsLittle)
    target = InProcess(partial(make_server, program, Address("unix", path=str(tmp_path / "echo"))))
    told = outcomes("echo", target, TIMEOUT, "ECHO-3", STREAM)
    assert [str(raised) for _, _, raised in told if raised is not None] == []


@pytest.mark.slow
def test_an_echo_that_drops_what_is_not_read_breaks_echo_3() -> None:
    seen = [violation_of(outcome) for outcome in about("ECHO-3", STREAM, DropsWhatIsNotRead, 1.0)]
    assert {violation.clause_id for violation in seen if violation} == {"ECHO-3"}


@pytest.mark.parametrize("dialect", [NOTE, replace(STREAM, limits=Limits(utterance=100))])
def test_little_is_said_to_an_echo_that_takes_no_stream(dialect: Dialect) -> None:
    class Asked:
        def __init__(self) -> None:
            self.dialect = dialect

        def not_applicable(self, why: str) -> None:
            raise NotApplicable(why)

    with pytest.raises(NotApplicable, match="not an unlimited stream"):
        echo.flood(Asked())  # type: ignore[arg-type]  # it is asked for no more than that


def play(
    answers: Callable[[socket.socket], None],
    *,
    reads: bool,
    timeout: float = LONG_TIMEOUT,
    at_end: Callable[[], object] = bool,
) -> list[str]:
    """Pour more than two kernels hold into such a server; return what the clients did and read. When they have
    disconnected, `at_end` is called.
    """
    with (
        server_that(answers) as address,
        ExitStack() as stack,
        Stage(address, StreamEchoOracle(STREAM), timeout=timeout, dialect=STREAM) as stage,
    ):
        stack.callback(at_end)
        # What is not read may leave no room for more: each would wait for the other.
        steps: list[Step] = [Connect("ann"), Pour("ann", MUCH, reads), Settle()]
        return stage.play([*steps, Say("ann", b"!"), HalfClose("ann")]).lines()


def echoes(connection: socket.socket) -> None:
    while part := connection.recv(65536):
        connection.sendall(part)


@pytest.mark.slow
@pytest.mark.parametrize("reads", [True, False])
def test_the_whole_is_read_whenever_the_client_begins_to_read(reads: bool) -> None:
    told = play(echoes, reads=reads)
    assert sum("reads b" in line for line in told) in (2, 3)
    assert told[-1].endswith("ann reads end of stream")
    when = "reads meanwhile" if reads else "reads when the server takes no more, or all is sent"
    assert told[1] == f"   2  ann sends {len(MUCH)} bytes, and {when}"


def hangs_up(connection: socket.socket) -> None:
    connection.recv(100)


def test_a_server_that_hangs_up_in_the_middle_is_told_of() -> None:
    with pytest.raises(Violation) as told:
        play(hangs_up, reads=True)
    assert told.value.clause_id in ("ECHO-2", "ECHO-3")
    assert "ann reads" in told.value.observed
    assert told.value.unscripted == "a script cannot hold so many bytes, nor read while it sends them"


def test_a_server_that_neither_reads_nor_sends_costs_the_timeout_and_no_more() -> None:
    def sleeps(_: socket.socket) -> None:
        given_up.wait()

    given_up = threading.Event()
    with pytest.raises(Violation) as told:
        play(sleeps, reads=True, timeout=0.2, at_end=given_up.set)
    assert told.value.absent


def test_a_server_that_takes_nothing_for_a_moment_is_asked_again() -> None:
    class Full:
        @staticmethod
        def send(_: memoryview) -> int:
            raise BlockingIOError

    class Asked:
        socket = Full

    assert pouring._send(Asked(), memoryview(b"x")) == 0  # type: ignore[arg-type]  # no more of a client is used
