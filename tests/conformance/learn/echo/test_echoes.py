"""`learn echo`: what an echo makes of a request, over connections and over datagrams."""

import re
import socket
import socketserver
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import count
from typing import Any

import pytest

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.dialect import HandshakeTurn
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.echo.datagram import learn_datagrams
from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.learn.propose import propose
from socketserver_reference.conformance.runner.direct import open_session, play_all
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from socketserver_reference.conformance.targets.external import RunningSite
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.launched import Launched
from tests.servers.bad_servers import HOSTILE
from tests.servers.dialect_servers import answering, served
from tests.support.checking import bad
from tests.support.learning import differences, learned, proposed, reason, unfit
from tests.support.planted import Planted
from tests.support.serving import TIMEOUT, unserved

pytestmark = pytest.mark.usefixtures("quick_learning")


def echo(change: Callable[[bytes], bytes] = bytes, size: int = 1 << 17, greeting: bytes = b"") -> InProcess:
    """Return an echo that answers all it gets."""

    def answer(client: socket.socket) -> None:
        client.sendall(greeting)
        while request := client.recv(size):
            client.sendall(change(request))

    return served(answer)


def once(client: socket.socket, size: int = 100) -> None:
    client.sendall(client.recv(size))


def by_lines(client: socket.socket, newline: bytes, longest: int) -> None:
    with client.makefile("rwb") as stream:
        held = b""
        while byte := stream.read(1):
            held += byte
            if held.endswith(newline):
                if len(held) > longest:
                    return
                stream.write(held.lower())
                stream.flush()
                held = b""


def test_an_echo_that_answers_until_the_client_half_closes() -> None:
    text = proposed(echo(greeting=b"hello 1\r\n"), "echo")
    dialect = loader.read(text, "learned", "learned")
    greeting = (HandshakeTurn(wait=Template("hello 1\r\n")),)
    assert differences(dialect) == {"transform": "identity", "persistent": True, "handshake": greeting}
    assert "the client half-closed, then it ended too" in reason(text, "requests")


def test_the_lag_of_a_server_at_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{propose.__module__}.LEAST_LAG_TOLD", 0.0)
    assert re.search(r"It was seen at rest for \d+\.\d s before it greeted", proposed(echo(), "echo"))


def test_an_echo_that_takes_the_end_of_a_stream_for_a_request_is_learned_and_told() -> None:
    def answer(client: socket.socket) -> None:
        while True:
            client.sendall(b"you said " + (client.recv(1024) or b"nothing" * 1000))

    text = proposed(served(answer), "echo")
    assert loader.read(text, "learned", "learned").persistent
    assert "May be a bug: When a client had half-closed, the server sends without end" in re.sub(r"\n#\s+", " ", text)


def test_an_echo_of_lines_that_serves_one_client_after_the_other() -> None:
    def answer(client: socket.socket) -> None:
        with client.makefile("rwb", buffering=0) as stream:
            stream.write(b"hello\n")
            for line in stream:
                stream.write(b"you said: " + line)

    dialect = learned(served(answer, one_by_one=True), "echo")
    assert (dialect.framing_in, dialect.reply_template) == (Framing("line"), Template("you said: {body}"))
    assert (dialect.persistent, dialect.handshake) == (True, (HandshakeTurn(wait=Template("hello\n")),))


def test_an_echo_whose_lines_end_otherwise_than_those_of_its_clients() -> None:
    def answer(client: socket.socket) -> None:
        with client.makefile("rwb", buffering=0) as stream:
            for line in stream:
                stream.write(b"> " + line.rstrip() + b"\r\n")

    dialect = learned(served(answer), "echo")
    assert (dialect.framing_in, dialect.framing_out) == (Framing("line"), Framing("line", newline=b"\r\n"))
    assert (dialect.reply_template, dialect.transform, dialect.strips) == (Template("> {body}"), "identity", True)


