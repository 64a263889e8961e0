"""`socketserver-reference serve | check | compare | learn | dialects | spec`: the parser of the whole command line.

It imports the module of the chosen command alone, so that a server starts at once.
"""

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from socketserver_reference.cli.parser import Parser, add_version, read_or_not
from socketserver_reference.cli.signals import interrupted_without_traceback

COMMANDS = {
    "serve": "run one of the reference's servers",
    "check": "check any server, and say which clauses it breaks",
    "compare": "check several servers, and show them side by side",
    "learn": "talk to a server, and propose its dialect, for check --dialect",
    "dialects": "print the bundled dialects, which say how other servers speak",
    "spec": "print the clauses, or the family of socketserver classes",
}
"""Name of a command and of its module in this package -> its purpose."""


def build_parser(chosen: str) -> Parser:
    """Return the parser of the whole command line, with the options of the chosen command only."""
    parser = Parser(prog="socketserver-reference", description="A reference for socketserver programs, and its suite.")
    add_version(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=f"{purpose.capitalize()}.")
        if name == chosen:
            module = import_module(f"socketserver_reference.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    own = words.index("--") if "--" in words else len(words)
    with interrupted_without_traceback():
        parser = build_parser(next((word for word in words[:own] if not word.startswith("-")), ""))
    options = parser.parse_args(words[:own])
    if options.command == "check":
        return read_or_not(partial(options.run, options, words[own + 1 :]))
    return read_or_not(partial(options.run, options))
