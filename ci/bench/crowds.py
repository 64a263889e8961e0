"""Crowds: N clients say 64 KiB each, never read, and then close, reset or stay, all at once.

Meanwhile a talker says one word after the other and reads everything. Measured are the processor time until the server
has done everything, and the longest time that the talker waited for its own word; and how long SIGTERM takes while such
a crowd closes. A crowd twice as large may cost twice as much.

What it costs also depends on how much the server hears before the crowd leaves, for that it delivers to all. So the
processor time is the least of several crowds.

Two small crowds are those that the check of CHAT-15 compares, here with the reference and a server that goes on
delivering to those who have gone: what `oracles/measured/scaling.py` takes for too much has to lie between the two.
Of these it is the median.

Next: `buffers.py`.
"""

import argparse
import contextlib
import select
import socket
import statistics
import struct
import threading
from collections.abc import Iterator

import results
import served
from served import JOIN_BATCH, Served, serving

CROWD_WORDS = b"x" * 65536
"""What each client of a crowd says."""

KINDS = ("close", "reset", "stay")

SERVED = (("chat", "tcp"), ("chat", "unix"), ("overthreaded", "tcp"))
"""Programs of the reference, and the transports over which they are measured."""

COMPARED = (24, 96)
"""The crowds that the check of CHAT-15 compares."""

FAULT = "keeps-who-is-cut-off"
"""The fault that this check finds."""

MIN_CROWDS = 5
"""Crowds of each size at least: of as few as three, all may be heard before they leave on a busy machine."""

LIMIT = 180.0
"""Most seconds until a word comes back."""

PAUSE = 0.02
"""Seconds between two words of the talker."""


class Talker(threading.Thread):
    """A member that says one word after the other, for so many seconds, and reads everything; `delays` in seconds."""

    def __init__(self, client: socket.socket, seconds: float) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.client.settimeout(LIMIT)
        self.delays: list[float] = []
        self._until = results.now() + seconds

    def run(self) -> None:
        try:
            self._talk()
        except ConnectionError:  # it was cut off
            self.delays.append(float("inf"))

    def _talk(self) -> None:
        while results.now() < self._until:
            word = b"<word %d>" % len(self.delays)
            begun = results.now()
            self.client.sendall(word)
            heard = b""
            while word not in heard:
                more = self.client.recv(1 << 20)
                if not more:
                    raise ConnectionResetError
                heard = heard[-len(word) :] + more
            self.delays.append(results.now() - begun)
            select.select([], [], [], PAUSE)


def connect(server: Served) -> socket.socket:
    """Return a client."""
    client = socket.socket(server.address.family)
    client.connect(server.address.sockaddr)
    return client


def crowd(server: Served, size: int) -> list[socket.socket]:
    """Return so many clients, once the server serves them all."""
    clients = []
    for count in range(size):
        clients.append(connect(server))
        clients[-1].setblocking(False)
        if count % JOIN_BATCH == 0:
            server.accepted()
    server.rest()
    return clients


def speak(clients: list[socket.socket], kind: str) -> None:
    """Let all clients say their words, and leave."""
    for client in clients:
        with contextlib.suppress(OSError):
            client.send(CROWD_WORDS)
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if kind != "stay":
            client.close()


def measure_crowd(command: str, transport: str, kind: str, size: int, seconds: float) -> dict[str, float]:
    """Return the processor time of a crowd, and the talker's longest wait."""
    with serving(command, transport) as server, contextlib.closing(connect(server)) as client:
        clients = crowd(server, size)
        before = server.cpu()
        talker = Talker(client, seconds)
        talker.start()
        speak(clients, kind)
        talker.join(LIMIT)
        used = server.rest() - before
        for one in clients:
            one.close()
        return {"cpu_s": used, "delay_s": max(talker.delays, default=float("inf"))}


def measure_end(command: str, transport: str, size: int) -> dict[str, float]:
    """Return the seconds that SIGTERM takes while a crowd closes; what it costs cannot be seen."""
    server = Served(command, transport)
    try:
        speak(crowd(server, size), "close")
    finally:
        begun = results.now()
        server.close()
    return {"delay_s": results.now() - begun}


def measure(options: argparse.Namespace) -> Iterator[results.Table]:
    """Measure all crowds; yield the table, then fill and print it."""
    table = results.Table("crowds", "Crowds: all say 64 KiB, read nothing, and leave at once", results.CROWDS)
    yield table
    results.head(table)
    sizes = [100, 400] if options.short else [100, 200, 400, 800]
    kinds = KINDS[:1] if options.short else KINDS
    seconds = 0.3 if options.short else 2.0
    for program, transport in SERVED[:1] if options.short else SERVED:
        command = served.reference(program, transport, "--quiet")
        at = {"server": program, "transport": transport}
        for kind in kinds:
            for size in sizes:
                times = max(options.times, MIN_CROWDS)
                runs = [measure_crowd(command, transport, kind, size, seconds) for _ in range(times)]
                least = {"cpu_s": min(run["cpu_s"] for run in runs)}
                results.add(table, {**at, "what": kind, "members": size, **results.medians(runs), **least})
        if not options.short:
            ends = [measure_end(command, transport, sizes[-1])["delay_s"] for _ in range(options.times)]
            results.add(table, {**at, "what": "SIGTERM", "members": sizes[-1], "delay_s": statistics.median(ends)})
    for name, command in (("chat", served.reference("chat", "tcp", "--quiet")), (FAULT, served.fault(FAULT))):
        for size in COMPARED:
            runs = [measure_crowd(command, "tcp", "close", size, seconds)["cpu_s"] for _ in range(options.times)]
            at = {"server": name, "transport": "tcp", "what": "close", "members": size}
            results.add(table, {**at, "cpu_s": statistics.median(runs)})  # the fault cuts the talker off
