"""Programs that listen in various ways, to be seen: `python -m tests.servers.listeners HOW PORT|PATH`.

Each prints a line when it does.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable


def tcp(host: str, port: int) -> socket.socket:
    """Return a socket that listens at that host."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def bound(family: socket.AddressFamily, kind: socket.SocketKind, where: tuple[str, int] | str) -> socket.socket:
    """Return a socket that is bound, and listens if it takes connections."""
    server = socket.socket(family, kind)
    server.bind(where)
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


def relative(path: str) -> socket.socket:
    """Return a Unix socket that was bound to a relative path."""
    os.chdir(os.path.dirname(path))
    return bound(socket.AF_UNIX, socket.SOCK_STREAM, os.path.basename(path))


def main(how: str, where: str) -> None:
    """Listen until killed."""
    if how in ("forks", "turns-daemon", "runs-another"):
        if how == "runs-another":
            os.execv(sys.executable, [sys.executable, "-m", "tests.servers.listeners", "tcp", where])
        if os.fork():
            signal.pause() if how == "forks" else os._exit(0)
        if how == "turns-daemon":
            os.setsid()
    makers: dict[str, Callable[[], socket.socket]] = {
        "udp": lambda: bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", int(where))),
        "unix": lambda: bound(socket.AF_UNIX, socket.SOCK_STREAM, where),
        "unix-datagram": lambda: bound(socket.AF_UNIX, socket.SOCK_DGRAM, where),
        "relative": lambda: relative(where),
        "everywhere": lambda: tcp("0.0.0.0", int(where)),
        "everywhere-6": lambda: bound(socket.AF_INET6, socket.SOCK_STREAM, ("::", int(where))),
        "only-6": lambda: tcp("::1", int(where)),
        "mapped": lambda: bound(socket.AF_INET6, socket.SOCK_STREAM, ("::ffff:127.0.0.1", int(where))),
        "next-port": lambda: tcp("127.0.0.1", int(where) + 1),
    }
    listening = makers.get(how, lambda: tcp("127.0.0.1", int(where)))()
    print(listening.getsockname(), flush=True)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
