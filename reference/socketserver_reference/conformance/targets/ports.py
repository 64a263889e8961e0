"""Addresses of this machine that are free to listen at, and waiting until one is.

A server that has ended may leave its port taken: connections that it closed first stay there for a minute (TIME_WAIT),
and a child may still hold the port. SO_REUSEADDR avoids the former; many servers do not set it.
"""

import errno
import os
import random
import socket
import tempfile
import time
import uuid
from collections.abc import Callable

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.listening import SEES_LISTENERS, listeners
from socketserver_reference.conformance.targets.notice import Notice

PORT_POLL_INTERVAL = 0.05
"""Seconds between two polls: no event says when a port becomes free."""


def anywhere(transport: str, host: str = "127.0.0.1") -> Address:
    """Return an address where nothing listens yet: port 0 is any free one."""
    if transport.startswith("unix"):
        return Address(transport, path=os.path.join(tempfile.gettempdir(), f"served-{uuid.uuid4().hex}"))
    return Address(transport, host=host)


def is_taken(address: Address) -> bool:
    """Whether a server without SO_REUSEADDR cannot listen there."""
    return not address.path and _refuses(address, reuse=False)  # a Unix socket stays no longer than its file


def is_served(address: Address) -> bool:
    """Whether a server listens there, as far as that is seen without connecting to it."""
    if SEES_LISTENERS or address.path:
        return any(one.serves(address) for one in listeners(address.transport))
    return _refuses(address, reuse=not address.datagram)


def _refuses(address: Address, *, reuse: bool) -> bool:
    """Whether the system says that the address is in use."""
    with socket.socket(address.family, address.kind) as taking:
        taking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        try:
            taking.bind(address.sockaddr)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def await_free(address: Address, until: float) -> bool:
    """Wait until the address is free, at most until that monotonic time; return whether it is."""
    why = "closed connections of the last server hold it for a minute (TIME_WAIT), and it does not set SO_REUSEADDR"
    return _await(lambda: not is_taken(address), until, f"waiting until {address} is free: {why}")


def await_closed(address: Address, until: float) -> bool:
    """Wait until no server listens at the address, at most until that monotonic time; return whether none does."""
    return _await(lambda: not is_served(address), until, f"waiting until no server listens at {address} any more")


def _await(condition: Callable[[], bool], until: float, what: str) -> bool:
    with Notice(what) as notice:
        while not condition():
            if time.monotonic() > until:
                return False
            notice()
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
