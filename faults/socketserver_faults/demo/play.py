"""Plays a row: a server whose threads wait for each other at gates, and a client. Next: `timeline.py`."""

import os
import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from errno import errorcode
from typing import Any

from socketserver_faults.catalogue.closed_request import ClosedRequest
from socketserver_faults.demo.rows import GATE_TIMEOUT, NEXT_CLIENT, CallEvent, DemoRow, PlayedConnection, PlayedRow
from socketserver_reference.address import Address
from socketserver_reference.chat import ACK, QUIT, Room
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.targets import quiescence
from socketserver_reference.family import Program, make_server
from socketserver_reference.overthreaded import OverthreadedChatHandler

THREADS = "/proc/self/task"
RECV_PAUSE_SECONDS = 0.05
"""Where Linux shows the threads of a process; seconds that a thread gets to call recv() on other systems."""

CLIENT_WORDS = (b"hi", b"anyone there?", b"hello?")
"""The utterances of a client, one after the other, until a send fails."""


class GateTimeout(Exception):
    """A wait at a gate timed out; the message says for what."""


class RowRecorder:
    """One connection while it is played: its events so far, and the gates between its threads."""

    def __init__(self, row: DemoRow, joined: bool) -> None:
        self.row = row
        self.joined = joined
        self.events: list[CallEvent] = []
        self.error = ""
        self.mishap: BaseException | None = None  # of the handler thread; there should be none
        self.worker: threading.Thread | None = None
        self.calling = threading.Event()  # the worker calls recv
        self.settled = threading.Event()  # the handler thread has closed the request, or joins the worker
        self.ended = threading.Event()  # the worker has ended
        self.closed = threading.Event()  # the request is closed

    def note(self, lane: str, call: str, detail: str = "") -> None:
        self.events.append(CallEvent(lane, call, detail))

    @contextmanager
    def call(self, call: str) -> Iterator[None]:
        """Note how a call of the worker fails, if it does."""
        try:
            yield
        except OSError as error:
            self.error = f"{call}: {reason(error)}"
            self.note("worker", call, f"raises {reason(error)}")
            raise

    def wait_idle(self) -> None:
        """Return when the worker has ended or sleeps, as it does when blocked in recv."""
        assert self.worker is not None
        place = f"{THREADS}/{self.worker.native_id}"
        if os.path.exists(THREADS):
            quiescence.IdleWaiter(lambda: [place])()
        else:
            self.ended.wait(RECV_PAUSE_SECONDS)


class Textbook(Room):
    """Mix-in for the server: notes the calls of `socketserver`, and sends to all members."""

    stage: RowRecorder

    def process_request(self, request: Any, client_address: Any) -> None:
        self.stage.note("handler", "process_request", "(in the server's thread; starts this one)")
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.stage.note("handler", "finish_request")
        super().finish_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.stage.note("handler", "shutdown_request")
        super().shutdown_request(request)

    def close_request(self, request: Any) -> None:
        self.stage.note("handler", "close_request")
        super().close_request(request)
        self.stage.closed.set()
        self.stage.settled.set()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is socketserver's
        self.stage.mishap = sys.exception()

    def deliver(self, delivery: bytes) -> None:
        """Send to all, in the order of descriptors, as a set has none: a closed socket, with -1, comes first."""
        with self.lock:
            for member in sorted(self.members, key=socket.socket.fileno):
                member.send(delivery)


class Joining(OverthreadedChatHandler):
    """The over-threaded chat of textbooks, with gates."""

    server: Textbook

    def setup(self) -> None:
        self.stage = self.server.stage
        self.stage.note("handler", "setup")
        self.request.settimeout(self.stage.row.timeout)
        super().setup()

    def handle(self) -> None:
        self.stage.note("handler", "handle")
        super().handle()
        self.stage.note("handler", "handle returns")

    def finish(self) -> None:
        """Do nothing: here the worker removes its client."""
        self.stage.note("handler", "finish")

    def wait_for(self, worker: threading.Thread) -> None:
        self.stage.worker = worker
        if self.stage.row.blocked:
            self.stage.calling.wait(GATE_TIMEOUT)
            self.stage.wait_idle()
        if self.stage.joined:
            self.stage.note("handler", "worker.join")
            self.stage.settled.set()
        super().wait_for(worker)

    def talk(self) -> None:
        if not self.stage.row.blocked:
            self.stage.settled.wait(GATE_TIMEOUT)
        try:
            super().talk()
            self.server.leave(self.request)
            self.stage.note("worker", "leaves the room")
        except OSError:
            self.stage.note("worker", "ends by the exception")
        finally:
            self.stage.ended.set()

    def receive(self) -> bytes:
        self.stage.note("worker", "recv")
        self.stage.calling.set()
        with self.stage.call("recv"):
            chunk = super().receive()
        self.stage.note("worker", "recv", f"returns {show(chunk)}")
        return chunk

    def deliver(self, chunk: bytes) -> None:
        self.stage.note("worker", "send", "to the members")
        with self.stage.call("send"):
            super().deliver(chunk)


