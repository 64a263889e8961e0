"""How servers end, what they forget, and what they do when the system has nothing left for another client."""

import errno
import logging
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference import lifecycle
from socketserver_reference.address import Address, server_address
from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.family import PROGRAMS, make_server
from socketserver_reference.lifecycle import StreamServer, Threads
from tests.support.serving import TIMEOUT, connect, connect_to, read, read_to_end, reset, serving, somewhere

LOOPBACK = Address("tcp", host="127.0.0.1")

NEVER = 3600.0
"""Seconds that no test lasts."""


def settle(*members: socket.socket) -> None:
    """Return when the last is a member, which it is when it hears what it says; the others hear it, too."""
    members[-1].sendall(b"fence")
    for member in members:
        assert read(member, 8) == b"ackfence"


@contextmanager
def together(*targets: Callable[[], object]) -> Iterator[None]:
    """Run these in threads of their own while the block runs, and wait for their end."""
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(TIMEOUT)
        assert not any(thread.is_alive() for thread in threads)


# Ending


def test_shutdown_returns_when_serve_forever_has_ended_and_not_before() -> None:
    order: list[str] = []
    returned = threading.Event()

    class Lingering(StreamServer):
        def service_actions(self) -> None:
            if self.stopping:
                returned.wait(0.2)  # gives a shutdown() that does not wait the time to return
                order.append("the loop ends")
            super().service_actions()

    program = replace(PROGRAMS["echo"], mix_ins=(Lingering,))
    with serving(program, LOOPBACK) as server, connect(server) as client:
        client.sendall(b"the loop runs")
        assert read_to_end(client) == b"THE LOOP RUNS"
        server.shutdown()
        order.append("shutdown() has returned")
        returned.set()
    assert order == ["the loop ends", "shutdown() has returned"]


def test_a_server_that_was_shut_down_before_it_served_does_not_serve() -> None:
    with make_server("echo", LOOPBACK) as server:
        server.shutdown()  # returns, though there is no loop that could end
        server.serve_forever()  # returns as well
        server.server_close()
        server.serve_forever()  # and again, though there is no socket any more


