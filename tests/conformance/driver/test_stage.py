"""The stage on real sockets: what it does and reads, and that nothing stays open."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.address import Address, server_address
from socketserver_reference.conformance.dialects.dialect import NOTE, HandshakeTurn
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.driver.reading import LAG_BYTES
from socketserver_reference.conformance.driver.stage import FLOOD_THRESHOLD_BYTES, Stage
from socketserver_reference.conformance.oracles.datagram import DatagramOracle
from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Close,
    Connect,
    Crowd,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.transcript import Did
from socketserver_reference.conformance.targets import client as client_module
from socketserver_reference.conformance.targets import crowd
from socketserver_reference.conformance.targets.client import RECV_BYTES, Client
from tests.support.serving import LOOPBACK, server_that, serving, somewhere

TIMEOUT = 5.0


@contextmanager
def room(*, timeout: float = TIMEOUT, about: str | None = None, address: Address = LOOPBACK) -> Iterator[Stage]:
    """Yield a stage before the reference's chat."""
    with (
        serving("chat", address) as server,
        Stage(server_address(server), StreamChatOracle(NOTE), timeout=timeout, about=about) as stage,
    ):
        yield stage


def test_a_short_exchange_reads_like_a_story() -> None:
    with room() as stage:
        transcript = stage.play(
            [
                *join("ann"),
                Connect("lou"),
                WaitUntilHeard("lou", "ann"),
                Send("ann", b"hi"),
                Settle(),
                Stall("lou"),
                Say("ann", b"you?"),
                Resume("lou"),
                Quit("lou"),
                HalfClose("ann"),
            ]
        )
    told = transcript.lines()
    probes = sum("'probe " in line and "says" in line for line in told)
    assert told[:3] == [
        "   1  ann connects",
        "   2  ann says b'ann is here'",
        "      ann reads b'ackann is here'",
    ]
    assert told[3] == "   3  lou connects"
    assert told[4] == "   4  ann says b'probe 1'"
    last = told[next(index for index, line in enumerate(told) if "sends" in line) :]
    first = 4 + probes
    assert last == [
        f"{first:>4}  ann sends b'hi' without waiting",
        f"{first + 1:>4}  all clients read what is due",
        *[f"      {who} reads b'ackhi'" for who in ("ann", "lou")],
        f"{first + 2:>4}  lou stops reading",
        f"{first + 3:>4}  ann says b'you?'",
        "      ann reads b'ackyou?'",
        f"{first + 4:>4}  lou reads again",
        "      lou reads b'ackyou?'",
        f"{first + 5:>4}  lou quits with b'quit\\n'",
        "      lou reads end of stream",
        f"{first + 6:>4}  ann half-closes",
        "      ann reads end of stream",
    ]
    assert transcript.scenario[0] == Connect("ann")


def test_every_step_is_performed_and_the_reference_does_as_it_should() -> None:
    with room() as stage:
        stage.play(
            [*join("ann", "ben"), Crowd(("cal", "dan")), WaitUntilHeard("cal", "ann"), WaitUntilHeard("dan", "ben")]
        )
        stage.play([Stall("dan"), Send("ann", b"x" * 3000), Settle(), Reset("cal"), Abandon("ben"), Resume("dan")])
        stage.play([Quit("dan", b" quit "), HalfClose("ann")])
        stage.play(stage.oracle.final_steps())


def test_who_is_polite_waits_until_the_server_rests_and_who_is_not_does_not() -> None:
    with serving("chat", LOOPBACK) as server:
        for politeness, rests in (("polite", 6), ("abrupt", 0), ("polite at first", 2)):
            rested: list[str] = []
            with Stage(
                server_address(server),
                StreamChatOracle(NOTE),
                timeout=TIMEOUT,
                wait_idle=lambda rested=rested: rested.append("."),  # type: ignore[misc]
                politeness=politeness,  # type: ignore[arg-type]
            ) as stage:
                stage.play([*join("ann"), Stall("ann"), Resume("ann"), Connect("lou"), Close("lou")])
                assert len(rested) == rests, politeness


def test_whose_stream_has_ended_does_nothing_any_more() -> None:
    with room() as stage:
        told = stage.play([*join("ann"), HalfClose("ann")]).lines()
        assert told[-1] == "      ann reads end of stream"
        assert stage.play([Say("ann", b"hello?")]).lines() == told


