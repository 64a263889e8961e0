"""`python -m reference serve`: run one of the servers until Ctrl-C or SIGTERM.

The first line on stdout is the address, as `check` takes it, and comes once clients can connect. The log goes to
stderr, and no client waits for it (`log_handler.py`). Exit codes: 0 when stopped by either signal, 2 for anything that
cannot be served, with one line that says why.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from reference import log_handler
from reference.address import TRANSPORTS, Address, BadAddress
from reference.family import CONCURRENCIES, PROGRAMS, Refused, make_server, server_address
from reference.lifecycle import Server

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORTS = {"echo": 9999, "chat": 10007, "overthreaded": 10007}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `serve`."""
    parser.add_argument("program", choices=PROGRAMS, help="what to serve")
    parser.add_argument(
        "--concurrency",
        choices=CONCURRENCIES,
        default="threading",
        help="where its handlers run (default: %(default)s); spec --family shows what can serve what",
    )
    add_address_arguments(parser)
    log_handler.add_arguments(parser)


def add_address_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say where to listen."""
    parser.add_argument("--transport", choices=TRANSPORTS, help="what it listens on (default: tcp, if it can)")
    parser.add_argument("--host", help=f"for tcp and udp: the address to bind (default: {DEFAULT_HOST})")
    parser.add_argument(
        "--port", help="for tcp and udp: the port, 0 for any (default: 9999 for echo, 10007 for the chats)"
    )
    parser.add_argument("--path", help="for unix and unix-datagram: the socket file, which must not exist yet")


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes; return the exit code."""
    try:
        address = read_address(options, DEFAULT_PORTS[options.program])
        server = make_server(options.program, address, options.concurrency)
    except Refused as refused:
        print(f"socketserver-reference serve: {refused}", file=sys.stderr)
        return 2
    with log_handler.logging_to(sys.stderr, options.log_level, forks=options.concurrency == "forking"):
        return serve(server)


def serve(server: Server) -> int:
    """Print where a server listens, and serve until a signal comes; return the exit code."""
    with stopped_by_signals(server), server:
        print(server_address(server), flush=True)
        server.serve_forever()
    return 0


def read_address(options: argparse.Namespace, default_port: int) -> Address:
    """Return the address that the options name; raise Refused if they name none."""
    transport = options.transport or "tcp"
    if transport.startswith("unix"):
        if options.host is not None or options.port is not None:
            raise Refused(f"--transport {transport} has no host and no port: use --path")
        if not options.path or not options.path.isprintable():
            raise Refused(f"--transport {transport} needs --path, a printable file name, not {options.path!r}")
        return Address(transport, path=os.path.abspath(options.path))
    if options.path is not None:
        raise Refused(f"--transport {transport} has no path: use --host and --port")
    host = DEFAULT_HOST if options.host is None else options.host
    port = default_port if options.port is None else read_port(options.port)
    try:
        return Address.parse(str(Address(transport, host=host, port=port)))
    except BadAddress:
        raise Refused(f"--host {host!r} is not a host: name one of this machine, such as {DEFAULT_HOST}") from None


def read_port(text: str) -> int:
    """Return the port; raise Refused if the text is no number from 0 to 65535."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535:
        return int(text)
    raise Refused(f"--port {text!r} is not a port: choose one from 0 to 65535, 0 for any that is free")


class Stoppable(Protocol):
    """What serves until it is told to stop."""

    def stop(self) -> None:
        """Begin to end; return at once."""


@contextmanager
def stopped_by_signals(server: Stoppable) -> Iterator[None]:
    """Stop the server at SIGINT or SIGTERM, in the length of the block."""

    def stop(_number: int, _frame: Any) -> None:
        server.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
