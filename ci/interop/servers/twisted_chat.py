"""A chat on Twisted's LineReceiver: python twisted_chat.py PORT. It asks for a name; all others hear each line."""

import sys
from typing import ClassVar

from twisted.internet import protocol, reactor
from twisted.protocols.basic import LineReceiver


class Member(LineReceiver):
    members: ClassVar[dict[bytes, "Member"]] = {}

    def __init__(self) -> None:
        self.name = b""

    def connectionMade(self) -> None:  # noqa: N802  # Twisted's name
        self.transport.setTcpNoDelay(True)
        self.sendLine(b"What's your name?")

    def lineReceived(self, line: bytes) -> None:  # noqa: N802  # Twisted's name
        if self.name:
            self.tell_others(b"<" + self.name + b"> " + line)
        elif line in self.members:
            self.sendLine(b"Name taken, please choose another.")
        else:
            self.name = line
            self.members[line] = self
            self.sendLine(b"Welcome, " + line + b"!")

    def tell_others(self, line: bytes) -> None:
        for member in self.members.values():
            if member is not self:
                member.sendLine(line)

    def connectionLost(self, reason: object = None) -> None:  # noqa: N802, ARG002  # Twisted's name
        if self.members.get(self.name) is self:
            del self.members[self.name]


factory = protocol.ServerFactory()
factory.protocol = Member
reactor.listenTCP(int(sys.argv[1]), factory, backlog=500, interface="127.0.0.1")
reactor.run()
