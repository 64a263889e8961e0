"""Requests and replies: so many clients at once, each of which asks again as soon as it is answered.

Over TCP and Unix sockets a request is a connection, as the echo serves it: connect, send, read the reply and the end of
stream. Over UDP it is a datagram. Measured are requests a second, and processor time of the server for a request; each
class of concurrency of the reference beside asyncio and uvloop.

Next: `crowds.py`.
"""

import argparse
import select
import socket
from collections.abc import Iterator

import results
import served
from served import Served, Usage, serving

AT_ONCE = 16
"""Clients at one time; fewer than the shortest queue of connections holds."""

REQUESTS = 4000
REPLY_TIMEOUT = 20.0
WARM_UP = 50

SHORT = {
    "tcp": ("reference sync", "reference threading", "asyncio-protocol"),
    "udp": ("reference threading", "asyncio-protocol"),
    "unix": ("reference forking",),
}
"""Transport -> the servers of a short run."""


def echoes(transport: str, names: list[str] | None, short: bool) -> dict[str, str]:
    """Return the commands of the echoes that can be measured here, by name; in short, a few of them."""
    found = {
        f"reference {concurrency}": served.reference("echo", transport, "--concurrency", concurrency, "--quiet")
        for concurrency in ("sync", "threading", "forking")
    }
    for name in ("asyncio-protocol", "uvloop"):
        if name != "uvloop" or not served.missing(name):
            found[name] = served.peer(name, "echo", transport)
    few = SHORT[transport] if short else tuple(found)
    return {name: found[name] for name in found if name in few and (names is None or name.split()[0] in names)}


class Clients:
    """Clients of an echo."""

    def __init__(self, server: Served) -> None:
        self._address = server.address
        self._ready = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._due: dict[int, bytes] = {}
        self._asked = 0

    def ask(self, requests: int) -> None:
        """Ask so many requests, and return when all are answered."""
        for _ in range(min(AT_ONCE, requests)):
            self._begin()
        answered = 0
        left = requests - len(self._sockets)
        while answered < requests:
            ready = self._ready.poll(REPLY_TIMEOUT)
            if not ready:
                raise TimeoutError(f"a reply has not come within {REPLY_TIMEOUT:g} s")
            for number, _ in ready:
                if not self._is_answered(number):
                    continue
                answered += 1
                if left:
                    self._begin()
                    left -= 1

    def _begin(self) -> None:
        client = socket.socket(self._address.family, self._address.kind)
        client.connect(self._address.sockaddr)
        client.setblocking(False)
        self._asked += 1
        self._sockets[client.fileno()] = client
        self._due[client.fileno()] = b"REQUEST %08d" % self._asked
        self._ready.register(client, select.EPOLLIN)
        client.send(b"request %08d\r\n" % self._asked)

    def _is_answered(self, number: int) -> bool:
        """Read; return whether the client has its reply, and close it then."""
        client, due = self._sockets[number], self._due[number]
        read = client.recv(64)
        if not due.startswith(read) or (not read and due):
            raise ConnectionError(f"the reply is {read!r} and not {due!r}")
        self._due[number] = due[len(read) :]
        if self._due[number] or (read and not self._address.datagram):  # the end of stream is still to come
            return False
        self._ready.unregister(client)
        client.close()
        del self._sockets[number], self._due[number]
        return True

    def close(self) -> None:
        """Close those that are left."""
        self._ready.close()
        for client in self._sockets.values():
            client.close()


def measure_echo(command: str, transport: str, requests: int) -> dict[str, float]:
    """Return the figures of one server."""
    with serving(command, transport) as server:
        clients = Clients(server)
        try:
            clients.ask(WARM_UP)
            server.rest()
            usage = Usage(server.rest)
            clients.ask(requests)
            usage.stop()
        finally:
            clients.close()
    return {
        "per_second": requests / usage.seconds,
        "cpu_us": usage.server / requests * 1e6,
        "load": usage.load,
    }


def measure(options: argparse.Namespace) -> Iterator[results.Table]:
    """Measure all echoes; yield the table, then fill and print it."""
    table = results.Table("echoes", f"Echo: {AT_ONCE} clients at once", results.ECHOES)
    yield table
    results.head(table)
    requests = 100 if options.short else REQUESTS
    for transport in ("tcp", "udp", "unix"):
        named = echoes(transport, options.servers, options.short)
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in named}
        for _ in range(options.times):
            for name, command in named.items():
                runs[name].append(measure_echo(command, transport, requests))
        for name, found in runs.items():
            results.add(table, {"server": name, "transport": transport, **results.medians(found)})
