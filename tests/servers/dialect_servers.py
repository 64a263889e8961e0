"""Chats and echoes that speak other dialects than the reference, each by a few words about it; in this process."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from socketserver_reference.conformance.targets.in_process import InProcess


def lines(member: "Member") -> bytes | None:
    """Hear lines; what has no end is dropped."""
    line: bytes = member.rfile.readline()
    return line.rstrip(b"\r\n") if line.endswith(b"\n") else None


def crlf_lines(member: "Member") -> bytes | None:
    """Hear lines, whose carriage return is a part of what is said unless it is before the newline."""
    line: bytes = member.rfile.readline()
    return line.removesuffix(b"\n").removesuffix(b"\r") if line else None


def chunks(member: "Member") -> bytes | None:
    """Hear what one recv() returns."""
    return member.connection.recv(1024) or None


def stripped_chunks(member: "Member") -> bytes | None:
    """Hear what one recv() returns, without white space around it."""
    chunk = chunks(member)
    return chunk and chunk.strip()


def short_lines(member: "Member", longest: int = 100) -> bytes | None:
    """Read lines of up to so many bytes, and cut off a client that says a longer one."""
    line: bytes = member.rfile.readline(longest + 1)
    return line[:-1] if line.endswith(b"\n") else None


def pieces(member: "Member") -> bytes | None:
    """Hear lines, those of more than 200 bytes in several pieces."""
    line: bytes = member.rfile.readline(200)
    return line.removesuffix(b"\n") or None


def fixed(member: "Member") -> bytes | None:
    """Hear 64 bytes at a time, filled up with blanks."""
    frame: bytes = member.rfile.read(64)
    return frame.rstrip(b" ") if len(frame) == 64 else None


def polled(member: "Member") -> bytes | None:
    """Look for the same now and then; what is not there whole is lost."""
    frame = b" "
    while frame and len(frame) < 64:
        time.sleep(0.15)
        with suppress(BlockingIOError):
            frame = member.connection.recv(64, socket.MSG_DONTWAIT)
    return frame.rstrip(b" ") if frame else None


def counted(member: "Member") -> bytes | None:
    """Hear as many bytes as a number of four digits says."""
    header: bytes = member.rfile.read(4)
    return member.rfile.read(int(header)) if header.strip().isdigit() else None


@dataclass(frozen=True)
class Speech:
    """The dialect of a chat; in texts, {name} is the client concerned, and {number} counts the members."""

    hear: Callable[["Member"], bytes | None] = lines
    deliver: bytes = b"{body}\n"
    frame: Callable[[bytes], bytes] = bytes
    to_sender: bytes | None = b"{body}\n"
    """None for nothing."""
    greeting: bytes = b""
    asks: bytes | None = None
    """What asks for a name; None if it is not asked for."""
    answer: bytes = b""
    joined: bytes = b""
    left: bytes = b""
    quit: bytes = b""
    bye: bytes = b""
    swallows: bytes = b"\r"
    """What lines begin with that are no utterances."""
    seats: int = 1000
    admits: int = 1_000_000
    """Most clients that may ever join."""
    change: Callable[[bytes], bytes] = bytes
    """What becomes of what is said."""
    lasts: int = 1_000_000
    """Utterances after which the room is deaf."""


class Member(socketserver.StreamRequestHandler):
    """A member of the room."""

    disable_nagle_algorithm = True
    server: "Chat"

    def handle(self) -> None:
        speech = self.server.speech
        self.name = str(self.client_address[1]).encode()
        with self.server.lock:
            self.number = next(self.server.numbers)
        if len(self.server.members) >= speech.seats or self.number > speech.admits:
            return
        with suppress(OSError):
            if speech.greeting or speech.asks:
                self.wfile.write(self.fill(speech.greeting + (speech.asks or b"")))
            if speech.asks is not None:
                self.name = speech.hear(self) or b"nobody"
            if speech.answer:
                self.wfile.write(self.fill(speech.answer))
            self.stay(speech)

    def stay(self, speech: Speech) -> None:
        with self.server.lock:
            self.tell_others(self.fill(speech.joined))
            self.server.members.append(self)
        try:
            while (body := speech.hear(self)) is not None:
                if speech.quit and body.strip() == speech.quit:
                    self.wfile.write(speech.bye)
                    break
                if body.startswith(speech.swallows):
                    continue
                self.say(speech, speech.change(body))
        finally:
            with self.server.lock:
                self.server.members.remove(self)
                self.tell_others(self.fill(speech.left))

    def say(self, speech: Speech, body: bytes) -> None:
        with self.server.lock:
            self.server.utterances += 1
            if self.server.utterances > speech.lasts:
                return
            self.tell_others(speech.frame(self.fill(speech.deliver, body)))
            if speech.to_sender is not None:
                self.wfile.write(speech.frame(self.fill(speech.to_sender, body)))

    def tell_others(self, data: bytes) -> None:
        for member in self.server.members:
            if member is not self and data:
                with suppress(OSError):
                    member.wfile.write(data)

    def fill(self, text: bytes, body: bytes = b"") -> bytes:
        return (
            text.replace(b"{name}", self.name)
            .replace(b"{number}", b"%d" % self.number)
            .replace(b"{clock}", time.strftime("%H:%M:%S").encode())
            .replace(b"{count}", b"%d" % self.server.utterances)
            .replace(b"{body}", body)
        )


class Chat(socketserver.ThreadingTCPServer):
    """A room."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, speech: Speech) -> None:
        self.speech = speech
        self.lock = threading.RLock()
        self.members: list[Member] = []
        self.gone: list[bytes] = []
        self.numbers = iter(range(1, 1_000_000))
        self.utterances = 0
        super().__init__(("127.0.0.1", 0), Member)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: what is wrong shows itself to the clients."""


def chat(**speech: Any) -> InProcess:
    """Return a chat as a target."""
    return InProcess(partial(Chat, Speech(**speech)))


def served(answer: Callable[[socket.socket], object], *, one_by_one: bool = False) -> InProcess:
    """Return a server as a target that does this with each connection, which is closed then; with all at once, or with
    one after the other.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                answer(self.request)

    def make() -> socketserver.BaseServer:
        if one_by_one:
            return socketserver.TCPServer(("127.0.0.1", 0), Handler)
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        return server

    return InProcess(make)


def answering(answer: Callable[[bytes], bytes | None]) -> InProcess:
    """Return an echo over datagrams as a target; None is no answer."""

    class Handler(socketserver.DatagramRequestHandler):
        def finish(self) -> None:
            reply = answer(self.packet)
            if reply is not None:
                self.socket.sendto(reply, self.client_address)

    class Server(socketserver.UDPServer):
        max_packet_size = 65_536

    return InProcess(partial(Server, ("127.0.0.1", 0), Handler))
