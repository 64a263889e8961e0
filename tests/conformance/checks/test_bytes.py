"""CHAT-3 and UDP-1 on real sockets: what a server makes of bytes that mean something to it."""

from itertools import takewhile

import pytest

from socketserver_faults.catalogue.index import find
from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.runner.direct import outcomes
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.in_process import InProcess
from tests.servers.dialect_servers import answering, chat
from tests.support.serving import TIMEOUT

LINES = loader.read(
    'protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "{sender}> {body}"\n[quit]\nword = ""\n',
    "-",
    "-",
)


@pytest.mark.parametrize("separator", [b": ", b", ", b"; ", b"|", b" <", b"> ", b"=", b":"])
def test_words_that_a_server_parts_where_a_separator_stands_are_found(separator: bytes) -> None:
    def last(body: bytes) -> bytes:
        return body.rpartition(separator)[2] if body.isascii() and body.decode().isprintable() else body

    parting = chat(deliver=b"{number}> {body}\n", to_sender=b"{number}> {body}\n", change=last, swallows=b"\r\n")
    ((clause, _, raised),) = outcomes("chat", parting, 0.5, "CHAT-3", LINES)
    assert isinstance(raised, Violation)
    assert (clause, raised.clause_id) == ("CHAT-3", "CHAT-3")


def test_lines_that_are_lost_behind_one_that_is_no_text_are_found() -> None:
    def answer(request: bytes) -> bytes:
        lines = request.splitlines(keepends=True) or [b""]
        good = [*takewhile(lambda line: line.isascii(), lines)]
        return b"".join([*good, *lines[len(good) :][:1]])

    dialect = loader.read('protocol = "datagram"\n[echo]\ntransform = "identity"\n', "-", "-")
    seen = [(clause, raised) for clause, _, raised in outcomes("datagram", answering(answer), 0.5, "UDP-1", dialect)]
    assert {clause for clause, _ in seen} == {"UDP-1"}
    (found,) = [raised for _, raised in seen if isinstance(raised, Violation)]
    assert "and more" in found.expected


@pytest.mark.slow
@pytest.mark.parametrize("clause", ["CHAT-5", "CHAT-6", "CHAT-12", "CHAT-14"])
def test_a_server_that_strips_white_space_breaks_nothing_where_long_words_are_said(clause: str) -> None:
    made = find("strips-white-space").make
    seen = [raised for _, _, raised in outcomes("chat", InProcess(made), TIMEOUT, clause)]
    assert None in seen
    assert [str(raised) for raised in seen if isinstance(raised, Violation)] == []
