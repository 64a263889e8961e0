"""The chat of `dialects_served.py` with one bug each, in any dialect."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from socketserver_reference.echo import DISCONNECT_ERRORS
from tests.servers.dialects_served import Speaker
from tests.servers.name_bugs import LeavesByName, ReplacesByName


class Greets(Speaker):
    breaks = "CHAT-1"

    def setup(self) -> None:
        super().setup()
        self.write(self.request, self.dialect.framing_out.put(b"good evening"))


class LeavesOneOut(Speaker):
    breaks = "CHAT-2"

    def written(self, member: Any, body: bytes) -> bytes:
        others = [other for other in self.server.members if other is not self.request]
        left_out = len(others) > 1 and member is max(others, key=lambda other: int(other.fileno()))
        return b"" if left_out and b"hello" in body else super().written(member, body)


class TakesZeroForNothing(Speaker):
    breaks = "CHAT-2"

    def deliver(self, chunk: bytes) -> None:
        if chunk.strip() != b"0":
            super().deliver(chunk)


class Shouts(Speaker):
    breaks = "CHAT-3"

    def body(self, chunk: bytes) -> bytes:
        return super().body(chunk).replace(b"x", b"X")


class Repeats(Speaker):
    breaks = "CHAT-4"

    def deliver(self, chunk: bytes) -> None:
        super().deliver(chunk)
        if b"once" in chunk:
            super().deliver(chunk)


class RepeatsLater(Speaker):
    breaks = "CHAT-4"

    held: tuple[bytes, ...] = ()

    def deliver(self, chunk: bytes) -> None:
        for held in self.held:
            super().deliver(held)
        super().deliver(chunk)
        self.held = (chunk,) if b"once" in chunk else ()


class TurnsRound(Speaker):
    breaks = "CHAT-5"

    held: tuple[bytes, ...] = ()

    def deliver(self, chunk: bytes) -> None:
        if b"of-many" in chunk and not self.held:
            self.held = (chunk,)
            return
        super().deliver(chunk)
        for held in self.held:
            super().deliver(held)
        self.held = ()


class CutsShort(Speaker):
    breaks = "CHAT-6"

    def body(self, chunk: bytes) -> bytes:
        newline = self.dialect.framing_in.newline
        longest = max(90, self.dialect.longest // 2)
        return newline.join(line[:longest] for line in super().body(chunk).split(newline))


class DropsLongUtterances(Speaker):
    """It ends the connection of a speaker whose utterance does not end within 64 KiB, and does not read the rest."""

    breaks = "CHAT-6"

    def receive(self) -> bytes:
        return super().receive() if len(self.unread) < 65_000 else b""


class TellsTheOthers(Speaker):
    breaks = "CHAT-7"

    def leaves(self, chunk: bytes) -> bool:
        if super().leaves(chunk):
            self.deliver(chunk)
        return super().leaves(chunk)


class Stays(Speaker):
    breaks = "CHAT-7"

    def leaves(self, chunk: bytes) -> bool:  # noqa: ARG002  # whatever it is
        return False


class QuitsAtAnyMention(Speaker):
    breaks = "CHAT-8"

    def leaves(self, chunk: bytes) -> bool:
        return self.dialect.quit in chunk and b"is here" not in chunk


class WaitsForAWord(Speaker):
    breaks = "CHAT-9"

    def setup(self) -> None:
        super().setup()
        self.server.leave(self.request)

    def deliver(self, chunk: bytes) -> None:
        self.server.join(self.request)
        super().deliver(chunk)


class LosesLastWords(Speaker):
    breaks = "CHAT-10"

    def deliver(self, chunk: bytes) -> None:
        if b"last words" in chunk:
            select.select([self.request], [], [], 0.2)
            with contextlib.suppress(OSError):
                if self.request.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                    return
        super().deliver(chunk)


class TakesAnotherAlong(Speaker):
    breaks = "CHAT-11"

    def finish(self) -> None:
        super().finish()
        with self.server.lock:
            for other in list(self.server.members)[:1]:
                self.server.cut_off(other)


class PanicsAtAReset(Speaker):
    breaks = "CHAT-12"

    def receive(self) -> bytes:
        try:
            return bytes(self.request.recv(self.chunk_size))
        except DISCONNECT_ERRORS:
            with self.server.lock:
                for member in list(self.server.members):
                    self.server.cut_off(member)
            return b""


class HasNoOneOrder(Speaker):
    breaks = "CHAT-13"

    def deliver(self, chunk: bytes) -> None:
        if b"~" not in chunk:
            super().deliver(chunk)
            return
        for member in sorted(self.server.members, key=id, reverse=int(self.number) % 2 == 0):
            with self.server.lock:
                self.deliver_to(member, self.written(member, self.body(chunk)))
            time.sleep(0.0002)


class SendsInPieces(Speaker):
    breaks = "CHAT-14"

    def deliver(self, chunk: bytes) -> None:
        if b"~" not in chunk:
            super().deliver(chunk)
            return
        with self.server.lock:
            written = {member: self.written(member, self.body(chunk)) for member in self.server.members}
            for member, data in written.items():
                self.write(member, data[: len(data) // 2])
        time.sleep(0.001)
        with self.server.lock:
            for member, data in written.items():
                self.write(member, data[len(data) // 2 :])


class Waits(Speaker):
    breaks = "CHAT-15"

    def write(self, member: Any, data: bytes) -> None:
        with contextlib.suppress(OSError):
            member.sendall(data)


class IsImpatient(Speaker):
    breaks = "CHAT-15"

    def setup(self) -> None:
        super().setup()
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)


class SendsInTwo(Speaker):
    breaks = "CHAT-16"

    def setup(self) -> None:
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

    def write(self, member: Any, data: bytes) -> None:
        super().write(member, data[:1])
        super().write(member, data[1:])


class IsFull(Speaker):
    breaks = "CHAT-17"

    def setup(self) -> None:
        super().setup()
        if len(self.server.members) > 150:
            self.server.cut_off(self.request)


class KeepsAThread(Speaker):
    """Each client costs a thread that waits for the end of the server."""

    breaks = "CHAT-18"

    def setup(self) -> None:
        threading.Thread(target=self.server.idle.wait, daemon=True).start()
        super().setup()


class KeepsTheNameless(Speaker):
    """A client that leaves before it has a name stays in the room, and its closed socket ends a speaker."""

    breaks = "CHAT-11"
    nameless = False

    def shake_hands(self) -> None:
        super().shake_hands()
        with contextlib.suppress(BlockingIOError):
            self.nameless = self.request.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""

    def finish(self) -> None:
        if not self.nameless:
            super().finish()

    def write(self, member: Any, data: bytes) -> None:
        member.send(data, socket.MSG_DONTWAIT)


class TakesEachRecvForAnUtterance(Speaker):
    """It does not wait for the end of a frame."""

    breaks = "CHAT-6"

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        framing = self.dialect.framing_in
        yield (chunk[framing.header_bytes :] if framing.kind == "length" else chunk.rstrip(framing.newline))


class DropsTheSecondOfTwo(Speaker):
    """Of the utterances that come in one segment it takes the first."""

    breaks = "CHAT-6"

    def read(self) -> Iterator[list[bytes]]:
        for utterances in super().read():
            yield utterances[:1]

    def body(self, chunk: bytes) -> bytes:
        return super().body(chunk).split(self.dialect.framing_in.newline)[0]


class ReadsLengthsAtOnce(Speaker):
    """It ends a client whose length does not come in one segment."""

    breaks = "CHAT-6"

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        if not self.unread and len(chunk) < self.dialect.framing_in.header_bytes:
            self.server.cut_off(self.request)
            return
        yield from super().cut(chunk)


class WaitsForTheRest(Speaker):
    """It waits for the rest of a frame where it delivers: nothing is delivered until then."""

    breaks = "CHAT-9"

    def receive(self) -> bytes:
        with self.server.lock if self.unread else contextlib.nullcontext():
            return super().receive()


class FailsOverAnUnfinishedFrame(Speaker):
    """It fails, and all with it, when a client has left within a frame."""

    breaks = "CHAT-10"

    def finish(self) -> None:
        super().finish()
        with self.server.lock:
            for member in list(self.server.members) if self.unread else []:
                self.server.cut_off(member)


class PanicsAtAResetBeforeTheName(PanicsAtAReset):
    breaks = "CHAT-12"
    named = False

    def setup(self) -> None:
        super().setup()
        self.named = True

    def receive(self) -> bytes:
        return Speaker.receive(self) if self.named else super().receive()


SPEAKERS: set[type[Speaker]] = {
    *Speaker.__subclasses__(),
    PanicsAtAResetBeforeTheName,
    LeavesByName,
    ReplacesByName,
}
BUGS = {bug.__name__: bug for bug in sorted(SPEAKERS, key=lambda bug: bug.__name__) if bug.breaks}
