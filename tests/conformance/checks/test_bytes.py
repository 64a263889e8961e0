"""CHAT-3 on real sockets: what a server makes of bytes that mean something to it."""

import pytest

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.runner.direct import outcomes
from socketserver_reference.conformance.scenario.violation import Violation
from tests.servers.dialect_servers import chat

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
