"""A chat on sockets that speaks the dialect it is given.

It is the reference's chat, whose room never waits for anybody; what is different is what is read as an utterance, and
what is written because of it. A bug overrides one method of it: see `dialect_bugs.py`.
"""

import itertools
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from socketserver_reference.address import Address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.dialects.dialect import Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.limits import Rate
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server
from tests.support.served_dialects import DIALECTS as DIALECTS
from tests.support.speaking import filled, name_in, treated

BUFFER = 96 * 1024
"""Bytes that the kernel keeps for a member, so that a check need not say millions before it is full; Linux doubles it.
"""


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
        self.number = b"%d" % next(memory(self.server).numbers)
        self.given = b""
        self.answered = True
        self.said: deque[float] = deque()
        if self.is_too_much(memory(self.server).joins, self.dialect.limits.join_rate, self.dialect.limits.join_gap):
            self.server.cut_off(self.request)
        self.shake_hands()
        self.listens_from = time.monotonic() + self.dialect.limits.join_delay
        with self.server.lock:  # so that a newcomer hears each delivery, as an earlier one or as a member
            self.remember(self.request)
            self.server.members.add(self.request)
        self.notify(0)

    # The handshake

    def shake_hands(self) -> None:
        """Greet, and wait for what is asked for."""
        for turn in self.dialect.handshake:
            if turn.wait is not None:
                wait = filled(turn.wait.named(self.given), self.number)
                self.write(self.request, self.dialect.framing_out.put(wait) if turn.framed else wait)
            if turn.send is not None:
                answer = self.answer(turn)
                if answer is None:
                    self.answered = False
                    return
                self.given = name_in(answer, turn.send) or self.given

    def answer(self, turn: HandshakeTurn) -> bytes | None:
        """Read an answer: a frame, as many lines as it has, or what one recv() returns; None at the end."""
        assert turn.send is not None
        lines = turn.send.text.count("\n")
        while True:
            cut = self.dialect.framing_in.cut(self.unread) if turn.framed else None
            if cut is not None:
                answer, taken = cut
            elif lines and not turn.framed and self.unread.count(b"\n") >= lines:
                answer = b"".join(self.unread.splitlines(keepends=True)[:lines])
                taken = len(answer)
            elif self.unread and not (turn.framed or lines):
                answer, taken = self.unread, len(self.unread)
            else:
                more = self.receive()
                if not more:
                    return None
                self.unread += more
                continue
            self.unread = self.unread[taken:]
            return answer

    def notify(self, which: int) -> None:
        """Tell all members that a client has joined or left."""
        for notice in self.dialect.notices[which : which + 1]:
            self.server.deliver(self.dialect.framing_out.put(self.told(notice)))

    def told(self, form: Template) -> bytes:
        return filled(form.named(self.given or b"somebody"), self.number)

    def remember(self, newcomer: Any) -> None:
        """Repeat the last deliveries for a newcomer."""
        for delivery in list(memory(self.server).deliveries)[-self.dialect.history :] if self.dialect.history else []:
            self.write(newcomer, delivery)

    def finish(self) -> None:
        super().finish()
        self.notify(1)

    # What a member says

    def handle(self) -> None:
        for utterances in self.read():
            for utterance in utterances:
                if self.leaves(utterance) or not self.may_speak():
                    return
                said = self.dialect.say.body(utterance)
                if said is not None and not any(said.startswith(prefix) for prefix in self.prefixes()):
                    self.deliver(said)

    def may_speak(self) -> bool:
        """Whether the member keeps to the limits; otherwise it is thrown out."""
        limits = self.dialect.limits
        early = time.monotonic() < self.listens_from
        return not (early or self.is_too_much(self.said, limits.rate, limits.gap))

    @staticmethod
    def is_too_much(times: "deque[float]", rate: Rate, gap: float) -> bool:
        """Note that something happens now; return whether it happens too often, or too early."""
        now = time.monotonic()
        times.append(now)
        while len(times) > max(rate.count, 1) + 1:
            times.popleft()
        too_often = rate.count > 0 and sum(now - then < rate.seconds for then in times) > rate.count
        return too_often or (len(times) > 1 and times[-1] - times[-2] < gap)

    def prefixes(self) -> tuple[bytes, ...]:
        """Return what begins a command."""
        return () if self.dialect.stream else self.dialect.commands

    def read(self) -> Iterator[list[bytes]]:
        """Yield what each recv() brought, utterance by utterance, until the client's end of stream."""
        if self.unread and self.answered:  # what came with the last answer of the handshake
            yield list(self.cut(b""))
        while chunk := self.receive():
            yield list(self.cut(chunk))

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        framing = self.dialect.framing_in
        if framing.kind == "chunk":
            self.chunk, self.unread = self.unread + chunk, b""
            yield self.chunk.removesuffix(framing.newline)
            return
        self.unread += chunk
        header = self.unread[: framing.header_bytes] if framing.kind == "length" else b""
        if header and len(header) == framing.header_bytes and framing.length(header) is None:  # no length: out
            self.unread = b""
            self.server.cut_off(self.request)
        while (cut := framing.cut(self.unread)) is not None:
            self.unread = self.unread[cut[1] :]
            strips = framing.kind == "line" and not self.dialect.keeps_returns
            yield cut[0].removesuffix(b"\r") if strips else cut[0]

    def leaves(self, chunk: bytes) -> bool:
        return self.dialect.is_quit(chunk) if self.dialect.quit_framed else self.chunk == self.dialect.quit

    def body(self, chunk: bytes) -> bytes:
        newline = self.dialect.framing_in.newline
        return newline.join(treated(self.dialect, line) for line in chunk.split(newline))

    # What members read

    def deliver(self, chunk: bytes) -> None:
        with self.server.lock:
            body = self.body(chunk)
            for member in list(self.server.members):
                self.deliver_to(member, self.written(member, body))
            if self.dialect.history:
                memory(self.server).deliveries.append(self.formed(self.dialect.template, body))

    def written(self, member: Any, body: bytes) -> bytes:
        """Return what a member is to read, b"" for nothing."""
        template: Template = self.dialect.template
        if member is self.request and self.dialect.to_sender != "same":
            if not isinstance(self.dialect.to_sender, Template):
                return b""
            template = self.dialect.to_sender
        return self.formed(template, body)

    def formed(self, template: Template, body: bytes) -> bytes:
        said = filled(template, b"12:30", body=body, sender=self.number)
        return said if self.dialect.framing_out.kind == "none" else self.dialect.framing_out.put(said)

    def deliver_to(self, member: Any, delivery: bytes) -> None:
        if delivery:
            self.write(member, delivery)
            for prompt in self.dialect.prompts[:1]:
                self.write(member, self.told(prompt))

    def write(self, member: Any, data: bytes) -> None:
        if not self.server.offer(member, data):
            self.server.cut_off(member)


class Memory:
    """What a server remembers of earlier clients."""

    def __init__(self) -> None:
        self.deliveries: deque[bytes] = deque(maxlen=1000)
        self.joins: deque[float] = deque()
        self.numbers = itertools.count(1)  # clients have the same ones whatever was served before


memories: WeakKeyDictionary[Any, Memory] = WeakKeyDictionary()


def memory(server: Any) -> Memory:
    """Return what a server remembers."""
    return memories.setdefault(server, Memory())


def served(dialect: Dialect, bug: type[Speaker] = Speaker) -> InProcess:
    """Return a server of this dialect as a target of the suite."""
    handler = type(bug.__name__, (bug,), {"dialect": dialect})
    make: Callable[[], Any] = partial(
        make_server, replace(PROGRAMS["chat"], connection_handler=handler), Address("tcp", "127.0.0.1")
    )
    return InProcess(make)