@pytest.mark.parametrize("transport", ["tcp", "unix", "udp"])
def test_server_close_alone_hangs_up_ends_the_loop_and_returns(transport: str, tmp_path: Path) -> None:
    server = make_server("echo" if transport == "udp" else "chat", somewhere(transport, tmp_path))
    with together(server.serve_forever), connect(server) as anna:
        if transport == "udp":
            anna.send(b"hello")
            assert anna.recv(100) == b"HELLO"
        else:
            settle(anna)
        server.server_close()
        if transport != "udp":
            assert read_to_end(anna) == b""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_clients_that_come_reset_or_leave_during_shutdown_change_nothing(
    transport: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for attempt in range(5):
        (tmp_path / str(attempt)).mkdir()
        server = make_server("chat", somewhere(transport, tmp_path / str(attempt)))
        address, over = server_address(server), threading.Event()

        def come_and(leave: Callable[[socket.socket], None], address: Address = address, over: Any = over) -> None:
            while not over.is_set():
                with suppress(OSError):
                    client = connect_to(address)
                    with suppress(OSError):
                        client.sendall(b"x" * 3000)
                    leave(client)

        with connect_to(address) as anna:
            coming = [lambda: come_and(reset), lambda: come_and(socket.socket.close)]
            with together(server.serve_forever, *coming):
                anna.sendall(b"hello")
                assert read(anna, 3) == b"ack"
                server.shutdown()
                server.server_close()
                over.set()
            with suppress(ConnectionResetError):  # what it said last may not have been received
                read_to_end(anna)
        assert not any(handler.is_alive() for handler in server.handlers)  # type: ignore[attr-defined]
        assert server.connections == set()  # type: ignore[attr-defined]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_when_the_server_hangs_up_nobody_goes_on_delivering_what_was_said_before() -> None:
    delivering, hung_up = threading.Event(), threading.Event()
    delivered = []

    class Slow(ChatHandler):
        def deliver(self, chunk: bytes) -> None:
            delivered.append(chunk)
            delivering.set()
            assert hung_up.wait(TIMEOUT)
            super().deliver(chunk)

    with serving(replace(PROGRAMS["chat"], connection_handler=Slow), LOOPBACK) as server, connect(server) as anna:
        anna.sendall(b"x" * 65536)
        assert delivering.wait(TIMEOUT)
        server.stop()
        hung_up.set()
        server.server_close()
    assert len(delivered) == 1


# The room, when somebody cannot take a delivery


class CountingRoom(Room):
    """A room that counts how often a delivery is offered to each member."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.offers: dict[socket.socket, int] = {}
        super().__init__(*args, **keywords)

    def offer(self, member: socket.socket, delivery: bytes) -> bool:
        self.offers[member] = self.offers.get(member, 0) + 1
        return super().offer(member, delivery)


@pytest.mark.parametrize("how", ["gone", "slow"])
def test_a_member_that_cannot_take_a_delivery_is_offered_no_other(how: str) -> None:
    """It is out of the room in that moment, though its own handler does not know yet."""
    program = replace(PROGRAMS["chat"], mix_ins=(CountingRoom,))
    lost, other = socket.socketpair()
    with serving(program, LOOPBACK) as server, connect(server) as anna, lost, other:
        if how == "gone":
            other.close()
        else:
            lost.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    lost.send(b"x" * 65536)
            lost.setblocking(True)
        server.join(lost)
        for _ in range(3):
            settle(anna)
        assert server.offers.pop(lost) == 1
        assert list(server.offers.values()) == [3]
        assert lost not in server.members
        assert len(server.members) == 1


def test_what_a_client_said_before_it_went_is_delivered_though_it_hears_nothing_any_more() -> None:
    received, gone = threading.Event(), threading.Event()

    class Patient(ChatHandler):
        def receive(self) -> bytes:
            chunk = super().receive()
            if chunk.startswith(b"x"):
                received.set()
                assert gone.wait(TIMEOUT)
            return chunk

    program = replace(PROGRAMS["chat"], connection_handler=Patient)
    with serving(program, LOOPBACK) as server, connect(server) as anna:
        settle(anna)
        ben = connect(server)
        ben.sendall(b"x" * 5000)
        assert received.wait(TIMEOUT)
        reset(ben)
        gone.set()
        heard = b""
        while heard.count(b"x") < 5000:
            heard += anna.recv(65536)
        assert heard.replace(b"ack", b"") == b"x" * 5000


# Forgetting


class Turning(Threads):
    """A server that says when its loop has come round."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.turned = threading.Semaphore(0)
        super().__init__(*args, **keywords)

    def service_actions(self) -> None:
        super().service_actions()
        self.turned.release()


@pytest.mark.parametrize("program", ["echo", "chat", "overthreaded"])
def test_a_server_that_has_had_many_visits_holds_what_it_held_before(program: str) -> None:
    visited = replace(PROGRAMS[program], mix_ins=(Turning, *PROGRAMS[program].mix_ins))
    with serving(visited, LOOPBACK) as server, connect(server):
        for _ in range(200):
            with connect(server) as visitor:
                visitor.sendall(b"hello" if program == "echo" else b"quit")
                read_to_end(visitor)
        while len(server.handlers) > 1 or len(server.connections) > 1 or not server.ended.empty():
            assert server.turned.acquire(timeout=TIMEOUT)
        assert len(getattr(server, "members", "one")) in (1, 3)


def test_a_thread_is_forgotten_when_it_has_ended_and_not_before() -> None:
    class Ending(threading.Thread):
        joined = 0

        def join(self, timeout: float | None = None) -> None:  # noqa: ARG002 - the signature is threading's
            self.joined += 1

    with make_server("echo", LOOPBACK) as server:
        thread = Ending()
        server.forget(thread)
        assert thread.joined == 1


# Out of descriptors, out of threads


class Full(StreamServer):
    """A server that says when an attempt to accept has failed for want of descriptors."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.attempts = threading.Semaphore(0)
        super().__init__(*args, **keywords)

    def wait_until_freed(self, error: Exception) -> None:
        self.attempts.release()
        super().wait_until_freed(error)


@pytest.fixture
def only_when_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop wait for what is freed, and for nothing else."""
    monkeypatch.setattr(lifecycle, "RETRY_TIMEOUT", NEVER)


@pytest.mark.usefixtures("only_when_freed")
def test_without_descriptors_the_loop_waits_until_a_connection_ends_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program = replace(PROGRAMS["chat"], mix_ins=(Full, Room))
    with serving(program, LOOPBACK) as server, connect(server) as anna, connect(server) as ben, connect(server) as cal:
        settle(anna)
        settle(anna, ben)
        settle(anna, ben, cal)
        full = threading.Event()
        full.set()
        accept = accepting(monkeypatch, full)
        with connect(server) as dan:
            assert server.attempts.acquire(timeout=TIMEOUT)
            settle(anna, cal, ben)  # the members talk on
            cal.close()
            assert server.attempts.acquire(timeout=TIMEOUT)  # it has tried again, at once, and in vain
            full.clear()
            ben.close()
            settle(anna, dan)
        assert accept.count("failed") == 2
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"new clients have to wait until others leave: [Errno {errno.EMFILE}] Too many open files"
    ]


def accepting(monkeypatch: pytest.MonkeyPatch, full: threading.Event) -> list[str]:
    """Let accept() fail while `full` is set; return the list of what has become of each attempt."""
    attempts: list[str] = []
    accept = socketserver.TCPServer.get_request

    def get_request(self: Any) -> tuple[socket.socket, Any]:
        attempts.append("failed" if full.is_set() else "accepted")
        if full.is_set():
            raise OSError(errno.EMFILE, "Too many open files")
        request: tuple[socket.socket, Any] = accept(self)
        return request

    monkeypatch.setattr(socketserver.TCPServer, "get_request", get_request)
    return attempts


