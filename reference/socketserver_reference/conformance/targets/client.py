"""One client of the server under check: a socket, and how it is used and closed."""

import contextlib
import errno
import os
import socket
import sys
import tempfile
import time
from collections import deque
from typing import Any, Self

from socketserver_reference.address import Address
from socketserver_reference.conformance.scenario.transcript import Ending, UnexpectedSourceDatagram
from socketserver_reference.conformance.targets import parting
from socketserver_reference.conformance.targets.parting import ABORT

MORE = getattr(socket, "MSG_MORE", 0)
"""Makes the kernel hold the end of what is sent until more follows, for 0.2 s at most."""

RECV_BYTES = 65536
"""Bytes asked of one recv(), and more than the largest datagram."""

QUICKACK = getattr(socket, "TCP_QUICKACK", 0)
"""The option to acknowledge at once or late; 0 on systems without it (only Linux has it)."""

MAX_TAKEN_READS = 256
"""Reads at most that are kept for later: of RECV_BYTES bytes each, 16 MiB."""

NOT_YET = (errno.ECONNREFUSED, errno.ENOENT)
"""Errors of connecting where no server listens, or not yet."""

REPORT_REFUSALS = ((socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25))
"""Linux's options IP_RECVERR and IPV6_RECVERR: report it if no socket receives a datagram."""


class Unreachable(Exception):
    """The connection to the server failed; the message says how."""

    def __init__(self, error: OSError | str) -> None:
        super().__init__(describe(error) if isinstance(error, OSError) else error)
        self.may_come = isinstance(error, OSError) and error.errno in NOT_YET
        """Whether a server may listen there later."""


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
        self.refused = False
        """Whether the system has reported that no socket receives a datagram."""
        self.socket = connected or socket.socket(address.family, address.kind)
        try:
            self._set_up(timeout, window, connected is None)
        except OSError as error:
            self.close()
            raise Unreachable(error) from None
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
        elif connect and self._address.datagram:  # its port now: one that a client has just left may get late replies
            self.socket.bind(("", 0))
        elif connect:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # for `time_wait.py`: its port, once more
            self.socket.connect(self._address.sockaddr)
        if self._address.transport == "udp" and sys.platform == "linux":  # pragma: no branch
            self.socket.setsockopt(*REPORT_REFUSALS[self._address.family == socket.AF_INET6], 1)
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

    def send(self, data: bytes, *, held: bool = False) -> None:
        """Send all bytes, or as many as the server takes; over TCP, some wait for `half_close` if they are `held`."""
        if self._address.datagram:
            self._send_datagram(data)
            return
        with contextlib.suppress(OSError):  # the server hung up, or does not read: the next read shows it
            self.socket.sendall(data, MORE if held else 0)

    def _send_datagram(self, data: bytes) -> None:
        for _ in range(2):  # an error that an earlier datagram met is reported first
            try:
                self.socket.sendto(data, self._address.sockaddr)
            except OSError as error:
                self.refused = self.refused or error.errno in NOT_YET
            else:
                return

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
        while not ended and len(self._taken) < MAX_TAKEN_READS and (got := self._receive()) is not None:
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
        data, source = self._received()
        if self._server is None:
            self._server = self._resolve()
        if (source if isinstance(source, str) else source[:2]) == self._server:
            return data
        unexpected = UnexpectedSourceDatagram(data)
        unexpected.source = ascii(source)
        return unexpected

    def _received(self) -> tuple[bytes, Any]:
        """Receive a datagram, whatever became of those that were sent."""
        try:
            return self.socket.recvfrom(RECV_BYTES)
        except ConnectionRefusedError:
            self.refused = True
        self.socket.settimeout(0)  # no more will come
        try:
            return self.socket.recvfrom(RECV_BYTES)
        finally:
            self.socket.settimeout(self.timeout)

    def _resolve(self) -> object:
        """Return the address that replies must come from, in the form of recvfrom()."""
        if self._address.path:
            return self._address.path
        return socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_DGRAM)[0][4][:2]

    def half_close(self) -> None:
        """Send end of stream; reading goes on."""
        if self._frees_port():
            return  # nobody is there who could read it
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

    def part(self) -> None:
        """Close, in an orderly way, a connection whose server is ended next."""
        if self._quick is None or not parting.frees_port(self.socket, served=False):
            self.half_close()
        self.close()

    def close(self) -> None:
        """Close the socket, and remove the name of a Unix datagram client."""
        self._frees_port()
        self.socket.close()
        if self._own_path is not None:
            if os.path.exists(self._own_path):
                os.unlink(self._own_path)
            os.rmdir(os.path.dirname(self._own_path))
            self._own_path = None

    def _frees_port(self) -> bool:
        return self._quick is not None and parting.frees_port(self.socket)

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
