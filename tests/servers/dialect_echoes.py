"""Echoes on sockets that speak the dialect they are given, and with one bug each."""

import contextlib
import itertools
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server
from tests.support.dialects.echo_dialects import DATAGRAMS as DATAGRAMS
from tests.support.dialects.echo_dialects import DIALECTS as DIALECTS
from tests.support.speaking import filled

COUNT = itertools.count(1)
"""Numbers for what a dialect does not say: no two replies are the same."""


class Echo(socketserver.BaseRequestHandler):
    """Answers each request as its dialect says: all there are, or one."""

    dialect: ClassVar[Dialect]
    breaks: ClassVar[str] = ""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.greet()
            self.answer()

    def answer(self) -> None:
        """Reply until the client leaves, or once."""
        for request in self.requests():
            if self.dialect.persistent and self.dialect.is_quit(request):
                self.request.sendall(self.dialect.farewell)
                return
            self.request.sendall(self.reply(request))
            if not self.dialect.persistent:
                return

    def greet(self) -> None:
        for turn in self.dialect.handshake:
            if turn.wait is not None:
                self.request.sendall(filled(turn.wait, b"12:30"))
            if turn.send is not None:
                self.request.recv(1024)

    def requests(self) -> Iterator[bytes]:
        unread = b""
        while chunk := self.request.recv(self.dialect.chunk):
            if self.dialect.raw:
                yield chunk
                continue
            unread += chunk
            while (cut := self.dialect.framing_in.cut(unread)) is not None:
                unread = unread[cut[1] :]
                yield cut[0]

    def reply(self, request: bytes) -> bytes:
        return self.dialect.reply(request).replace(b"{any}", b"%d (%d)" % (next(COUNT), threading.get_ident()))


class Greets(Echo):
    breaks = "ECHO-1"

    def greet(self) -> None:
        super().greet()
        self.request.sendall(b"good evening\n")


class Garbles(Echo):
    breaks = "ECHO-2"

    def reply(self, request: bytes) -> bytes:
        return super().reply(request.replace(b"l", b"1").replace(b"L", b"1"))


class TakesZeroForNothing(Echo):
    breaks = "ECHO-2"

    def reply(self, request: bytes) -> bytes:
        return super().reply(request) if request.strip() != b"0" else b""


class SaysMore(Echo):
    breaks = "ECHO-3"

    asked = False

    def reply(self, request: bytes) -> bytes:
        self.asked = True
        return super().reply(request)

    def handle(self) -> None:
        super().handle()
        with contextlib.suppress(OSError):
            self.request.sendall(b"bye\n" if self.asked else b"")


class AnswersNoLongRequest(Echo):
    breaks = "ECHO-4"

    def reply(self, request: bytes) -> bytes:
        return super().reply(request) if len(request) < 1024 else b""


class DoesNotStripAlone(Echo):
    breaks = "ECHO-5"

    def reply(self, request: bytes) -> bytes:
        return super().reply(request) if request.strip() else super().reply(b".")


class DropsWhoHalfCloses(Echo):
    breaks = "ECHO-6"

    def reply(self, request: bytes) -> bytes:
        self.request.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            if self.request.recv(1, socket.MSG_PEEK) == b"":
                return b""
        self.request.settimeout(None)
        return super().reply(request)


class FailsAfterAReset(Echo):
    breaks = "ECHO-7"

    def handle(self) -> None:
        server: Any = self.server
        if getattr(server, "hurt", False):
            return
        try:
            self.greet()
            self.answer()
        except OSError:
            server.hurt = True


class ServesOneAtATime(Echo):
    breaks = "ECHO-8"

    def handle(self) -> None:
        with vars(self.server).setdefault("visits", threading.Lock()):
            super().handle()


class KeepsAThread(Echo):
    breaks = "ECHO-9"

    def handle(self) -> None:
        threading.Thread(target=self.server.idle.wait, daemon=True).start()  # type: ignore[attr-defined]
        super().handle()


BUGS: dict[str, type[Echo]] = {bug.__name__: bug for bug in Echo.__subclasses__()}


class DropsWhatIsNotRead(Echo):
    """It does not wait for a client that does not read: what its buffer cannot hold is lost."""

    breaks = "ECHO-3"

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.greet()
            for request in self.requests():
                with contextlib.suppress(BlockingIOError):
                    self.request.send(self.reply(request), socket.MSG_DONTWAIT)


class IgnoresItsQuitWord(Echo):
    breaks = "ECHO-3"

    def answer(self) -> None:
        for request in self.requests():
            self.request.sendall(self.reply(request))


