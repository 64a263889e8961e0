"""Chats that punish clients beyond their limits: `python -m tests.servers.strict_servers NAME PORT [NUMBER ...]`.

    few PORT N             ends at once when there are more than N members
    refuses PORT N         hangs up on whoever comes when there are N
    others PORT N          as few; what one says, in lines, goes to all others
    keeps PORT N           hangs up on whoever comes when N have come in its life
    impatient PORT G J     hangs up on whoever speaks within G seconds of its last words, or comes within J of another

All of them deliver as the reference does, but for `others`.
"""

import os
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

from tests.servers.frail_servers import listen, receive

CROWDED = 5
"""How the server ends that has had too many members."""


@dataclass
class Member:
    """A client, and what is known of it."""

    socket: socket.socket
    spoke: float = float("-inf")
    line: bytearray = field(default_factory=bytearray)


class Room:
    """The members, and the limits."""

    def __init__(self, server: socket.socket, name: str, *limits: float) -> None:
        self.name = name
        self.most = int(limits[0]) if name != "impatient" else sys.maxsize
        self.gap, self.join_gap = limits if name == "impatient" else (0.0, 0.0)
        self.members: dict[int, Member] = {}
        self.came = float("-inf")
        self.visits = 0
        self.server = server
        self.selector = selectors.DefaultSelector()
        self.selector.register(server, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until killed."""
        while True:
            for key, _ in self.selector.select():
                if key.fd == self.server.fileno():
                    self.join(self.server.accept()[0])
                elif key.fd in self.members:
                    self.hear(self.members[key.fd])

    def join(self, client: socket.socket) -> None:
        now = time.monotonic()
        self.visits += 1
        count = self.visits - 1 if self.name == "keeps" else len(self.members)
        if count == self.most and self.name in ("few", "others"):
            os._exit(CROWDED)
        if count >= self.most or now - self.came < self.join_gap:
            client.close()
            return
        self.came = now
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self.members[client.fileno()] = Member(client)
        self.selector.register(client, selectors.EVENT_READ)

    def hear(self, member: Member) -> None:
        chunk = receive(member.socket)
        now = time.monotonic()
        if not chunk or chunk.strip() == b"quit" or now - member.spoke < self.gap:
            self.leave(member)
            return
        member.spoke = now
        if self.name != "others":
            self.deliver(b"ack" + chunk, list(self.members.values()))
            return
        member.line += chunk
        while b"\n" in member.line:
            line, _, rest = bytes(member.line).partition(b"\n")
            member.line[:] = rest
            self.deliver(line + b"\n", [one for one in self.members.values() if one is not member])

    def deliver(self, delivery: bytes, members: list[Member]) -> None:
        for one in members:
            try:
                whole = one.socket.send(delivery, socket.MSG_DONTWAIT) == len(delivery)
            except OSError:
                whole = False
            if not whole:
                self.leave(one)

    def leave(self, member: Member) -> None:
        if self.members.pop(member.socket.fileno(), None) is not None:
            self.selector.unregister(member.socket)
            member.socket.close()


if __name__ == "__main__":
    Room(listen(sys.argv[2]), sys.argv[1], *map(float, sys.argv[3:])).serve()
