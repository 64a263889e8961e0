"""An echo, and what it does when no descriptor is left. Usage: exhausted_server.py PORT WHAT

WHAT is what happens when accept() fails: it `waits`, `spins`, `ends`, serves no new client any more (`deaf`), listens
no more (`closes`), or hangs up on those whom it serves (`drops`). With `hangs-up` it keeps a descriptor in reserve, by
which it hangs up on further clients. With `queues-one` it ends, and its queue is short. With `pairs` it needs two
descriptors for a client. With `frail` it ends when five clients are there at once. With `hoards` it keeps a descriptor
of each client, gives up all of them when accept() fails, and ends if there is none.
"""

import os
import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress
from typing import Any

PORT, WHAT = int(sys.argv[1]), sys.argv[2]

FEW = 5
"""Descriptors that are no hoard."""


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        if WHAT == "frail" and threading.active_count() > 5:
            os._exit(4)
        with suppress(OSError):
            second = os.dup(self.request.fileno()) if WHAT == "pairs" else None
            try:
                self.request.sendall(self.request.recv(1024).strip().upper())
            finally:
                if second is not None:
                    os.close(second)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 1 if WHAT == "queues-one" else 100
    daemon_threads = True
    reserve = os.open(os.devnull, os.O_RDONLY)
    served: list[socket.socket] = []  # noqa: RUF012 - there is one server
    hoard: list[int] = []  # noqa: RUF012 - as above

    def get_request(self) -> tuple[Any, Any]:
        try:
            request, address = super().get_request()
        except OSError:
            self.do_without()
            raise
        self.served.append(request)
        self.hoard += [os.dup(request.fileno())] if WHAT == "hoards" else []
        return request, address

    def do_without(self) -> None:
        if WHAT in ("waits", "pairs"):
            time.sleep(0.1)
        elif WHAT in ("ends", "queues-one") or (WHAT == "hoards" and len(self.hoard) <= FEW):
            os._exit(3)
        elif WHAT == "hoards":
            while self.hoard:
                os.close(self.hoard.pop())
        elif WHAT == "closes":
            self.socket.close()
            threading.Event().wait()
        elif WHAT == "deaf":
            threading.Event().wait()
        elif WHAT == "drops":
            for request in self.served:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)
            time.sleep(0.1)
        elif WHAT == "hangs-up":
            os.close(self.reserve)
            self.socket.accept()[0].close()
            self.reserve = os.open(os.devnull, os.O_RDONLY)


Server(("127.0.0.1", PORT), Echo).serve_forever()
