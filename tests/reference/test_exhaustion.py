"""What servers do when the system has no descriptor and no thread left for another client."""

import errno
import logging
import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from socketserver_reference import lifecycle
from socketserver_reference.address import Address
from socketserver_reference.chat import Room
from socketserver_reference.family import PROGRAMS, make_server
from socketserver_reference.lifecycle import StreamServer, Threads
from socketserver_reference.overthreaded import OverthreadedChatHandler
from tests.support.serving import LOOPBACK, TIMEOUT, connect, connect_to, read, read_to_end, reset, serving, settle

NEVER = 3600.0
"""Seconds that no test lasts."""


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


@pytest.fixture
def child() -> Iterator[int]:
    """The pid of a child that has ended, or soon does."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        yield process.pid


def forking(monkeypatch: pytest.MonkeyPatch, fork: Callable[[], int]) -> Any:
    monkeypatch.setattr(lifecycle, "RETRY_TIMEOUT", 0.0)
    monkeypatch.setattr(os, "fork", fork)
    return make_server("echo", LOOPBACK, "forking")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_without_processes_the_loop_waits_with_the_connection_it_has_accepted(
    child: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    no_process = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    forks = Mock(side_effect=[no_process, no_process, child])
    request, client = socket.socketpair()
    with client, forking(monkeypatch, forks) as server:
        server.process_request(request, "")
        assert forks.call_count == 3
        assert client.recv(1) == b""  # only the child still has it
        server.server_close()
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, f"new clients have to wait until others leave: {no_process}")
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_while_there_is_no_process_for_a_client_the_children_that_have_ended_are_collected(
    child: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it counts until it is collected
    counting: list[set[int]] = []

    def fork() -> int:
        counting.append({*server.active_children})
        if len(counting) == 1:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return child

    request, client = socket.socketpair()
    with client, forking(monkeypatch, fork) as server:
        server.active_children = {child}
        server.process_request(request, "")
        assert client.recv(1) == b""
    assert counting == [{child}, set()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_server_that_waits_for_processes_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        server.stop()
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    request, client = socket.socketpair()
    with client, forking(monkeypatch, fork) as server:
        server.process_request(request, "")
        assert client.recv(1) == b""


def test_a_client_for_whom_there_is_no_worker_reads_end_of_stream_and_disturbs_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving("overthreaded", LOOPBACK) as server, connect(server) as anna:
        settle(anna)
        no_thread = RuntimeError("can't start new thread")
        with monkeypatch.context() as patch:
            patch.setattr(OverthreadedChatHandler, "start_worker", Mock(side_effect=no_thread))
            with connect(server) as ben:
                assert read_to_end(ben) == b""
        settle(anna)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.exc_info for record in warnings] == [None]
    assert warnings[0].getMessage().endswith("cannot be served: can't start new thread")
