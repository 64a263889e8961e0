"""Chats that label each delivery with its speaker's number, in this process."""

from dataclasses import replace
from typing import Any

from socketserver_reference.conformance.targets.in_process import InProcess
from tests.servers import dialect_servers as servers

LABELLED = b"{number}: {body}\n"


def room_of(member: type[servers.Member], **speech: Any) -> InProcess:
    """Return a chat whose members are of this class."""

    def make() -> servers.Chat:
        server = servers.Chat(servers.Speech(deliver=LABELLED, to_sender=LABELLED, **speech))
        server.RequestHandlerClass = member
        return server

    return InProcess(make)


class Ghost(servers.Member):
    """Stays a member when it has gone; then a delivery to it ends its speaker."""

    def stay(self, speech: servers.Speech) -> None:
        self.server.members.append(self)
        while (body := speech.hear(self)) is not None:
            self.say(speech, body)

    def tell_others(self, data: bytes) -> None:
        for member in self.server.members:
            if member is not self:
                member.wfile.write(data)

    def handle(self) -> None:
        try:
            super().handle()
        except ValueError:  # the file of a connection that is closed
            return


class TellsLater(servers.Member):
    """Says that another has gone only when somebody speaks, after what that one says."""

    def stay(self, speech: servers.Speech) -> None:
        super().stay(replace(speech, left=b""))
        with self.server.lock:
            self.server.gone.append(self.fill(speech.left))

    def say(self, speech: servers.Speech, body: bytes) -> None:
        with self.server.lock:
            super().say(speech, body)
            for member in self.server.members:
                member.wfile.write(b"".join(self.server.gone))
            self.server.gone.clear()
