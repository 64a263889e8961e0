"""The script of a server that loses last words sends them as the suite does: with the end of their stream."""

import contextlib
import socket
from pathlib import Path

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.reproduce.rows import rows_of
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Send, Step
from socketserver_reference.conformance.scenario.transcript import Did, Transcript
from tests.servers.dialects_served import DIALECTS, Speaker, served
from tests.support.scripts import check_script, seen


class ReadsToTheEndFirst(Speaker):
    """Reads whatever is there before it looks at it: of a client that has ended its stream by then it keeps nothing."""

    def receive(self) -> bytes:
        data = super().receive()
        with contextlib.suppress(BlockingIOError):
            return data if self.request.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) else b""
        return data


@pytest.mark.slow
def test_a_script_sends_last_words_with_the_end_of_their_stream(tmp_path: Path) -> None:
    dialect = DIALECTS["named"]
    text = check_script(served(dialect, ReadsToTheEndFirst), served(dialect), "CHAT-10", tmp_path, dialect)
    assert "'sends with its end'" in text


@pytest.mark.parametrize(("leaver", "action"), [("ann", "sends with its end"), ("ben", "sends")])
def test_only_the_words_of_the_client_that_leaves_come_so(leaver: str, action: str) -> None:
    steps: list[Step] = [Connect("ann"), Connect("ben"), Send("ann", b"1"), HalfClose(leaver)]
    violation = seen("CHAT-10", *steps)
    violation.transcript = Transcript([Did(step, step.said) for step in steps])
    rows, _ = rows_of(violation, "chat", NOTE)
    assert rows[2:4] == [("ann", action, b"1"), (leaver, "half-closes", b"")]
