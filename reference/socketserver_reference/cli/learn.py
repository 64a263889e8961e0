"""`socketserver-reference learn`: talk to a server, and propose its dialect.

It prints a dialect file for `check --dialect FILE`, with the reason for the value of each key. Exit codes: 0 if a
conversation in the dialect went as the dialect says, 2 if not: then the proposal has what is certain, and stderr says
what does not fit.
"""

import argparse
import codecs
import shlex
import sys
from functools import partial
from pathlib import Path

from socketserver_reference.cli import learning, report_files
from socketserver_reference.cli.options import CommandError, require_extra
from socketserver_reference.conformance.scenario.text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `learn`."""
    learning.add_server_arguments(parser)
    parser.add_argument("--output", metavar="FILE", help="write the dialect there instead of to stdout")
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write what was learned, and the conversations from which that follows, as one HTML page",
    )


def run(options: argparse.Namespace) -> int:
    """Print the dialect of the server that the options name, and write the page about it; return the exit code."""
    further = next_command(options)
    try:
        if options.html is None:
            return learning.report(options, partial(_write, options.output), further).code
        report_files.check_writable(options.html)
        return _with_page(options, further)
    except report_files.CannotWrite as error:
        print(f"socketserver-reference learn: {printable(str(error))}", file=sys.stderr)
        return learning.EXIT_CANNOT_LEARN


def _with_page(options: argparse.Namespace, further: str) -> int:
    require_extra()
    from socketserver_reference.conformance.learn.journal import ConversationJournal
    from socketserver_reference.conformance.reports.html import learned
    from socketserver_reference.conformance.reports.learning import LearnedReport

    journal = ConversationJournal()
    outcome = learning.report(options, partial(_write, options.output), further, journal)
    proposal = outcome.proposal
    report = LearnedReport(
        options.protocol,
        options.launch or options.target or "no server",
        outcome.conclusion,
        outcome.code,
        proposal.keys if proposal else (),
        learning.remarks(proposal) if proposal else (),
        journal.chapters(),
        proposal.text if proposal else "",
        further=further if outcome.code == learning.EXIT_LEARNED else "",
    )
    report_files.write(options.html, learned.write(report))
    return outcome.code


def _write(output: str | None, text: str) -> None:
    if output is None:
        utf8 = codecs.lookup(sys.stdout.encoding).name == "utf-8"
        print("".join(one if utf8 or one.isascii() else f"\\U{ord(one):08x}" for one in text), end="")
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