def test_where_connections_need_a_gap_or_a_delay_it_begins_when_the_server_has_seen_the_last() -> None:
    def listens(connection: socket.socket) -> None:
        while connection.recv(100):
            pass

    gap, delay = (replace(NOTE, limits=limits) for limits in (Limits(join_gap=0.01), Limits(join_delay=0.01)))
    named = replace(NOTE, handshake=(HandshakeTurn(send=Template("{name}\n")),))  # an answer must be read by itself
    lines, frames = (replace(named, framing_in=framing) for framing in (Framing("line"), Framing("length")))
    with server_that(listens) as address:
        for dialect, rests in ((gap, 1), (delay, 1), (NOTE, 0), (named, 1), (lines, 1), (frames, 0)):
            rested: list[str] = []
            with Stage(
                address,
                StreamChatOracle(dialect),
                timeout=TIMEOUT,
                wait_idle=lambda rested=rested: rested.append("."),  # type: ignore[misc]
                politeness="abrupt",
                dialect=dialect,
            ) as stage:
                stage.play([Connect("ann")])
                assert len(rested) == rests


def test_a_client_that_waits_for_nothing_answers_at_once() -> None:
    read: list[bytes] = []

    def listens(connection: socket.socket) -> None:
        while part := connection.recv(1024):
            read.append(part)

    dialect = replace(NOTE, handshake=(HandshakeTurn(send=Template("I am {name}")),))
    with (
        server_that(listens) as address,
        Stage(address, StreamChatOracle(dialect), timeout=TIMEOUT, dialect=dialect, mark="-7") as stage,
    ):
        told = stage.play([Connect("ann")]).lines()
    assert told == ["   1  ann connects", "   2  ann answers b'I am ann-7'"]
    assert b"".join(read) == b"I am ann-7"


def test_an_echo_asks_and_reads_to_the_end() -> None:
    with serving("echo", LOOPBACK) as server:
        visits: tuple[list[Step], ...] = (
            [Connect("ann"), Say("ann", b" hello ")],
            [Connect("ann"), Send("ann", b"hello"), HalfClose("ann")],
            [Connect("ann"), HalfClose("ann")],
            [Connect("ann"), Send("ann", b"x"), Close("ann"), Connect("ben"), Say("ben", b"x")],
            [Connect("ann"), Send("ann", b"x"), Abandon("ann"), Connect("ben"), Say("ben", b"x")],
            [Connect("ann"), Reset("ann"), Connect("ben"), Say("ben", b"x")],
        )
        for steps in visits:
            with Stage(server_address(server), EchoOracle(NOTE), timeout=TIMEOUT) as stage:
                stage.play([*steps, *stage.oracle.final_steps()])


@pytest.mark.parametrize("transport", ["udp", "unix-datagram"])
def test_datagrams_are_answered_and_the_clients_leave_no_file(transport: str, tmp_path: Path) -> None:
    with (
        serving("echo", somewhere(transport, tmp_path)) as server,
        Stage(server_address(server), DatagramOracle(NOTE), timeout=TIMEOUT) as stage,
    ):
        stage.play([Connect("ann"), Say("ann", b"hello"), Say("ann", b""), Connect("ben"), Send("ben", b"x")])
        stage.play([Close("ben")])
        stage.play(stage.oracle.final_steps())
        paths = [client._own_path for client in stage._clients.values()]
    assert not any(path and Path(path).exists() for path in paths)


def test_a_crowd_over_a_unix_socket_comes_one_by_one(tmp_path: Path) -> None:
    with room(address=somewhere("unix", tmp_path)) as stage:
        stage.play([*join("ann"), Crowd(("cal", "dan")), WaitUntilHeard("cal", "ann"), WaitUntilHeard("dan", "ann")])
    arrived, why = crowd.connect_at_once(Address("unix", path=str(tmp_path / "nobody")), TIMEOUT, 2)
    assert arrived == []
    assert why == "no such file or directory after 0 of 2 connections"


# Where much is said


def test_what_a_client_takes_is_returned_later_up_to_the_end() -> None:
    gone = threading.Event()

    def talks(connection: socket.socket) -> None:
        connection.sendall(b"x" * 100_000)
        connection.close()
        gone.set()

    with server_that(talks) as address, Client(address, TIMEOUT) as client:
        assert gone.wait(TIMEOUT)
        assert client.take() == 100_000
        assert client.take() == 0
        assert client.timeout == TIMEOUT
        assert list(client._taken) == [b"x" * RECV_BYTES, b"x" * (100_000 - RECV_BYTES), "eof"]
        assert [client.receive() for _ in range(3)] == [b"x" * RECV_BYTES, b"x" * (100_000 - RECV_BYTES), "eof"]