class LosesPatience(Echo):
    """Serves one client at a time, and hangs up on one that says nothing for a while: then the next is served."""

    breaks = "ECHO-8"

    def handle(self) -> None:
        self.request.settimeout(2)
        with vars(self.server).setdefault("visits", threading.Lock()):
            super().handle()


class NeverHangsUp(Echo):
    """Does not notice the end of a stream: its clients are connected until the server ends."""

    def answer(self) -> None:
        super().answer()
        both_ends = select.poll()
        both_ends.register(self.request, 0)
        both_ends.poll()


class IsGoneAfterAReset(Echo):
    """Takes no further client once one has reset its connection."""

    def handle(self) -> None:
        try:
            self.answer()
        except OSError:
            vars(self.server)["socket"].close()


class IsGoneAfterRepliesToNobody(Echo):
    """Takes no further client once it has replied twice to one that has closed, as SIGPIPE ends a program in C."""

    def handle(self) -> None:
        try:
            self.answer()
        except BrokenPipeError:
            vars(self.server)["socket"].close()
        except OSError:  # at the first reply
            pass


class RepliesToTheEnd(Echo):
    """Takes the end of the stream for a request, as recv() returns it: b"" again and again."""

    def answer(self) -> None:
        while True:
            self.request.sendall(self.reply(self.request.recv(self.dialect.chunk)))


class RepliesOnceToAnything(Echo):
    """Replies to what one recv() returns, the end of the stream too."""

    def answer(self) -> None:
        self.request.sendall(self.reply(self.request.recv(self.dialect.chunk)))


class StaysAfterItsReply(Echo):
    """Answers once, keeps the connection, and garbles what is no ASCII."""

    def answer(self) -> None:
        super().answer()
        while self.request.recv(1024):
            pass

    def reply(self, request: bytes) -> bytes:
        return super().reply(request.decode("ascii", "replace").encode())


class ReadsTheEndAsALine(Echo):
    """Replies to the end of the stream as to an empty request, and to all others in ASCII."""

    def answer(self) -> None:
        super().answer()
        self.request.sendall(self.reply(b""))

    def reply(self, request: bytes) -> bytes:
        return super().reply(request).decode("ascii", "replace").encode()


class DatagramEcho(socketserver.BaseRequestHandler):
    dialect: ClassVar[Dialect]
    breaks: ClassVar[str] = ""

    def handle(self) -> None:
        data, server = self.request
        if data or self.dialect.empty_datagrams:
            self.answer(server, data)

    def answer(self, server: socket.socket, data: bytes) -> None:
        server.sendto(self.dialect.reply(data).replace(b"{any}", b"%d" % next(COUNT)), self.client_address)


class AnswersNoZero(DatagramEcho):
    breaks = "UDP-1"

    def answer(self, server: socket.socket, data: bytes) -> None:
        if data != b"0":
            super().answer(server, data)


class AnswersTwice(DatagramEcho):
    breaks = "UDP-1"

    def answer(self, server: socket.socket, data: bytes) -> None:
        super().answer(server, data)
        super().answer(server, data)


class AnswersFromElsewhere(DatagramEcho):
    breaks = "UDP-2"

    def answer(self, server: socket.socket, data: bytes) -> None:  # noqa: ARG002  # that is the bug
        with socket.socket(type=socket.SOCK_DGRAM) as other:
            super().answer(other, data)


class AnswersEmptyOnesAtLength(DatagramEcho):
    breaks = "UDP-3"

    def answer(self, server: socket.socket, data: bytes) -> None:
        super().answer(server, data or b"?")


class CutsDatagrams(DatagramEcho):
    breaks = "UDP-4"

    def answer(self, server: socket.socket, data: bytes) -> None:
        super().answer(server, data[: min(self.dialect.datagram - 1, 8000)])


DATAGRAM_BUGS: dict[str, type[DatagramEcho]] = {bug.__name__: bug for bug in DatagramEcho.__subclasses__()}


def served(dialect: Dialect, handler: type[Any]) -> InProcess:
    """Return a server of this dialect as a target of the suite."""
    speaking = type(handler.__name__, (handler,), {"dialect": dialect, "max_packet_size": 65507})
    program = replace(PROGRAMS["echo"], connection_handler=speaking, datagram_handler=speaking)
    address = Address("udp" if "datagram" in dialect.protocols else "tcp", "127.0.0.1")

    def make() -> Any:
        server: Any = make_server(program, address)
        server.max_packet_size = 65507
        return server

    return InProcess(partial(make))