class Forgetting(Joining, ClosedRequest):
    """The same without the join."""


def play(row: DemoRow, joined: bool) -> PlayedRow:
    """Play a row once; raise GateTimeout if a wait times out, Refused if this system has no such server."""
    with serving(Joining if joined else Forgetting) as server:
        first = meet(server, RowRecorder(row, joined))
        closed = closed_members(server)
        server.RequestHandlerClass = Joining
        following = meet(server, RowRecorder(NEXT_CLIENT, joined=True))
        return PlayedRow(row, joined, first, closed, following, closed_members(server))


def closed_members(server: Textbook) -> int:
    """Return how many members are closed sockets."""
    return sum(member.fileno() == -1 for member in server.members)


@contextmanager
def serving(handler: type[Joining]) -> Iterator[Any]:
    """Serve in a thread, within the block."""
    with make_server(Program("textbook", handler, mix_ins=(Textbook,)), Address("tcp", "127.0.0.1")) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()  # waits for the handler threads
            thread.join()


def meet(server: Any, stage: RowRecorder) -> PlayedConnection:
    """Play the next client of the server."""
    server.stage = stage
    heard = b""
    try:
        with socket.create_connection(server.server_address, GATE_TIMEOUT) as client:
            if stage.row.blocked:
                await_gate(stage.calling, "the worker to call recv")
            await_gate(stage.settled, "the handler thread to close the request or join the worker")
            heard = converse(client, stage) if stage.joined else insist(client, stage)
        await_gate(stage.ended, "the worker to end")
        await_gate(stage.closed, "the request to be closed")
    finally:  # the client has closed, so no worker has anything to wait for
        if stage.worker:
            stage.worker.join(GATE_TIMEOUT)
    if stage.mishap:
        raise stage.mishap
    return PlayedConnection(tuple(stage.events), stage.error, heard)


def await_gate(gate: threading.Event, what: str) -> None:
    if not gate.wait(GATE_TIMEOUT):
        raise GateTimeout(f"the client has waited {GATE_TIMEOUT:g} seconds for {what}")


def converse(client: socket.socket, stage: RowRecorder) -> bytes:
    """Speak, read the delivery, leave, and read to the end; return all that was read."""
    say(client, stage, CLIENT_WORDS[0])
    heard = hear(client, stage, len(ACK + CLIENT_WORDS[0]))
    if heard:
        if stage.row.speaks:
            say(client, stage, QUIT)
        else:
            stage.note("client", "ends its stream")
            client.shutdown(socket.SHUT_WR)
        heard += hear(client, stage)
    return heard


def insist(client: socket.socket, stage: RowRecorder) -> bytes:
    """Read end of stream, then speak until a send fails, or close; return all that was read."""
    if stage.row.blocked:
        stage.wait_idle()
    else:
        await_gate(stage.ended, "the worker to end")
    heard = hear(client, stage)
    if not stage.row.speaks:
        stage.note("client", "closes")
        return heard
    for words in CLIENT_WORDS:
        if not say(client, stage, words):
            break
        await_gate(stage.ended, "the worker to end")
        if CallEvent("worker", "recv", f"returns {show(words)}") not in stage.events:
            await_reset(client)  # as no thread has read the words
    return heard + client.recv(1024)


def say(client: socket.socket, stage: RowRecorder, words: bytes) -> bool:
    """Send; return whether the kernel accepted it."""
    stage.note("client", "sends", show(words))
    try:
        client.sendall(words)
    except OSError as error:
        stage.note("client", "gets", reason(error))
        return False
    return True


def hear(client: socket.socket, stage: RowRecorder, count: int = 1024) -> bytes:
    """Read so many bytes, or to the end of the stream."""
    heard = b""
    while len(heard) < count:
        some = client.recv(count - len(heard))
        stage.note("client", "reads", show(some) if some else "end of stream")
        if not some:
            break
        heard += some
    return heard


def await_reset(client: socket.socket) -> None:
    """Return when the server's kernel has sent a reset."""
    poller = select.poll()
    poller.register(client, 0)  # for no event, so for errors alone
    if not poller.poll(GATE_TIMEOUT * 1000):
        raise GateTimeout(
            f"the client has waited {GATE_TIMEOUT:g} seconds for the reset that answers words which no thread reads"
        )


def reason(error: OSError) -> str:
    """Return the name of an error, such as EBADF."""
    return errorcode.get(error.errno or 0, type(error).__name__)
