"""The reference with one bug each: for every clause of the wire, a server that breaks it by one small override."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from reference.address import Address
from reference.chat import QUIT, ChatHandler, Room
from reference.conformance.target import InProcess
from reference.echo import GONE, DatagramEchoHandler, EchoHandler
from reference.family import PROGRAMS, make_server

Class = type[Any]

PAUSE = 0.01
"""Seconds for which some of these bugs wait for what comes next; they are bugs for any length."""


@dataclass(frozen=True)
class Bug:
    """A protocol of the suite, and the classes to put in place of the reference's."""

    protocol: str
    handler: Class | None = None
    mix_in: Class | None = None

    def target(self, transport: str | None = None) -> InProcess:
        """Return the server as a target of the suite."""
        program = PROGRAMS["chat" if self.protocol == "chat" else "echo"]
        if self.handler:
            program = replace(program, connection_handler=self.handler, datagram_handler=self.handler)
        if self.mix_in:
            program = replace(program, mix_ins=(self.mix_in,))
        address = Address(transport or ("udp" if self.protocol == "datagram" else "tcp"), "127.0.0.1")
        return InProcess(partial(make_server, program, address))


def coming(connection: socket.socket) -> bytes | None:
    """Return the next byte without taking it, b"" at the end of stream, None if nothing comes soon."""
    connection.settimeout(PAUSE)
    try:
        return connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return None
    except GONE:
        return b""
    finally:
        connection.settimeout(None)


# Echo over connections


class GreetsClients(EchoHandler):
    def handle(self) -> None:
        self.deliver(b"welcome\n")
        super().handle()


class Lowers(EchoHandler):
    def decide(self, request: bytes) -> bytes:
        return request.strip().lower()


class AnswersAgain(EchoHandler):
    def handle(self) -> None:
        while request := self.receive():
            self.deliver(self.decide(request))


class TakesMore(EchoHandler):
    request_size = 65536


class RepliesToNothing(EchoHandler):
    def decide(self, request: bytes) -> bytes:
        return super().decide(request) or (b"?" if request else b"")


class IgnoresTheHalfClosed(EchoHandler):
    def decide(self, request: bytes) -> bytes:
        return b"" if coming(self.request) == b"" else super().decide(request)


class DiesOfResets(EchoHandler):
    def receive(self) -> bytes:
        try:
            request: bytes = self.request.recv(self.request_size)
        except GONE:
            self.server.socket.close()  # type: ignore[attr-defined]  # the library does not say that servers have one
            raise
        return request


# Echo over datagrams


class RepliesTwice(DatagramEchoHandler):
    def deliver(self, reply: bytes) -> None:
        super().deliver(reply)
        super().deliver(reply)


class RepliesFromElsewhere(DatagramEchoHandler):
    def deliver(self, reply: bytes) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            elsewhere.sendto(reply, self.client_address)


class IgnoresTheEmpty(DatagramEchoHandler):
    def deliver(self, reply: bytes) -> None:
        if self.request[0]:
            super().deliver(reply)


class TakesLess(DatagramEchoHandler):
    def receive(self) -> bytes:
        return super().receive()[:4096]


class NeverForgets(DatagramEchoHandler):
    def handle(self) -> None:
        known = self.server.__dict__.setdefault("known", set())
        known.add(self.client_address)
        if len(known) <= 4:
            super().handle()


# Chat


class Greets(ChatHandler):
    def setup(self) -> None:
        self.request.sendall(b"welcome\n")
        super().setup()


class DeliversToOthers(ChatHandler):
    def deliver(self, chunk: bytes) -> None:
        self.server.leave(self.request)
        super().deliver(chunk)
        self.server.join(self.request)


class Decodes(ChatHandler):
    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.decode("utf-8", "replace").encode())


class Strips(ChatHandler):
    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk.strip())


class DeliversTwice(ChatHandler):
    def deliver(self, chunk: bytes) -> None:
        super().deliver(chunk)
        super().deliver(chunk)


class Overtakes(ChatHandler):
    def deliver(self, chunk: bytes) -> None:
        if coming(self.request):
            super().deliver(self.receive())
        super().deliver(chunk)


class DeliversLongChunks(ChatHandler):
    chunk_size = 4096


class DeliversQuit(ChatHandler):
    def leaves(self, chunk: bytes) -> bool:
        leaving = super().leaves(chunk)
        if leaving and chunk:
            self.deliver(chunk)
        return leaving


class QuitsInCapitals(ChatHandler):
    def leaves(self, chunk: bytes) -> bool:
        return super().leaves(chunk) or chunk.strip().lower() == QUIT


class JoinsWhoSpeaks(ChatHandler):
    def setup(self) -> None:
        pass

    def deliver(self, chunk: bytes) -> None:
        self.server.join(self.request)
        super().deliver(chunk)


