"""Servers of the family that each break one clause about the inside of a process.

They are in a room of their own, which imports little: a forking server is made in a process of its own.
"""

import mmap
import queue
import socket
import socketserver
import threading
import weakref
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.conformance.inprocess.hosts import ServerSpec
from socketserver_reference.echo import EchoHandler
from socketserver_reference.lifecycle import StreamServer, Threads
from socketserver_reference.overthreaded import OverthreadedChatHandler
from tests.servers.family.making_families import Faultless, forking_library, library, made, threading_library


class LiesAboutTheClient(socketserver.BaseServer):
    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        super().finish_request(request, ("192.0.2.1", 1))


class LiesAboutTheServer(socketserver.BaseServer):
    def finish_request(self, request: Any, client_address: Any) -> None:
        stranger: Any = SimpleNamespace(socket=self.socket)  # type: ignore[attr-defined]
        self.RequestHandlerClass(request, client_address, stranger)


class GivesAFile(socketserver.BaseServer):
    def finish_request(self, request: Any, client_address: Any) -> None:
        with request.makefile("rwb") as file:
            super().finish_request(file, client_address)


class GivesBytes(socketserver.BaseServer):
    def finish_request(self, request: Any, client_address: Any) -> None:
        super().finish_request(request[0], client_address)


class ByHand(socketserver.BaseServer):
    """Runs the three by hand instead of leaving it to the constructor."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler_class: Any = self.RequestHandlerClass
        handler = handler_class.__new__(handler_class)
        handler.request, handler.client_address, handler.server = request, client_address, self
        self.run(handler)

    def run(self, handler: Any) -> None:
        raise NotImplementedError


class SkipsFinish(ByHand):
    def run(self, handler: Any) -> None:
        handler.setup()
        handler.handle()
        handler.finish()


class FinishesTwice(ByHand):
    def run(self, handler: Any) -> None:
        handler.setup()
        try:
            handler.handle()
        finally:
            handler.finish()
        handler.finish()


class FinishesWhatNeverBegan(ByHand):
    def run(self, handler: Any) -> None:
        try:
            handler.setup()
            handler.handle()
        finally:
            handler.finish()


class HandlesTwice(socketserver.BaseServer):
    def finish_request(self, request: Any, client_address: Any) -> None:
        super().finish_request(request, client_address)
        super().finish_request(request, client_address)


class ForgetfulEcho(EchoHandler):
    """Its own constructor forgets finish when handle raises."""

    def __init__(self, request: Any, client_address: Any, server: Any) -> None:
        self.request, self.client_address, self.server = request, client_address, server
        self.setup()
        self.handle()
        self.finish()


class ShutsDownBeforeFinish(ByHand):
    def run(self, handler: Any) -> None:
        handler.setup()
        try:
            handler.handle()
        finally:
            handler.request.shutdown(socket.SHUT_WR)
            handler.finish()


class KeepsRequestsOpen(StreamServer):
    def shutdown_request(self, request: Any) -> None:
        self.__dict__.setdefault("kept", []).append(request)

    def server_close(self) -> None:
        super().server_close()
        for request in self.__dict__.get("kept", []):
            self.end(request)
            self.close_request(request)


class OnlyShutsDown(KeepsRequestsOpen):
    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)


class UnjoinedChat(OverthreadedChatHandler):
    def wait_for(self, worker: threading.Thread) -> None:
        pass


class UnjoinedPoolChat(ChatHandler):
    """Hands its client to a thread that was there before."""

    work: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def handle(self) -> None:
        self.work.put(super().handle)


def keep_working() -> None:
    while (job := UnjoinedPoolChat.work.get()) is not None:
        with suppress(OSError):
            job()


class UnjoinedEcho(EchoHandler):
    def handle(self) -> None:
        threading.Thread(target=super().handle, daemon=True).start()


class DropsWhoWaits(socketserver.BaseServer):
    """Refuses the clients that connected while it served another."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        super().finish_request(request, client_address)
        listening: Any = self.socket  # type: ignore[attr-defined]
        listening.setblocking(False)
        try:
            while True:
                listening.accept()[0].close()
        except BlockingIOError:
            listening.setblocking(True)


class ListensInTheLoop(socketserver.BaseServer):
    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        request.recv(1, socket.MSG_PEEK)
        return True


class OneChild(socketserver.BaseServer):
    max_children = 1


class SharesMemory(socketserver.BaseServer):
    """Keeps what handlers store on it where all processes see it."""

    memory = mmap.mmap(-1, 1)

    @property
    def probed(self) -> int:
        return self.memory[0]

    @probed.setter
    def probed(self, count: int) -> None:
        self.memory[0] = count


class HearsItselfAlone(ChatHandler):
    """Keeps the members on the handler."""

    def setup(self) -> None:
        self.members = {self.request}

    def deliver(self, chunk: bytes) -> None:
        for member in self.members:
            member.sendall(self.delivery(chunk))


class Fragile(socketserver.BaseServer):
    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        raise


