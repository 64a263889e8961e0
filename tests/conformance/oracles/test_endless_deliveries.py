"""Deliveries without an end of their own: empty ones, and a farewell."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.oracles.alignment import without_empty
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import (
    Begin,
    Close,
    HalfClose,
    Quit,
    Say,
    Send,
    Settle,
    Step,
    join,
)
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.servers.dialects_served import Speaker, served

TIMEOUT = 5.0

DIALECT = read(
    """
    protocol = "chat"
    [delivery]
    template = "{sender}: {body}"
    [quit]
    word = "{quit}"
    line_end = false
    """,
    "endless",
    "endless",
)


@pytest.mark.parametrize(
    ("frame", "rest"),
    [
        (b"ann: ann: ann: ", b""),
        (b"ann: ben: hello", b"ben: hello"),
        (b"ann: hello", b"ann: hello"),
        (b": : : ", b": : : "),
        (b"", b""),
    ],
)
def test_empty_deliveries_come_before_another_or_alone(frame: bytes, rest: bytes) -> None:
    assert without_empty(frame, [b"ann: ", b"ben: "]) == rest


class TakesTheEndForWords(Speaker):
    """Delivers nothing, again and again, once a client has sent end of stream."""

    def read(self) -> Iterator[list[bytes]]:
        yield from super().read()
        for _ in range(100):
            for member in list(self.server.members):
                self.write(member, self.number + b": ")


@pytest.mark.parametrize(
    "after", [[Say("ann", b"who was that?")], [Send("ann", b"who was that?"), Send("ann", b"ben?"), Settle()]]
)
def test_nothing_that_is_delivered_again_and_again_at_an_end_of_stream_breaks_the_clause_about_that(
    after: list[Step],
) -> None:
    with closing(open_session("chat", served(DIALECT, TakesTheEndForWords), TIMEOUT, DIALECT)) as session:
        session.healthy = True  # its first conversation would show it
        with pytest.raises(VIOLATIONS["CHAT-10"]) as told:
            session.play(*join("ann", "ben"), HalfClose("ben"), *after, about="CHAT-2")
    assert told.value.shape == "empty"


class TakesTheEndForOtherWords(Speaker):
    """The same, with something behind each of them."""

    def read(self) -> Iterator[list[bytes]]:
        yield from super().read()
        for _ in range(2000):
            for member in list(self.server.members):
                self.write(member, self.number + b": \n> ")


def test_a_flood_in_another_form_at_an_end_of_stream_breaks_that_clause_too() -> None:
    dialect = replace(DIALECT, framing_out=Framing("line", b"\n\n"))
    with closing(open_session("chat", served(dialect, TakesTheEndForOtherWords), TIMEOUT, dialect)) as session:
        session.healthy = True  # its first conversation would show it
        with pytest.raises(VIOLATIONS["CHAT-10"]):
            session.play(*join("ann", "ben"), HalfClose("ben"), Say("ann", b"who was that?"), about="CHAT-3")


def test_an_utterance_without_an_end_may_be_delivered_before_another() -> None:
    """The line's end before a delivery parts it from the one before: it is in no label."""
    template = Template("\n[{sender}] {body}")
    dialect = replace(DIALECT, template=template, framing_in=Framing("line"), framing_out=Framing("none"))
    oracle = FramedChatOracle(dialect=dialect)
    told: dict[Step, bytes] = {
        Say("ann", b"ann is here"): b"\n[1] ann is here",
        Say("ben", b"ben is here"): b"\n[2] ben is here",
    }
    last = Say("ann", b"and on")
    for step in (*join("ann", "ben"), Begin("ben", b"half of what"), Close("ben"), last):
        oracle.begin(step, idle_before=True)
        assert oracle.feed("ann", told.get(step, b""))
    assert oracle.feed("ann", b"\n[2] half of what\n[1] and on")
    assert not oracle.due("ann")


class RepeatsTheQuitWord(Speaker):
    """Answers the word to quit by with the same word."""

    def leaves(self, chunk: bytes) -> bool:
        leaves = super().leaves(chunk)
        if leaves:
            self.write(self.request, self.dialect.quit)
        return leaves


class SaysSomethingElse(Speaker):
    """Answers it with another word."""

    def leaves(self, chunk: bytes) -> bool:
        leaves = super().leaves(chunk)
        if leaves:
            self.write(self.request, b"{exit}")
        return leaves


def test_a_client_that_quits_may_read_the_word_that_it_said() -> None:
    with closing(open_session("chat", served(DIALECT, RepeatsTheQuitWord), TIMEOUT, DIALECT)) as session:
        session.play(*join("ann", "ben"), Quit("ben", b"{quit}"), Say("ann", b"bye"), about="CHAT-7")


def test_what_else_comes_before_the_end_of_its_stream_is_told() -> None:
    with (
        closing(open_session("chat", served(DIALECT, SaysSomethingElse), TIMEOUT, DIALECT)) as session,
        pytest.raises(VIOLATIONS["CHAT-4"]) as told,
    ):
        session.play(*join("ann", "ben"), Quit("ben", b"{quit}"), about="CHAT-7")
    assert "{exit}" in str(told.value)
