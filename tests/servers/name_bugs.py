"""The chat of `dialects_served.py` with a bug about names."""

import threading
from typing import Any, ClassVar

from socketserver_reference.conformance.dialects.dialect import HandshakeTurn
from tests.servers.dialects_served import Speaker


class LeavesByName(Speaker):
    """A client that leaves is removed by its name, and so is another client with that name."""

    breaks = "CHAT-11"
    holders: ClassVar[dict[bytes, Any]] = {}
    name = b""

    def receive(self) -> bytes:
        data = super().receive()
        if not self.name:
            self.name = data
            self.holders.setdefault(data, self.request)
        return data

    def finish(self) -> None:
        super().finish()
        self.server.leave(self.holders.pop(self.name, self.request))


class ReplacesByName(Speaker):
    """A client that gives the name of a member takes its place in the room."""

    breaks = "CHAT-2"

    def setup(self) -> None:
        super().setup()
        members = vars(self.server).setdefault("members_by_name", {})
        with self.server.lock:
            self.server.members.discard(members.get(self.given))
            members[self.given] = self.request


class LosesWhatFollowsTheName(Speaker):
    """An answer is what one recv() returns, up to the end of its line: what comes behind that is lost."""

    breaks = "CHAT-6"

    def answer(self, turn: HandshakeTurn) -> bytes | None:
        answer = super().answer(turn)
        self.unread = b""
        return answer


class TakesWhatFollowsForTheName(Speaker):
    """A name is all that one recv() returns: a client that speaks at once has a name of several lines."""

    breaks = "CHAT-6"

    def answer(self, turn: HandshakeTurn) -> bytes | None:
        answer = super().answer(turn)
        if answer is not None:
            answer, self.unread = answer + self.unread, b""
        return answer


class AsksOneAfterAnother(Speaker):
    """It asks for the name where it accepts."""

    breaks = "CHAT-9"
    turn = threading.Lock()

    def shake_hands(self) -> None:
        with self.turn:
            super().shake_hands()