def test_an_echo_that_takes_the_end_of_a_stream_for_an_empty_line_is_learned_and_told() -> None:
    def answer(client: socket.socket) -> None:
        with client.makefile("rwb", buffering=0) as stream:
            for line in stream:
                stream.write(line)
            stream.write(b"\n")

    text = proposed(served(answer), "echo")
    assert r"May be a bug: When a client had half-closed that had asked nothing more, it heard b'\n'" in re.sub(
        r"\n#\s+", " ", text
    )
    assert loader.read(text, "learned", "learned").framing_in == Framing("line")


def test_an_echo_that_answers_nobody_when_a_client_has_left_is_learned_and_told() -> None:
    def fresh() -> socketserver.BaseServer:
        left: list[socket.socket] = []

        def answer(client: socket.socket) -> None:
            while request := client.recv(1000):
                if not left:
                    client.sendall(request)
            left.append(client)

        return served(answer).make()

    text = proposed(InProcess(fresh), "echo")
    assert "May be a bug: When a client had left, the next was not answered." in text
    dialect = loader.read(text, "learned", "learned")
    assert (dialect.transform, dialect.persistent) == ("identity", True)
    assert "all came unchanged" in reason(text, "handling")


def test_an_echo_that_answers_once_so_many_bytes() -> None:
    text = proposed(served(once), "echo")
    assert differences(loader.read(text, "learned", "learned")) == {"transform": "identity", "chunk": 100}
    assert "after one answer the client got" in reason(text, "requests")


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_an_echo_of_lines(newline: bytes) -> None:
    dialect = learned(served(partial(by_lines, newline=newline, longest=2000)), "echo")
    assert differences(dialect) == {
        "framing_in": Framing("line", newline=newline),
        "framing_out": Framing("line", newline=newline),
        "transform": "lower",
        "persistent": True,
        "limits": Limits(utterance=1000),
    }


def test_an_echo_of_long_lines_has_no_limit() -> None:
    dialect = learned(served(partial(by_lines, newline=b"\n", longest=100_000)), "echo")
    assert dialect.limits.utterance == 0


@pytest.mark.parametrize(
    ("fault", "difference"),
    [
        ("keeps-white-space", {"transform": "upper"}),
        ("keeps-the-case", {"transform": "identity", "strips": True}),
        ("ends-at-zero", {}),
        ("takes-half-a-chunk", {"chunk": 512}),
        ("keeps-the-connection", {}),
        ("waits-for-a-line", {"framing_in": Framing("line"), "framing_out": Framing("none")}),
        ("answers-again", {"persistent": True}),
        ("ignores-empty-datagrams", {"empty_datagrams": False}),
        ("drops-long-datagrams", {"datagram": 1472}),
        ("replies-twice", {}),
    ],
)
def test_a_fault_of_an_echo(fault: str, difference: dict[str, Any]) -> None:
    dialect = learned(Planted(fault).target(), "echo")
    assert {key: value for key, value in differences(dialect).items() if key != "limits"} == difference


def test_a_transformation_that_has_no_name_cannot_be_told() -> None:
    def hexadecimal_once(client: socket.socket) -> None:
        client.sendall(client.recv(1000).hex().encode())

    proposal = unfit(served(hexadecimal_once), "echo")
    assert "cannot tell" in reason(proposal.text, "transform")
    assert "\n# transform = " in proposal.text
    why = "b'  Otter Weasel-1  ' came back as b'20204f747465722057656173656c2d312020', which is none of strip-upper"
    assert proposal.evidence[-1].startswith(f"Look at echo.transform: cannot tell: {why}")


