"""Measures the cost of many members for the reference's chat, in the server's process: `make crowds`.

**Crowds**: N clients say 64 KiB each, never read, and then close, reset or stay, all at once. Meanwhile a talker says
one word after the other and reads everything. A line has the CPU seconds until the server is idle, the longest time
that the talker waited for its own word, and how many times as much CPU time as in the line before: 2 is linear.

**Ends**: the seconds that SIGTERM takes while such a crowd closes.

**Rooms**: N members that read: the CPU time of a join, the memory of a member, and the CPU time of a delivery to one.
"""

import argparse
import contextlib
import os
import resource
import selectors
import shlex
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

CROWD = b"x" * 65536
"""The words of each client of a crowd."""

KINDS = ("close", "reset", "stay")

LIMIT = 180.0
"""Most seconds until a server is idle."""

TALK = 2.0
"""Seconds from a crowd's first word until the talker's last."""

PAUSE = 0.02
"""Seconds between two words of the talker."""

ROUNDS = 20
"""Utterances over which the cost of a delivery is averaged."""


class ServerProcess:
    """A chat in a process of its own, and its use of resources."""

    def __init__(self, command: list[str], program: str, transport: str, folder: str) -> None:
        self.path = f"{folder}/chat-{time.monotonic_ns()}"
        where = ["--path", self.path] if transport == "unix" else ["--port", "0"]
        self.process = subprocess.Popen(
            [*command, "serve", program, "--transport", transport, *where],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout
        address = self.process.stdout.readline()  # when it listens
        self.port = int(address.rsplit(":", 1)[1]) if transport == "tcp" else 0

    def connect(self) -> socket.socket:
        """Return a client."""
        if self.port:
            return socket.create_connection(("127.0.0.1", self.port))
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.path)
        return client

    def cpu(self) -> float:
        """Return the seconds of processor time used so far, by ended threads too."""
        return time.clock_gettime(~self.process.pid << 3 | 2)  # Linux: CPUCLOCK_SCHED of a process

    def resident(self) -> int:
        """Return the bytes of memory in use."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def rest(self) -> float:
        """Wait until the server uses no processor time for half a second; return what it has used."""
        used, still = self.cpu(), 0
        deadline = time.monotonic() + LIMIT
        while still < 5 and time.monotonic() < deadline:
            time.sleep(0.1)
            now = self.cpu()
            still = still + 1 if now < used + 0.01 else 0
            used = now
        return used

    def end(self) -> float:
        """Send SIGTERM; return the seconds until the process has ended."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT)
        return time.monotonic() - begin


@contextlib.contextmanager
def serving(command: list[str], program: str, transport: str) -> Iterator[ServerProcess]:
    """Serve within a `with` block."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(command, program, transport, folder)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait()


class Talker(threading.Thread):
    """A member that says one word after the other and reads everything; `delays` in seconds."""

    def __init__(self, client: socket.socket) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.client.settimeout(LIMIT)
        self.delays: list[float] = []
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            word = b"<word %d>" % len(self.delays)
            begin = time.monotonic()
            self.client.sendall(word)
            heard = b""
            while word not in heard:
                more = self.client.recv(1 << 20)
                if not more:
                    self.delays.append(float("inf"))  # it was cut off
                    return
                heard = heard[-len(word) :] + more
            self.delays.append(time.monotonic() - begin)
            time.sleep(PAUSE)


def crowd(server: ServerProcess, size: int) -> list[socket.socket]:
    """Return so many clients, once the server serves them all."""
    clients = []
    for _ in range(size):
        clients.append(server.connect())
        clients[-1].setblocking(False)
    server.rest()
    return clients


def speak(clients: list[socket.socket], kind: str) -> None:
    """Let all clients say their 64 KiB, and leave."""
    for client in clients:
        with contextlib.suppress(OSError):
            client.send(CROWD)
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if kind != "stay":
            client.close()


def measure_crowd(command: list[str], program: str, transport: str, kind: str, size: int) -> tuple[float, float]:
    """Return the CPU seconds of a crowd, and the talker's longest delay."""
    with serving(command, program, transport) as server:
        talker = Talker(server.connect())
        clients = crowd(server, size)
        before = server.cpu()
        talker.start()
        speak(clients, kind)
        stop = threading.Timer(TALK, talker.done.set)
        stop.start()
        talker.join(LIMIT)
        return server.rest() - before, max(talker.delays, default=float("inf"))


def measure_end(command: list[str], program: str, transport: str, size: int) -> float:
    """Return the seconds that SIGTERM takes while a crowd closes."""
    with serving(command, program, transport) as server:
        clients = crowd(server, size)
        speak(clients, "close")
        return server.end()


def measure_room(command: list[str], transport: str, size: int) -> tuple[float, float, float]:
    """Return CPU seconds of a join, bytes of a member, and CPU seconds of a delivery to one member."""
    with serving(command, "chat", transport) as server:
        server.connect().close()
        start, held = server.rest(), server.resident()
        clients = crowd(server, size)
        joined, full = server.cpu(), server.resident()
        with selectors.DefaultSelector() as selector:
            for client in clients:
                selector.register(client, selectors.EVENT_READ)
            for _ in range(ROUNDS):
                clients[0].send(b"x" * 64)
                due = size * 67
                while due:
                    due -= sum(len(key.fileobj.recv(1 << 16)) for key, _ in selector.select())  # type: ignore[union-attr]
        spoken = server.cpu()
        for client in clients:
            client.close()
    return (joined - start) / size, (full - held) / size, (spoken - joined) / (ROUNDS * size)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--server", default=f"{sys.executable} -m socketserver_reference", help="the command before `serve`"
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[50, 100, 200, 400, 800])
    parser.add_argument("--rooms", type=int, nargs="*", default=[10, 100, 500, 1000, 2000])
    parser.add_argument("--ends", type=int, nargs="*", default=[1000])
    parser.add_argument("--programs", nargs="*", default=["chat", "overthreaded"])
    parser.add_argument("--transports", nargs="*", default=["tcp", "unix"])
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--times", type=int, default=3, help="print the median of so many measurements")
    return parser


def main() -> None:
    """Print the figures."""
    options = parser().parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    command = shlex.split(options.server)
    median, times = statistics.median, range(options.times)
    for program in options.programs:
        for transport in options.transports:
            for kind in options.kinds:
                last = 0.0
                for size in options.sizes:
                    runs = [measure_crowd(command, program, transport, kind, size) for _ in times]
                    cpu, delay = (median(column) for column in zip(*runs, strict=True))
                    ratio = f"{cpu / last:.1f} times" if last else ""
                    print(
                        f"{program} {transport} {kind} {size}: {cpu:.2f} s CPU, talker {delay:.3f} s {ratio}",
                        flush=True,
                    )
                    last = cpu
            for size in options.ends:
                end = median(measure_end(command, program, transport, size) for _ in times)
                print(f"{program} {transport} SIGTERM {size}: {end:.2f} s", flush=True)
    for transport in options.transports:
        for size in options.rooms:
            runs = [measure_room(command, transport, size) for _ in times]
            join, member, delivery = (median(column) for column in zip(*runs, strict=True))
            figures = f"join {join * 1e6:.0f} us, member {member / 1024:.0f} KiB, delivery {delivery * 1e6:.1f} us"
            print(f"room {transport} {size}: {figures}", flush=True)


if __name__ == "__main__":
    main()
