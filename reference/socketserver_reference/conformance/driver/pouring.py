"""Sends much to a server that answers while it reads. A client that only sends may wait for ever, as may the server."""

import select
import time
from collections.abc import Callable

from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.targets.client import Client

SEND_BYTES = 64 * 1024
"""Bytes of one send() at most."""

REFUSAL_SECONDS = 0.2
"""Seconds for which a server reads nothing, from which on it counts as one that takes no more until it is read."""


def pour(client: Client, data: bytes, take: Callable[[bytes | Ending], object], *, reads: bool) -> None:
    """Send all of it, or as much as the server takes within the client's timeout; `take` gets what is read.

    Without `reads`, nothing is read until all is sent, or until the server takes no more. `take` raises a Violation at
    the end of the stream, which is never due here.
    """
    unsent, timeout, sock = memoryview(data), client.timeout, client.socket
    until = time.monotonic() + timeout
    client.set_timeout(0)
    while unsent and time.monotonic() < until:
        wait = timeout if reads else min(timeout, REFUSAL_SECONDS)
        readable, writable, _ = select.select([sock] if reads else [], [sock], [], wait)
        if writable:
            sent = _send(client, unsent[:SEND_BYTES])
            if sent is None:
                break
            unsent = unsent[sent:]
        if readable and (got := client.receive()) is not None:
            take(got)
        if readable or writable or not reads:
            until = time.monotonic() + timeout
        reads = reads or not writable
    client.set_timeout(timeout)


def _send(client: Client, data: memoryview) -> int | None:
    """Send some of it; return how much, or None if the server has hung up, which the next read shows."""
    try:
        return client.socket.send(data)
    except BlockingIOError:
        return 0
    except OSError:
        return None
