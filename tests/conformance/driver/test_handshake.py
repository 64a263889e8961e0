"""Clients that go through a part of a handshake: what they say, what the story says of it, and that nothing is due to
them.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.rewrite_limits import CapacityLimit
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.driver.handshake import NotGreeted, shake_hands, whole
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Approach,
    Close,
    Connect,
    HalfClose,
    Reset,
    Say,
    Send,
    Settle,
    Step,
    join,
)
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import Violation
from tests.servers.dialects_served import DIALECTS
from tests.support.exchanges import knowing
from tests.support.serving import server_that

ASKING = replace(
    NOTE,
    handshake=(
        HandshakeTurn(Template("Name? "), Template("{name}\n")),
        HandshakeTurn(send=Template("room 7\n")),
        HandshakeTurn(Template("Hello\n")),
    ),
)
LINES = replace(
    NOTE,
    framing_in=Framing("line"),
    framing_out=Framing("line"),
    template=Template("{sender}: {body}"),
    handshake=ASKING.handshake,
)
GREETING = replace(NOTE, handshake=(HandshakeTurn(Template("Welcome\n")),))


@contextmanager
def heard_by_a_server_of(dialect: Dialect, first: bytes) -> Iterator[tuple[Stage, Callable[[], bytes]]]:
    """Yield a stage on a server that greets and listens, and what tells what it has read when all clients are gone."""
    heard: list[bytes] = []

    def listens(connection: socket.socket) -> None:
        connection.sendall(first)
        while part := connection.recv(1024):
            heard.append(part)

    with server_that(listens) as address:
        yield (
            Stage(address, StreamChatOracle(dialect), timeout=5.0, dialect=dialect, mark="-7"),
            lambda: b"".join(heard),
        )


@pytest.mark.parametrize(
    ("dialect", "step", "words", "said"),
    [
        (ASKING, Approach("cal"), "cal connects and gives no name", b""),
        (ASKING, Approach("cal", half=True), "cal connects and gives half a name", b"cal"),
        (ASKING, Approach("cal", 1), "cal connects, gives 1 answer, and says no more", b"cal-7\n"),
        (
            ASKING,
            Approach("cal", 1, half=True),
            "cal connects, gives 1 answer and half of the next, and says no more",
            b"cal-7\nroo",
        ),
        (ASKING, Approach("cal", 2), "cal connects, gives 2 answers, and says no more", b"cal-7\nroom 7\n"),
        (ASKING, Approach("cal", 9, namesake="ann"), "cal connects and gives the name of ann", b"ann-7\nroom 7\n"),
        (GREETING, Approach("cal"), "cal connects and gives no name", b""),
    ],
)
def test_a_client_goes_through_a_part_of_a_handshake(dialect: Dialect, step: Approach, words: str, said: bytes) -> None:
    with heard_by_a_server_of(dialect, b"Name? ") as (stage, heard):
        with stage:
            told = stage.play([step, Close("cal")]).lines()
        assert told[0] == f"   1  {words}"
        assert told[-1].endswith("cal closes")
    assert heard() == said


TWO_QUESTIONS = replace(
    NOTE,
    handshake=(
        HandshakeTurn(Template("Name? "), Template("{name}\n")),
        HandshakeTurn(Template("Room? "), Template("seven\n")),
    ),
)


@pytest.mark.parametrize("ends", [False, True])
def test_the_server_may_refuse_a_client_that_gives_the_name_of_a_member(ends: bool) -> None:
    def refuses(connection: socket.socket) -> None:
        connection.sendall(b"Name? ")
        while connection.recv(1024):
            connection.sendall(b"There is one already. Name? ")
            if ends:
                return

    with server_that(refuses) as address:
        stage = Stage(address, StreamChatOracle(TWO_QUESTIONS), timeout=0.1, dialect=TWO_QUESTIONS)
        with stage:
            told = stage.play([Approach("cal", 2, namesake="ann"), Close("cal")]).lines()
        assert told[-1].endswith("cal closes")
        with (
            Stage(address, StreamChatOracle(TWO_QUESTIONS), timeout=0.1, dialect=TWO_QUESTIONS) as other,
            pytest.raises(Violation, match="cannot connect"),
        ):
            other.play([Connect("ann")])


def test_the_server_asks_for_the_name_of_a_client_that_gives_one_of_a_member() -> None:
    with heard_by_a_server_of(TWO_QUESTIONS, b"Busy") as (stage, _), stage:
        stage.timeout = 0.1
        with pytest.raises(Violation) as told:
            stage.play([Approach("cal", 2, namesake="ann")])
    assert told.value.observed.startswith("cal cannot connect: reads b'Busy'")


FRAMED = DIALECTS["named"]


@pytest.mark.parametrize("oracle", [StreamChatOracle(NOTE), FramedChatOracle(FRAMED)])
def test_nothing_is_due_to_a_client_in_a_handshake(oracle: StreamChatOracle | FramedChatOracle) -> None:
    knowing(oracle, *join("ann"), Approach("cal"), HalfClose("cal"))
    assert oracle.active_disruptions == ["half-closed"]
    assert oracle.required_readers(HalfClose("cal")) == ["ann"]
    assert oracle.outside == set()
    for way in (Reset, Abandon):
        oracle.begin(Approach("dan", namesake="ann"), idle_before=True)
        oracle.begin(way("dan"), idle_before=True)
    assert oracle.active_disruptions == ["half-closed", "reset"]


def test_a_client_that_is_silent_in_a_handshake_is_so_until_it_leaves() -> None:
    oracle = knowing(StreamChatOracle(NOTE), *join("ann"), Approach("cal"), Approach("dan"), Close("dan"))
    oracle._end_disruptions()
    assert oracle.active_disruptions == ["silent"]
    oracle.begin(Close("cal"), idle_before=True)
    oracle._end_disruptions()
    assert oracle.active_disruptions == []


def test_a_client_that_cannot_come_in_because_another_is_silent_is_told_of_chat_9() -> None:
    with heard_by_a_server_of(ASKING, b"Name? ") as (stage, _), stage:
        stage.timeout = 0.1
        with pytest.raises(Violation) as told:
            stage.play([Approach("cal", 2), Connect("dan")])
    assert told.value.clause_id == "CHAT-9"
    assert told.value.observed.startswith("dan cannot connect: reads b''")


def test_a_client_in_a_handshake_takes_a_seat() -> None:
    framed = rewrite.FramedRewriter(replace(FRAMED, limits=Limits(members=3)))
    here: list[Step] = [*join("ann"), Approach("cal"), Approach("dan")]
    steps = [one for step in here for one in framed.rewrite(step)]
    assert [str(step) for step in steps if step.comes] == [
        "ann connects",
        "witness1 connects",
        "cal connects and gives no name",
    ]
    assert [framed.rewrite(step) for step in (HalfClose("cal"), HalfClose("cal"))] == [[HalfClose("cal")], []]
    assert framed.rewrite(Approach("eve")) == [Approach("eve")]
    seats = CapacityLimit(rewrite.StreamRewriter(NOTE), replace(NOTE, limits=Limits(members=1)), sees_idle=True)
    assert [seats.rewrite(step) for step in (Approach("cal"), Connect("dan"), Reset("cal"))] == [
        [Approach("cal")],
        [],
        [Reset("cal")],
    ]


def test_a_client_comes_by_an_approach_and_not_by_an_utterance() -> None:
    assert Approach("cal", namesake="ann").comes
    assert not Say("ann", b"x").comes


class InPieces:
    """A connection on which the bytes of a greeting come one by one, and a clock that they move on."""

    def __init__(self, data: bytes, seconds: float) -> None:
        self.now = 100.0
        self._pieces = iter([data[at : at + 1] for at in range(len(data))])
        self._seconds = seconds

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def receive(self) -> bytes | None:
        """Return the next piece, which takes a while."""
        self.now += self._seconds
        return next(self._pieces, None)

    def greet(self, monkeypatch: pytest.MonkeyPatch) -> bytes:
        """Go through a handshake with a timeout of one second; return the bytes after it."""
        monkeypatch.setattr("time.monotonic", self.monotonic)
        turns = whole(GREETING, b"ann")
        client: Any = self
        return shake_hands(client, "ann", turns, Transcript(), 1.0)


def test_a_greeting_that_is_there_counts_even_if_it_is_read_after_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    greeting = b"Welcome\n"
    assert InPieces(greeting, 1.0 / (len(greeting) - 0.5)).greet(monkeypatch) == b""


def test_a_greeting_that_comes_too_slowly_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotGreeted, match=r"reads b'Welco', then nothing in time, where b'Welcome\\n' is due first"):
        InPieces(b"Welcome\n", 0.21).greet(monkeypatch)


def test_a_handshake_in_frames_waits_for_the_frame_that_it_is() -> None:
    asked = replace(NOTE, framing_in=Framing("length"), framing_out=Framing("length", header="u8"))
    turns = (HandshakeTurn(Template("hi {name}"), Template("{name}"), framed=True), HandshakeTurn(send=Template("x")))
    first, second = whole(replace(asked, handshake=turns), b"ann")
    assert (first.answer, second.answer) == (b"   3ann", b"x")
    assert first.after(b"\x02hi\x06hi") is None
    assert first.after(b"\x02hi\x06hi annmore") == 10


@pytest.mark.parametrize("welcome", [b"Hel", b"* ann is in\n"])
def test_a_client_that_speaks_with_its_last_answer_reads_the_rest_of_the_handshake_first(welcome: bytes) -> None:
    lines = replace(LINES, notices=(Template("* {any} is in"),))

    def welcomes(connection: socket.socket) -> None:
        connection.sendall(b"Name? ")
        said = connection.makefile("rb")
        next(said), next(said)
        connection.sendall(welcome)
        connection.sendall(b"Hello\n".removeprefix(welcome))
        for line in said:
            connection.sendall(b"1: " + line)

    with server_that(welcomes) as address, Stage(address, FramedChatOracle(lines), timeout=5.0, dialect=lines) as stage:
        stage.play([Connect("ann", with_words=True), Send("ann", b"hello"), Settle(), Say("ann", b"and on")])


def test_a_client_that_is_a_member_before_it_is_asked_for_its_name_may_hear_much_first() -> None:
    def talks(connection: socket.socket) -> None:
        connection.sendall(b"another: said much\n" * 5000 + b"Name? ")
        said = connection.makefile("rb")
        next(said), next(said)
        connection.sendall(b"Hello\n")
        for line in said:
            connection.sendall(b"1: " + line)

    with server_that(talks) as address, Stage(address, FramedChatOracle(LINES), timeout=5.0, dialect=LINES) as stage:
        stage.play([Connect("ann"), Say("ann", b"hello")])


@pytest.mark.slow
def test_what_comes_without_end_in_place_of_a_greeting_is_judged() -> None:
    def floods(connection: socket.socket) -> None:
        connection.sendall(b"Name? ")
        while True:
            connection.sendall(b"what? " * 1000 + b"\n")

    with (
        server_that(floods) as address,
        Stage(address, FramedChatOracle(LINES), timeout=5.0, dialect=LINES) as stage,
        pytest.raises(Violation, match="what"),
    ):
        stage.play([Connect("ann", with_words=True), Send("ann", b"hello"), Settle()])
