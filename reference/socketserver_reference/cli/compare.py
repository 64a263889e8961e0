"""`socketserver-reference compare SERVERS.toml`: check several servers, and print a table of clauses by servers.

Exit codes: 0 all conform; 1 at least one does not, even if others could not be checked; 2 no server was found not to
conform, but not all could be checked; 130 after an interrupt, with the results so far.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from socketserver_reference.cli import report_files
from socketserver_reference.cli.options import (
    CommandError,
    add_check_arguments,
    add_effort_arguments,
    effort,
    require_extra,
)
from socketserver_reference.cli.parser import Parser
from socketserver_reference.cli.targets import find_targets, read_dialect
from socketserver_reference.conformance.results.exit_codes import NOT_CHECKED
from socketserver_reference.conformance.scenario.text import printable

COMPARISON_FORMATS = ("json", "markdown", "html")


class CheckParser(Parser):
    """The parser of `check`, which tries the arguments that a file gives."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(message)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `compare`."""
    parser.add_argument(
        "servers",
        type=Path,
        metavar="SERVERS.toml",
        help="the servers: a table [[server]] for each, with name, protocol (echo or chat), launch or target as for "
        "check, and optionally transport, dialect and known; paths are relative to the file",
    )
    add_effort_arguments(parser)
    report_files.add_arguments(parser, "the comparison", COMPARISON_FORMATS)


def run(options: argparse.Namespace) -> int:
    """Compare the servers that the options name; return the exit code."""
    from socketserver_reference.conformance.runner.server_list import BadServers

    try:
        return _compare(options)
    except (BadServers, CommandError, report_files.CannotWrite) as error:
        print(f"socketserver-reference compare: {printable(str(error))}", file=sys.stderr)
        return NOT_CHECKED


def _compare(options: argparse.Namespace) -> int:
    from socketserver_reference.conformance.reports import comparison
    from socketserver_reference.conformance.reports.html import comparison as comparison_page
    from socketserver_reference.conformance.runner import compare, server_list

    listed = server_list.read(options.servers)
    directory = options.servers.absolute().parent
    for number, server in enumerate(listed, 1):
        try:
            with chdir(directory):  # paths in the file are relative to it
                said = parsed(server.arguments)
                read_dialect(said, find_targets(said)[1])
        except CommandError as error:
            raise server_list.BadServers(f"{options.servers}: server {number}: {error}") from None
    wanted = report_files.chosen(options)
    require_extra()
    compared = comparison.Comparison(
        compare.check_all(listed, [*effort(options), *([f"--site={options.site}"] if options.site else [])], directory)
    )
    lines = comparison.as_text(compared)
    writers: dict[str, Any] = {
        "json": comparison.as_json,
        "markdown": comparison.as_markdown,
        "html": comparison_page.write,
    }
    try:
        report_files.write_each((file, partial(writers[name], compared)) for name, file in wanted.items())
    finally:
        print("\n".join(lines), flush=True)
    return compared.code


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a `check` with these arguments; raise CommandError if `check` would refuse them."""
    trial = CheckParser(add_help=False)
    add_check_arguments(trial)
    return trial.parse_args(arguments)
