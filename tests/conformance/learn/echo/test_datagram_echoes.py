"""`learn echo` over datagrams, where replies lack a part of what was said, or the server ends."""

import re
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.echo.datagram import learn_datagrams
from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.targets.external import RunningSite
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server
from tests.servers.dialect_echoes import DATAGRAMS, DatagramEcho
from tests.servers.dialect_servers import answering
from tests.support.learning import learned, proposed, reason

pytestmark = pytest.mark.usefixtures("quick_learning")


def mortal(fatal: Callable[[bytes], bool], ignored: Callable[[bytes], bool] = lambda _: False) -> InProcess:
    """Return an echo that ends when it receives such a datagram."""

    class Mortal(DatagramEcho):
        dialect = DATAGRAMS["large"]

        def answer(self, server: socket.socket, data: bytes) -> None:
            if fatal(data):
                vars(self.server)["_BaseServer__shutdown_request"] = True
            elif not ignored(data):
                super().answer(server, data)

    program = replace(PROGRAMS["echo"], datagram_handler=Mortal)

    def make() -> Any:
        server: Any = make_server(program, Address("udp", "127.0.0.1"), "sync")
        server.max_packet_size = 65507
        return server

    return InProcess(make)


def unwrapped(text: str) -> str:
    """Return the comments in one line each."""
    return re.sub(r"\n#\s+", " ", text)


@pytest.mark.parametrize("reply", [b"%s", b"you said: %s"])
def test_datagrams_without_the_white_space_around_them(reply: bytes) -> None:
    dialect = learned(answering(lambda request: reply % request.strip().lower()), "echo")
    assert (dialect.transform, dialect.strips) == ("lower", True)
    assert dialect.reply_template.fill(body=b"%s") == reply


def test_bytes_that_do_not_come_back_are_told() -> None:
    text = proposed(answering(lambda request: request.decode(errors="replace").encode()), "echo")
    assert r"May be a bug: Invalid UTF-8: b'\xff\xc3(' came as" in text
    assert '\n# handling = "replaced"' in text


def test_unusual_bytes_fit_into_a_small_buffer() -> None:
    text = proposed(answering(lambda request: request[:30]), "echo")
    assert read(text, "learned", "learned").datagram == 30
    assert "all came unchanged" in reason(text, "handling")


def test_an_echo_that_ends_with_an_empty_datagram_is_asked_for_the_largest_all_the_same() -> None:
    text = proposed(mortal(lambda data: not data), "echo")
    told = "Not all could be learned: after b'' the server answered nothing any more: serve_forever() ended"
    assert told in unwrapped(text)
    assert "(UDP-3)" in text
    assert read(text, "learned", "learned").datagram == 65507


def test_an_echo_that_ends_with_a_long_datagram_is_asked_how_long_one_may_be() -> None:
    text = proposed(mortal(lambda data: len(data) > 2000), "echo")
    told = "After a datagram of 65507 bytes the server answered nothing any more: serve_forever() ended"
    assert told in unwrapped(text)
    assert read(text, "learned", "learned").datagram == 2000


@pytest.mark.parametrize("ignores", [False, True])
def test_an_echo_that_ends_and_cannot_be_started_again_is_told_with_what_was_found(ignores: bool) -> None:
    target = mortal(lambda data: 30_000 < len(data) < (40_000 if ignores else 70_000), lambda data: len(data) > 40_000)
    with closing(target.start(1)) as site:
        told = LearnedDialect()
        learn_datagrams(RunningSite(site.address), 0.1, told, Budget(), ConversationJournal())
    (suspicion,) = told.suspicions
    assert suspicion.clauses == ("UDP-4",)
    assert told.knows("datagrams", "empty", "answered")
    assert not [one for one in told.findings if one.key == "largest"]
