"""`socketserver-reference serve | check | compare | learn | dialects | spec`: the parser of it all."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from socketserver_reference.cli import check, compare, dialects, learn, serve, spec


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line: what was wrong, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


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


def read_or_not(run: Callable[[], int]) -> int:
    """Run a command; if whoever reads what it prints stops reading, as `head` does, end without a word, with 2."""
    try:
        code = run()
        sys.stdout.flush()  # now, not when it is too late to say anything about it
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
