"""The study note's programs behave as the note's do, good and bad."""

import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from socketserver_faults import tutorial
from socketserver_reference.address import Address
from tests.support.serving import TIMEOUT, connect_to, read, read_to_end


@contextmanager
def noted(program: str) -> Iterator[Address]:
    """Serve one of the programs; each client must leave by itself, because these servers do not hang up."""
    server_class, handler = tutorial.PROGRAMS[program]
    with server_class(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Address("tcp", host="127.0.0.1", port=server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def test_echo_strips_and_upper_cases() -> None:
    with noted("echo") as address, connect_to(address) as client:
        client.sendall(b" hello ")
        assert read_to_end(client) == b"HELLO"


class WatchedMembers(set[socket.socket]):
    """Members that say when one has been added: coming and going during a delivery breaks these programs."""

    def __init__(self) -> None:
        self.added = threading.Semaphore(0)

    def add(self, member: socket.socket) -> None:
        super().add(member)
        self.added.release()


@pytest.mark.parametrize("program", ["chat", "overthreaded"])
def test_a_chat_delivers_to_every_member_until_quit_or_end_of_stream(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = WatchedMembers()
    monkeypatch.setattr(tutorial.PROGRAMS[program][1], "members", members)
    with noted(program) as address, connect_to(address) as anna, connect_to(address) as bert:
        for _ in range(2):
            assert members.added.acquire(timeout=TIMEOUT)
        anna.sendall(b"hi")
        assert [read(client, 5) for client in (anna, bert)] == [b"ackhi"] * 2
        anna.sendall(b"quit\n")  # the last speaker leaves first: another client might leave during the delivery
        assert read_to_end(anna) == b""
        bert.sendall(b"ho")
        bert.shutdown(socket.SHUT_WR)
        assert read_to_end(bert) == b"ackho"
    assert members == set()


def test_without_the_join_a_client_reads_end_of_stream_straight_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(tutorial.UnjoinedChatHandler, "members", set())
    workers: list[threading.Thread] = []
    monkeypatch.setattr(tutorial.UnjoinedChatHandler, "wait_for", lambda _, worker: workers.append(worker))
    with noted("unjoined") as address, connect_to(address) as client:
        assert read_to_end(client) == b""
    for worker in workers:
        worker.join()


@pytest.mark.parametrize("program", tutorial.PROGRAMS)
def test_the_address_is_the_first_line(program: str) -> None:
    command = [sys.executable, "-m", "socketserver_faults.tutorial", program, "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = Address.parse(process.stdout.readline().strip())
        with connect_to(address) as client:
            client.sendall(b"quit")
        process.send_signal(signal.SIGINT)


def test_the_server_classes_are_the_librarys_own() -> None:
    assert {server_class for server_class, _ in tutorial.PROGRAMS.values()} == {
        socketserver.TCPServer,
        socketserver.ThreadingTCPServer,
    }
