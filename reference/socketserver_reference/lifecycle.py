"""How servers begin, hang up and end: what `socketserver` leaves to its users.

When server_close() returns, the listening socket, the connections and the threads or processes of the handlers are gone
(SRV-9), even if a client stays connected::

    stop()            hang up, and let serve_forever() end soon       from anywhere, even a signal handler
    shutdown()        the same, and wait until serve_forever() ends   from another thread
    server_close()    the same, and wait until the handlers end       from another thread, or afterwards

To *hang up* is shutdown(SHUT_RDWR) on every connection: the client reads end of stream, and the handler wakes up in
recv(), ends the normal way and closes its own request.

Next: `family.py`, to look up.
"""

import errno
import logging
import os
import queue
import signal
import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from socketserver_reference.address import is_of_this_host

log = logging.getLogger(__name__)

MAX_UNREAD_BYTES = 65536
"""Most bytes of unread input dropped before a connection is closed."""

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Errors of accept() when no descriptor or memory is left."""

RETRY_TIMEOUT = 0.1
"""Seconds until the loop tries again although no handler has ended."""

WARNING_INTERVAL = 60.0
"""Seconds between two warnings that clients have to wait."""

WILDCARDS = ("0.0.0.0", "::")
"""Hosts that stand for every address of this host."""


class Stopped(Exception):
    """Ends serve_forever() after stop()."""


class Server(socketserver.BaseServer):
    """Base of all servers: it stops promptly and leaves nothing behind."""

    stopping = False
    warned = -WARNING_INTERVAL

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.idle = threading.Event()  # set while serve_forever() does not run
        self.idle.set()
        # threads whose handlers have ended, and None to stop; a signal handler may use this kind of queue alone
        self.ended: queue.SimpleQueue[threading.Thread | None] = queue.SimpleQueue()
        super().__init__(*args, **keywords)

    def serve_forever(self, poll_interval: float = 0.05) -> None:
        """Serve until stop() or shutdown(), which take effect within `poll_interval` seconds."""
        self.idle.clear()  # before reading `stopping`: shutdown() sets that, and then waits for `idle`
        try:
            if not self.stopping:
                # [ECHO-12] [CHAT-22] it waits in select()
                with suppress(Stopped):
                    super().serve_forever(poll_interval)
        finally:
            self.idle.set()

    def service_actions(self) -> None:
        """Stop if stop() was called."""
        super().service_actions()
        if self.stopping:
            raise Stopped

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is socketserver's
        # [SRV-8] socketserver closes this connection and goes on
        log.exception("the handler of %r failed", client_address)

    def hang_up(self) -> None:
        """Let every handler end soon."""

    def wait_for_handlers(self) -> None:
        """Return when every handler has ended."""

    def stop(self) -> None:
        """Hang up, and let serve_forever() end soon, for good."""
        self.stopping = True
        self.hang_up()
        self.ended.put(None)  # wakes the loop in wait_until_freed()

    def shutdown(self) -> None:
        """Stop, and wait until serve_forever() has ended, if it runs."""
        # [SRV-11] not for handlers: one may have called this
        self.stop()
        self.idle.wait()

    def server_close(self) -> None:
        """Stop, wait for the handlers, then close: datagram handlers use the server's socket."""
        # [SRV-9] no thread, process or port stays behind
        self.shutdown()
        self.wait_for_handlers()
        super().server_close()

    def wait_until_freed(self, error: Exception) -> None:
        """Wait until a handler ends, at most RETRY_TIMEOUT seconds."""
        if time.monotonic() - self.warned >= WARNING_INTERVAL:
            self.warned = time.monotonic()
            log.warning("new clients have to wait until others leave: %s", error)
        with suppress(queue.Empty):
            self.forget(self.ended.get(timeout=RETRY_TIMEOUT))

    def forget(self, thread: threading.Thread | None) -> None:
        """Drop the record of a thread."""


