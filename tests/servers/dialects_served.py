"""A chat on sockets that speaks the dialect it is given.

It is the reference's chat, whose room never waits for anybody; what is different is what is read as an utterance, and
what is written because of it. A bug overrides one method of it: see `dialect_bugs.py`.
"""

import itertools
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from socketserver_reference.address import Address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server
from tests.support.speaking import filled, treated

BUFFER = 96 * 1024
"""Bytes that the kernel keeps for a member, so that a check need not say millions before it is full; Linux doubles it.
"""

numbers = itertools.count(1)


class Speaker(ChatHandler):
    """Serves one member in its dialect."""

    dialect: ClassVar[Dialect]
    breaks: ClassVar[str] = ""
    """The clause that a bug breaks."""
    chunk_size = 65536

    def setup(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        self.number = b"%d" % next(numbers)
        self.shake_hands()
        super().setup()
        self.notify(0)

    def shake_hands(self) -> None:
        """Greet, and wait for what is asked for; a name is a line."""
        for exchange in self.dialect.handshake:
            if exchange.wait is not None:
                self.write(self.request, filled(exchange.wait, b"stranger"))
            while exchange.send is not None and b"\n" not in self.unread:
                more = self.receive()
                if not more:
                    return
                self.unread += more
            self.unread = self.unread.partition(b"\n")[2] if exchange.send is not None else self.unread

    def notify(self, which: int) -> None:
        """Tell all members that a client has joined or left."""
        for notice in self.dialect.notices[which : which + 1]:
            self.server.deliver(self.dialect.framing_out.put(filled(notice, self.number)))

    def finish(self) -> None:
        super().finish()
        self.notify(1)

    def handle(self) -> None:
        for utterances in self.read():
            for utterance in utterances:
                if self.leaves(utterance):
                    return
                self.deliver(utterance)

    def read(self) -> Iterator[list[bytes]]:
        """Yield what each recv() brought, utterance by utterance, until the client's end of stream."""
        if self.unread:  # what came with the last answer of the handshake
            yield list(self.cut(b""))
        while chunk := self.receive():
            yield list(self.cut(chunk))

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        framing = self.dialect.framing_in
        if framing.kind == "chunk":
            yield chunk.removesuffix(framing.newline)
            return
        self.unread += chunk
        header = self.unread[: framing.digits] if framing.kind == "length" else b""
        if len(header) == framing.digits and not header.strip().isdigit():  # no length: out
            self.unread = b""
            self.server.cut_off(self.request)
        while (cut := framing.cut(self.unread)) is not None:
            self.unread = self.unread[cut[1] :]
            yield cut[0]

    def leaves(self, chunk: bytes) -> bool:
        return self.dialect.is_quit(chunk)

    def body(self, chunk: bytes) -> bytes:
        newline = self.dialect.framing_in.newline
        return newline.join(treated(self.dialect, line) for line in chunk.split(newline))

    def deliver(self, chunk: bytes) -> None:
        with self.server.lock:
            for member in list(self.server.members):
                self.deliver_to(member, self.written(member, self.body(chunk)))

    def written(self, member: Any, body: bytes) -> bytes:
        """Return what a member is to read, b"" for nothing."""
        template: Template = self.dialect.template
        if member is self.request and self.dialect.to_sender != "same":
            if not isinstance(self.dialect.to_sender, Template):
                return b""
            template = self.dialect.to_sender
        said = filled(template, b"12:30", body=body, sender=self.number)
        return said if self.dialect.framing_out.kind == "none" else self.dialect.framing_out.put(said)

    def deliver_to(self, member: Any, delivery: bytes) -> None:
        if delivery:
            self.write(member, delivery)
            for prompt in self.dialect.prompts[:1]:
                self.write(member, prompt)

    def write(self, member: Any, data: bytes) -> None:
        if not self.server.offer(member, data):
            self.server.cut_off(member)


DIALECTS: dict[str, Dialect] = {
    name: read('protocol = "chat"\n' + text, name, name)
    for name, text in {
        "named": """
            [framing]
            in = "line"
            [[handshake]]
            wait = "Name? "
            send = "{name}\\n"
            [[handshake]]
            wait = "Hello {any}\\n"
            [delivery]
            template = "{sender}: {body}"
            to_sender = "nothing"
            notices = ["* {any} has come", "* {any} has gone"]
            [quit]
            word = "/quit"
            [bytes]
            handling = "replaced"
            white_space = "stripped"
            """,
        "prompting": """
            [framing]
            in = "line"
            newline = "\\r\\n"
            [delivery]
            template = "[{any}] <{sender}> {body}"
            to_sender = "you: {body}"
            prompts = ["> "]
            """,
        "lengths": """
            [framing]
            in = "length"
            header = "%04d"
            [delivery]
            template = "{body}"
            to_sender = "ok"
            """,
        "fixed": """
            [framing]
            in = "fixed"
            size = 400
            [delivery]
            template = "{sender}>{body}"
            [quit]
            word = ""
            """,
        "chunks": """
            [framing]
            in = "chunk"
            [delivery]
            template = "<user{sender}> {body}"
            to_sender = "nothing"
            notices = ["<announce> {any}"]
            [quit]
            word = ""
            [bytes]
            handling = "escaped"
            [limits]
            chunk = 65536
            """,
        "unmarked": """
            [framing]
            in = "line"
            out = "none"
            [delivery]
            template = "{sender}: {body}"
            """,
    }.items()
}


def served(dialect: Dialect, bug: type[Speaker] = Speaker) -> InProcess:
    """Return a server of this dialect as a target of the suite."""
    handler = type(bug.__name__, (bug,), {"dialect": dialect})
    make: Callable[[], Any] = partial(
        make_server, replace(PROGRAMS["chat"], connection_handler=handler), Address("tcp", "127.0.0.1")
    )
    return InProcess(make)
