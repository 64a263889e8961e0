"""`socketserver-reference serve`: run one of the servers until Ctrl-C or SIGTERM.

The first line on stdout is the address, as `check` takes it; it is printed once clients can connect. The log goes to
stderr. The first signal closes all connections and ends the server in an orderly way; a second one, at any moment,
ends the process at once. Exit codes: 0 after one signal, 2 if the program cannot be served, with one line that says
why.
"""

import argparse
import sys

from socketserver_reference.cli import log_handler
from socketserver_reference.cli.serving import DEFAULT_PORTS, add_address_arguments, read_address, serve
from socketserver_reference.cli.signals import stopped_by_signals
from socketserver_reference.family import CONCURRENCIES, PROGRAMS, Refused, make_server


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `serve`."""
    parser.add_argument("program", choices=PROGRAMS, help="what to serve")
    parser.add_argument(
        "--concurrency",
        choices=CONCURRENCIES,
        default="threading",
        help="where the handlers run (default: %(default)s); spec --family shows the possible combinations",
    )
    add_address_arguments(parser)
    log_handler.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes; return the exit code."""
    forks = options.concurrency == "forking"
    with (
        stopped_by_signals() as signals,  # before any slow operation, such as looking up a host
        log_handler.logging_to(sys.stderr, options.log_level, forks=forks),
    ):
        try:
            address = read_address(options, DEFAULT_PORTS[options.program])
            server = make_server(options.program, address, options.concurrency)
        except Refused as refused:
            print(f"socketserver-reference serve: {refused}", file=sys.stderr)
            return 2
        return serve(server, signals)
