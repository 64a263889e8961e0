"""`socketserver-reference COMMAND`: the parser of the whole command line.

It imports the module of the chosen command alone, so that a server starts at once.
"""

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from socketserver_reference.cli.options import CommandError
from socketserver_reference.cli.parser import Parser, add_version, guarded
from socketserver_reference.cli.signals import interrupted_without_traceback

PROGRAM = "socketserver-reference"

COMMANDS = {
    "serve": "run one of the reference's servers",
    "check": "check any server, and say which clauses it breaks",
    "compare": "check several servers, and show them side by side",
    "learn": "talk to a server, and propose its dialect, for check --dialect",
    "init": "learn the dialect of a server, and write the project file for check",
    "dialects": "print the bundled dialects, which say how other servers speak",
    "spec": "print the clauses, or the family of socketserver classes",
}
"""Name of a command and of its module in this package -> its purpose."""


def build_parser() -> Parser:
    """Return the parser of what stands before the command."""
    parser = Parser(prog=PROGRAM, description="A reference for socketserver programs, and its suite.")
    add_version(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    for name, purpose in COMMANDS.items():
        commands.add_parser(name, help=purpose)
    return parser


def build_command_parser(name: str) -> Parser:
    """Return the parser of the words after a command."""
    purpose = COMMANDS[name]
    parser = Parser(prog=f"{PROGRAM} {name}", description=f"{purpose.capitalize()}.")
    module = import_module(f"socketserver_reference.cli.{name}")
    module.add_arguments(parser)
    parser.set_defaults(run=module.run, command=name)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(PROGRAM, partial(_run, words), ends_process=arguments is None)


def _run(words: Sequence[str]) -> int:
    own = words.index("--") if "--" in words else len(words)
    at = next((number for number, word in enumerate(words[:own]) if not word.startswith("-")), 0)
    if at or own == 0 or words[0] not in COMMANDS:
        build_parser().parse_args(words[:own][: at + 1])  # ends with the help, the version or an error
    with interrupted_without_traceback():
        parser = build_command_parser(words[at])
    rest = words[at + 1 : own]
    if words[at] == "check":
        from socketserver_reference.cli import project_file

        try:
            rest = project_file.completed(rest, parser)
        except CommandError as error:
            parser.error(str(error))
    options = parser.parse_intermixed_args(rest)  # TARGET may stand anywhere among the options
    if options.command == "check":
        return int(options.run(options, words[own + 1 :]))
    return int(options.run(options))
