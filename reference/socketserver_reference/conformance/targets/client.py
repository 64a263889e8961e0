"""One client of the server under check: a socket, and the ways to use and to leave it."""

import contextlib
import errno
import os
import socket
import struct
import tempfile
import time
from collections import deque
from typing import Self

from socketserver_reference.address import Address
from socketserver_reference.conformance.scenario.transcript import Ending, UnexpectedSourceDatagram

RECV_BYTES = 65536
"""Bytes asked of one recv(); also the largest datagram there is."""

QUICKACK = getattr(socket, "TCP_QUICKACK", 0)
"""The option to acknowledge at once, or late; 0 where the system does not let one choose (it is Linux's)."""

TAKEN = 256
"""Reads at most that are kept for later: of RECV_BYTES bytes each, 16 MiB."""

UNREACHABLE_TIMEOUT = 0.25
"""Seconds within which the kernel has reported that nobody receives a datagram."""

ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds: close() resets


class Unreachable(Exception):
    """The server cannot be connected to; the message says how it refused."""


class Client:
    """A connected client, or, on a datagram transport, a named one.

    Everything it does is bounded by `timeout` seconds. A failure to send is not an error here: a server that hung up
    shows itself by what can be read, and that is judged.
    """

    def __init__(
        self,
        address: Address,
        timeout: float,
        window: int | None = None,
        acks: str = "quick",
        connected: socket.socket | None = None,
    ) -> None:
        self._address = address
        self._quick = int(acks == "quick") if address.transport == "tcp" and QUICKACK else None
        self._own_path: str | None = None
        self._server: object = None
        self._taken: deque[bytes | Ending] = deque()
        self.socket = connected or socket.socket(address.family, address.kind)
        try:
            self._set_up(timeout, window, connected is None)
        except OSError as error:
            self.close()
            raise Unreachable(describe(error)) from None
        except BaseException:
            self.close()
            raise

    def _set_up(self, timeout: float, window: int | None, connect: bool) -> None:
        self.timeout = timeout
        self.socket.settimeout(timeout)
        if window is not None:  # before connecting: TCP agrees on the window then
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if self._address.transport == "unix-datagram":  # a client without a name could not be answered
            self._own_path = os.path.join(tempfile.mkdtemp(prefix="client-"), "socket")
            self.socket.bind(self._own_path)
        elif connect and not self._address.datagram:
            self.socket.connect(self._address.sockaddr)
        if self._address.transport == "tcp":  # an utterance goes out at once, in one segment
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._acknowledge()

    def _acknowledge(self) -> None:
        """Have the kernel acknowledge as the client means to; the kernel forgets, so this is said before every read."""
        if self._quick is not None:
            self.socket.setsockopt(socket.IPPROTO_TCP, QUICKACK, self._quick)

    def set_timeout(self, timeout: float) -> None:
        """Bound everything from here on by so many seconds."""
        if timeout != self.timeout:
            self.timeout = timeout
            self.socket.settimeout(timeout)

    def send(self, data: bytes) -> None:
        """Send all of it, or as much as the server takes."""
        try:
            if self._address.datagram:
                self.socket.sendto(data, self._address.sockaddr)
            else:
                self.socket.sendall(data)
        except OSError:
            pass  # the server hung up, or does not read: what can be read of it tells

    def receive(self) -> bytes | Ending | None:
        """Return what is there, waiting for it at most `timeout` seconds: bytes, how the stream ended, or None.

        A datagram client may receive an empty datagram: b"". A stream client never returns b"".
        """
        return self._taken.popleft() if self._taken else self._receive()

    def take(self) -> int:
        """Take all that is there, for `receive` to return later; return how many bytes were waiting."""
        waited, timeout = 0, self.timeout
        self.set_timeout(0)
        ended = bool(self._taken) and not isinstance(self._taken[-1], bytes)
        while not ended and len(self._taken) < TAKEN and (got := self._receive()) is not None:
            self._taken.append(got)
            ended = not isinstance(got, bytes)
            waited += len(got) if isinstance(got, bytes) else 0
        self.set_timeout(timeout)
        return waited

    def _receive(self) -> bytes | Ending | None:
        self._acknowledge()
        try:
            if self._address.datagram:
                return self._datagram()
            return self.socket.recv(RECV_BYTES) or "eof"
        except (TimeoutError, BlockingIOError):
            return None
        except OSError:
            return "reset"

    def _datagram(self) -> bytes:
        data, source = self.socket.recvfrom(RECV_BYTES)
        if self._server is None:
            self._server = self._resolve()
        if (source if isinstance(source, str) else source[:2]) == self._server:
            return data
        unexpected = UnexpectedSourceDatagram(data)
        unexpected.source = ascii(source)
        return unexpected

    def _resolve(self) -> object:
        """Return the address a reply must come from, as recvfrom() gives it."""
        if self._address.path:
            return self._address.path
        return socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_DGRAM)[0][4][:2]

    def probe(self) -> None:
        """Find out whether anybody receives datagrams here; raise Unreachable if the kernel says that nobody does."""
        try:
            self.socket.connect(self._address.sockaddr)
            self.socket.send(b"\n")
            self.set_timeout(min(self.timeout, UNREACHABLE_TIMEOUT))
            self.socket.recv(RECV_BYTES)
        except TimeoutError:
            pass  # somebody who does not answer: the checks will say so
        except OSError as error:
            raise Unreachable(describe(error)) from None

    def half_close(self) -> None:
        """Send end of stream; reading goes on."""
        with contextlib.suppress(OSError):  # the server was faster
            self.socket.shutdown(socket.SHUT_WR)

    def leave(self, timeout: float) -> None:
        """Half-close, and read and forget until end of stream, or for so many seconds."""
        self.half_close()
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            self.set_timeout(left)
            if not isinstance(self.receive(), bytes):
                return

    def reset(self) -> None:
        """Abort the connection: the server's next operation on it fails with ECONNRESET or EPIPE."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        self.close()

    def close(self) -> None:
        """Close the socket, and remove the name of a Unix datagram client."""
        self.socket.close()
        if self._own_path is not None:
            if os.path.exists(self._own_path):
                os.unlink(self._own_path)
            os.rmdir(os.path.dirname(self._own_path))
            self._own_path = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def describe(error: OSError) -> str:
    """Return an operating system's error as words for a report."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno).lower()
    return error.strerror or str(error)


PROBE_CLOSE_TIMEOUT = 0.25
"""Seconds for a server to hang up on a client that has only looked whether it listens."""


def reach(address: Address, timeout: float) -> None:
    """Connect once, or send a datagram that asks for nothing; raise Unreachable if nobody listens there."""
    with Client(address, timeout) as probe:
        if address.datagram:
            probe.probe()
        else:  # to close with a greeting unread would be a reset, which is not how to make a server's acquaintance
            probe.leave(PROBE_CLOSE_TIMEOUT)