class DatagramServer(Server, socketserver.UDPServer):
    """A server of datagrams, without connections."""

    send_buffer = 8 * 1024 * 1024
    """Bytes of SO_SNDBUF for the one socket that sends all replies.

    Measured by ci/bench/buffers.py: the default holds 278 replies to Unix clients that do not read, and this 555 where
    net.core.wmem_max is 212,992.
    """

    def server_bind(self) -> None:
        super().server_bind()
        # [UDP-5] room for replies besides those to a client that does not read
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.send_buffer)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse a datagram whose source is this server, which would answer itself without end."""
        # [SRV-16] the source address can be forged
        if not self.is_own(client_address):
            return super().verify_request(request, client_address)
        log.info("no reply to %r: the address is this server's own", client_address)
        return False

    def is_own(self, address: Any) -> bool:
        own: Any = self.server_address
        if isinstance(own, str) or own[0] not in WILDCARDS or own[1] != address[1]:
            return bool(address == own)
        return is_of_this_host(address[0], self.address_family)


class StreamServer(Server, socketserver.TCPServer):
    """A server of connections."""

    # [ECHO-11] [CHAT-20] bind although connections of an earlier server are in TIME_WAIT
    allow_reuse_address = True

    # [CHAT-17] 200 clients may connect in the same instant; the library's default is 5
    request_queue_size = 256

    tcp_send_buffer = 256 * 1024
    """Bytes of SO_SNDBUF for a TCP connection.

    Measured likewise: 64 KiB hold some 50,000 bytes of deliveries, too little for CHAT-15.
    """

    unix_send_buffer = 1024 * 1024
    """Bytes of SO_SNDBUF for a Unix connection, as far as net.core.wmem_max allows.

    Linux doubles it, and each delivery costs at least 768 bytes: it holds 64 KiB of deliveries of at least 24 bytes.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.connections: set[socket.socket] = set()
        self.connections_lock = threading.RLock()  # a signal handler may find it held by its own thread
        super().__init__(*args, **keywords)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        # [SRV-14] without a timeout, so a file of it waits
        try:
            request, client_address = super().get_request()
        except OSError as error:
            if error.errno in EXHAUSTED:
                # [ECHO-10] [CHAT-19] the client stays in the queue
                self.wait_until_freed(error)
            raise
        with suppress(OSError):  # the client has gone; its handler will notice
            self.prepare(request)
        self.remember(request)
        self.accepted = request
        return request, client_address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Remember what an override of get_request() made of it: TLS, say."""
        # [SRV-12] an override may refuse it
        if request is not self.accepted:
            with self.connections_lock:
                self.connections.discard(self.accepted)
            self.remember(request)
        return super().verify_request(request, client_address)

    def remember(self, request: socket.socket) -> None:
        with self.connections_lock:
            self.connections.add(request)
            if self.stopping:  # hang_up() may have run before
                self.end(request)

    def prepare(self, request: socket.socket) -> None:
        if request.family in (socket.AF_INET, socket.AF_INET6):
            # [CHAT-16] do not wait for an acknowledgement: measured, 40 ms each
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # [CHAT-15] 64 KiB of deliveries can wait for a member
            request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.tcp_send_buffer)
        else:
            request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.unix_send_buffer)

    def shutdown_request(self, request: Any) -> None:
        """End the stream and close."""
        # [ECHO-3] [CHAT-7] to close with unread input is a reset, which may destroy the last reply
        with suppress(OSError):  # nothing is unread, or the client is gone
            request.setblocking(False)
            request.recv(MAX_UNREAD_BYTES)
        super().shutdown_request(request)

    def close_request(self, request: Any) -> None:
        """Forget a connection and close it."""
        # [SRV-3] after finish; nothing else here closes a request
        # [ECHO-9] [CHAT-18] nothing of it is left
        with self.connections_lock:
            self.connections.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """Stop accepting, and end every open connection."""
        with suppress(OSError):  # closed, or a system that can shut down connections alone
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes serve_forever()
        # [SRV-9] members read end of stream, and handlers wake up
        with self.connections_lock:
            for request in self.connections:
                self.end(request)

    def end(self, request: socket.socket) -> None:
        """End a connection in both directions; its handler closes it."""
        with suppress(OSError):  # it is gone already
            request.shutdown(socket.SHUT_RDWR)


class SocketFile(socketserver.TCPServer):
    """Mix-in for Unix servers: server_close() removes the socket file."""

    path = ""

    def server_bind(self) -> None:
        super().server_bind()
        # [SRV-13] if bind() fails, the file is another server's
        self.path = str(self.server_address)

    def server_close(self) -> None:
        # [SRV-9] the port of a Unix server is a file
        super().server_close()
        if self.path:
            with suppress(FileNotFoundError):
                os.unlink(self.path)
            self.path = ""


class Threads(socketserver.ThreadingMixIn, Server):
    """Mix-in for threading servers: server_close() waits for their daemon threads."""

    daemon_threads = True

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.handlers: set[threading.Thread] = set()  # only the loop changes it
        super().__init__(*args, **keywords)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for the handler, and remember it."""
        while not self.stopping:
            thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
            try:
                thread.start()
            # [SRV-15] the system allows no more
            except RuntimeError as error:
                self.wait_until_freed(error)
            else:
                self.handlers.add(thread)
                return
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the request, then report that this thread ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.ended.put(threading.current_thread())

    def service_actions(self) -> None:
        """Forget the ended threads."""
        # [ECHO-9] [CHAT-18] a thread that ended and was joined costs nothing
        with suppress(queue.Empty):
            while True:
                self.forget(self.ended.get_nowait())
        super().service_actions()

    def forget(self, thread: threading.Thread | None) -> None:
        if thread is not None:
            thread.join()
            self.handlers.discard(thread)

    def wait_for_handlers(self) -> None:
        """Join the threads, which hang_up() has woken."""
        for handler in self.handlers:
            handler.join()


if sys.platform != "win32":  # pragma: no branch - Windows has no fork

    class Children(socketserver.ForkingMixIn, Server):
        """Mix-in for forking servers, which hang up by ending their children."""

        def process_request(self, request: Any, client_address: Any) -> None:
            """Fork a child for the handler, when the system allows it."""
            while not self.stopping:
                try:
                    return super().process_request(request, client_address)
                except OSError as error:  # fork(): the system allows no more processes
                    self.wait_until_freed(error)
                    self.collect_children()
            return self.shutdown_request(request)

        def service_actions(self) -> None:
            """Collect the ended children, and stop if stop() was called."""
            super().service_actions()
            Server.service_actions(self)

        def hang_up(self) -> None:
            """Kill the children: a signal with a handler may get lost while Python prepares a new child."""
            super().hang_up()
            # [SRV-9] a copy, since serve_forever() changes the set in its own thread
            for child in (self.active_children or set()).copy():
                with suppress(ProcessLookupError):  # it has been waited for
                    os.kill(child, signal.SIGKILL)
