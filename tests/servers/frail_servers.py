"""Chats that start, end and die in awkward ways: `python -m tests.servers.frail_servers NAME ADDRESS [FIFO]`.

ADDRESS is a port of 127.0.0.1, or a path. Each is correct as long as it lives; what the FIFO is for, `bad_servers.py`
says.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from itertools import count

from tests.servers.bad_servers import LAST_WORDS, Notify, converse, tell_nobody

TIRED = 40
"""Chunks after which one of them dies."""

SLOW = 1.0
"""Seconds until one of them listens."""


def listen(address: str, *, reuse: bool = True) -> socket.socket:
    """Return a socket that listens; end as most programs do if the address is taken."""
    if address.startswith("/"):
        server = socket.socket(socket.AF_UNIX)
        server.bind(address)
    else:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        server.bind(("127.0.0.1", int(address)))
    server.listen(256)
    return server


def chat(server: socket.socket, heard: Callable[[int], None], left: Callable[[int], None]) -> None:
    """Serve a chat; say how many chunks have been heard and how many clients have left, each time."""
    gone = count(1)

    def dismiss(speaker: socket.socket) -> None:
        speaker.close()
        left(next(gone))

    with server:
        converse(server, heard, dismiss, receive, deliver)


def receive(speaker: socket.socket) -> bytes:
    """Return a chunk, or b"" if the client has gone, however it did."""
    try:
        return speaker.recv(1024)
    except OSError:
        return b""


def deliver(member: socket.socket, chunk: bytes) -> None:
    """Send a delivery; the handler of a member that cannot be reached will remove it."""
    with contextlib.suppress(OSError):
        member.sendall(b"ack" + chunk)


def die(status: int) -> None:
    """End at once, with a last word."""
    sys.stderr.buffer.write(LAST_WORDS)
    sys.stderr.flush()
    os._exit(status)


def never(_count: int) -> None:
    """Live on."""


def at(when: int, act: Callable[[], None]) -> Callable[[int], None]:
    """Return what acts at that count."""
    return lambda count: act() if count == when else None


def dies_on_connecting(address: str) -> None:
    """Die when the first client is there."""
    listen(address).accept()
    die(7)


def dies_between(address: str) -> None:
    """Die soon after its fourth client has left, when the scenario is over."""
    dying = threading.Timer(0.05, die, [8])
    chat(listen(address), never, at(4, dying.start))


def gets_tired(address: str, notify: Notify) -> None:
    """Die at some chunk, which comes in every second scenario or so."""
    notify(b"up\n")
    chat(listen(address), at(TIRED, partial(die, 9)), never)


def ends_slowly(address: str, notify: Notify) -> None:
    """Take a moment to end when asked to."""

    def end(*_: object) -> None:
        threading.Event().wait(0.2)
        notify(b"ended\n")
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    notify(b"up\n")
    chat(listen(address), never, never)


def plain(address: str, notify: Notify) -> None:
    """Listen without SO_REUSEADDR, and end if that cannot be."""
    try:
        server = listen(address, reuse=False)
    except OSError as error:
        notify(b"taken\n")
        sys.exit(str(error))
    notify(b"up\n")
    chat(server, never, never)


def starts_slowly(address: str) -> None:
    """Listen after a while, and die young."""
    threading.Event().wait(SLOW)
    chat(listen(address), at(12, partial(die, 3)), never)


def reuses_the_port(address: str) -> None:
    """Share its port with other servers."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)
    server.bind(("127.0.0.1", int(address)))
    server.listen(256)
    chat(server, never, never)


def turns_on_its_parent(address: str, notify: Notify, number: int) -> None:
    """Kill or stop the parent at the third chunk, with a child beside."""
    notify(b"up\n")
    if os.fork() == 0:
        signal.pause()
    chat(listen(address), at(3, partial(os.kill, os.getppid(), number)), never)


def main(name: str, address: str, fifo: str | None = None) -> None:
    """Serve until killed."""
    notify: Notify = tell_nobody if fifo is None else partial(os.write, os.open(fifo, os.O_WRONLY))
    servers: dict[str, Callable[[], None]] = {
        "dies-on-connecting": lambda: dies_on_connecting(address),
        "dies-between": lambda: dies_between(address),
        "gets-tired": lambda: gets_tired(address, notify),
        "ends-slowly": lambda: ends_slowly(address, notify),
        "plain": lambda: plain(address, notify),
        "reusing": lambda: chat(listen(address), never, never),
        "crashing": lambda: chat(listen(address), at(3, partial(os.kill, os.getpid(), signal.SIGKILL)), never),
        "kills-its-parent": lambda: turns_on_its_parent(address, notify, signal.SIGKILL),
        "stops-its-parent": lambda: turns_on_its_parent(address, notify, signal.SIGSTOP),
        "starts-slowly": lambda: starts_slowly(address),
        "shares-its-port": lambda: reuses_the_port(address),
    }
    servers[name]()


if __name__ == "__main__":
    main(*sys.argv[1:])