@pytest.mark.usefixtures("only_when_freed")
def test_a_server_that_waits_for_descriptors_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(replace(PROGRAMS["echo"], mix_ins=(Full,)), LOOPBACK) as server:
        full = threading.Event()
        full.set()
        accepting(monkeypatch, full)
        with connect(server):
            assert server.attempts.acquire(timeout=TIMEOUT)
            server.shutdown()


def test_a_server_tries_again_though_nothing_has_ended_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "RETRY_TIMEOUT", 0.01)
    with serving(replace(PROGRAMS["echo"], mix_ins=(Full,)), LOOPBACK) as server:
        full = threading.Event()
        full.set()
        accepting(monkeypatch, full)
        with connect(server) as client:
            client.sendall(b"hello")
            for _ in range(2):
                assert server.attempts.acquire(timeout=TIMEOUT)
            full.clear()
            assert read_to_end(client) == b"HELLO"


@pytest.mark.usefixtures("only_when_freed")
@pytest.mark.parametrize("then", ["a handler ends", "it is stopped"])
def test_without_threads_the_loop_waits_with_the_connection_it_has_accepted(
    then: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Thread(threading.Thread):
        allowed = 1
        refused = threading.Semaphore(0)

        def start(self) -> None:
            if Thread.allowed < 1:
                Thread.refused.release()
                raise RuntimeError("can't start new thread")
            Thread.allowed -= 1
            super().start()

    class Watched(Threads):
        def forget(self, thread: threading.Thread | None) -> None:
            super().forget(thread)
            Thread.allowed += thread is not None

    program = replace(PROGRAMS["chat"], mix_ins=(Watched, Room))
    with serving(program, LOOPBACK) as server:
        monkeypatch.setattr(threading, "Thread", Thread)
        with connect(server) as anna:
            settle(anna)
            with connect(server) as ben:
                assert Thread.refused.acquire(timeout=TIMEOUT)
                settle(anna)  # the member talks on
                if then == "a handler ends":
                    anna.close()
                    settle(ben)
                else:
                    Thread.allowed = -1  # the thread that ends then frees none for this server
                    server.shutdown()
                    assert read_to_end(ben) == b""
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["new clients have to wait until others leave: can't start new thread"]


SERVE_WITH_FEW_DESCRIPTORS = """
import resource
import sys

from socketserver_reference.cli.main import main

resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
sys.exit(main(["serve", "chat", "--port", "0"]))
"""


def test_a_process_without_descriptors_serves_its_members_and_lets_in_who_waits_when_one_leaves() -> None:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process: Any
    with subprocess.Popen([sys.executable, "-c", SERVE_WITH_FEW_DESCRIPTORS], **pipes) as process:
        try:
            address = Address.parse(process.stdout.readline().strip())
            clients = [connect_to(address) for _ in range(16)]  # more than it can accept
            while "new clients have to wait" not in process.stderr.readline():
                pass
            clients[0].sendall(b"hello")
            assert read(clients[0], 8) == b"ackhello"
            for client in clients[1:8]:
                reset(client)
            for count, client in enumerate(clients[8:]):  # each gets in, and hears itself
                client.sendall(b"<%d>" % count)
                heard = b""
                while not heard.endswith(b"ack<%d>" % count):
                    heard += read(client, 1)
            process.terminate()
            _, errors = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
    for client in clients:
        client.close()
    assert process.returncode == 0
    assert "have to wait" not in errors


# Datagrams from oneself


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("concurrency", ["sync", "threading"])
def test_a_datagram_from_the_servers_own_address_is_not_answered(
    host: str, concurrency: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    loopback = "::1" if ":" in host else "127.0.0.1"
    with serving("echo", Address("udp", host=host), concurrency) as server:
        port = server_address(server).port
        server.socket.sendto(b"hello", (loopback, port))
        with connect_to(Address("udp", host=loopback, port=port)) as client:
            client.send(b"fence")
            assert client.recv(100) == b"FENCE"
    assert caplog.text.count("the address is this server's own") == 1
    assert "wrote b'hello'" not in caplog.text


def test_a_unix_datagram_from_the_servers_own_address_is_not_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving("echo", somewhere("unix-datagram", tmp_path)) as server, connect(server) as client:
        server.socket.sendto(b"hello", server_address(server).path)
        client.send(b"fence")
        assert client.recv(100) == b"FENCE"
    assert caplog.text.count("the address is this server's own") == 1


def test_an_address_of_another_host_is_not_the_servers_own() -> None:
    with make_server("echo", Address("udp", host="0.0.0.0")) as server:
        port = server_address(server).port
        assert server.is_own(("127.0.0.1", port))  # type: ignore[attr-defined]
        assert not server.is_own(("192.0.2.1", port))  # type: ignore[attr-defined]
        assert not server.is_own(("127.0.0.1", port + 1))  # type: ignore[attr-defined]
