"""What the stage reports of servers that refuse, hang, drip, flood, come late, hang up or leave somebody out."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.driver import reading
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.datagram import DatagramOracle
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import (
    Connect,
    Crowd,
    Dawdle,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import Target
from tests.support.planted import Bug, Planted
from tests.support.serving import server_that

TIMEOUT = 5.0
SHORT_TIMEOUT = 0.5


def accused(address: Address, steps: list[Step], timeout: float = TIMEOUT, about: str | None = None) -> Violation:
    """Return the violation that a chat at the address is accused of."""
    with (
        pytest.raises(Violation) as caught,
        Stage(address, StreamChatOracle(NOTE), timeout=timeout, about=about) as stage,
    ):
        stage.play(steps)
    return caught.value


def test_a_server_that_refuses_is_reported_with_the_reason() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = Address("tcp", *taken.getsockname())
        violation = accused(address, [Connect("ann")])
        assert violation.observed == "ann cannot connect: connection refused"
        violation = accused(address, [Crowd(("m1", "m2"))], about="CHAT-17")
        assert violation.clause_id == "CHAT-17"
        assert violation.observed.startswith("m1 cannot connect: connection refused after 0 of 2 connections")


def test_a_server_that_hangs_is_reported_when_the_timeout_ends() -> None:
    done = threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(1024)
        assert done.wait(TIMEOUT)

    with server_that(silent) as address:
        violation = accused(address, join("ann"), SHORT_TIMEOUT)
        done.set()
    assert violation.clause_id == "CHAT-2"
    assert violation.observed == "ann reads nothing"
    assert violation.exchange[-1] == "      ann reads nothing for 0.5 s"


@pytest.mark.slow
def test_a_server_that_drips_is_reported_though_it_is_never_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "DRIP_TIMEOUT_FACTOR", 0)
    ticking = read('protocol = "chat"\n[framing]\nin = "line"\n[delivery]\nnotices = ["tick"]', "ticking", "ticking")

    def ticks(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"tick\n")

    with (
        server_that(ticks) as address,
        pytest.raises(Violation) as caught,
        Stage(address, ChatConformance.oracle(ticking), dialect=ticking, timeout=300.0) as stage,
    ):
        stage.play(join("ann"))
    assert caught.value.observed == "ann reads nothing"


@pytest.mark.parametrize("patient", [True, False])
def test_a_server_that_delivers_slowly_misses_nothing(patient: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "DRIP_TIMEOUT_FACTOR", 0)
    monkeypatch.setattr(reading, "SLOW_SECONDS", TIMEOUT if patient else 0)

    def slow(connection: socket.socket) -> None:
        heard = b""
        while len(heard) < 3:
            heard += connection.recv(3)
        for at in range(3):
            connection.sendall(b"ack" + heard[at : at + 1])
        connection.recv(1024)

    told = nullcontext() if patient else pytest.raises(NotChecked, match="the server is slow: ann had not read all")
    with server_that(slow) as address, told, Stage(address, StreamChatOracle(NOTE), timeout=TIMEOUT) as stage:
        stage.play([Connect("ann"), Send("ann", b"1"), Send("ann", b"2"), Send("ann", b"3"), Settle()])


@pytest.mark.slow
def test_a_server_that_floods_is_reported_in_bounded_memory() -> None:
    def floods(connection: socket.socket) -> None:
        connection.recv(1024)
        while True:
            connection.sendall(b"never due " * 5000)

    with server_that(floods) as address:
        violation = accused(address, join("ann"))
    assert violation.expected == "ann reads b'ackann is here'"
    assert "bytes)" in violation.observed


def test_what_was_due_is_looked_for_behind_what_was_not() -> None:
    def late(connection: socket.socket) -> None:
        words = connection.recv(1024)
        connection.sendall(b"welcome\n")
        connection.sendall(b"ack" + words)
        connection.recv(1024)

    with server_that(late) as address:
        violation = accused(address, join("ann"))
    assert violation.clause_id == "CHAT-1"
    assert violation.observed == "ann reads b'welcome\\nackann is here'"


def test_a_server_that_hangs_up_is_reported_with_what_the_others_read() -> None:
    class HangsUp(ChatHandler):
        def leaves(self, chunk: bytes) -> bool:
            return super().leaves(chunk) or chunk == b"ben is here"

    with served(HangsUp) as address:
        violation = accused(address, join("ann", "ben"))
    assert violation.observed == "ben reads end of stream"


def test_who_reads_while_others_wait_may_have_nothing_to_read() -> None:
    class FallsSilent(ChatHandler):
        def leaves(self, chunk: bytes) -> bool:
            return super().leaves(chunk) or (chunk == b"hush" and bool(self.request.recv(1)))

    with served(FallsSilent) as address:
        steps = [*join("ann", "ben"), Dawdle("ben"), Say("ann", b"hush")]
        assert accused(address, steps, SHORT_TIMEOUT).observed == "ann reads nothing"


@contextmanager
def served(handler: type[Any]) -> Iterator[Address]:
    target = Bug("chat", handler).target()
    site = target.start(TIMEOUT)
    try:
        yield site.address
    finally:
        site.close()


class Speakers(ChatHandler):
    """Has only those hear others who have spoken."""

    def setup(self) -> None:
        pass

    def deliver(self, chunk: bytes) -> None:
        self.server.join(self.request)
        super().deliver(chunk)


class HearsItselfAlone(ChatHandler):
    """Has nobody hear anybody but itself."""

    def deliver(self, chunk: bytes) -> None:
        self.request.sendall(self.delivery(chunk))


def test_a_lurker_who_hears_nothing_is_reported() -> None:
    with served(Speakers) as address:
        violation = accused(address, [*join("ann"), Connect("lou"), WaitUntilHeard("lou", "ann")], SHORT_TIMEOUT)
    assert violation.clause_id == "CHAT-9"
    assert "lou reads nothing" in violation.observed


def in_vain(stage: Stage, who: str) -> Violation:
    """Return what is reported when ann has spoken again and again, and somebody has heard nothing."""
    with pytest.raises(Violation) as caught:
        stage._report_unheard(WaitUntilHeard(who, "ann"))
    return caught.value


def test_one_of_a_crowd_who_hears_nothing_is_not_asked_whether_it_would_if_it_spoke() -> None:
    with served(Speakers) as address, Stage(address, StreamChatOracle(NOTE), timeout=TIMEOUT, about="CHAT-17") as stage:
        stage.play([*join("ann"), Crowd(("cal", "dan"))])
        violation = in_vain(stage, "dan")
    assert violation.clause_id == "CHAT-17"
    assert violation.observed == "dan reads nothing"


def test_a_lurker_who_hears_nothing_when_it_has_spoken_either_may_miss_it_for_other_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "socketserver_reference.conformance.driver.stage.EVIDENCE_TIMEOUT", 0.01
    )  # nobody ever speaks to lou
    with served(HearsItselfAlone) as address, Stage(address, StreamChatOracle(NOTE), timeout=TIMEOUT) as stage:
        stage.play([*join("ann"), Connect("lou")])
        silent = stage.oracle.explain_silence("lou")
        violation = in_vain(stage, "lou")
    assert set(violation.candidates) == {*silent.clauses, *silent.also} > {"CHAT-9"}
    assert violation.observed == "lou reads nothing"


def test_a_stray_datagram_is_no_reply() -> None:
    target = Planted("replies-from-another-port").target()
    site = target.start(TIMEOUT)
    try:
        with (
            pytest.raises(Violation) as caught,
            Stage(site.address, DatagramOracle(NOTE), timeout=TIMEOUT) as stage,
        ):
            stage.play([Connect("ann"), Say("ann", b"hello")])
    finally:
        site.close()
    assert caught.value.clause_id == "UDP-2"
    assert "HELLO' from ('127.0.0.1', " in caught.value.observed


class DeliversUntilACutOff(ChatHandler):
    """Delivers nothing any more once a member has been cut off."""

    def deliver(self, chunk: bytes) -> None:
        if not self.server.lost:
            super().deliver(chunk)

    def finish(self) -> None:
        pass


@pytest.mark.parametrize(
    ("target", "others"),
    [(Planted("waits-for-the-slow").target(), set()), (Bug("chat", DeliversUntilACutOff).target(), {"CHAT-11"})],
    ids=["waits", "cuts off"],
)
def test_a_delay_that_ends_once_the_slow_one_reads_has_no_other_cause(target: Target, others: set[str]) -> None:
    slow: list[Step] = [Connect("ben", window=4096), Say("ben", b"here"), Stall("ben")]
    piece: list[Step] = [Send("ann", b"." * 49152), Settle()]
    with closing(target.start(TIMEOUT)) as site:
        violation = accused(site.address, [*join("ann", "cal"), *slow, *piece * 150], about="CHAT-15")
    assert violation.clause_id == "CHAT-15"
    assert others == {"CHAT-11"}.intersection(violation.candidates)


HALVED = b"ackhalf of this came"


class BreaksOff(ChatHandler):
    """Delivers half of something to the others, and then what a test says."""

    then: bytes = b""

    def deliver(self, chunk: bytes) -> None:
        delivery = b"ack" + chunk
        for member in list(self.server.members):
            other = member is not self.request
            half = delivery[: len(HALVED) // 2] if other and delivery == HALVED else delivery
            member.sendall(self.then if other and reading.FOLLOWING_WORD in chunk else half)


@pytest.mark.parametrize(
    ("then", "clause"),
    [
        (b"ack" + reading.FOLLOWING_WORD, "CHAT-14"),
        (HALVED[len(HALVED) // 2 :] + b"ack" + reading.FOLLOWING_WORD, "CHAT-15"),  # it was only late
        (b"", "CHAT-15"),  # it has been cut off
    ],
)
def test_half_a_delivery_to_a_slow_reader_is_torn_if_another_follows(then: bytes, clause: str) -> None:
    slow: list[Step] = [*join("ann", "ben"), Stall("ben"), Send("ann", HALVED[3:]), Settle(), Resume("ben")]
    with closing(Bug("chat", type("It", (BreaksOff,), {"then": then})).target().start(TIMEOUT)) as site:
        violation = accused(site.address, slow, SHORT_TIMEOUT, about="CHAT-14")
    assert (violation.shape, violation.clause_id) == ("cut", clause)


@pytest.mark.parametrize("silent", [["ann"], []], ids=["nobody else reads", "all others do"])
def test_where_nobody_is_there_to_say_more_a_slow_reader_was_cut_off(silent: list[str]) -> None:
    first: list[Step] = [*join("ann", "ben"), Stall("ben"), Send("ann", HALVED[3:]), Settle()]
    with closing(
        Bug("chat", type("It", (BreaksOff,), {"then": b"ack" + reading.FOLLOWING_WORD})).target().start(TIMEOUT)
    ) as site:
        violation = accused(site.address, [*first, *map(Stall, silent), Resume("ben")], SHORT_TIMEOUT, about="CHAT-14")
    assert violation.clause_id == ("CHAT-15" if silent else "CHAT-14")
