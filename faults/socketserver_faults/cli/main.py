"""`socketserver-faults list | show | serve | demo | matrix | proxy | schedule`: see this package's `__init__.py`."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from socketserver_faults.cli import browse, demo, matrix, proxy, schedule
from socketserver_reference.cli.parser import Parser, add_version, read_or_not

Declare = Callable[[argparse.ArgumentParser], None]
RunCommand = Callable[[argparse.Namespace], int]

COMMANDS: dict[str, tuple[str, Declare, RunCommand]] = {
    "list": ("list the planted bugs and the clauses they break", browse.add_list_arguments, browse.run_list),
    "show": (
        "explain one bug, and show how its code differs from the reference's",
        browse.add_show_arguments,
        browse.run_show,
    ),
    "serve": ("serve one, to try it by hand", browse.add_serve_arguments, browse.run_serve),
    "demo": ("play the closed-request bug, row by row, and its fix", demo.add_arguments, demo.run),
    "matrix": (
        "run the suite against all of them, and compare the result with the catalogue",
        matrix.add_arguments,
        matrix.run,
    ),
    "proxy": ("put a hostile network between a client and a server", proxy.add_arguments, proxy.run),
    "schedule": (
        "play a program under every schedule of its threads, and report the first that fails",
        schedule.add_arguments,
        schedule.run,
    ),
}


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    what = "Planted bugs, a hostile network, and a scheduler that finds races between threads."
    parser = Parser(prog="socketserver-faults", description=what)
    add_version(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    for name, (purpose, declare, run) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=f"{purpose.capitalize()}.")
        declare(command)
        command.set_defaults(run=run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = build_parser().parse_args(arguments)
    return read_or_not(partial(options.run, options))
