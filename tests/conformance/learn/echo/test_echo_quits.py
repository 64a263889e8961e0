"""`learn echo`: the word by which a client ends its stream, and words that end more than that."""

import re
import socket
import socketserver
from functools import partial
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.echo.conversation import EchoConversation
from socketserver_reference.conformance.learn.echo.quit_words import ask_quit
from socketserver_reference.conformance.runner.direct import outcomes
from socketserver_reference.conformance.targets.in_process import InProcess
from tests.servers.dialect_servers import served
from tests.support.learning import learned, proposed, reason
from tests.support.rehearsed_rooms import RehearsedConversation
from tests.support.serving import TIMEOUT

pytestmark = pytest.mark.usefixtures("quick_learning")


@pytest.mark.parametrize("farewell", [b"quit\n", b""])
def test_an_echo_that_repeats_the_quit_word_or_says_nothing_to_it(farewell: bytes) -> None:
    def echo_until_quit(client: socket.socket) -> None:
        with client.makefile("rwb") as stream:
            for line in stream:
                stream.write(farewell if line == b"quit\n" else line)
                stream.flush()
                if line == b"quit\n":
                    return

    dialect = learned(served(echo_until_quit), "echo")
    assert (dialect.quit, dialect.farewell) == (b"quit", farewell)


def echo_until(client: socket.socket, word: bytes, farewell: bytes = b"") -> None:
    while (request := client.recv(1000)) and request != word:
        client.sendall(request)
    client.sendall(farewell if request else b"")


@pytest.mark.slow
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_echo_of_chunks_that_is_quit_by_a_line(end: bytes) -> None:
    target = served(partial(echo_until, word=b"bye" + end, farewell=b"see you\n"))
    text = proposed(target, "echo")
    dialect = read(text, "learned", "learned")
    assert (dialect.raw, dialect.quit, dialect.farewell) == (True, b"bye", b"see you\n")
    assert dialect.sent_quit(dialect.quit) == b"bye" + end
    assert "without the end of a line 'bye' was answered" in reason(text, "line_end")
    assert not any(raised for _, _, raised in outcomes("echo", target, TIMEOUT, "ECHO-3", dialect))


def test_an_echo_of_chunks_that_is_quit_by_a_word_alone() -> None:
    dialect = learned(served(partial(echo_until, word=b"bye")), "echo")
    assert dialect.sent_quit(dialect.quit) == b"bye"


class Mortal(RehearsedConversation):
    """Its server ends when a client says `exit`, and another is started in its place."""

    restartable = True

    def say(self, who: str, data: bytes) -> None:
        super().say(who, data)
        if data == b"exit":
            self.exit_report = "the server ended with exit status 0"
            self.ended[who] = "eof"

    def fresh(self) -> None:
        super().fresh()
        self.exit_report = ""


def asked(conversation: Conversation) -> LearnedDialect:
    told = LearnedDialect()
    ask_quit(EchoConversation(conversation), [], told)
    return told


def test_a_word_of_which_an_echo_dies_is_no_quit_word() -> None:
    told = asked(Mortal())
    (suspicion,) = told.suspicions
    assert str(suspicion) == (
        "After a client had said 'exit' the server was gone: the server ended with exit status 0. "
        "No clause is about that."
    )
    assert told.remarks == ["If 'exit' is the quit word, write it as quit.word: `check` says it then."]
    assert told.knows("quit", "word", "")


def test_a_server_that_died_of_something_else_is_started_again() -> None:
    conversation = Mortal()
    conversation.exit_report = "the server ended with exit status 1"
    told = asked(conversation)
    assert [one.what for one in told.suspicions] == [
        "After a client had said 'exit' the server was gone: the server ended with exit status 0"
    ]


class Closing(RehearsedConversation):
    """Its server lets nobody in once a client has said `bye`, or once so many have come."""

    def __init__(self, many: int = 1000, *, restartable: bool = True) -> None:
        super().__init__()
        self.site.restartable = restartable
        self._restarts = restartable
        self.many = self.left = many

    def join(self, who: str) -> None:
        if not self.left:
            raise CannotLearn("no client can connect any more")
        self.left -= 1
        super().join(who)

    def say(self, who: str, data: bytes) -> None:
        super().say(who, data)
        self.left = 0 if data == b"bye" else self.left

    def fresh(self) -> None:
        super().fresh()
        self.left = self.many


def test_a_word_after_which_nobody_can_connect_is_told() -> None:
    told = asked(Closing())
    (suspicion,) = told.suspicions
    assert suspicion.what == "After a client had said 'bye' the server was gone: no client can connect any more"
    assert told.remarks == ["If 'bye' is the quit word, write it as quit.word: `check` says it then."]


def test_a_word_is_not_blamed_where_only_a_few_clients_can_connect() -> None:
    conversation = EchoConversation(Closing(2))
    told = LearnedDialect()
    ask_quit(conversation, [], told)
    assert conversation.worn_out_by == 2
    assert not told.suspicions


def test_a_server_that_cannot_be_started_again_is_asked_nothing_more() -> None:
    with pytest.raises(CannotLearn, match="no client can connect"):
        asked(Closing(restartable=False))


@pytest.mark.parametrize("restartable", [True, False])
def test_a_client_that_finds_no_place_gets_a_fresh_server_if_there_is_one(restartable: bool) -> None:
    echo = EchoConversation(Closing(2, restartable=restartable))
    echo.client(), echo.client()
    if restartable:
        assert (echo.client(), echo.worn_out_by, echo.fragile) == ("client4", 2, True)
        return
    with pytest.raises(CannotLearn):
        echo.client()


class Tiring(RehearsedConversation):
    """Its server answers so many clients, and only lets in the others."""

    def __init__(self, many: int) -> None:
        super().__init__()
        self.many = many
        self.came = 0

    def join(self, who: str) -> None:
        super().join(who)
        self.came += 1

    def fresh(self) -> None:
        super().fresh()
        self.came = 0

    def say(self, who: str, data: bytes) -> None:
        if self.came <= self.many:
            super().say(who, data)


@pytest.mark.parametrize("many", [2, 0])
def test_words_that_nothing_answers_are_said_again_to_a_fresh_server(many: int) -> None:
    """What is not answered there either says nothing of how many came before."""
    echo = EchoConversation(Tiring(many))
    told = LearnedDialect()
    ask_quit(echo, [], told)
    assert (echo.worn_out_by, told.suspicions) == (many, [])
    for _ in range(many + 2):
        assert bool(echo.ask(b"hello", b"hello").reply) is bool(many)


def by_a_few(many: int) -> InProcess:
    """Return an echo that serves so many clients; others only connect."""

    class Few(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            server: Any = self.server
            server.served += 1
            while (request := self.request.recv(1000)) and request != b"/quit":
                if server.served <= many:
                    self.request.sendall(b"you said: " + request)

    def make() -> Any:
        server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Few)
        server.daemon_threads = True
        server.served = 0
        return server

    return InProcess(make)


def test_an_echo_that_answers_a_few_clients_and_no_more_is_told_and_learned() -> None:
    text = proposed(by_a_few(3), "echo")
    assert "May be a bug: Once 3 clients had come and left, no other was answered." in re.sub(r"\n#\s+", " ", text)
    dialect = read(text, "learned", "learned")
    assert (dialect.quit, dialect.reply_template.text) == (b"/quit", "you said: {body}")
    assert "all came unchanged" in reason(text, "handling")
