"""`learn echo` where something stands around replies: what becomes of unusual bytes, and of long requests; where a
blank line ends requests, or a line's end stands behind each reply.
"""

import re
import socket
import socketserver
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count, takewhile

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.runner.direct import outcomes
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server
from tests.servers.dialect_servers import answering, served
from tests.support.learning import learned, proposed, reason, unfit
from tests.support.serving import TIMEOUT

pytestmark = pytest.mark.usefixtures("quick_learning")


def says_again(client: socket.socket) -> None:
    """Reply to lines with the words before it that tell so, up to 3000 characters of what is valid UTF-8."""
    with client.makefile("rb") as lines:
        for line in lines:
            client.sendall(b"you said: %s\n" % line.decode(errors="ignore").rstrip("\n")[:3000].encode())


def test_an_echo_with_words_before_its_replies_is_asked_about_bytes_and_lengths() -> None:
    text = proposed(served(says_again), "echo")
    dialect = read(text, "learned", "learned")
    assert dialect.reply_template.text == "you said: {body}"
    assert "May be a bug: Invalid UTF-8" in text
    assert dialect.limits.utterance == 3000
    assert "the first 3000 were answered" in reason(text, "utterance")


def waits_for_a_blank_line(client: socket.socket) -> None:
    """Reply to all lines before the first blank one."""
    with client.makefile("rb") as lines:
        said = list(takewhile(lambda line: line != b"\n", lines))
        client.sendall(b"".join(said))


def test_an_echo_that_reads_up_to_a_blank_line_is_learned() -> None:
    dialect = read(proposed(served(waits_for_a_blank_line), "echo"), "learned", "learned")
    assert (dialect.framing_in.newline, dialect.framing_out.newline) == (b"\n\n", b"\n")
    assert (dialect.transform, dialect.persistent) == ("identity", False)


def test_a_line_end_behind_each_reply_is_no_white_space_that_is_stripped() -> None:
    def answer_once(client: socket.socket) -> None:
        client.sendall(client.recv(1000) + b"\n")
        while client.recv(1000):
            pass

    dialect = learned(served(answer_once), "echo")
    assert (dialect.reply_template, dialect.transform, dialect.strips) == (Template("{body}\n"), "identity", False)


def test_words_around_the_reply_and_a_farewell() -> None:
    def polite(client: socket.socket) -> None:
        with client.makefile("rwb") as stream:
            stream.write(b"say stop to leave\n")
            stream.flush()
            for line in stream:
                stream.write(b"bye\n" if line == b"stop\n" else b"you said: " + line)
                stream.flush()
                if line == b"stop\n":
                    return

    dialect = learned(served(polite), "echo")
    assert (dialect.reply_template, dialect.quit, dialect.farewell) == (Template("you said: {body}"), b"stop", b"bye\n")
    assert dialect.transform == "identity"


def test_a_reply_in_the_reverse_order_and_what_its_server_does_not_take() -> None:
    def backwards_once(client: socket.socket) -> None:
        request = client.recv(1024).strip()
        client.sendall(request.decode("ascii", "replace").encode()[::-1])

    text = proposed(served(backwards_once), "echo", accepted=["bytes.handling"])
    dialect = read(text, "learned", "learned")
    assert (dialect.transform, dialect.handling, dialect.chunk) == ("reverse", "escaped", 1024)
    assert r"invalid UTF-8: b'\xff\xc3(' came as" in reason(text, "handling")


@pytest.mark.parametrize("strip", [bytes, bytes.strip])
def test_each_request_in_the_reverse_order_and_how_much_the_server_takes_for_one(
    strip: Callable[[bytes], bytes],
) -> None:
    def backwards(client: socket.socket) -> None:
        while request := client.recv(300):
            client.sendall(strip(request)[::-1])

    dialect = learned(served(backwards), "echo")
    assert (dialect.transform, dialect.persistent, dialect.chunk) == ("reverse", True, 300)
    assert (dialect.framing_in.kind, dialect.strips) == ("chunk", strip is bytes.strip)


@pytest.mark.parametrize(("before", "template"), [(b"", "{body}"), (b"is ", "is {body}")])
def test_datagrams_that_come_back_in_the_reverse_order(before: bytes, template: str) -> None:
    dialect = learned(answering(lambda request: before + request[:3000][::-1]), "echo")
    assert (dialect.transform, dialect.datagram) == ("reverse", 3000)
    assert dialect.reply_template == Template(template)


@pytest.mark.parametrize("datagrams", [True, False])
def test_a_reply_with_the_rest_of_a_buffer_is_said_to_be_one(datagrams: bool) -> None:
    def whole_buffer(request: bytes) -> bytes:
        return request.upper().ljust(100, b"\0")

    server = answering(whole_buffer) if datagrams else served(lambda one: one.sendall(whole_buffer(one.recv(100))))
    proposal = unfit(server, "echo")
    assert "it is upper, and 82 more bytes: does it send its whole buffer" in "\n".join(proposal.evidence)


def test_a_datagram_that_is_lost_now_and_then_is_told_and_all_else_is_learned() -> None:
    asked: list[bytes] = []

    def loses(request: bytes) -> bytes | None:
        asked.append(request)
        return None if asked.count(request) == 1 and request != b"Mink-3" else request

    text = proposed(answering(loses), "echo")
    dialect = read(text, "learned", "learned")
    assert (dialect.transform, dialect.empty_datagrams, dialect.datagram) == ("identity", True, 65507)
    assert "May be a bug: The answer to a datagram did not come, 8 times" in text


