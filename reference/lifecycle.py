"""How the servers begin, hang up and end: what `socketserver` leaves to its users, once for all servers here.

A server holds a listening socket, the connections it accepted, and the threads or processes of its handlers. All of
them have to be gone when server_close() returns (SRV-9), although clients may sit there silently for hours::

    stop()            hang up, and end serve_forever() soon           from anywhere, a signal handler included
    shutdown()        the same, and wait until serve_forever() ends   from another thread
    server_close()    the same, and wait until the handlers end       from another thread, or afterwards

To *hang up* is shutdown(SHUT_RDWR) on every open connection: its client reads end of stream, and the handler wakes up
in recv(), leaves the normal way, and closes its request itself. A forking server cannot reach the connections of its
children, so it ends the children.

Handler threads are daemons, so a process that ends in any other way never waits for an idle member. `socketserver`
forgets about daemon threads and could not wait for them in server_close(), so `Threads` keeps its own set of them.

Why stop() for signals, when Ctrl-C raises KeyboardInterrupt anyway? Because that may strike in the middle of
process_request(): measured, `socketserver` then closes a request that a thread has just been given to serve, which is
the closed-request bug once more.

What if there are no more descriptors, or no more threads? `socketserver` then spins: accept() fails, the client still
waits, and serve_forever() tries again at once. Here the loop waits until a connection or a handler has ended, and the
clients wait in the backlog.

What is deliberately left out: a limit of its own to the number of connections. The system has one.

Next: `family.py`, which puts these together with the classes of `socketserver`.
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

log = logging.getLogger(__name__)

UNREAD = 65536
"""Most bytes of unread input that are thrown away before a connection is closed."""

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""What accept() fails with when the process, or the system, has no descriptor or no memory left."""

RETRY_TIMEOUT = 0.5
"""Seconds after which the loop tries again, though nothing has ended here: another process may have freed something."""

WARNING_INTERVAL = 60.0
"""Seconds between two warnings that new clients have to wait."""

WILDCARDS = ("0.0.0.0", "::")
"""Hosts that stand for all addresses of this host, when a server is bound to one."""


class Stopped(Exception):
    """The server has been told to stop."""


class Server(socketserver.BaseServer):
    """What all servers share: they stop promptly, leave nothing behind, and log what goes wrong."""

    stopping = False
    warned = -WARNING_INTERVAL

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.idle = threading.Event()  # set while serve_forever() does not run
        self.idle.set()
        # Threads whose handlers have ended, and None when stopping: of all queues the one that a signal handler may use
        self.ended: queue.SimpleQueue[threading.Thread | None] = queue.SimpleQueue()
        super().__init__(*args, **keywords)

    def serve_forever(self, poll_interval: float = 0.05) -> None:
        """Serve until stop() or shutdown(), noticed within `poll_interval` seconds (by default 0.5 in the library)."""
        self.idle.clear()  # before `stopping` is looked at: shutdown() sets that, and then waits for this
        try:
            if not self.stopping:
                with suppress(Stopped):
                    super().serve_forever(poll_interval)
        finally:
            self.idle.set()

    def service_actions(self) -> None:
        """Stop if told to: serve_forever() calls this between requests, so no request is torn from its handler."""
        super().service_actions()
        if self.stopping:
            raise Stopped

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is socketserver's
        """Log the exception that a handler raised, where the library would print it."""
        # [SRV-8] the connection is closed and that is all: socketserver calls this and goes on
        log.exception("the handler of %r failed", client_address)

    def hang_up(self) -> None:
        """Let every handler end soon. Without connections there is nothing a handler could be waiting for."""

    def wait_for_handlers(self) -> None:
        """Return when every handler has ended. A synchronous server has none outside serve_forever()."""

    def stop(self) -> None:
        """Hang up, and end serve_forever() soon, for good; return at once, as a signal handler has to."""
        self.stopping = True
        self.hang_up()
        self.ended.put(None)  # the loop may be waiting for it

    def shutdown(self) -> None:
        """Stop, and wait until serve_forever() has ended, if it runs; to be called from another thread."""
        self.stop()
        self.idle.wait()

    def server_close(self) -> None:
        """Stop, wait for the handlers, and only then close: datagram handlers use the server's socket."""
        # [SRV-9] promptly, with members still connected, and no thread, process or port stays behind
        self.shutdown()
        self.wait_for_handlers()
        super().server_close()

    def wait_until_freed(self, error: Exception) -> None:
        """Keep the loop from spinning: return when a handler has ended, and now and then without."""
        if time.monotonic() - self.warned >= WARNING_INTERVAL:
            self.warned = time.monotonic()
            log.warning("new clients have to wait until others leave: %s", error)
        with suppress(queue.Empty):
            self.forget(self.ended.get(timeout=RETRY_TIMEOUT))

    def forget(self, thread: threading.Thread | None) -> None:
        """Let go of a thread that has said it is at its end; None stands for none."""


