"""CHAT-21: members who say nothing for a while."""

from dataclasses import replace

import pytest

from socketserver_faults.catalogue import membership
from socketserver_reference.address import Address, server_address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.family import PROGRAMS
from tests.support.checking import Checker
from tests.support.serving import serving


@pytest.mark.parametrize(
    ("handler", "idle", "verdict"),
    [
        (membership.GivesUpTheSilent, "1.5", "violated"),
        (ChatHandler, "1.5", "holds"),
        (membership.GivesUpTheSilent, "0", "not-applicable"),
    ],
)
def test_members_are_silent_for_as_long_as_they_are_told_to_be(
    handler: type[ChatHandler], idle: str, verdict: str, check: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "SILENCE_TIMEOUT", 1.0)
    program = replace(PROGRAMS["chat"], connection_handler=handler)
    with serving(program, Address("tcp", "127.0.0.1")) as server:
        outcome = check("chat", str(server_address(server)), "--only=CHAT-21", "--idle", idle)
    assert outcome.clause("CHAT-21")["verdict"] == verdict
