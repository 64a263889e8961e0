"""Servers that answer at random, at the commands that talk to one: each ends in time, and says what it saw."""

import contextlib
import itertools
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import note
from hypothesis import strategies as st

from socketserver_reference.conformance.targets.parting import ABORT

LIMIT = 300.0
"""Seconds in which a command must end: none is asked for more than BUDGET of checking."""

BUDGET = 5.0

BYTES = st.binary(max_size=40) | st.sampled_from(
    [b"", b"ack", b"\n", b"\r\n> ", b"hello {name}\n", b"name: ", b"\x1b]0;x\x07", b"\0" * 5000, b"\xff", b"a" * 70_000]
)
ANSWERS = st.lists(
    st.tuples(st.sampled_from(["room", "room", "room", "self", "self", "others"]), BYTES)
    | st.tuples(st.sampled_from(["raw", "upper", "nothing", "end", "reset", "flood"]), BYTES),
    min_size=1,
    max_size=4,
)


@dataclass(frozen=True)
class Behaviour:
    """What a server does: what it sends first, and what it does with each chunk, over and over."""

    greeting: bytes
    answers: list[tuple[str, bytes]]
    joint: bool
    """Whether the answers follow one another for all clients together, not for each."""


BEHAVIOURS = st.builds(Behaviour, st.just(b"") | BYTES, ANSWERS, st.booleans())

FLOOD = 1 << 20


class Handler(socketserver.BaseRequestHandler):
    """One client."""

    server: Any

    def handle(self) -> None:
        server, count = self.server, 0
        server.clients.add(self.request)
        with contextlib.suppress(OSError):
            self.request.sendall(server.behaviour.greeting)
            while chunk := self.request.recv(1024):
                number = next(server.counted) if server.behaviour.joint else count
                count += 1
                what, text = server.behaviour.answers[number % len(server.behaviour.answers)]
                if what == "end":
                    return
                if what == "reset":
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                    return
                self.answer(what, text, chunk)

    def answer(self, what: str, text: bytes, chunk: bytes) -> None:
        """Send what is due."""
        everybody = [*self.server.clients]
        to = {"room": everybody, "others": [one for one in everybody if one is not self.request]}.get(
            what, [self.request]
        )
        words = {
            "raw": text,
            "upper": chunk.strip().upper(),
            "nothing": b"",
            "flood": text * (FLOOD // (len(text) or 1)),
        }
        for one in to:
            with contextlib.suppress(OSError):
                one.sendall(words.get(what, text + chunk))

    def finish(self) -> None:
        self.server.clients.discard(self.request)


class Server(socketserver.ThreadingTCPServer):
    """A server of that behaviour."""

    request_queue_size = 256
    daemon_threads = True
    behaviour: Behaviour

    def __init__(self, *args: Any) -> None:
        self.clients: set[socket.socket] = set()
        self.counted = itertools.count()
        super().__init__(*args)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nobody wants to know."""


@contextlib.contextmanager
def serving(behaviour: Behaviour) -> Iterator[int]:
    """Yield the port of such a server."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.behaviour = behaviour
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
            for client in [*server.clients]:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)


def ends(words: list[str], data: st.DataObject) -> None:
    """Let a command talk to such a server, and assert how it ends."""
    behaviour = data.draw(BEHAVIOURS)
    note(f"{' '.join(words)}: {behaviour}")
    with serving(behaviour) as port:
        command = [sys.executable, "-m", "socketserver_reference", *words, f"tcp://127.0.0.1:{port}"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT
        )
    printed = done.stdout.decode(errors="replace")
    assert done.returncode in (0, 1, 2), f"exit status {done.returncode}: {printed}"
    assert "Traceback" not in printed, printed
    assert "\x1b" not in printed, "an escape sequence is printed"


CHECK = ["--timeout=0.3", "--examples=2", f"--budget={BUDGET:g}"]
COMMANDS: dict[str, Callable[[st.DataObject], None]] = {
    "check chat": partial(ends, ["check", "chat", *CHECK]),
    "check echo": partial(ends, ["check", "echo", *CHECK]),
    "check chat in a dialect": partial(ends, ["check", "chat", *CHECK, "--dialect=node-chat"]),
    "learn chat": partial(ends, ["learn", "chat", "--timeout=0.3", f"--budget={BUDGET:g}"]),
    "learn echo": partial(ends, ["learn", "echo", "--timeout=0.3", f"--budget={BUDGET:g}"]),
}