class DatagramServer(Server, socketserver.UDPServer):
    """A server of datagrams: no connections, nothing to hang up."""

    send_buffer = 8 * 1024 * 1024
    """Bytes of SO_SNDBUF for the one socket that all replies leave by.

    A Unix client that does not read holds its replies there, at 768 bytes for a short one: as many as its queue takes
    (net.unix.max_dgram_qlen, 10 or 512), but without limit if it has called connect(). Measured: 278 fill the buffer
    that a socket has by default, and then nobody gets a reply until that client reads or goes. This makes it 555 with
    the least net.core.wmem_max, 10 923 with one of 4 MiB; some number fills any buffer. UDP replies just leave.
    """

    def server_bind(self) -> None:
        super().server_bind()
        # [UDP-5] room for the replies to those who read, beside those that wait for a client who does not
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.send_buffer)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse a datagram whose source is this server: it would answer itself, and then its answer, without end."""
        # [UDP-1] a reply goes to the address a request came from, and a sender can forge that address
        if not self.is_own(client_address):
            return super().verify_request(request, client_address)
        log.info("no reply to %r: the address is this server's own", client_address)
        return False

    def is_own(self, address: Any) -> bool:
        """Whether this server receives what is sent to that address."""
        own: Any = self.server_address
        if address == own or isinstance(own, str):
            return bool(address == own)
        return address[1] == own[1] and own[0] in WILDCARDS and self.is_of_this_host(address[0])

    def is_of_this_host(self, host: str) -> bool:
        """Whether an address is one of this host, which is where one can bind a socket."""
        try:
            with socket.socket(self.address_family, socket.SOCK_DGRAM) as probe:
                probe.bind((host, 0))
        except OSError:
            return False
        return True


class StreamServer(Server, socketserver.TCPServer):
    """A server of connections, which knows the open ones and can hang up on all of them."""

    allow_reuse_address = True
    """Restart at the same port at once, though connections of the server before linger in TIME_WAIT."""

    # [CHAT-17] room for 200 clients who connect in the same instant; the library's default is 5
    request_queue_size = 256

    tcp_send_buffer = 256 * 1024
    """Bytes of SO_SNDBUF for a TCP connection.

    The kernel grants at most net.core.wmem_max (on Linux 208 KiB unless raised), doubles that, and charges its own
    bookkeeping to it. Measured with a client that has the smallest receive buffer there is and does not read:

        asked for     holds, in deliveries of 4 bytes     in deliveries of 1027 bytes
          64 KiB              50 160 bytes                      55 622 bytes              too little for CHAT-15
         128 KiB             103 728                           109 190
         256 KiB             218 928                           216 326

    Left alone, the kernel starts small and grows with what the connection has carried: to 3.9 MB on loopback.
    """

    unix_send_buffer = 8 * 1024 * 1024
    """Bytes of SO_SNDBUF for a Unix connection.

    Here a delivery of 4 bytes is charged 768 bytes until it is read, one of 1027 bytes 2304: nothing is merged. So 64
    KiB in the smallest deliveries need 12.6 MB, and fit where net.core.wmem_max is 6.3 MB or more. Where it is 208
    KiB, as Linux has it unless it is raised, 64 KiB fit in deliveries of 200 bytes or more, but only 2 220 bytes in
    deliveries of 4: there, and only there, this server does not keep CHAT-15.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.connections: set[socket.socket] = set()
        self.connections_lock = threading.RLock()  # a signal handler may find it held by its own thread
        super().__init__(*args, **keywords)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, prepare it and remember it."""
        try:
            request, client_address = super().get_request()
        except OSError as error:
            if error.errno in EXHAUSTED:
                self.wait_until_freed(error)
            raise
        with suppress(OSError):  # it is gone already; its handler will find out
            self.prepare(request)
        with self.connections_lock:
            self.connections.add(request)
            if self.stopping:  # the hanging up may have been before this one was there
                self.end(request)
        return request, client_address

    def prepare(self, request: socket.socket) -> None:
        """Set the options of a connection."""
        if request.family in (socket.AF_INET, socket.AF_INET6):
            # [CHAT-16] no waiting for the acknowledgement of one delivery before sending the next: measured, 40 ms each
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # [CHAT-15] 64 KiB of deliveries can wait for a member before it is cut off
            request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.tcp_send_buffer)
        else:
            request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.unix_send_buffer)

    def shutdown_request(self, request: Any) -> None:
        """Say end of stream and close, when the handler is done."""
        # [ECHO-3] [CHAT-7] in order: to close with input unread sends a reset, which may overtake what was sent last
        with suppress(OSError):  # nothing is unread, or the client is gone
            request.setblocking(False)
            request.recv(UNREAD)
        super().shutdown_request(request)

    def close_request(self, request: Any) -> None:
        """Close a connection, and forget it first: nobody hangs up on a socket that is closed."""
        # [SRV-3] socketserver calls this after setup, handle and finish, and nothing else here closes a request
        with self.connections_lock:
            self.connections.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """Stop accepting, and end every open connection."""
        with suppress(OSError):  # it is closed already, or this system can shut down connections only
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes serve_forever(), so that nobody waits for its next poll
        # [SRV-9] members read end of stream, and handlers wake up
        with self.connections_lock:
            for request in self.connections:
                self.end(request)

    def end(self, request: socket.socket) -> None:
        """End one connection in both directions. Its handler wakes up and closes it."""
        with suppress(OSError):  # it is gone already
            request.shutdown(socket.SHUT_RDWR)


class SocketFile(socketserver.TCPServer):
    """Mix-in for Unix servers: the socket file goes when the server closes, if it was this server that made it."""

    path = ""

    def server_bind(self) -> None:
        super().server_bind()
        self.path = str(self.server_address)

    def server_close(self) -> None:
        # [SRV-9] no port stays behind, and a Unix server's port is a file
        super().server_close()
        if self.path:
            with suppress(FileNotFoundError):
                os.unlink(self.path)
            self.path = ""


class Threads(socketserver.ThreadingMixIn, Server):
    """Mix-in for threading servers: daemon threads that server_close() waits for all the same."""

    daemon_threads = True

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self.handlers: set[threading.Thread] = set()  # the loop alone changes it
        super().__init__(*args, **keywords)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for the handler, as the library does, and remember it until it has ended."""
        while not self.stopping:
            thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system allows no more threads
                self.wait_until_freed(error)
            else:
                self.handlers.add(thread)
                return
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the request, as the library does, and then say that this thread can be forgotten."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.ended.put(threading.current_thread())

    def service_actions(self) -> None:
        """Forget the threads that have ended, each once: a client costs the same in any crowd. Stop if told to."""
        with suppress(queue.Empty):
            while True:
                self.forget(self.ended.get_nowait())
        super().service_actions()

    def forget(self, thread: threading.Thread | None) -> None:
        if thread is not None:
            thread.join()
            self.handlers.discard(thread)

    def wait_for_handlers(self) -> None:
        """Join the threads: whoever they were waiting for has been hung up on."""
        for handler in self.handlers:
            handler.join()


if sys.platform != "win32":  # pragma: no branch - Windows has no fork

    class Children(socketserver.ForkingMixIn, Server):
        """Mix-in for forking servers: the connections are the children's, so hanging up is ending the children."""

        def service_actions(self) -> None:
            """Collect the children that have ended, which is where the library leaves it, and stop if told to."""
            super().service_actions()
            Server.service_actions(self)

        def hang_up(self) -> None:
            """End the children; server_close() of the library waits for them.

            By SIGKILL: a signal that can be caught may get lost while Python prepares a child that was forked just now.
            """
            super().hang_up()
            # [SRV-9] a copy, since serve_forever() wakes up in its thread and takes out the children that have ended
            for child in (self.active_children or set()).copy():
                with suppress(ProcessLookupError):  # somebody else has waited for it
                    os.kill(child, signal.SIGKILL)
