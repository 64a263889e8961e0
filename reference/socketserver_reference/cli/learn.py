"""`socketserver-reference learn`: talk to a server, and propose its dialect.

It prints a dialect file for `check --dialect FILE`, with the reason for the value of each key. Exit codes: 0 if a
conversation in the dialect went as the dialect says, 2 if not: then the proposal has what is certain, and stderr says
what does not fit.
"""

import argparse
import shlex
from pathlib import Path

from socketserver_reference.cli import learning
from socketserver_reference.cli.options import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `learn`."""
    learning.add_server_arguments(parser)
    parser.add_argument("--output", metavar="FILE", help="write the dialect there instead of to stdout")


def run(options: argparse.Namespace) -> int:
    """Print the dialect of the server that the options name; return the exit code."""
    return learning.report(options, lambda text: _write(text, options.output), next_command(options))


def _write(text: str, output: str | None) -> None:
    if output is None:
        print(text, end="")
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"--output {output}: cannot write: {error.strerror}") from None


def next_command(options: argparse.Namespace) -> str:
    """Return the command that checks the server in the dialect."""
    words = ["socketserver-reference", "check", options.protocol]
    words += [options.target] if options.target else []
    words += ["--launch", options.launch] if options.launch else []
    words += ["--transport", options.transport] if options.transport else []
    return shlex.join([*words, "--dialect", options.output or "FILE"])
