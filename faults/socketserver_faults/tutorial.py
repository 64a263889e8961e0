"""The study note's own programs, as most people first meet them: four servers that work until somebody misbehaves.

    python -m socketserver_faults.tutorial echo|chat|overthreaded|unjoined PORT

Their behaviour is the note's, bugs included, so that the conformance suite can show where such programs stand: they
keep the basic profile (all but `unjoined`, which keeps next to nothing) and break the hardened one. What each gets
wrong:

`echo`
    A client that resets makes its handler raise, which the server survives. Serving one client at a time, it is as
    fast as its slowest client: one that stays silent keeps everyone waiting.

`chat`
    The members are a class attribute, so all servers of the process share one room. No lock: a join during a broadcast
    changes the set under the loop over it, and that speaker is thrown out. Nobody is removed but by quit or end of
    stream: a client that resets stays in the set, and each who speaks after it loses the connection. send() blocks: a
    member that does not read stops, in time, everyone who speaks; and what send() did not take is lost. Small
    deliveries wait for acknowledgements (no TCP_NODELAY), and five clients at most can connect in one instant.

`overthreaded`
    The chat again, with one thread more for each client, which gains nothing. Joined, it behaves as the chat does.

`unjoined`
    The over-threaded chat without its join. The request is closed under the thread that is using it, and the client
    reads end of stream straight away: `catalogue/closed_request.py` has the whole story.
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
"""Name of a program: its server class, exactly as the library has it, and its handler."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until killed; print the address first, as `socketserver-reference check` takes it."""
    parser = argparse.ArgumentParser(
        prog="python -m socketserver_faults.tutorial", description="Serve one of the study note's programs."
    )
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("port", type=int, help="0 for any")
    options = parser.parse_args(arguments)
    from socketserver_reference.cli import log_handler  # not above: the scheduler plays the programs, and has no log

    server_class, handler = PROGRAMS[options.program]
    with (
        log_handler.logging_to(sys.stderr, "info"),
        server_class(("127.0.0.1", options.port), handler) as server,
    ):
        print(f"tcp://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
