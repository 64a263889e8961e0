"""`socketserver-reference learn`: talk to a server, and propose its dialect.

It prints a dialect file for `check --dialect FILE`, with the reason for the value of each key. Exit codes: 0 if the
dialect was learned, 2 if not, with one line that says why.
"""

import argparse
import sys

from socketserver_reference.address import TRANSPORTS
from socketserver_reference.cli.options import CommandError, require_extra
from socketserver_reference.cli.targets import find_targets
from socketserver_reference.conformance.runner.options import MAX_TIMEOUT, number
from socketserver_reference.conformance.scenario.text import printable

EXIT_LEARNED, EXIT_CANNOT_LEARN = 0, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `learn`."""
    parser.add_argument("protocol", choices=("echo", "chat"), help="what the server serves")
    parser.add_argument("target", nargs="?", help="where the server listens, as for check")
    parser.add_argument("--launch", metavar="COMMAND", help="start the server by this command, as check does")
    parser.add_argument("--transport", choices=TRANSPORTS, help="with --launch: transport of the server (default: tcp)")
    parser.add_argument(
        "--timeout",
        type=number(float, 0.01, MAX_TIMEOUT),
        default=0.5,
        metavar="SECONDS",
        help="idle time after which an answer counts as complete, if nothing else shows that it is (default: 0.5)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the dialect of the server that the options name; return the exit code."""
    try:
        proposal, trouble = learn(options)
    except CommandError as error:
        proposal, trouble = "", str(error)
    print(proposal, end="")
    if trouble:
        print(f"socketserver-reference learn: {printable(trouble)}", file=sys.stderr)
    return EXIT_CANNOT_LEARN if trouble else EXIT_LEARNED


def learn(options: argparse.Namespace) -> tuple[str, str]:
    """Return the dialect file of the server that the options name, and what is wrong with the file, or "".

    Raises CommandError if no dialect can be learned.
    """
    if options.launch is None and options.target is None:
        raise CommandError("name a server: an address such as tcp://127.0.0.1:10007, or --launch COMMAND")
    require_extra()
    _, targets = find_targets(options)
    from socketserver_reference.conformance.learn.conversation import CannotLearn
    from socketserver_reference.conformance.learn.propose import propose
    from socketserver_reference.conformance.targets import base

    (site_of,) = targets.values()
    try:
        site = site_of.start(max(options.timeout, 1.0))
    except base.CannotCheck as error:
        raise CommandError(str(error)) from None
    try:
        return propose(options.protocol, site, str(site_of), options.timeout)
    except base.CannotCheck as error:  # no client could connect
        raise CommandError(str(error)) from None
    except CannotLearn as error:
        site.wait_idle()  # one that is about to die gets the time for it
        died = site.exit_report()
        raise CommandError(f"nothing could be learned: {error}" + (f"; {died}" if died else "")) from None
    finally:
        site.close()