@pytest.mark.parametrize(
    ("form", "template"),
    [
        (lambda number, _: b"%d: %%s" % number, "{any}: {body}"),
        (lambda number, port: b"Thread-%d (%d): %%s" % (number, port), "Thread-{any} ({any}): {body}"),
        (lambda *_: time.strftime("[%H:%M:%S] %%s").encode(), "[{any}] {body}"),
        (lambda number, _: b"%%s (%d)" % number, "{body} ({any})"),
        (lambda number, port: b"%d: %%s from %d" % (number, port), "{any}: {body} from {any}"),
        (lambda *_: time.strftime("%%s %H:%M:%S").encode(), "{body} {any}"),
    ],
    ids=["count", "thread and port", "time", "count behind", "on both sides", "time behind"],
)
def test_what_differs_from_reply_to_reply_is_any_text(form: Callable[[int, int], bytes], template: str) -> None:
    numbers = count(1)

    def reply(client: socket.socket) -> None:
        port = client.getpeername()[1]
        with client.makefile("rwb", 0) as stream:
            for line in stream:
                stream.write(form(next(numbers), port) % line.rstrip(b"\n") + b"\n")

    dialect = learned(served(reply), "echo")
    assert (dialect.reply_template, dialect.transform, dialect.persistent) == (Template(template), "identity", True)


@pytest.mark.parametrize("template", ["answer {any}: {body}", '{"said": "{body}", "number": {any}}'])
def test_what_differs_from_datagram_to_datagram_is_any_text(template: str) -> None:
    numbers = count(1)
    form = Template(template)

    def answer(request: bytes) -> bytes:
        return form.fill(body=request[:2000].upper()).replace(b"{any}", b"%d" % next(numbers))

    dialect = learned(answering(answer), "echo")
    assert (dialect.reply_template, dialect.datagram) == (form, 2000)


def test_an_empty_datagram_that_gets_no_answer_is_told_from_those_that_are_counted() -> None:
    numbers = count(1)
    counting = answering(lambda request: b"%d: %s" % (next(numbers), request) if request else None)
    dialect = learned(counting, "echo")
    assert (dialect.reply_template, dialect.empty_datagrams) == (Template("{any}: {body}"), False)


class TellsThePort(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        sock.sendto(b"%d: %s" % (self.client_address[1], data), self.client_address)


def test_the_port_of_the_one_client_that_asks_is_any_text_to_others() -> None:
    program = replace(PROGRAMS["echo"], datagram_handler=TellsThePort)
    target = InProcess(partial(make_server, program, Address("udp", "127.0.0.1")))
    assert learned(target, "echo").reply_template == Template("{any}: {body}")


def test_a_count_straight_before_the_words_is_in_no_dialect() -> None:
    """Nothing says where the words begin."""

    def counting(client: socket.socket) -> None:
        with client.makefile("rwb", 0) as stream:
            for number, line in enumerate(stream, 1):
                stream.write(b"%d%s" % (number, line))

    proposal = unfit(served(counting), "echo")
    assert "Look at echo.transform: cannot tell: b'  Otter Weasel-1  ' came back as b'1  Otter Weasel-1  '" in (
        "\n".join(proposal.evidence)
    )


def test_words_around_the_replies_to_short_requests_alone_are_no_form() -> None:
    def curt(client: socket.socket) -> None:
        while request := client.recv(1024):
            client.sendall(b"you said %s!" % request if len(request) <= len(b"  Otter Weasel-1  ") else b"too long")

    assert "cannot tell: b'  Otter Weasel-1  ' came back as" in "\n".join(unfit(served(curt), "echo").evidence)


def test_a_reply_that_goes_on_with_the_end_of_the_one_before_is_told() -> None:
    def stale(client: socket.socket) -> None:
        buffer = bytearray(1000)
        while size := client.recv_into(buffer):
            end = max(size, buffer.find(b"\0"))
            client.sendall(buffer[:end])

    text = proposed(served(stale), "echo")
    assert "May be a bug: A reply goes on with the end of the one before: b'Mink-2' came back as b'Mink-2r Weasel" in (
        re.sub(r"\n#\s+", " ", text)
    )
    assert read(text, "learned", "learned").transform == "identity"


def test_what_is_lost_of_a_request_on_a_stream_is_no_limit_but_told() -> None:
    def loses(client: socket.socket) -> None:
        while request := client.recv(1 << 17):
            client.sendall(request[:200])

    text = proposed(served(loses), "echo")
    told = "May be a bug: Of a request of 1000 bytes the first 200 were answered, and nothing more."
    assert told in re.sub(r"\n#\s+", " ", text)
    assert "chunk = " not in text


def test_an_echo_that_answers_once_may_take_more_than_the_reference() -> None:
    def once(client: socket.socket) -> None:
        client.sendall(client.recv(1 << 17))

    target = served(once)
    dialect = learned(target, "echo")
    assert (dialect.persistent, dialect.chunk) == (False, 48_000)
    assert not any(raised for _, _, raised in outcomes("echo", target, TIMEOUT, "ECHO-4", dialect))
