"""Clients who do anything, at each server of the reference, over each transport."""

import contextlib
import logging
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import note
from hypothesis import strategies as st

from socketserver_reference.address import Address, server_address
from socketserver_reference.conformance.targets.client import Client
from socketserver_reference.family import make_server

TIMEOUT = 30.0
"""Seconds in which a client must be served, and a server end."""

CLIENTS = 3

BYTES = st.binary(max_size=30) | st.sampled_from(
    [b"quit", b" quit\n", b"q", b"uit", b"x" * 1023, b"y" * 1025, b"z" * 70_000, b"\0", b"\xff\xfe", b"hello\r\n"]
)

ACTIONS = st.one_of(
    st.tuples(st.just("send"), BYTES),
    st.tuples(st.sampled_from(["take", "half_close", "reset", "close", "wait"]), st.none()),
)


@contextlib.contextmanager
def errors() -> Iterator[list[str]]:
    """Yield what is logged as an error within the block, and what ends a thread."""
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: found.append(logging.Formatter().format(record))  # type: ignore[method-assign]
    log, hook = logging.getLogger("socketserver_reference"), threading.excepthook
    log.addHandler(handler)
    propagated, log.propagate = log.propagate, False
    threading.excepthook = lambda failed: found.append(f"{failed.thread}: {failed.exc_value!r}")
    try:
        yield found
    finally:
        threading.excepthook = hook
        log.removeHandler(handler)
        log.propagate = propagated


def serves(program: str, transport: str, concurrency: str, data: st.DataObject) -> None:
    """Let clients act in turn, then ask whether another is served, and what is left when the server has ended."""
    acts = data.draw(st.lists(st.tuples(st.integers(0, CLIENTS - 1), ACTIONS), max_size=25))
    note(f"{program}, {transport}, {concurrency}: {acts}")
    before = {*threading.enumerate()}
    with tempfile.TemporaryDirectory() as directory, errors() as found:
        path = str(Path(directory, "socket")) if transport.startswith("unix") else ""
        address = Address(transport, path=path) if path else Address(transport, host="127.0.0.1")
        server: Any = make_server(program, address, concurrency)
        thread = threading.Thread(target=server.serve_forever, name="serves")
        thread.start()
        try:
            act(server_address(server), acts)
            is_served(program, server_address(server))
        finally:
            server.shutdown()
            server.server_close()
            thread.join(TIMEOUT)
    left = {one for one in threading.enumerate() if one not in before}
    assert not found, "\n".join(found)
    assert not left, f"threads are left: {left}"


def act(address: Address, acts: list[tuple[int, tuple[str, Any]]]) -> None:
    """Let each client do what it does; one that has gone comes again as another."""
    clients: dict[int, Client] = {}
    try:
        for number, (name, value) in acts:
            if number not in clients:
                clients[number] = Client(address, 0.2)
            client = clients[number]
            if name == "send":
                client.send(value)
            elif name == "wait":
                os.sched_yield()
            elif not address.datagram or name in ("take", "close"):
                getattr(client, name)()
            if name in ("reset", "close") and client.socket.fileno() < 0:
                del clients[number]
    finally:
        for client in clients.values():
            client.close()


def is_served(program: str, address: Address) -> None:
    """Let a further client speak, and assert that it is answered, among whatever others have left."""
    due = b"FENCE" if program == "echo" else b"ackfence"
    heard = b""
    with Client(address, TIMEOUT) as client:
        client.send(b"fence")
        while due not in heard:
            got = client.receive()
            assert isinstance(got, bytes), f"another client is not served: {got or 'silence'} after {heard!r}"
            heard += got


SERVED: dict[str, Callable[[st.DataObject], None]] = {
    f"{program} {transport} {concurrency}": partial(serves, program, transport, concurrency)
    for program, transports, concurrencies in (
        ("chat", ("tcp", "unix"), ("threading",)),
        ("overthreaded", ("tcp",), ("threading",)),
        ("echo", ("tcp", "udp", "unix", "unix-datagram"), ("sync", "threading")),
    )
    for transport in transports
    for concurrency in concurrencies
    if hasattr(socket, "AF_UNIX") or not transport.startswith("unix")
}
"""All but forking servers, which need a process of their own."""