def test_an_echo_that_does_not_say_end_of_stream_is_told() -> None:
    def silent_in_the_end(client: socket.socket) -> None:
        while request := client.recv(1000):
            client.sendall(request)
        client.recv(1)
        asking_for_ever.wait(2)

    asking_for_ever = threading.Event()
    try:
        text = proposed(served(silent_in_the_end), "echo")
    finally:
        asking_for_ever.set()
    assert "but the server did not end it then" in reason(text, "requests")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda client: client.close(), "a client that had not said anything got end of stream"),
        (lambda client: client.recv(100), "is answered by end of stream alone"),
        (lambda client: [client.recv(100) for _ in range(4)], "Weasel-1  ' within 0.3 s, neither without"),
        (lambda client: (client.sendall(HOSTILE), client.close()), "end of stream, after b'\\x1b[31mred"),
    ],
)
def test_what_is_no_echo_is_told_in_one_printable_line(answer: Callable[[socket.socket], object], why: str) -> None:
    with pytest.raises(CannotLearn, match=re.escape(why)) as told:
        learned(served(answer), "echo")
    assert str(told.value).isprintable()


# Over datagrams


def test_datagrams() -> None:
    assert differences(learned(answering(bytes), "echo")) == {"transform": "identity", "datagram": 65_507}
    assert learned(answering(lambda request: request[:3000]), "echo").datagram == 3000


def test_datagrams_in_words_that_are_the_same_each_time() -> None:
    dialect = learned(answering(lambda request: b"you said: " + request[:900].upper() + b"!"), "echo")
    assert differences(dialect) == {
        "transform": "upper",
        "reply_template": Template("you said: {body}!"),
        "datagram": 900,
    }


def test_an_echo_that_answers_no_datagram() -> None:
    with pytest.raises(CannotLearn, match="there is no answer to the datagram"):
        learned(answering(lambda _: None), "echo")


def test_an_address_at_which_no_socket_receives_datagrams() -> None:
    refused = r"nothing to check at udp:.*: connection refused; is the server running\?"
    with unserved("udp") as address, pytest.raises(CannotLearn, match=refused):
        learn_datagrams(RunningSite(address), 0.1, LearnedDialect(), Budget(), ConversationJournal())


def test_a_transformation_of_datagrams_that_has_no_name_cannot_be_told() -> None:
    numbers = count()
    proposal = unfit(answering(lambda request: b"%d%s" % (next(numbers), request)), "echo")
    assert "cannot tell" in reason(proposal.text, "transform")
    assert "\n# largest = " in proposal.text


def test_answers_that_do_not_come_excuse_none_that_is_no_echo() -> None:
    long: list[bytes] = []

    def hexadecimal_until_a_long_one(request: bytes) -> bytes | None:
        long.extend([request] if len(request) > 3000 else [])
        return None if long else request.hex().encode()

    proposal = unfit(answering(hexadecimal_until_a_long_one), "echo")
    assert "Not all could be learned" in proposal.text
    assert "\n# transform = " in proposal.text


def test_a_datagram_that_is_lost_is_sent_again() -> None:
    heard: list[bytes] = []

    def every_third(request: bytes) -> bytes | None:
        heard.append(request)
        return request if len(heard) % 3 == 0 else None

    assert differences(learned(answering(every_third), "echo"))["transform"] == "identity"


def test_an_echo_that_falls_silent_is_told() -> None:
    heard: list[bytes] = []

    def first_only(request: bytes) -> bytes | None:
        heard.append(request)
        return request if len(heard) == 1 else None

    text = proposed(answering(first_only), "echo")
    assert "Not all could be learned: after b'  Otter Weasel-1  ' the server answered nothing any more." in text


@pytest.mark.slow
def test_an_echo_that_ends_with_a_silent_client_is_started_again_and_other_clauses_are_decided() -> None:
    target = Launched(bad("ends-with-the-silent"))
    proposal = propose("echo", target, 0.1, 10)
    assert not proposal.trouble
    dialect = loader.read(proposal.text, "learned", "learned")
    assert (dialect.transform, dialect.stream) == ("upper", False)
    assert "A client left that had said nothing: the server ended with exit status 0" in proposal.text
    with closing(open_session("echo", target, TIMEOUT, dialect)) as session:
        told = [outcome for clause in ("ECHO-2", "ECHO-7") for _, _, outcome in play_all(session, "echo", clause)]
    assert [outcome and type(outcome) for outcome in told] == [None, None, VIOLATIONS["ECHO-7"]]
