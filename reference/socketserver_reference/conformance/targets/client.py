"""One client of the server under check: a socket, and how it is used and closed."""

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
"""Bytes asked of one recv(), and more than the largest datagram."""

QUICKACK = getattr(socket, "TCP_QUICKACK", 0)
"""The option to acknowledge at once or late; 0 on systems without it (only Linux has it)."""

TAKEN = 256
"""Reads at most that are kept for later: of RECV_BYTES bytes each, 16 MiB."""

UNREACHABLE_TIMEOUT = 0.25
"""Seconds within which the kernel reports that no socket receives a datagram."""

ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds: close() resets


class Unreachable(Exception):
    """The connection to the server failed; the message says how."""


class Client:
    """A connected client, or, on a datagram transport, a bound one.

    `timeout` bounds every operation, in seconds. A failure to send is no error here: what the client then reads from a
    server that hung up is judged instead.
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
        if window is not None:  # before connect(), where TCP negotiates the window
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if self._address.transport == "unix-datagram":  # a server cannot reply to a client without a name
            self._own_path = os.path.join(tempfile.mkdtemp(prefix="client-"), "socket")
            self.socket.bind(self._own_path)
        elif self._address.datagram:  # its port at once: one that a client has just left may get late replies
            self.socket.bind(("", 0))
        elif connect:
            self.socket.connect(self._address.sockaddr)
        if self._address.transport == "tcp":  # send each utterance at once, in one segment
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._acknowledge()

    def _acknowledge(self) -> None:
        """Make the kernel acknowledge as this client asks; the option does not last, so set it before every read."""
        if self._quick is not None:
            self.socket.setsockopt(socket.IPPROTO_TCP, QUICKACK, self._quick)

    def set_timeout(self, timeout: float) -> None:
        """Bound every further operation by this number of seconds."""
        if timeout != self.timeout:
            self.timeout = timeout
            self.socket.settimeout(timeout)

    def send(self, data: bytes) -> None:
        """Send all bytes, or as many as the server takes."""
        try:
            if self._address.datagram:
                self.socket.sendto(data, self._address.sockaddr)
            else:
                self.socket.sendall(data)
        except OSError:
            pass  # the server hung up, or does not read: the next read shows it

    def receive(self) -> bytes | Ending | None:
        """Wait at most `timeout` seconds, and return bytes, how the stream ended, or None.

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
        """Return the address that replies must come from, in the form of recvfrom()."""
        if self._address.path:
            return self._address.path
        return socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_DGRAM)[0][4][:2]

    def probe(self) -> None:
        """Send a datagram; raise Unreachable if the kernel reports that no socket receives it."""
        try:
            self.socket.connect(self._address.sockaddr)
            self.socket.send(b"\n")
            self.set_timeout(min(self.timeout, UNREACHABLE_TIMEOUT))
            self.socket.recv(RECV_BYTES)
        except TimeoutError:
            pass  # a server that does not answer: the checks will report that
        except OSError as error:
            raise Unreachable(describe(error)) from None

    def half_close(self) -> None:
        """Send end of stream; reading goes on."""
        with contextlib.suppress(OSError):  # the server closed first
            self.socket.shutdown(socket.SHUT_WR)

    def leave(self, timeout: float) -> None:
        """Half-close, and discard input until end of stream, at most `timeout` seconds."""
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
    """Return an error of the operating system in words for a report."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno).lower()
    return error.strerror or str(error)


PROBE_CLOSE_TIMEOUT = 0.25
"""Seconds for a server to hang up on a client that only tests whether it listens."""


def reach(address: Address, timeout: float) -> None:
    """Connect once, or send a datagram of white space; raise Unreachable if no server listens there."""
    with Client(address, timeout) as probe:
        if address.datagram:
            probe.probe()
        else:  # to close with an unread greeting would reset the connection
            probe.leave(PROBE_CLOSE_TIMEOUT)
