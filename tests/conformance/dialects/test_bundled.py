"""The bundled dialects, each served by a program made from it: a conversation shows that both sides mean the same."""

from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.loader import bundled
from socketserver_reference.conformance.runner.direct import outcomes
from tests.servers import dialect_echoes, dialects_served

CHATS = {name: one for name, one in bundled().items() if "chat" in one.protocols and name != "note"}
ECHOES = {name: one for name, one in bundled().items() if "echo" in one.protocols and name != "note"}


@pytest.mark.parametrize("name", CHATS)
def test_a_chat_that_speaks_it_delivers_and_lets_clients_leave(name: str) -> None:
    dialect = CHATS[name]
    for clause in ("CHAT-2", "CHAT-7") if dialect.quit else ("CHAT-2",):
        seen = list(outcomes("chat", dialects_served.served(dialect), 5.0, clause, dialect))
        told = [raised for _, _, raised in seen if raised is not None]
        assert [str(one) for one in told] == ["the dialect has no handshake"] * (
            clause == "CHAT-2" and not dialect.handshake
        )


@pytest.mark.parametrize("name", ECHOES)
def test_an_echo_that_speaks_it_replies(name: str) -> None:
    dialect = replace(ECHOES[name], protocols=("echo",))
    seen = list(outcomes("echo", dialect_echoes.served(dialect, dialect_echoes.Echo), 5.0, "ECHO-2", dialect))
    assert [raised for _, _, raised in seen if raised is not None] == []
