"""`socketserver-reference serve | check | compare | learn | dialects | spec`: the parser of it all."""

import sys
from collections.abc import Sequence
from functools import partial

from socketserver_reference.cli import check, compare, dialects, learn, serve, spec
from socketserver_reference.cli.parser import Parser, read_or_not


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="socketserver-reference", description="A reference for socketserver programs, and its suite.")
    words = "serve | check | compare | learn | dialects | spec"
    commands = parser.add_subparsers(dest="command", required=True, metavar=words)
    for module, name, purpose in (
        (serve, "serve", "run one of the reference's servers"),
        (check, "check", "check a server, any server, and say which clauses it breaks"),
        (compare, "compare", "check several servers and put them side by side"),
        (learn, "learn", "talk to a server, and propose the dialect that it speaks, for check --dialect"),
        (dialects, "dialects", "print how other people's servers speak, as far as it is known"),
        (spec, "spec", "print the clauses, or the family of socketserver classes"),
    ):
        command = commands.add_parser(name, help=purpose, description=f"{purpose.capitalize()}.")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    own = words.index("--") if "--" in words else len(words)
    options = build_parser().parse_args(words[:own])
    if options.command == "check":
        return read_or_not(partial(check.run, options, words[own + 1 :]))
    return read_or_not(partial(options.run, options))
