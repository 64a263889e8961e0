"""Connects many clients in the same instant; and many that wait for nothing."""

import os
import selectors
import socket
import time

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.client import Client, Unreachable, describe


def connect_at_once(address: Address, timeout: float, count: int) -> tuple[list[Client], str]:
    """Connect many clients in the same instant; return the connected ones, and how the first failure came about, or "".

    Over TCP, all connections start before this waits for one. Unix sockets do not allow that: there the connections
    follow one another without a pause.
    """
    arrived: list[Client] = []
    starting = [_start_connecting(address) for _ in range(count)] if address.transport == "tcp" else [None] * count
    until = time.monotonic() + timeout
    try:
        while starting:
            connecting = starting[0]
            if connecting is not None:
                _await_connection(connecting, until)
            arrived.append(Client(address, timeout, connected=connecting))
            starting.pop(0)
    except (OSError, Unreachable) as error:
        reason = describe(error) if isinstance(error, OSError) else str(error)
        return arrived, f"{reason} after {len(arrived)} of {count} connections"
    finally:
        for connecting in starting:
            if connecting is not None:
                connecting.close()
    return arrived, ""


def connect_without_waiting(address: Address, count: int) -> list[Client]:
    """Return clients that connect, or have begun to: a server may leave them in its queue, or outside of it."""
    return [Client(address, 0.0, connected=_start_connecting(address)) for _ in range(count)]


def leave_in_order(clients: list[Client], timeout: float) -> None:
    """End the clients: all half-close, and read until the server has closed, at most so many seconds; then close."""
    until = time.monotonic() + timeout
    for client in clients:
        client.half_close()
    for client in clients:
        client.leave(max(0.0, until - time.monotonic()))
        client.close()


def _start_connecting(address: Address) -> socket.socket:
    connecting = socket.socket(address.family, address.kind)
    connecting.setblocking(False)
    connecting.connect_ex(address.sockaddr)
    return connecting


def _await_connection(connecting: socket.socket, until: float) -> None:
    """Wait until a started connection is established, at most until that monotonic time; raise OSError if it fails."""
    with selectors.DefaultSelector() as selector:
        selector.register(connecting, selectors.EVENT_WRITE)
        if not selector.select(max(0.0, until - time.monotonic())):
            raise TimeoutError
    failure = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if failure:
        raise OSError(failure, os.strerror(failure))
