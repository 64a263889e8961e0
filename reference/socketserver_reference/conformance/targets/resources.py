"""What the processes of a server hold, as Linux tells: threads, open descriptors, child processes, memory.

On other systems nothing is seen of it.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping

from socketserver_reference.conformance.targets import proc_files
from socketserver_reference.conformance.targets.processes import processes_below

MEMORY = "KiB of memory"
WRITABLE = "KiB that may be written to"

Resources = Mapping[str, int]
"""How much is held of each, what tells most first. A child process counts until its parent has waited for it. Memory is
what a process has written to and shares with no other.
"""


def held_below(process: int) -> Resources | None:
    """Return what all processes below one hold together, or None where nothing can be seen."""
    return _held(processes_below(process))


def held_here() -> Resources | None:
    """Return what this process and all below it hold, but for memory: that is the checker's as well."""
    held = _held([str(os.getpid()), *processes_below(os.getpid())])
    return held and {what: count for what, count in held.items() if what not in (MEMORY, WRITABLE)}


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
