"""What a program may not do, because it would wait without the scheduler or act in the real process; and what to do.

A program reaches outside through a library that is no copy: `pathlib` writes a file, `http.server` binds a real socket.
Python reports such acts to audit hooks (PEP 578). Ours refuses them in the threads of a run, and sees nothing else.

Next: `readiness.py`.
"""

import os
import sys
import tempfile
import threading
from typing import Any

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.core.run import Aborted
from socketserver_faults.schedule.core.scheduler import Scheduler

CHECK = "check the running server instead (`socketserver-reference check`)"

REFUSED_MODULES = {
    "asyncio": f"its tasks are switched by its own loop: {CHECK}",
    "fcntl": "leave it out: the scheduler runs one process",
    "multiprocessing": f"processes share nothing that threads could change under each other: {CHECK}",
    "ssl": "play the handler without TLS: the threads are the same",
    "subprocess": f"no other process is played: {CHECK}",
}
"""Package -> what to do instead."""

_EDGES = "leave it out: the scheduler reports an event as long as there is one"

REFUSED_NAMES = {"select.EPOLLET": _EDGES, "select.EPOLLONESHOT": _EDGES}
"""Name in a module of which others are modelled -> what to do instead."""

SOCKETS = {
    "AF_UNIX": "serve AF_INET under the scheduler: the threads are the same",
    "SOCK_DGRAM": "check an echo of datagrams while it runs (`socketserver-reference check echo udp://...`)",
    "SOCK_RAW": CHECK,
}
"""Kind of socket -> what to do instead."""

_FILE = "use open() and os in a module of the program: what these change stays in memory"

_NO_FILE = "leave it out"

_ENVIRONMENT = "change os.environ in a module of the program"

OUTSIDE = {
    "open": ("writes a real file", _FILE),
    "os.mkdir": ("makes a folder", _FILE),
    "os.remove": ("removes a file", _FILE),
    "os.rename": ("renames a file", _FILE),
    "os.rmdir": ("removes a folder", _FILE),
    "os.link": ("makes a link", _NO_FILE),
    "os.symlink": ("makes a link", _NO_FILE),
    "os.truncate": ("changes a real file", _NO_FILE),
    "os.chmod": ("changes a real file", _NO_FILE),
    "os.chown": ("changes a real file", _NO_FILE),
    "os.utime": ("changes a real file", _NO_FILE),
    "os.chdir": ("changes its working folder", "name files with their folder"),
    "os.putenv": ("changes its real environment", _ENVIRONMENT),
    "os.unsetenv": ("changes its real environment", _ENVIRONMENT),
    "sqlite3.connect": ("opens a database", "use one in memory (:memory:)"),
    "socket.__new__": ("makes a real socket", "import socket or socketserver in a module of the program; or " + CHECK),
    "socket.gethostbyname": ("asks for the address of a host", "use the socket module in a module of the program"),
    "socket.getaddrinfo": ("asks for the address of a host", "use the socket module in a module of the program"),
    "subprocess.Popen": ("starts a process", REFUSED_MODULES["subprocess"]),
    "os.fork": ("forks", REFUSED_MODULES["multiprocessing"]),
    "os.system": ("starts a process", REFUSED_MODULES["subprocess"]),
    "os.exec": ("becomes another program", REFUSED_MODULES["subprocess"]),
    "os.posix_spawn": ("starts a process", REFUSED_MODULES["subprocess"]),
    "os.kill": ("sends a real signal", "call the handler of the signal"),
    "webbrowser.open": ("opens a browser", "leave it out"),
}
"""Audit event -> what the program does, and what to do instead."""

WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _Guard:
    """The audit hook of this process, and the scheduler whose threads it watches; a hook can never be removed."""

    scheduler: Scheduler | None = None
    installed = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        scheduler = self.scheduler
        if scheduler is None or event not in OUTSIDE:
            return
        task = scheduler.running
        if task is None or task.worker is None or task.worker.thread is not threading.current_thread():
            return
        if not _harmless(event, arguments):
            if scheduler.aborting:  # a bare except or a finally goes on after the end of the run
                raise Aborted
            what, instead = OUTSIDE[event]
            shown = f" ({os.fsdecode(arguments[0])})" if arguments and isinstance(arguments[0], str | bytes) else ""
            scheduler.give_up(NotModelled(f"the program {what}{shown}: {instead}"))


def _harmless(event: str, arguments: tuple[Any, ...]) -> bool:
    first = arguments[0] if arguments else ""
    if event == "open":
        if isinstance(first, int):  # a descriptor: to open it was no harm
            return True
        if not (isinstance(arguments[2], int) and arguments[2] & WRITING_FLAGS):
            return True
    return first == ":memory:" or (isinstance(first, str | bytes) and _is_cached_code(os.fsdecode(first)))


def _is_cached_code(path: str) -> bool:
    """Whether an import writes there, of a module that it has compiled."""
    return "__pycache__" in path or bool(sys.pycache_prefix and path.startswith(sys.pycache_prefix))


_GUARD = _Guard()


def watch(scheduler: Scheduler | None) -> None:
    """Refuse from now on what threads of this scheduler do outside; None ends it."""
    if not _GUARD.installed:
        _GUARD.installed = True
        tempfile.gettempdir()  # who asks first makes a file there, to see whether that can be done
        sys.addaudithook(_GUARD)
    _GUARD.scheduler = scheduler
