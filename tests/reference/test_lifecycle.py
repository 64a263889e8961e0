"""How servers end, and what they forget."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.address import Address, server_address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.echo import EchoHandler
from socketserver_reference.family import PROGRAMS, make_server
from socketserver_reference.lifecycle import StreamServer, Threads
from tests.support.serving import (
    LOOPBACK,
    TIMEOUT,
    connect,
    connect_to,
    errors,
    read,
    read_to_end,
    reset,
    serving,
    settle,
    somewhere,
)


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


def test_a_server_that_is_closed_again_leaves_the_file_of_the_next(tmp_path: Path) -> None:
    place = somewhere("unix", tmp_path)
    first = make_server("echo", place)
    first.server_close()
    with make_server("echo", place):
        first.server_close()
        assert Path(place.path).is_socket()


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


@pytest.mark.parametrize("program", ["echo", "chat", "overthreaded"])
@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_a_server_that_closes_hangs_up_and_leaves_nothing_behind(
    program: str, transport: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(threading.enumerate())
    with serving(program, somewhere(transport, tmp_path)) as server:
        clients = [connect(server) for _ in range(5)]
        if program != "echo":
            clients[-1].sendall(b"hi")
            assert read(clients[-1], 5) == b"ackhi"
        with connect(server) as last:  # connections are accepted in order: the five are being served when this one is
            last.sendall(b"quit")
            read_to_end(last)
    assert [read_to_end(client).replace(b"ackhi", b"") for client in clients] == [b""] * 5
    assert set(threading.enumerate()) == before
    assert server.connections == set()
    assert server.socket.fileno() == -1
    assert list(tmp_path.iterdir()) == []
    assert errors(caplog) == []
    for client in clients:
        client.close()


def test_a_synchronous_server_stops_with_a_silent_client_and_another_behind_it() -> None:
    accepted = threading.Event()

    class Watched(EchoHandler):
        def setup(self) -> None:
            accepted.set()

    with serving(replace(PROGRAMS["echo"], connection_handler=Watched), LOOPBACK, "sync") as server:
        silent = connect(server)
        assert accepted.wait(TIMEOUT)
        behind = connect(server)
    assert read_to_end(silent) == b""
    silent.close()
    behind.close()


def test_a_connection_accepted_while_the_server_hangs_up_is_hung_up_on_too() -> None:
    with make_server("echo", LOOPBACK) as server, connect(server) as late:
        server.stopping = True
        request, _ = server.get_request()
        assert read_to_end(late) == b""
        server.close_request(request)


def test_a_port_is_free_again_as_soon_as_its_server_has_closed() -> None:
    with serving("chat", LOOPBACK) as server, connect(server) as client:
        address = server_address(server)
        client.sendall(b"hi")
        assert read(client, 5) == b"ackhi"
        server.shutdown()
        server.server_close()
        assert read_to_end(client) == b""
        with serving("chat", address):
            pass


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
