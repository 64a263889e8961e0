"""Chats in the style of tutorials: programs of a user, for the scheduler."""

import multiprocessing
import os
import queue
import socketserver
import threading
import time
from typing import Any

members: list[Any] = []


class Handler(socketserver.BaseRequestHandler):
    """The chat of a tutorial: a global list, no lock, and a copy of the list for each delivery."""

    def handle(self) -> None:
        members.append(self.request)
        print("somebody has come:", self.client_address)
        try:
            while chunk := self.request.recv(1024):
                if chunk.strip() == b"quit":
                    break
                for member in members.copy():
                    member.sendall(b"ack" + chunk)
        finally:
            members.remove(self.request)


class Locked(socketserver.StreamRequestHandler):
    """The same with a lock around it, and files."""

    everybody: set[Any] = set()  # noqa: RUF012 - as a tutorial has it
    lock = threading.Lock()

    def handle(self) -> None:
        with self.lock:
            self.everybody.add(self.request)
        while chunk := self.request.recv(1024):
            if chunk.strip() == b"quit":
                break
            with self.lock:
                for member in self.everybody:
                    member.sendall(b"ack" + chunk)

    def finish(self) -> None:
        with self.lock:
            self.everybody.discard(self.request)
        super().finish()


class Queued(socketserver.BaseRequestHandler):
    """An echo of one client through a queue and a worker, with the clock looked at."""

    def handle(self) -> None:
        self.chunks: queue.Queue[bytes] = queue.Queue()
        worker = threading.Thread(target=self.work, name="worker", daemon=True)
        worker.start()
        begun = time.monotonic()
        while chunk := self.request.recv(1024):
            self.chunks.put(chunk)
        self.chunks.put(b"")
        worker.join()
        time.sleep(1)
        assert time.monotonic() - begun >= 1

    def work(self) -> None:
        while chunk := self.chunks.get():
            self.request.sendall(b"ack" + chunk)


class Deadlocked(socketserver.BaseRequestHandler):
    """Takes a lock twice."""

    def handle(self) -> None:
        lock = threading.Lock()
        with lock, lock:
            self.request.sendall(b"never")


class Endless(socketserver.BaseRequestHandler):
    """Waits by looking again and again."""

    def handle(self) -> None:
        while True:
            time.sleep(0)


class Spinning(socketserver.BaseRequestHandler):
    """Answers, and then goes on for ever, as a loop over readline() does that takes no notice of the end."""

    def handle(self) -> None:
        self.request.sendall(b"ack" + self.request.recv(1024))
        while not self.request.recv(1024):
            pass


class Refused(socketserver.BaseRequestHandler):
    """Uses what is not modelled."""

    def handle(self) -> None:
        multiprocessing.Process(target=print).start()


class Forking(socketserver.BaseRequestHandler):
    """Reaches for the process it lives in."""

    def handle(self) -> None:
        os.fork()


def make_server() -> socketserver.TCPServer:
    return socketserver.ThreadingTCPServer(("127.0.0.1", 0), Locked)


def make_nothing() -> None:
    pass


class Staying(socketserver.BaseRequestHandler):
    """Answers, and then waits for an event that never comes."""

    def handle(self) -> None:
        self.request.sendall(b"ack" + self.request.recv(1024))
        event = threading.Event()
        event.wait()


class Shutting(socketserver.BaseRequestHandler):
    """Accepts no client after the first."""

    def handle(self) -> None:
        assert isinstance(self.server, socketserver.TCPServer)
        self.server.socket.shutdown(2)
        while chunk := self.request.recv(1024):
            self.request.sendall(b"ack" + chunk)