class DropsLastWords(ChatHandler):
    def leaves(self, chunk: bytes) -> bool:
        return super().leaves(chunk) or coming(self.request) == b""


class EmptiesTheRoom(Room):
    def leave(self, member: socket.socket) -> None:
        with self.lock:
            if member in self.members:
                self.members.clear()


class FailsForTheReset(Room):
    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        try:
            return member.send(delivery, socket.MSG_DONTWAIT) == len(delivery)
        except BlockingIOError:
            return False


class LeavesTheResetBehind(ChatHandler):
    reset = False

    def receive(self) -> bytes:
        try:
            return self.request.recv(self.chunk_size)  # type: ignore[no-any-return]  # the request may be anything
        except GONE:
            self.reset = True
            return b""

    def finish(self) -> None:
        if not self.reset:
            super().finish()


class DeliversUnlocked(Room):
    def deliver(self, delivery: bytes) -> None:
        with self.lock:
            members = list(self.members)
        for member in members:
            if not self.offer(member, delivery):
                self.cut_off(member)
            time.sleep(0)


class IgnoresShortSends(Room):
    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        super().offer(member, delivery)
        return True


class WaitsForTheSlow(Room):
    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        try:
            member.sendall(delivery)
        except OSError:
            return False
        return True


class CutsOffEarly(Room):
    def prepare(self, request: socket.socket) -> None:
        request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class WaitsForAcknowledgements(Room):
    def prepare(self, request: socket.socket) -> None:
        super().prepare(request)  # type: ignore[misc]  # the mix-in does not know the server it is mixed into
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)


class HasAHundredSeats(Room):
    def join(self, member: socket.socket) -> None:
        with self.lock:
            self.members.add(member)
            full = len(self.members) > 100
        if full:
            self.cut_off(member)


BUGS: Mapping[str, tuple[str, Bug]] = {
    "greets its clients": ("ECHO-1", Bug("echo", GreetsClients)),
    "lowers": ("ECHO-2", Bug("echo", Lowers)),
    "answers a second request": ("ECHO-3", Bug("echo", AnswersAgain)),
    "takes long requests whole": ("ECHO-4", Bug("echo", TakesMore)),
    "replies to white space": ("ECHO-5", Bug("echo", RepliesToNothing)),
    "ignores who half-closed": ("ECHO-6", Bug("echo", IgnoresTheHalfClosed)),
    "stops listening after a reset": ("ECHO-7", Bug("echo", DiesOfResets)),
    "replies twice": ("UDP-1", Bug("datagram", RepliesTwice)),
    "replies from elsewhere": ("UDP-2", Bug("datagram", RepliesFromElsewhere)),
    "ignores empty datagrams": ("UDP-3", Bug("datagram", IgnoresTheEmpty)),
    "takes half of a datagram": ("UDP-4", Bug("datagram", TakesLess)),
    "never forgets a client, and has four seats": ("UDP-5", Bug("datagram", NeverForgets)),
    "greets": ("CHAT-1", Bug("chat", Greets)),
    "delivers to all but the sender": ("CHAT-2", Bug("chat", DeliversToOthers)),
    "decodes": ("CHAT-3", Bug("chat", Decodes)),
    "strips": ("CHAT-3", Bug("chat", Strips)),
    "delivers twice": ("CHAT-4", Bug("chat", DeliversTwice)),
    "lets a chunk overtake the one before": ("CHAT-5", Bug("chat", Overtakes)),
    "delivers chunks of 4096 bytes": ("CHAT-6", Bug("chat", DeliversLongChunks)),
    "delivers quit": ("CHAT-7", Bug("chat", DeliversQuit)),
    "takes QUIT for quit": ("CHAT-8", Bug("chat", QuitsInCapitals)),
    "counts only who has spoken": ("CHAT-9", Bug("chat", JoinsWhoSpeaks)),
    "drops last words": ("CHAT-10", Bug("chat", DropsLastWords)),
    "empties the room when one leaves": ("CHAT-11", Bug("chat", mix_in=EmptiesTheRoom)),
    "fails when a member was reset": ("CHAT-12", Bug("chat", LeavesTheResetBehind, FailsForTheReset)),
    "delivers without the lock": ("CHAT-13", Bug("chat", mix_in=DeliversUnlocked)),
    "goes on after a short send": ("CHAT-14", Bug("chat", mix_in=IgnoresShortSends)),
    "waits for slow members": ("CHAT-15", Bug("chat", mix_in=WaitsForTheSlow)),
    "cuts off early": ("CHAT-15", Bug("chat", mix_in=CutsOffEarly)),
    "waits for acknowledgements": ("CHAT-16", Bug("chat", mix_in=WaitsForAcknowledgements)),
    "has a hundred seats": ("CHAT-17", Bug("chat", mix_in=HasAHundredSeats)),
}
"""What the server does -> the clause that it breaks by that, and the server."""
