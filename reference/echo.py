"""The echo server: one request, one reply. The smallest server there is, over connections and over datagrams.

Over a connection (ECHO-1 to ECHO-7)::

    client                          server
      | -- connect ----------------> |
      | -- "  Hello \\n" -----------> |  receive   one recv(1024)
      |                              |  decide    strip, upper-case
      | <---------------- "HELLO" -- |  deliver   sendall
      | <---------- end of stream -- |  leave     socketserver shuts the request down and closes it

Over datagrams (UDP-1 to UDP-5) there is nothing to connect to and nothing to leave: a datagram comes in, a datagram
goes back to the address it came from.

`socketserver` makes one handler object per request and runs setup, handle and finish inside its constructor; here
handle alone has work to do. Both handlers, and those of the chat, have the same sections in the same order: receive,
decide, deliver, leave.

What is deliberately left out: framing. A request is what one recv() returns, so a client whose request travels in two
segments may be answered after the first (ECHO-4 allows it). Servers that must not do that have to say where a request
ends, by a length or a terminator, and this protocol has neither.

Next: `chat.py`, where handlers have to share something.
"""

import logging
import socket
import socketserver

log = logging.getLogger(__name__)

GONE = (ConnectionError, TimeoutError)
"""What socket operations raise when the peer has reset the connection, or its host has fallen silent for good."""

LOGGED = 48
"""Bytes of what a client sent that the log shows."""

NOWAIT = getattr(socket, "MSG_DONTWAIT", 0)
"""Do not wait for room in a queue. Windows lacks the flag; it also lacks Unix datagrams, the only ones that wait."""


def brief(data: bytes) -> str:
    """Return bytes as the log shows them: escaped, so no client writes our log; long ones cut, with their length."""
    return repr(data) if len(data) <= LOGGED else f"{data[:LOGGED]!r}... ({len(data)} bytes)"


def transform(request: bytes) -> bytes:
    """Return the reply to a request; bytes.strip() and bytes.upper() know ASCII and leave all other bytes alone."""
    # [ECHO-2] stripped of leading and trailing ASCII white space, ASCII letters upper-cased, every other byte unchanged
    # [ECHO-5] nothing but white space, or nothing at all: nothing to reply, so end of stream alone
    return request.strip().upper()


class EchoHandler(socketserver.BaseRequestHandler):
    """Answer one request on a connection; `request` is the connected socket."""

    request_size = 1024

    def handle(self) -> None:
        """Receive, decide, deliver; leaving is returning, for the server closes the request then."""
        # [ECHO-1] the first thing a handler does is to listen: nothing is sent before the client has spoken
        request = self.receive()
        reply = self.decide(request)
        # [ECHO-3] one request, one reply, and no loop around them
        self.deliver(reply)

    def receive(self) -> bytes:
        """Return the request, or b"" from a client that has left without one."""
        # [SRV-1] on a stream server `request` is the connection, as accept() returned it
        # [ECHO-4] at most 1024 bytes, and at least one, of what the client has sent
        try:
            request: bytes = self.request.recv(self.request_size)
        # [ECHO-7] a reset ends this connection and is no error: clients may leave whenever they like
        except GONE as gone:
            log.info("%r left: %s", self.client_address, gone)
            return b""
        log.info("%r wrote %s", self.client_address, brief(request))
        return request

    def decide(self, request: bytes) -> bytes:
        """Return the reply to a request."""
        return transform(request)

    def deliver(self, reply: bytes) -> None:
        """Send the whole reply. It fits into the empty send buffer of a young connection, so this never waits."""
        # [ECHO-6] a half-closed connection still carries the reply: end of stream one way is not the end of the other
        try:
            self.request.sendall(reply)
        except GONE as gone:
            log.info("%r left before its reply: %s", self.client_address, gone)


class DatagramEchoHandler(socketserver.BaseRequestHandler):
    """Answer one datagram; `request` is the pair of its bytes and the server's own socket."""

    def handle(self) -> None:
        """Receive, decide, deliver; there is nothing to leave."""
        # [UDP-1] one reply datagram for each request datagram
        # [UDP-3] an empty datagram is a request like any other, and its reply is empty
        request = self.receive()
        reply = self.decide(request)
        self.deliver(reply)

    def receive(self) -> bytes:
        """Return the datagram, which the server has received already."""
        # [SRV-1] on a datagram server `request` is a pair (bytes, socket); the address is all there is of the client
        # [UDP-4] the server asked for max_packet_size (8192) bytes; what was beyond them the kernel has dropped
        datagram: bytes = self.request[0]
        log.info("%r wrote %s", self.client_address, brief(datagram))
        return datagram

    def decide(self, request: bytes) -> bytes:
        """Return the reply to a request."""
        return transform(request)

    def deliver(self, reply: bytes) -> None:
        """Send the reply, if there is an address to send it to and room in its queue; datagrams may always get lost."""
        if not self.client_address:  # a Unix client that has bound no name cannot be answered
            log.info("no reply to a client without an address")
            return
        # [UDP-2] through the server's own socket, so from the address the request was sent to
        # [UDP-5] a client that has gone, or a Unix client that does not read, costs its reply and no more
        try:
            self.request[1].sendto(reply, NOWAIT, self.client_address)
        except OSError as error:
            log.info("no reply to %r: %s", self.client_address, error)
