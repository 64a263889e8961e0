"""The study note's own programs, the usual first ones: four servers that work until a client misbehaves.

    python -m socketserver_faults.tutorial echo|chat|overthreaded|unjoined PORT

They behave as the note's do, bugs included, so that the conformance suite can show which clauses such programs keep:
the basic profile (except `unjoined`, which keeps almost nothing) and not the hardened one. Their bugs:

`echo`
    A client that resets makes its handler raise, which the server survives. It serves one client at a time, so a client
    that stays silent makes all others wait.

`chat`
    The members are a class attribute, so all servers of the process share one room. No lock: a join during a delivery
    changes the set during the loop over it, and the speaker's handler raises. Only quit and end of stream remove a
    member: a client that resets stays in the set, and every later speaker loses its connection. send() blocks: a member
    that does not read stops all speakers in the end; and bytes that send() did not take are lost. Small deliveries
    wait for acknowledgements (no TCP_NODELAY), and at most five clients can connect at once.

`overthreaded`
    The chat with one more thread for each client, which gains nothing. It is joined, so this behaves as the chat does.

`unjoined`
    The over-threaded chat without its join. The request is closed while the thread uses it, and the client reads end of
    stream at once: see `catalogue/closed_request.py`.
"""

import argparse
import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Sequence
from typing import ClassVar


class EchoHandler(socketserver.BaseRequestHandler):
    """Send back what the client sent, stripped and upper-cased."""

    def handle(self) -> None:
        self.data = self.request.recv(1024).strip()
        logging.info("%s wrote: %r", self.client_address[0], self.data)
        self.request.sendall(self.data.upper())


class ChatHandler(socketserver.BaseRequestHandler):
    """Send every chunk to every member of the one room there is."""

    members: ClassVar[set[socket.socket]] = set()

    def handle(self) -> None:
        self.members.add(self.request)
        self.talk()

    def talk(self) -> None:
        while True:
            data = self.request.recv(1024)
            if data.strip() == b"quit" or data == b"":
                self.members.remove(self.request)
                break
            logging.info(data)
            for member in self.members:
                member.send(b"ack" + data)


class OverthreadedChatHandler(ChatHandler):
    """Talk in a thread, and wait for it."""

    members: ClassVar[set[socket.socket]] = set()

    def handle(self) -> None:
        self.members.add(self.request)
        worker = threading.Thread(target=self.talk, name="handle")
        worker.start()
        self.wait_for(worker)

    def wait_for(self, worker: threading.Thread) -> None:
        worker.join()


class UnjoinedChatHandler(OverthreadedChatHandler):
    """Talk in a thread, and do not wait for it."""

    members: ClassVar[set[socket.socket]] = set()

    def wait_for(self, worker: threading.Thread) -> None:
        pass


PROGRAMS: dict[str, tuple[type[socketserver.TCPServer], type[socketserver.BaseRequestHandler]]] = {
    "echo": (socketserver.TCPServer, EchoHandler),
    "chat": (socketserver.ThreadingTCPServer, ChatHandler),
    "overthreaded": (socketserver.ThreadingTCPServer, OverthreadedChatHandler),
    "unjoined": (socketserver.ThreadingTCPServer, UnjoinedChatHandler),
}
"""Name of a program -> the server class of the library, and its handler."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until killed; print the address first, as `socketserver-reference check` takes it."""
    parser = argparse.ArgumentParser(
        prog="python -m socketserver_faults.tutorial", description="Serve one of the study note's programs."
    )
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("port", type=int, help="0 for any free port")
    options = parser.parse_args(arguments)
    from socketserver_reference.cli import (
        log_handler,
    )  # not at the top: the scheduler plays the programs, without a log

    server_class, handler = PROGRAMS[options.program]
    with log_handler.logging_to(sys.stderr, "info"), server_class(("127.0.0.1", options.port), handler) as server:
        print(f"tcp://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
