"""Forwards connections: the bytes, end of stream or reset of one side reach the other side in order.

A connection has two sides, the client's socket and the server's. The bytes that a side sends go through its link to the
other side. The relay reads only as much as the link has room for, so that a peer which sends too much to one that does
not read is stopped by its own kernel, as without a proxy.

A reset shows in two ways: reading a side fails, or sending to it fails. The bytes that the side sent before are passed
on first, unless the other side does not read: a reset does not wait for that.
"""

import errno
import math
import os
import socket
import time
from contextlib import suppress
from typing import Any

from socketserver_faults.network.conditions import WAYS
from socketserver_faults.network.connection import Connection, Side, abort, prepare
from socketserver_faults.network.journal import InjectedEvent, log
from socketserver_faults.network.link import SeededRandom, StreamLink
from socketserver_faults.network.relay import POLLERR, POLLHUP, POLLIN, POLLOUT, RECV_BYTES, Relay, named

ACCEPT_PAUSE_SECONDS = 0.1
"""Seconds until the next attempt to accept, if there were no descriptors."""

NO_ROOM_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN)
"""Errors for lack of room: no descriptor, no memory, or a full queue of the server, which only a Unix socket that does
not wait reports.
"""


class StreamRelay(Relay):
    """See the module."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[Connection] = set()
        self._waiting: dict[Side, None] = {}  # sides for which bytes are held, as an ordered set
        self._paused_until = math.inf
        self.poller.watch(self.listener, POLLIN, self._accept)

    # Connecting

    def _accept(self, _event: int) -> None:
        try:
            client, address = self.listener.accept()
        except OSError as error:
            if error.errno in NO_ROOM_ERRORS and not isinstance(error, BlockingIOError):
                log.info("no more connections at present: %s", error.strerror)
                self.poller.ignore(self.listener)
                self._paused_until = time.monotonic() + ACCEPT_PAUSE_SECONDS
            return
        self.connections += 1
        connection = Connection(self.connections, named(address))
        log.info("%s", connection)
        try:
            self._connect(connection, client)
        except OSError as error:
            self._unreachable(connection, error)
            abort(client)
            client.close()

    def _connect(self, connection: Connection, client: socket.socket) -> None:
        family, kind, address = self.target
        server = socket.socket(family, kind)
        try:
            for sock in (client, server):
                prepare(sock)
            failure = server.connect_ex(address)
            if failure not in (0, errno.EINPROGRESS):
                raise OSError(failure, os.strerror(failure))
        except OSError:
            server.close()
            raise
        sides = []
        for sock, way in zip((client, server), WAYS, strict=True):
            link = StreamLink(
                SeededRandom(self.conditions, self.seed, connection.number, way), self.began, self.journal.held
            )
            sides.append(Side(sock, link, connection))
        connection.client, connection.server = sides
        connection.client.other, connection.server.other = connection.server, connection.client
        connection.server.connecting = connection.server.blocked = True
        self._open.add(connection)
        for side in connection.sides:
            self._watch(side)

    def _unreachable(self, connection: Connection, error: OSError) -> None:
        log.info("%s cannot be connected to the server: %s", connection, error.strerror)
        if error.errno in NO_ROOM_ERRORS:
            self.journal.note(InjectedEvent("refuse", connection.number, connection.name, "to-server", 0))

    # Reading

    def _watch(self, side: Side) -> None:
        """Watch the events that the side can be used for now."""
        mask = POLLIN if not side.ended and side.outbound.room else 0
        mask |= POLLOUT if side.blocked else 0
        if not mask and (side.hung or side.lost):
            self.poller.ignore(side.socket)
        else:
            self.poller.watch(side.socket, mask, lambda event: self._ready(side, event))

    def _ready(self, side: Side, event: int) -> None:
        now = time.monotonic()
        if side.connecting and not event & POLLERR:
            side.connecting = False
        if side.blocked and event & (POLLOUT | POLLERR | POLLHUP):
            side.blocked = False
        if event & (POLLIN | POLLERR | POLLHUP) and not side.ended and side.outbound.room:
            self._read(side, now)
        elif event & POLLERR and side.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._reset(side, now)
        elif event & POLLHUP:
            side.hung = True
        if side.connection in self._open:
            self._watch(side)

    def _read(self, side: Side, now: float) -> bool:
        """Read a side once; return whether there was anything."""
        try:
            data = side.socket.recv(min(RECV_BYTES, side.outbound.room))
        except BlockingIOError:
            return False
        except OSError as error:
            if side.connecting:
                self._unreachable(side.connection, error)
            self._reset(side, now)
            return True
        if data:
            side.connecting = False
            side.outbound.take(data, now)
            self.journal.most_held = max(self.journal.most_held, side.outbound.size)
        elif side.lost:  # sending noticed it first
            self._reset(side, now)
        else:
            side.ended = True
            side.outbound.end("end of stream", now)
        self._waiting[side.other] = None
        return True

    def _reset(self, side: Side, now: float) -> None:
        """Record that the side has reset its connection."""
        side.ended = side.lost = True
        side.other.outbound.lose()
        side.outbound.end("reset", now)
        self._waiting[side.other] = None
        if not side.other.connecting:
            side.other.blocked = False  # one more attempt: a reset does not wait for a side that does not read

    # Passing on

    @property
    def due(self) -> float:
        first = min((side.other.outbound.due for side in self._waiting if not side.blocked), default=math.inf)
        return min(first, self._paused_until)

    def pass_on(self, now: float) -> None:
        if now >= self._paused_until:
            self._paused_until = math.inf
            self.poller.watch(self.listener, POLLIN, self._accept)
        for side in list(self._waiting):
            if side.connection in self._open and not side.blocked:
                self._pass_on_to(side, now)
            if side.other.outbound.due == math.inf or side.connection not in self._open:
                self._waiting.pop(side, None)

    def _pass_on_to(self, side: Side, now: float) -> None:
        while side.connection in self._open and not side.blocked:
            match side.other.outbound.next(now):
                case None:
                    break
                case "end of stream" | "half-close" as how:
                    if how == "half-close":
                        self.journal.note(side.connection.end_event("half-close", side))
                    self._close(side)
                case "reset" | "cut" as how:
                    if how == "cut":
                        self.journal.note(side.connection.end_event("reset", side))
                    self._abort(side.connection)
                case segment:
                    self._send(side, segment, now)
        if side.connection in self._open:  # there is room for more now, or bytes wait for room there
            self._watch(side)
            self._watch(side.other)

    def _send(self, side: Side, data: bytes, now: float) -> None:
        """Send a segment, or the part that the side has room for."""
        try:
            side.other.outbound.sent(side.socket.send(data))
        except BlockingIOError:
            side.blocked = True
            if side.other.lost:
                self._abort(side.connection)
        except OSError:
            side.lost = True
            side.other.outbound.lose()
            while not side.ended and side.outbound.room and self._read(side, now):
                pass  # the bytes before its reset come first
            if not side.ended:
                self._reset(side, now)

    # Ending

    def _close(self, side: Side) -> None:
        """Send end of stream to a side; end the connection if both sides have it."""
        side.closed = True
        with suppress(OSError):  # it was reset: reading it shows that
            side.socket.shutdown(socket.SHUT_WR)
        if side.other.closed:
            self._end(side.connection)

    def _abort(self, connection: Connection) -> None:
        """Reset both sides."""
        for side in connection.sides:
            abort(side.socket)
        self._end(connection)

    def _end(self, connection: Connection) -> None:
        self._open.discard(connection)
        for side in connection.sides:
            self.poller.ignore(side.socket)
            side.socket.close()
        there, back = (side.outbound.passed for side in connection.sides)
        log.info("%s ended: %d bytes to-server, %d bytes to-client", connection, there, back)

    def close(self) -> None:
        for connection in list(self._open):
            self._end(connection)
