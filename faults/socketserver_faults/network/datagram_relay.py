"""Forwards datagrams: for each client the proxy has a socket towards the server, and forwards what arrives there.

Replies come from the address to which the client sent. If the server sends from another address, the datagram reaches
the client from another address, too, and at once: it is no reply, and the conditions do not apply to it. A client is
forgotten, with its datagrams, when `MAX_CLIENTS` others have sent since.
"""

import math
import socket
import time
from typing import Any

from socketserver_faults.network.conditions import WAYS, Way
from socketserver_faults.network.journal import InjectedEvent, log
from socketserver_faults.network.link import DatagramLink, SeededRandom
from socketserver_faults.network.relay import POLLIN, RECV_BYTES, Relay, named
from socketserver_reference.lifecycle import WILDCARDS

MAX_CLIENTS = 256
"""Most clients that are remembered."""

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"""Bytes of SO_RCVBUF: enough that a burst is not lost here, without a condition that says so."""

MAX_READS_PER_TURN = 64
"""Most datagrams read from one socket before the others are read."""


class DatagramFlow:
    """One client, and the links between it and the server."""

    def __init__(self, number: int, client: Any, sock: socket.socket, there: DatagramLink, back: DatagramLink) -> None:
        self.number = number
        self.client = client
        self.socket = sock
        self.links: dict[Way, DatagramLink] = {"to-server": there, "to-client": back}

    def __str__(self) -> str:
        return f"connection {self.number} from {named(self.client)}"


class DatagramRelay(Relay):
    """See the module."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients: dict[Any, DatagramFlow] = {}  # in the order in which they last sent
        self._waiting: dict[DatagramFlow, None] = {}  # flows with datagrams to pass on, as an ordered set
        self.listener.setblocking(False)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self.poller.watch(self.listener, POLLIN, self._ask)
        self._elsewhere = socket.socket(self.listener.family, self.listener.type)
        self._elsewhere.setblocking(False)
        self._elsewhere.bind((self.listener.getsockname()[0], 0))

    def _ask(self, _event: int) -> None:
        """Read what clients send."""
        for _ in range(MAX_READS_PER_TURN):
            try:
                data, client = self.listener.recvfrom(RECV_BYTES)
            except OSError:  # nothing to read, or the error of a client that has gone
                return
            one = self._clients.pop(client, None) or self._welcome(client)
            if one is not None:
                self._clients[client] = one
                self._take(one, "to-server", data)

    def _welcome(self, client: Any) -> DatagramFlow | None:
        if len(self._clients) >= MAX_CLIENTS:
            self._forget(next(iter(self._clients)))
        self.connections += 1
        family, kind, _ = self.target
        try:
            sock = socket.socket(family, kind)
        except OSError as error:
            log.info("connection %d from %s: %s", self.connections, named(client), error.strerror)
            self.journal.note(InjectedEvent("refuse", self.connections, named(client), "to-server", 0))
            return None
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        there, back = (
            DatagramLink(SeededRandom(self.conditions, self.seed, self.connections, way), self.began, self.journal.held)
            for way in WAYS
        )
        one = DatagramFlow(self.connections, client, sock, there, back)
        log.info("%s", one)
        self.poller.watch(sock, POLLIN, lambda _event: self._answer(one))
        return one

    def _answer(self, one: DatagramFlow) -> None:
        """Read what the server sends to a client."""
        for _ in range(MAX_READS_PER_TURN):
            try:
                data, source = one.socket.recvfrom(RECV_BYTES)
            except OSError:  # nothing to read
                return
            if source == self.target[2]:
                self._take(one, "to-client", data)
            elif not self._is_own(source):
                self._send(one, "to-client", data, self._elsewhere)

    def _is_own(self, source: Any) -> bool:
        """Whether a datagram comes from this proxy: it was sent to a client that has gone, whose port a socket of the
        proxy has now. To pass it on could send it here again, without end.
        """
        own = [sock.getsockname() for sock in (self.listener, self._elsewhere)]
        return any(source[1] == name[1] and name[0] in (source[0], *WILDCARDS) for name in own)

    def _take(self, one: DatagramFlow, way: Way, data: bytes) -> None:
        link = one.links[way]
        for fate in link.take(data, time.monotonic()):
            self.journal.note(InjectedEvent(fate, one.number, named(one.client), way, link.taken - 1))
        self.journal.most_held = max(self.journal.most_held, link.size)
        self._waiting[one] = None

    @property
    def due(self) -> float:
        return min((link.due for one in self._waiting for link in one.links.values()), default=math.inf)

    def pass_on(self, now: float) -> None:
        for one in list(self._waiting):
            for way, link in one.links.items():
                while (data := link.next(now)) is not None:
                    self._send(one, way, data, self.listener)
            if all(link.due == math.inf for link in one.links.values()):
                del self._waiting[one]

    def _send(self, one: DatagramFlow, way: Way, data: bytes, reply_from: socket.socket) -> None:
        try:
            if way == "to-server":
                one.socket.sendto(data, self.target[2])
            else:
                reply_from.sendto(data, one.client)
        except OSError as error:
            log.info("%s: a datagram %s does not arrive: %s", one, way, error.strerror)

    def _forget(self, client: Any) -> None:
        one = self._clients.pop(client)
        self._waiting.pop(one, None)
        self.poller.ignore(one.socket)
        one.socket.close()

    def close(self) -> None:
        for client in list(self._clients):
            self._forget(client)
        self._elsewhere.close()
