r"""The echo server: one request, one reply, over a connection or over datagrams.

Over a connection (ECHO-1 to ECHO-12)::

    client                          server
      | -- connect ----------------> |
      | -- "  Hello \n" -----------> |  receive   one recv(1024)
      |                              |  decide    strip, upper-case
      | <---------------- "HELLO" -- |  deliver   sendall
      | <---------- end of stream -- |  leave     socketserver shuts the request down and closes it

Over datagrams (UDP-1 to UDP-5) there is no connection: the reply goes to the source address.

`socketserver` makes one handler object for each request, and runs its setup, handle and finish. All handlers here have
the same sections in the same order: receive, decide, deliver, leave.

Left out: framing. A request is what one recv() returns, so a request in two segments may be answered after the first
(ECHO-4).

Next: `chat.py`, where handlers share something.
"""

import logging
import socket
import socketserver

log = logging.getLogger(__name__)

DISCONNECT_ERRORS = (ConnectionError, TimeoutError)
"""Errors of a socket whose peer has reset the connection or become unreachable."""

MAX_LOGGED_BYTES = 48
"""Most bytes of a chunk or request in the log."""

NOWAIT = getattr(socket, "MSG_DONTWAIT", 0)
"""Flag of a send that does not wait for room; Windows lacks it."""


def brief(data: bytes) -> str:
    """Return bytes for the log: escaped, and cut if they are long."""
    return repr(data) if len(data) <= MAX_LOGGED_BYTES else f"{data[:MAX_LOGGED_BYTES]!r}... ({len(data)} bytes)"


def transform(request: bytes) -> bytes:
    """Return the reply to a request."""
    # [ECHO-2] strip() and upper() of bytes concern ASCII alone
    # [ECHO-5] white space alone leaves nothing to reply
    return request.strip().upper()


class EchoHandler(socketserver.BaseRequestHandler):
    """Reply to one request on a connection; `request` is the connected socket."""

    request_size = 1024

    def handle(self) -> None:
        """Receive, decide, deliver; then return, and socketserver closes the request."""
        # [ECHO-1] receive first, then send
        request = self.receive()
        reply = self.decide(request)
        # [ECHO-3] one reply, without a loop
        self.deliver(reply)

    def receive(self) -> bytes:
        """Return the request, or b"" if the client has left without one."""
        # [SRV-1] `request` is the connection, as accept() returned it
        # [ECHO-4] 1 to 1024 bytes of what the client has sent
        try:
            request: bytes = self.request.recv(self.request_size)
        # [ECHO-7] a reset ends this connection and is no error
        except DISCONNECT_ERRORS as gone:
            log.info("%r left: %s", self.client_address, gone)
            return b""
        log.info("%r wrote %s", self.client_address, brief(request))
        return request

    def decide(self, request: bytes) -> bytes:
        """Return the reply to a request."""
        return transform(request)

    def deliver(self, reply: bytes) -> None:
        """Send the whole reply. It fits into the empty send buffer, so this does not wait."""
        # [ECHO-6] a half-close has ended the other direction alone
        try:
            self.request.sendall(reply)
        except DISCONNECT_ERRORS as gone:
            log.info("%r left before its reply: %s", self.client_address, gone)


class DatagramEchoHandler(socketserver.BaseRequestHandler):
    """Reply to one datagram; `request` is the pair of its bytes and the server's own socket."""

    def handle(self) -> None:
        """Receive, decide, deliver."""
        # [UDP-1] one reply datagram for each request datagram
        # [UDP-3] an empty datagram is a request like any other
        request = self.receive()
        reply = self.decide(request)
        self.deliver(reply)

    def receive(self) -> bytes:
        """Return the datagram, which the server has received already."""
        # [SRV-1] `request` is a pair (bytes, socket)
        # [UDP-4] the server asked for max_packet_size (8192) bytes; the kernel has dropped the rest
        datagram: bytes = self.request[0]
        log.info("%r wrote %s", self.client_address, brief(datagram))
        return datagram

    def decide(self, request: bytes) -> bytes:
        """Return the reply to a request."""
        return transform(request)

    def deliver(self, reply: bytes) -> None:
        """Send the reply, if there is an address and room in the queue; any datagram may get lost."""
        if not self.client_address:  # a Unix client without a name cannot be answered
            log.info("no reply to a client without an address")
            return
        # [UDP-2] through the server's socket, so from the address of the request
        # [UDP-5] a client that has gone, or a Unix client that does not read, loses its own reply alone
        try:
            self.request[1].sendto(reply, NOWAIT, self.client_address)
        except OSError as error:
            log.info("no reply to %r: %s", self.client_address, error)
