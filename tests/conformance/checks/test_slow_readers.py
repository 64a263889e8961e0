"""Chats that cut off who does not read, as they may, and harm others by that."""

import socket
from contextlib import closing
from dataclasses import replace

import pytest

from socketserver_reference.conformance.checks import chat_hardened
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.servers.dialects_served import DIALECTS, Speaker, served

NAMED = replace(DIALECTS["named"], handshake=(), notices=(), to_sender="same")


class SkipsTheNext(Speaker):
    """Removes who cannot take a delivery from the list over which it goes, so that the next one gets none."""

    def deliver(self, chunk: bytes) -> None:
        with self.server.lock:
            members = sorted(self.server.members, key=lambda member: int(member.fileno()))
            for member in members:
                if not self.server.offer(member, self.written(member, self.body(chunk))):
                    self.server.cut_off(member)
                    members.remove(member)


class IsShutAfterwards(Speaker):
    """Lets nobody in once it has cut somebody off."""

    def setup(self) -> None:
        super().setup()
        if "shut" in vars(self.server):
            self.server.cut_off(self.request)

    def write(self, member: socket.socket, data: bytes) -> None:
        if not self.server.offer(member, data):
            vars(self.server)["shut"] = True
            self.server.cut_off(member)


@pytest.mark.parametrize("bug", [SkipsTheNext, IsShutAfterwards])
def test_who_does_not_read_harms_nobody_by_being_cut_off(bug: type[Speaker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_hardened, "FLOOD_BYTES", 1024 * 1024)
    with closing(open_session("chat", served(NAMED, bug), 2.0, NAMED)) as session, pytest.raises(VIOLATIONS["CHAT-15"]):
        ChatConformance().test_a_member_that_does_not_read_delays_no_other(ScenarioRunner(session, "CHAT-15"))