def test_a_client_takes_no_more_than_it_may_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    with server_that(lambda connection: connection.sendall(b"x" * 100_000)) as address:
        monkeypatch.setattr(client_module, "RECV_BYTES", 10)
        monkeypatch.setattr(client_module, "MAX_TAKEN_READS", 3)
        with Client(address, TIMEOUT) as client:
            assert client.receive() == b"x" * 10
            assert client.take() == 30
            assert client.take() == 0


def test_once_much_is_said_at_once_all_who_read_are_read_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Client] = []
    waiting = LAG_BYTES - 1

    def take(client: Client) -> int:
        taken.append(client)
        return waiting

    def of(*names: str) -> list[Client]:
        return [stage._clients[who] for who in names]

    monkeypatch.setattr(Client, "take", take)
    with room() as stage:
        little = [step for _ in range(3) for step in (Send("ann", b"." * (FLOOD_THRESHOLD_BYTES - 1)), Settle())]
        stage.play([*join("ann", "ben", "cal"), Stall("cal"), *little])
        assert taken == []
        stage.play([Send("ann", b"." * FLOOD_THRESHOLD_BYTES)])
        assert taken == of("ann", "ben")
        stage.play([Settle()])
        assert len(taken) > 4  # between two reads, too
        stage.play([HalfClose("cal"), Say("ann", b"and on")])
        assert len(set(taken)) == 3
        oracle = stage.oracle
        assert isinstance(oracle, StreamChatOracle)
        assert not oracle.members["ben"].lagged
        waiting += 1
        stage.play([Say("ann", b"and on")])
        assert oracle.members["ben"].lagged


def test_what_is_done_at_once_is_told_to_the_oracle_before_and_done_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    happened: list[str] = []
    with room() as stage:
        stage._wait_idle = lambda: happened.append("wait_idle")
        stage.play([*join("ann"), Connect("x1"), Stall("x1"), Connect("x2"), Stall("x2")])
        happened.clear()
        begins, resets = stage.oracle.begin, Client.reset

        def begin(step: Any, *, idle_before: bool) -> None:
            happened.append(f"begin {step.who}")
            begins(step, idle_before=idle_before)

        def take(_: Client) -> int:
            happened.append("take")
            return 0

        def reset(client: Client) -> None:
            happened.append("reset")
            resets(client)

        monkeypatch.setattr(stage.oracle, "begin", begin)
        monkeypatch.setattr(Client, "receive", lambda _: happened.append("receive"))
        monkeypatch.setattr(Client, "send", lambda _, data, **__: happened.append(f"send {data!r}"))
        monkeypatch.setattr(Client, "reset", reset)
        stage.play_at_once([Send("x1", b"1"), Send("x2", b"2"), Reset("x1"), Reset("x2")])
        assert happened == [*(f"begin {who}" for who in ("x1", "x2") * 2), "send b'1'", "send b'2'", "reset", "reset"]
        monkeypatch.undo()
        monkeypatch.setattr(Client, "take", take)
        stage.play([Say("ann", b"and on")])
        assert set(happened[8:]) == {"take"}
    assert [str(step) for step in stage.transcript.scenario[-5:-1]] == [
        "x1 sends b'1' without waiting",
        "x2 sends b'2' without waiting",
        "x1 resets its connection",
        "x2 resets its connection",
    ]
    assert [entry for entry in stage.transcript.entries if entry == Did(Send("x2", b"2"), b"2")]


def test_datagrams_that_nobody_waits_for_go_in_one_instant_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    sends, closes = Client.send, Client.close

    def send(client: Client, data: bytes, **how: bool) -> None:
        happened.append("send")
        sends(client, data, **how)

    def close(client: Client) -> None:
        happened.append("close")
        closes(client)

    with (
        serving("echo", Address("udp", host="127.0.0.1")) as server,
        Stage(server_address(server), DatagramOracle(NOTE), timeout=TIMEOUT) as stage,
    ):
        stage.play([Connect("ann"), Connect("ben")])
        stage._wait_idle = lambda: happened.append("wait_idle")
        monkeypatch.setattr(Client, "send", send)
        monkeypatch.setattr(Client, "close", close)
        stage.play([Send("ann", b"1"), Send("ben", b"2"), Settle(), Send("ann", b"3"), Close("ann"), Say("ben", b"4")])
        assert happened == ["send", "send", "send", "close", "wait_idle", "send"]
