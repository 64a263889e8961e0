"""What the processes of a server hold, as Linux tells: threads, open descriptors, child processes, memory; and how to
leave them few descriptors.

On other systems nothing is seen of it. The memory of this process is the checker's as well as the server's; what tells
is which objects it keeps that are of no use any more.
"""

import contextlib
import gc
import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from socketserver_reference.conformance.targets import proc_files
from socketserver_reference.conformance.targets.processes import parent, processes_below
from socketserver_reference.conformance.targets.quiescence import state

MEMORY = "KiB of memory"
WRITABLE = "KiB that may be written to"
CLOSED_SOCKETS = "closed sockets"
ENDED_THREADS = "ended threads"

Resources = Mapping[str, int]
"""How much is held of each, what tells most first. A child process counts until its parent has waited for it. Memory is
what a process has written to and shares with no other.
"""


def held_below(process: int) -> Resources | None:
    """Return what all processes below one hold together, or None where nothing can be seen.

    A zombie straight below it is an orphan that it has adopted, and that nobody else can wait for.
    """
    return _held(one for one in processes_below(process) if parent(one) != str(process) or state(f"/proc/{one}") != "Z")


def held_here() -> Resources | None:
    """Return what this process and all below it hold: objects of no use any more, instead of memory."""
    held = _held([str(os.getpid()), *processes_below(os.getpid())])
    return held and {what: count for what, count in held.items() if what not in (MEMORY, WRITABLE)} | _kept()


def _kept() -> dict[str, int]:
    """Count the closed sockets and the ended threads that something refers to."""
    gc.collect()  # besides themselves
    kept = {CLOSED_SOCKETS: 0, ENDED_THREADS: 0}
    for one in gc.get_objects():
        if issubclass(type(one), socket.socket):  # isinstance() asks the object, which may do anything
            kept[CLOSED_SOCKETS] += one.fileno() == -1
        elif issubclass(type(one), threading.Thread):
            kept[ENDED_THREADS] += one.ident is not None and not one.is_alive()
    return kept


def _held(processes: Iterable[str]) -> Resources | None:
    held: Counter[str] = Counter()
    for process in processes:
        held["processes"] += 1
        held["threads"] += len(proc_files.listed(f"/proc/{process}/task"))
        held["open descriptors"] += len(proc_files.listed(f"/proc/{process}/fd"))
        status = proc_files.read(f"/proc/{process}/status").splitlines()
        held[MEMORY] += _kib(status, "RssAnon:")
        held[WRITABLE] += _kib(status, "VmData:")
    return held or None


def _kib(status: list[str], field: str) -> int:
    return next((int(line.split()[1]) for line in status if line.startswith(field)), 0)


DescriptorsLeft = Callable[[], list[int]]
"""Tells how many descriptors are left to each process that runs."""


@contextlib.contextmanager
def few_descriptors(process: int, spare: int) -> Iterator[DescriptorsLeft]:
    """Leave each process below one only so many further descriptors, until the end of the block."""
    limits = {child: _limit(_open(child), spare) for child in processes_below(process)}
    before = {child: _set_limit(child, limit) for child, limit in limits.items()}

    def left() -> list[int]:
        held = {child: _open(child) for child in limits}
        return [limits[child] - sum(one < limits[child] for one in held[child]) for child in limits if held[child]]

    try:
        yield left
    finally:
        for child, limit in before.items():
            _set_limit(child, limit)


def _open(process: str) -> set[int]:
    return {int(number) for number in proc_files.listed(f"/proc/{process}/fd")}


def _limit(taken: set[int], spare: int) -> int:
    """Return the limit of numbers that leaves so many: the system gives the lowest free number, and none from there."""
    return next(
        limit for limit in range(spare, spare + len(taken) + 1) if limit - sum(t < limit for t in taken) == spare
    )


def _set_limit(process: str, limit: int) -> int:
    """Set how many descriptors a process may have; return how many it might have before, 0 if it has ended."""
    if sys.platform != "linux":  # pragma: no cover - nothing calls this elsewhere
        return 0
    import resource

    with contextlib.suppress(OSError):
        before, most = resource.prlimit(int(process), resource.RLIMIT_NOFILE)
        resource.prlimit(int(process), resource.RLIMIT_NOFILE, (limit, most))
        return before
    return 0
