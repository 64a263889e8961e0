"""Whether an address of this machine is free to listen at, and waiting until it is.

A server that has ended may leave its port taken: connections that it closed first stay there for a minute (TIME_WAIT),
and a child may still hold the port. SO_REUSEADDR avoids the former; many servers do not set it.
"""

import errno
import random
import socket
import time

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.base import CannotCheck

PORT_POLL_INTERVAL = 0.05
"""Seconds between two polls: no event says when a port becomes free."""


def is_taken(address: Address) -> bool:
    """Whether a server without SO_REUSEADDR cannot listen there."""
    if address.path:
        return False  # a Unix socket stays no longer than its file
    with socket.socket(address.family, address.kind) as taking:
        try:
            taking.bind(address.sockaddr)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def await_free(address: Address, until: float) -> bool:
    """Wait until the address is free, at most until that monotonic time; return whether it is."""
    while is_taken(address):
        if time.monotonic() > until:
            return False
        time.sleep(PORT_POLL_INTERVAL)
    return True


PORTS = range(20000, 32000)
"""The range of free_port(): below the ports that Linux gives to outgoing connections, which could take the port again.
"""


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free for TCP and UDP."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            try:
                stream.bind(("127.0.0.1", port))
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CannotCheck(f"no free port on 127.0.0.1 among a hundred tried from {PORTS.start} to {PORTS.stop - 1}")
