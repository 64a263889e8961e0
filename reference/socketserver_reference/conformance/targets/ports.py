"""Whether an address of this machine is free to be listened at, and waiting until it is.

A server that has ended may leave its port taken: connections that it closed first linger there for a minute
(TIME_WAIT), and a child may still have it open. One that sets SO_REUSEADDR does not mind the former; many do not.
"""

import errno
import socket
import time

from socketserver_reference.address import Address

LOOK = 0.05
"""Seconds between two looks: nothing tells when a port becomes free."""


def held(address: Address) -> bool:
    """Whether something keeps a server from listening there that does not set SO_REUSEADDR."""
    if address.path:
        return False  # a Unix socket's name lingers no longer than its file does
    with socket.socket(address.family, address.kind) as taking:
        try:
            taking.bind(address.sockaddr)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def await_free(address: Address, until: float) -> bool:
    """Wait until nothing holds the address, at most until that monotonic time; return whether it is free."""
    while held(address):
        if time.monotonic() > until:
            return False
        time.sleep(LOOK)
    return True
