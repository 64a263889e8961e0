"""An echo that keeps something of some clients. Usage: keeping_server.py PORT WHAT [MOST]

WHAT is nothing, or what it keeps of each client, of MOST at most: threads, descriptors, children, or memory. What is
kept `of-leavers` are descriptors of those alone that ask nothing. `late` are threads that all end, and `dies` are
threads of which the server dies, when there are more than MOST.
"""

import contextlib
import os
import socketserver
import sys
import threading
from typing import Any

PORT, WHAT, MOST = int(sys.argv[1]), sys.argv[2], int((*sys.argv, "100000")[3])

kept: list[Any] = []


def keep(request: bytes) -> None:
    """Keep something of a client that has asked this."""
    full = len(kept) >= MOST
    if WHAT == "nothing" or (WHAT == "of-leavers" and request) or (full and WHAT not in ("late", "dies")):
        return
    if full and WHAT == "dies":
        os._exit(3)
    if WHAT == "memory":
        kept.append(b"%d" % len(kept) * 4096)
    elif WHAT in ("descriptors", "of-leavers"):
        kept.append(os.open(os.devnull, os.O_RDONLY))
    elif WHAT == "children":
        kept.append(os.fork() or os._exit(0))
    else:
        kept.append(threading.Event())
        threading.Thread(target=kept[-1].wait, daemon=True).start()
        if full:
            for event in kept:
                event.set()
            kept.clear()


class Keeper(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        request = b""
        with contextlib.suppress(OSError):
            request = self.request.recv(1024)
            self.request.sendall(request.strip().upper())
        keep(request)


class Server(socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 100


Server(("127.0.0.1", PORT), Keeper).serve_forever()
