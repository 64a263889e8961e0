"""`socketserver-faults list | show | serve | demo | matrix | proxy | schedule`: see this package's `__init__.py`."""

from collections.abc import Sequence
from functools import partial
from importlib import import_module

from socketserver_reference.cli.parser import Parser, add_version, guarded
from socketserver_reference.cli.signals import interrupted_without_traceback

COMMANDS = {
    "list": ("list the planted bugs and the clauses they break", "browse", "add_list_arguments", "run_list"),
    "show": (
        "explain one bug, and show how its code differs from the reference's",
        "browse",
        "add_show_arguments",
        "run_show",
    ),
    "serve": ("serve one, to try it by hand", "browse", "add_serve_arguments", "run_serve"),
    "demo": ("play the closed-request bug, row by row, and its fix", "demo", "add_arguments", "run"),
    "matrix": (
        "run the suite against all of them, and compare the result with the catalogue",
        "matrix",
        "add_arguments",
        "run",
    ),
    "proxy": ("put a hostile network between a client and a server", "proxy", "add_arguments", "run"),
    "schedule": (
        "play a program under every schedule of its threads, and report the first that fails",
        "schedule",
        "add_arguments",
        "run",
    ),
}


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    what = "Planted bugs, a hostile network, and a scheduler that finds races between threads."
    parser = Parser(prog="socketserver-faults", description=what)
    add_version(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    for name, (purpose, module_name, declare, run) in COMMANDS.items():
        module = import_module(f"socketserver_faults.cli.{module_name}")
        command = commands.add_parser(name, help=purpose, description=f"{purpose.capitalize()}.")
        getattr(module, declare)(command)
        command.set_defaults(run=getattr(module, run))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    return guarded("socketserver-faults", partial(_run, arguments), ends_process=arguments is None)


def _run(arguments: Sequence[str] | None) -> int:
    with interrupted_without_traceback():  # the commands are imported now, not before
        parser = build_parser()
    options = parser.parse_args(arguments)
    return int(options.run(options))
