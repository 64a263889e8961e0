"""Frees the port of a server that has ended of the connections that it closed first.

The side that closes a TCP connection first keeps its port for a minute (TIME_WAIT), and a server that does not set
SO_REUSEADDR cannot listen there meanwhile. A reset ends that state at once, unless the system is set up to ignore it
(tcp_rfc1337). So the address of the former client connects once more: the system answers for the old connection, which
means nothing to the new one, and is reset. No program notices, since none listens there.
"""

import contextlib
import socket
import time
from collections.abc import Iterator

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets import proc_files
from socketserver_reference.conformance.targets.base import POLL_INTERVAL

HELD_TIMEOUT = 1.0
"""Seconds until a connection that both sides have closed is in TIME_WAIT."""

TIME_WAIT = "06"
"""The state, as /proc/net/tcp has it."""

TABLES = {"/proc/net/tcp": socket.AF_INET, "/proc/net/tcp6": socket.AF_INET6}


def end_all(address: Address) -> None:
    """End the connections that hold the port of a server, where no server listens any more."""
    for family, server, client in _held(address):
        _reset(family, proc_files.endpoint(client), proc_files.endpoint(server))


def await_held(address: Address) -> bool:
    """Return whether a connection holds the port of a server that has ended, soon after its clients have closed:
    on a busy machine the system takes its time.
    """
    until = time.monotonic() + HELD_TIMEOUT
    while not (held := any(True for _ in _held(address))) and time.monotonic() < until:
        time.sleep(POLL_INTERVAL)
    return held


def _held(address: Address) -> Iterator[tuple[socket.AddressFamily, str, str]]:
    """Yield the family and both ends of each connection that holds the port."""
    for table, family in TABLES.items():
        for _, server, client, state, *_ in proc_files.rows(table, f":{address.port:04X} "):
            if state == TIME_WAIT and server.endswith(f":{address.port:04X}"):
                yield family, server, client


def _reset(family: int, client: tuple[str, int], server: tuple[str, int]) -> None:
    with contextlib.suppress(OSError), socket.socket(family) as again:  # the client may have been on another machine
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.setblocking(False)
        again.bind(client)
        again.connect_ex(server)
