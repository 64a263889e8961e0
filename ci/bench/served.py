"""A server in a process of its own, and the processor time and memory that it uses. Linux alone tells these.

Next: `rooms.py`.
"""

import contextlib
import importlib.util
import os
import resource
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from socketserver_reference.address import Address
from socketserver_reference.conformance.targets import proc_files, processes, quiescence
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.listening import OPEN_STATES

HERE = Path(__file__).resolve().parent
FETCHED = HERE.parents[1] / "build" / "interop" / "bin"
"""Where `make interop` puts programs of other projects."""

OTHERS = ("reference", "reference --quiet", "ncat --broker")
"""Servers that are not in servers.py."""

START_TIMEOUT = ACCEPT_TIMEOUT = 30.0
JOIN_BATCH = 32
"""Connections that are made before the server has accepted them: the shortest queue has room for them."""

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Served:
    """A running server; `close` ends it."""

    def __init__(self, command: str, transport: str) -> None:
        silent = f"exec {command} >/dev/null 2>&1"  # a log that somebody reads would cost the clients time
        self._site = Launched(f"sh -c {shlex.quote(silent)}", transport=transport).start(START_TIMEOUT)
        self.address: Address = self._site.address

    def cpu(self) -> float:
        """Return the seconds of processor time used so far, of ended threads and children too."""
        used = 0.0
        for process in processes.processes_below(os.getpid()):
            ended = proc_files.read(f"/proc/{process}/stat").rpartition(")")[2].split()[13:15]
            used += max(processes.clock(process), 0) / 1e9 + sum(map(int, ended)) / TICK
        return used

    def memory(self) -> int:
        """Return the bytes of memory in use."""
        tables = (proc_files.read(f"/proc/{one}/statm").split() for one in processes.processes_below(os.getpid()))
        return sum(int(table[1]) for table in tables if table) * PAGE

    def rest(self) -> float:
        """Wait until it has done all that it had to do; return the processor time used so far."""
        return quiescence.cost_at_rest(self.cpu, 0.0)

    def accepted(self) -> None:
        """Wait until no connection waits to be accepted."""
        until = time.monotonic() + ACCEPT_TIMEOUT
        while self.address.port and any(
            row[3] == OPEN_STATES["tcp"] and row[4][-8:] != "00000000"
            for row in proc_files.rows("/proc/net/tcp", f":{self.address.port:04X} ")
        ):
            if time.monotonic() > until:
                raise TimeoutError(f"the server at {self.address} accepts no more connections")
            time.sleep(0.001)  # no event says that the queue is empty

    def close(self) -> None:
        """End it."""
        self._site.close()


@contextlib.contextmanager
def serving(command: str, transport: str = "tcp") -> Iterator[Served]:
    """Yield a server within a `with` block."""
    server = Served(command, transport)
    try:
        yield server
    finally:
        server.close()


def python(*words: str) -> str:
    """Return a command for this Python."""
    return shlex.join([sys.executable, *words])


def place(transport: str) -> str:
    """Return the words that tell `serve` where to listen."""
    return "--path {path}" if transport == "unix" else "--port {port}"


def reference(program: str, transport: str, *options: str) -> str:
    """Return the command of a server of the reference."""
    words = ("-m", "socketserver_reference", "serve", program, "--transport", transport, *options)
    return f"{python(*words)} {place(transport)}"


def fault(name: str) -> str:
    """Return the command of a server with a planted bug."""
    return f"{python('-m', 'socketserver_faults', 'serve', name, '--quiet')} {place('tcp')}"


def peer(name: str, protocol: str, transport: str) -> str:
    """Return the command of another server."""
    return f"{python(str(HERE / 'servers.py'), name, protocol, transport)} {place(transport).split()[1]}"


def ncat() -> str | None:
    """Return the path of ncat, if it is on this machine."""
    return shutil.which("ncat") or shutil.which("ncat", path=FETCHED)


def missing(library: str) -> bool:
    """Whether a library is not installed; say so if it is not."""
    absent = importlib.util.find_spec(library) is None
    if absent:
        print(f"{library} is left out: it is not installed (pip install '.[bench]')")
    return absent


class Usage:
    """What a server and its clients use of the processor while something is done, once `stop` is called."""

    def __init__(self, cost: Callable[[], float]) -> None:
        self._cost = cost
        self._server = cost()
        self._begun, self._own = time.perf_counter(), _own_time()

    def stop(self) -> None:
        """Take the figures."""
        self.seconds = time.perf_counter() - self._begun
        self.load = (_own_time() - self._own) / self.seconds
        self.server = self._cost() - self._server


def _own_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
