"""What handlers get: their request, and the address of their client."""

from contextlib import suppress
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.lifecycle import MAX_UNREAD_BYTES, StreamServer


@fault("SRV-1")
class ForgetsThePort(StreamServer):
    """A handler gets the host of its client, without the port.

    Thought: the port is a random number that no log needs.

    Seen: two clients of one machine, or of one office behind one router, are the same client wherever client_address is
    the key: in limits, sessions and logs. And client_address[0], which every tutorial uses, is now "1", the first
    character of the host.

    Fixed: hand on what accept() returned; code that prints an address can choose what to print.
    """

    def finish_request(self, request: Any, client_address: Any) -> None:
        host, _port = client_address
        super().finish_request(request, host)


@fault("SRV-1", host="::1")
class SplitsAtTheFirstColon(StreamServer):
    """The server hands on its client's address by way of "host:port", and an address of IPv6 comes back in pieces.

    Thought: one text for the log, and split(":") gives the host and the port again.

    Seen: nothing over IPv4. The first client over IPv6 is "", with a port of ":1:43210", and so are all others of its
    kind: whatever has client_address for its key takes them for one.

    Fixed: hand on what accept() returned: a pair, and over IPv6 a tuple of four. Where text has to be split, split it
    at the last colon.
    """

    def finish_request(self, request: Any, client_address: Any) -> None:
        text = "{}:{}".format(*client_address)
        host, port = text.split(":", 1)
        super().finish_request(request, (host, int(port) if port.isdigit() else port))


@fault("SRV-14")
class GivesHandlersNoTime(StreamServer):
    """The server sets the timeout of its handlers to 0, and what they read has to be there already.

    Thought: a handler has a `timeout` in seconds, as the server has, and 0 is none.

    Seen: handlers that call recv() themselves work as before: only StreamRequestHandler looks at its timeout, in setup.
    Its rfile then reads what has arrived so far, which on one machine is the whole line, sometimes.

    Fixed: None is no timeout. 0 is not to wait.
    """

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler_class: Any = self.RequestHandlerClass
        handler_class.timeout = 0
        super().finish_request(request, client_address)


@fault("SRV-3")
class ClosesWithoutAnEnd(StreamServer):
    """When a handler ends, its request is closed and not shut down.

    Thought: close() ends the connection, so shutdown() before it is a system call too many.

    Seen: nothing, until a handler, or a thread of it, keeps a file that it made of its request. As long as one is open,
    close() does nothing to the connection: its client waits for end of stream.

    Fixed: shut down, then close, as shutdown_request() of `socketserver` does: that ends the stream, whatever else has
    it open.
    """

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):  # nothing is unread, or the client is gone
            request.setblocking(False)
            request.recv(MAX_UNREAD_BYTES)
        self.close_request(request)
