"""What the tests of the servers share: a server in a thread, and clients that give up after ten seconds."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseServer
from typing import Any

import pytest

from socketserver_reference.address import Address, server_address
from socketserver_reference.conformance.targets.parting import ABORT
from socketserver_reference.family import Program, make_server

ROOT = Path(__file__).parents[2]

SOURCES = os.pathsep.join(map(str, (ROOT / "reference", ROOT / "faults", ROOT)))
"""A PYTHONPATH on which everything is, for a Python that has none of it installed."""

LOOPBACK = Address("tcp", "127.0.0.1")
"""Any free port of this machine."""

TIMEOUT = 10.0
"""Seconds after which a test fails, instead of waiting for a server that never answers."""

LONG_TIMEOUT = 60.0
"""The same for what another process must do: on a busy machine it takes more than ten to start."""


@contextmanager
def serving(program: str | Program, address: Address, concurrency: str = "threading") -> Iterator[Any]:
    """Serve in a thread for the length of the block."""
    with running(make_server(program, address, concurrency)) as server:
        yield server


@contextmanager
def running(server: BaseServer) -> Iterator[Any]:
    """The same for a server that listens already."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def somewhere(transport: str, directory: Any) -> Address:
    """Return an address where nothing listens yet."""
    if transport.startswith("unix"):
        return Address(transport, path=str(directory / "socket"))
    return Address(transport, host="127.0.0.1")


@contextmanager
def unserved(transport: str = "tcp") -> Iterator[Address]:
    """Yield an address where nothing listens, and nothing can: a socket holds it that takes no client."""
    datagram = transport == "udp"
    with socket.socket(type=socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM) as holding:
        holding.bind(("127.0.0.1", 0))
        address = Address(transport, *holding.getsockname())
        if datagram:
            holding.connect(holding.getsockname())  # datagrams of others are refused
        yield address


def connect(server: Any) -> socket.socket:
    """Connect to a server, or give a datagram client the server as its peer and a name of its own."""
    return connect_to(server_address(server))


def connect_to(address: Address) -> socket.socket:
    client = socket.socket(address.family, address.kind)
    client.settimeout(TIMEOUT)
    if address.transport == "unix-datagram":
        client.bind("")  # Linux picks an abstract name
    try:
        client.connect(address.sockaddr)
    except OSError:
        client.close()
        raise
    return client


def read(client: Any, count: int) -> bytes:
    """Read exactly that many bytes, or what there is before the end of stream; a virtual socket will do."""
    data = b""
    while len(data) < count and (some := client.recv(count - len(data))):
        data += some
    return data


def read_to_end(client: socket.socket) -> bytes:
    data = b""
    while some := client.recv(65536):
        data += some
    return data


def reset(client: socket.socket) -> None:
    """Leave by a reset instead of an end of stream (a Unix socket can only leave in order)."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    client.close()


def settle(*members: socket.socket) -> None:
    """Return when the last is a member, which it is when it hears what it says; the others hear it, too."""
    members[-1].sendall(b"fence")
    for member in members:
        assert read(member, 8) == b"ackfence"


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@contextmanager
def server_that(handles: Callable[[socket.socket], None]) -> Iterator[Address]:
    """Yield the address of a server that does this with its first client, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)

        def serve() -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                connection.settimeout(TIMEOUT)
                handles(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Address("tcp", *listener.getsockname())
        finally:
            thread.join()
