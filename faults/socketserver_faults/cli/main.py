"""`socketserver-faults list | show | serve | demo | matrix | proxy | schedule`: see this package's `__init__.py`."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from socketserver_reference.cli.parser import Parser, add_version, guarded
from socketserver_reference.cli.signals import interrupted_without_traceback

PROGRAM = "socketserver-faults"

HASH_SEED = "PYTHONHASHSEED"

COMMANDS = {
    "list": ("list the planted bugs and the clauses they break", "browse"),
    "show": ("explain one bug, and show how its code differs from the reference's", "browse"),
    "serve": ("serve one, to try it by hand", "browse"),
    "demo": ("play the closed-request bug, row by row, and its fix", "demo"),
    "matrix": ("run the suite against all of them, and compare the result with the catalogue", "matrix"),
    "proxy": ("put a hostile network between a client and a server", "proxy"),
    "schedule": ("play a program under every schedule of its threads, and report the first that fails", "schedule"),
}
"""Name of a command -> its purpose, and its module in this package."""


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    what = "Planted bugs, a hostile network, and a scheduler that finds races between threads."
    parser = Parser(prog=PROGRAM, description=what)
    add_version(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    for name, (purpose, *_) in COMMANDS.items():
        _declare(name, commands.add_parser(name, help=purpose))
    return parser


def _declare(name: str, parser: argparse.ArgumentParser) -> None:
    """Give a parser the description and the options of a command."""
    purpose, module_name = COMMANDS[name]
    parser.description = f"{purpose.capitalize()}."
    module = import_module(f"socketserver_faults.cli.{module_name}")
    declare, run = ("add_arguments", "run") if module_name == name else (f"add_{name}_arguments", f"run_{name}")
    getattr(module, declare)(parser)
    parser.set_defaults(run=getattr(module, run))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None and words[:1] == ["schedule"]:
        _fix_hashes()
    return guarded(PROGRAM, partial(_run, words), ends_process=arguments is None)


def _fix_hashes() -> None:
    """Begin again with the same hashes of strings in each process: a set of names then has the same order each time."""
    if os.name == "posix" and sys.flags.hash_randomization and os.environ.get(HASH_SEED) != "0":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, HASH_SEED: "0"})


def _run(words: Sequence[str]) -> int:
    if not words or words[0] != "schedule":
        with interrupted_without_traceback():  # the commands are imported now, not before
            parser = build_parser()
        options = parser.parse_args(words)
        return int(options.run(options))
    with interrupted_without_traceback():
        parser = Parser(prog=f"{PROGRAM} schedule")
        _declare("schedule", parser)
    own = words.index("--") if "--" in words else len(words)
    options = parser.parse_intermixed_args(words[1:own])  # SCENARIO may stand anywhere among the options
    options.arguments = words[own + 1 :]
    return int(options.run(options))
