"""Buffers: how much the kernel holds for a client that does not read. No processor time is measured here.

The figures are those of one connection, or of one socket that replies to many clients. What is sent never waits: the
first send that would have to, or that takes only a part, is not counted.

Next: `checking.py`.
"""

import argparse
import contextlib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import results

SMALL_WINDOW_BYTES = 1024
"""Receive buffer, in bytes, of a client with next to none, as a long path may be full; Linux makes it somewhat more."""

REQUEST_BYTES = 33
REPLIES = 10
"""Replies to each client that does not read; net.unix.max_dgram_qlen is how many it may have."""

STREAMS = (
    ("TCP, as the library sets it", None, None, 1027),
    ("TCP, a small window", 64 * 1024, SMALL_WINDOW_BYTES, REQUEST_BYTES),
    ("TCP, a small window", 256 * 1024, SMALL_WINDOW_BYTES, REQUEST_BYTES),
)
"""What it is, SO_SNDBUF of the server, SO_RCVBUF of the client, and bytes of a delivery."""


def stream(send_buffer: int | None, receive_buffer: int | None, size: int) -> int:
    """Return how many deliveries of so many bytes a connection holds."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        if receive_buffer is not None:  # before connect(), where TCP negotiates the window
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(server.getsockname())
        member, _ = server.accept()
        with member:
            if send_buffer is not None:
                member.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            held = 0
            with contextlib.suppress(BlockingIOError):
                while member.send(b"x" * size, socket.MSG_DONTWAIT) == size:
                    held += 1
            return held


def datagrams(send_buffer: int | None) -> int:
    """Return how many replies to Unix clients that do not read a socket holds, however many clients there are."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        if send_buffer is not None:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        held = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                client = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
                path = str(folder / str(held))
                client.bind(path)
                for _ in range(REPLIES):
                    server.sendto(b"x" * REQUEST_BYTES, socket.MSG_DONTWAIT, path)
                    held += 1
        return held


def measure(_options: argparse.Namespace) -> Iterator[results.Table]:
    """Measure all buffers; yield the table, then fill and print it."""
    table = results.Table("buffers", "Buffers: what the kernel holds for a client that does not read", results.BUFFERS)
    yield table
    results.head(table)
    for what, send_buffer, receive_buffer, size in STREAMS:
        held = stream(send_buffer, receive_buffer, size)
        row = {"what": what, "send_kib": send_buffer and send_buffer / 1024, "size": size}
        results.add(table, {**row, "held": held, "bytes": held * size})
    for buffer in (None, 8 * 1024 * 1024):
        held = datagrams(buffer)
        row = {"what": "Unix datagrams, all clients", "send_kib": buffer and buffer / 1024, "size": REQUEST_BYTES}
        results.add(table, {**row, "held": held, "bytes": held * REQUEST_BYTES})
