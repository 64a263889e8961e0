"""An echo that can be started again at its port or not. Usage: restarted_server.py PORT WHAT [FILE]

It sets SO_REUSEADDR if WHAT is `reuses`. Otherwise it ends if it cannot listen, or, if it `moves`, listens at another
port. If it `locks`, it starts only if there is no FILE, and makes one.
"""

import signal
import socketserver
import sys
from pathlib import Path

PORT, WHAT = int(sys.argv[1]), sys.argv[2]


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(self.request.recv(1024).strip().upper())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = WHAT == "reuses"
    daemon_threads = True


if WHAT == "locks":
    Path(sys.argv[3]).touch(exist_ok=False)
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
try:
    server = Server(("127.0.0.1", PORT), Echo)
except OSError:
    if WHAT != "moves":
        raise
    server = Server(("127.0.0.1", 0), Echo)
server.serve_forever()