class Panics(StreamServer):
    """Hangs up on all clients when one handler fails."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        super().handle_error(request, client_address)
        for connection in list(self.connections):
            self.end(connection)


class LeavesTheDead(Room):
    """Keeps the connections of handlers that failed, and lets the next speaker fail on them."""

    def leave(self, member: socket.socket) -> None:
        pass

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        return member.send(delivery) == len(delivery)


class NeverHangsUp(StreamServer):
    def hang_up(self) -> None:
        pass


class KeepsItsPort(socketserver.BaseServer):
    def server_close(self) -> None:
        port: Any = self.socket.dup()  # type: ignore[attr-defined]
        super().server_close()
        weakref.finalize(self, port.close)


class KeepsItsFile(StreamServer):
    def server_close(self) -> None:
        self.path = ""
        super().server_close()


class KeepsAThread(socketserver.BaseServer):
    def server_close(self) -> None:
        super().server_close()
        threading.Thread(target=threading.Event().wait, args=(0.3,), name="housekeeping", daemon=True).start()


class DoesNotWait(Threads):
    def wait_for_handlers(self) -> None:
        pass


class LeavesChildren(StreamServer):
    """Ends without its children."""

    block_on_close = False

    def hang_up(self) -> None:
        pass


class OneRoomForAll(Room):
    everybody: set[socket.socket] = set()  # noqa: RUF012 - sharing it is the fault

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.members = self.everybody


BROKEN: list[tuple[str, ServerSpec]] = [
    ("SRV-1", made(LiesAboutTheClient, "tcp", "threading")),
    ("SRV-1", made(LiesAboutTheClient, "udp", "sync")),
    ("SRV-1", made(LiesAboutTheClient, "unix", "sync")),
    ("SRV-1", made(LiesAboutTheClient, "unix-datagram", "forking")),
    ("SRV-1", made(LiesAboutTheServer, "tcp", "forking")),
    ("SRV-1", made(LiesAboutTheServer, "udp", "threading")),
    ("SRV-1", made(GivesAFile, "tcp", "sync")),
    ("SRV-1", made(GivesBytes, "udp", "threading")),
    ("SRV-2", made(SkipsFinish, "tcp", "threading")),
    ("SRV-2", made(SkipsFinish, "udp", "sync")),
    ("SRV-2", made(FinishesTwice, "tcp", "sync")),
    ("SRV-2", made(FinishesWhatNeverBegan, "unix", "forking")),
    ("SRV-2", made(HandlesTwice, "udp", "threading")),
    ("SRV-2", made(Faultless, "tcp", "threading", handler=ForgetfulEcho)),
    ("SRV-3", made(ShutsDownBeforeFinish, "tcp", "sync")),
    ("SRV-3", made(ShutsDownBeforeFinish, "unix", "forking")),
    ("SRV-3", made(KeepsRequestsOpen, "tcp", "threading")),
    ("SRV-3", made(OnlyShutsDown, "tcp", "sync")),
    ("SRV-3", made(OnlyShutsDown, "unix", "sync")),
    ("SRV-3", made(Faultless, "tcp", "threading", "overthreaded", handler=UnjoinedChat)),
    ("SRV-3", made(Faultless, "unix", "threading", "overthreaded", handler=UnjoinedChat)),
    ("SRV-3", made(Faultless, "tcp", "sync", handler=UnjoinedEcho)),
    ("SRV-3", made(Faultless, "tcp", "forking", handler=UnjoinedEcho)),
    ("SRV-4", made(Faultless, "tcp", "threading", claims="sync")),
    ("SRV-4", made(Faultless, "unix-datagram", "threading", claims="sync")),
    ("SRV-4", made(DropsWhoWaits, "tcp", "sync")),
    ("SRV-5", made(Faultless, "tcp", "sync", claims="threading")),
    ("SRV-5", made(Faultless, "udp", "sync", claims="threading")),
    ("SRV-5", made(ListensInTheLoop, "tcp", "threading")),
    ("SRV-6", made(Faultless, "tcp", "threading", claims="forking")),
    ("SRV-6", made(Faultless, "unix-datagram", "threading", claims="forking")),
    ("SRV-6", made(OneChild, "tcp", "forking")),
    ("SRV-6", made(SharesMemory, "udp", "forking")),
    ("SRV-7", made(Faultless, "tcp", "threading", "chat", handler=HearsItselfAlone)),
    ("SRV-7", made(Faultless, "unix", "forking", "chat")),
    ("SRV-8", made(Fragile, "tcp", "sync")),
    ("SRV-8", made(Fragile, "unix-datagram", "sync")),
    ("SRV-8", made(Panics, "tcp", "threading")),
    ("SRV-8", made(LeavesTheDead, "tcp", "threading", "chat")),
    ("SRV-9", ServerSpec("library", "tcp", "sync", library)),
    ("SRV-9", ServerSpec("threading library", "tcp", "threading", threading_library)),
    ("SRV-9", ServerSpec("forking library", "tcp", "forking", forking_library)),
    ("SRV-9", made(NeverHangsUp, "unix", "threading", "chat")),
    ("SRV-9", made(KeepsItsPort, "tcp", "threading")),
    ("SRV-9", made(KeepsItsPort, "udp", "forking")),
    ("SRV-9", made(KeepsItsFile, "unix", "sync")),
    ("SRV-9", made(KeepsAThread, "tcp", "sync")),
    ("SRV-9", made(DoesNotWait, "tcp", "threading", "overthreaded")),
    ("SRV-9", made(DoesNotWait, "udp", "threading")),
    ("SRV-9", made(LeavesChildren, "tcp", "forking")),
    ("SRV-10", made(OneRoomForAll, "tcp", "threading", "chat")),
    ("SRV-10", made(OneRoomForAll, "unix", "threading", "overthreaded")),
]
