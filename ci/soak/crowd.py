"""A crowd of clients: who comes, what each does, and how it leaves. One thread does all of it."""

import random
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets.client import Client
from socketserver_reference.conformance.targets.crowd import connect_at_once

CONNECT_TIMEOUT = 60.0
AT_ONCE = 32
"""Clients that connect in the same instant: the shortest queue has room for them."""

FLOOD = b"x" * 65536
TCP_REPAIR = 19
"""Linux's option under which a socket closes without a word to its peer; it needs CAP_NET_ADMIN."""


class Lost(Exception):
    """The server has failed; the message says how."""


def reset(client: Client) -> None:
    """Leave at once, by a reset."""
    client.reset()


def leave(client: Client) -> None:
    """Quit, and stay until the server hangs up."""
    client.send(b"quit")


def half_close(client: Client) -> None:
    """Say the last words, end the stream, and stay until the server does so as well."""
    client.send(b"bye")
    client.half_close()


def speak(client: Client) -> None:
    """Say a word and stay."""
    client.send(b"hello")


def flood(client: Client) -> None:
    """Say as much as there is room for, and stay."""
    client.send(FLOOD)


def vanish(client: Client) -> None:
    """Be gone without a word, as a machine without power: a connection that is half open."""
    with suppress(PermissionError):
        client.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    client.close()


VISITS: dict[Callable[[Client], None], int] = {reset: 45, leave: 25, half_close: 10, vanish: 10, speak: 9, flood: 1}
"""What one of a hundred clients does who come."""

UNREAD = 0.1
"""The share of clients who read nothing, whatever they do."""


class Crowd:
    """The clients of one room; `close` ends all."""

    def __init__(self, address: Address, rng: random.Random) -> None:
        self.visits = 0
        self._address = address
        self._rng = rng
        self._present: dict[int, Client] = {}
        self._ready = select.epoll()
        self._buffer = bytearray(1 << 16)

    def fill(self, members: int, goes_on: Callable[[], bool]) -> None:
        """Let so many come, who only listen."""
        while len(self._present) < members and goes_on():
            for client in self._arrivals(min(AT_ONCE, members - len(self._present))):
                self._stay(client)
            self._read(0)

    def live(self, rate: int, seconds: float, goes_on: Callable[[], bool]) -> None:
        """For so many seconds, let clients come at a rate; for each one that stays, the one that is longest there goes.

        If the clients are the limit, fewer come.
        """
        begun, before, members = time.monotonic(), self.visits, len(self._present)
        while (passed := time.monotonic() - begun) < seconds and goes_on():
            due = int(passed * rate) - (self.visits - before)
            for client in self._arrivals(max(0, min(due, AT_ONCE))):
                (visit,) = self._rng.choices([*VISITS], [*VISITS.values()])
                visit(client)
                if client.socket.fileno() >= 0:
                    self._stay(client)
            while len(self._present) > members:
                self._end(next(iter(self._present)))
            self._read(0.01)

    def leave(self) -> None:
        """Let all leave at once, some by a reset."""
        for number in list(self._present):
            self._end(number)

    def close(self) -> None:
        """End all clients."""
        self.leave()
        self._ready.close()

    def _arrivals(self, count: int) -> list[Client]:
        clients, failure = connect_at_once(self._address, CONNECT_TIMEOUT, count)
        self.visits += len(clients)
        for client in clients:
            client.set_timeout(0)
        if failure:
            for client in clients:
                client.close()
            raise Lost(f"clients cannot connect: {failure}")
        return clients

    def _stay(self, client: Client) -> None:
        self._present[client.socket.fileno()] = client
        if self._rng.random() >= UNREAD:
            self._ready.register(client.socket, select.EPOLLIN)

    def _read(self, timeout: float) -> None:
        """Read what is there, and let those go on whom the server has hung up."""
        for number, _ in self._ready.poll(timeout):
            try:
                ended = not self._present[number].socket.recv_into(self._buffer)
            except OSError:
                ended = True
            if ended:
                self._present.pop(number).close()

    def _end(self, number: int) -> None:
        client = self._present.pop(number)
        if self._rng.random() < 0.25:
            client.reset()
        else:
            client.close()
