"""What `learn` and `init` share: the options that name a server, and its dialect as proposed."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from socketserver_reference.address import TRANSPORTS
from socketserver_reference.cli.options import CommandError, require_extra
from socketserver_reference.cli.signals import terminated_as_interrupted
from socketserver_reference.cli.targets import find_targets
from socketserver_reference.conformance.results.exit_codes import INTERRUPTED
from socketserver_reference.conformance.runner.options import MAX_TIMEOUT, OPTIONS, number
from socketserver_reference.conformance.scenario.text import printable

if TYPE_CHECKING:
    from socketserver_reference.conformance.learn.journal import ConversationJournal
    from socketserver_reference.conformance.learn.propose import Proposal

EXIT_LEARNED, EXIT_CANNOT_LEARN = 0, 2

DEFAULT_LEARNING_BUDGET = 30.0
"""Seconds that suffice for a server that answers promptly."""

ACCEPTABLE = ("bytes.handling", "limits.utterance")
"""The keys that may describe a bug."""


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that name the server, and say how it is learned."""
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
    budget = next(option for option in OPTIONS if option.name == "budget")
    what = "seconds that it may take; keys of questions for which no time is left keep their defaults, and are listed"
    parser.add_argument(
        "--budget",
        **replace(budget, help=f"{what} (default: {DEFAULT_LEARNING_BUDGET:g}, more if it is late)").settings(),
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        choices=ACCEPTABLE,
        metavar="KEY",
        help=f"describe what may be a bug, so that check does not ask for it: {' or '.join(ACCEPTABLE)}",
    )


class LearningResult(NamedTuple):
    """What came of talking to a server."""

    code: int
    """The exit code."""
    conclusion: str
    proposal: "Proposal | None" = None
    """None if nothing could be learned."""


def report(
    options: argparse.Namespace,
    write: Callable[[str], object],
    further: str,
    journal: "ConversationJournal | None" = None,
) -> LearningResult:
    """Learn the dialect of a server, and write the proposal; say what else there is to say, and return the outcome.

    `write` gets the proposal, and raises CommandError if it cannot be written; `further` is the command to go on with.
    """
    try:
        with terminated_as_interrupted():
            proposal = learn(options, journal)
        write(proposal.text)
    except CommandError as error:
        _say(options, str(error))
        return LearningResult(EXIT_CANNOT_LEARN, str(error))
    for line in remarks(proposal):
        _say(options, line)
    if proposal.trouble:
        _say(options, proposal.trouble)
        for line in proposal.evidence:
            print(printable(line), file=sys.stderr)
        return LearningResult(INTERRUPTED if proposal.interrupted else EXIT_CANNOT_LEARN, proposal.trouble, proposal)
    _say(options, f"next: {further}")
    return LearningResult(EXIT_LEARNED, "the dialect was learned, and a conversation in it fits", proposal)


def remarks(proposal: "Proposal") -> list[str]:
    """Return what is to be said of a proposal besides whether it fits."""
    bugs = [f"may be a bug: {remark}" for remark in proposal.remarks]
    return bugs + [f"not asked, since {why}: {', '.join(keys)}" for why, keys in proposal.left_out.items()]


def _say(options: argparse.Namespace, line: str) -> None:
    print(f"socketserver-reference {options.command}: {printable(line)}", file=sys.stderr)


def learn(options: argparse.Namespace, journal: "ConversationJournal | None" = None) -> "Proposal":
    """Return what is proposed for the server that the options name, and note all that is said in the journal; raise
    CommandError if nothing can be learned.
    """
    if options.launch is None and options.target is None:
        raise CommandError("name a server: an address such as tcp://127.0.0.1:10007, or --launch COMMAND")
    require_extra()
    _, targets = find_targets(options)
    from socketserver_reference.conformance.driver.budget import Budget
    from socketserver_reference.conformance.learn.conversation import CannotLearn
    from socketserver_reference.conformance.learn.echo.stream import NothingAnswers
    from socketserver_reference.conformance.learn.propose import propose
    from socketserver_reference.conformance.targets.base import CannotCheck

    (target,) = targets.values()
    try:
        budget = Budget(options.budget or DEFAULT_LEARNING_BUDGET, fixed=options.budget is not None)
        start_timeout = max(options.timeout, 1.0)
        return propose(options.protocol, target, options.timeout, start_timeout, options.accept, budget, journal)
    except CannotCheck as error:  # no client could connect
        raise CommandError(str(error)) from None
    except CannotLearn as error:
        longer = "; if it takes longer: --timeout SECONDS" if isinstance(error, NothingAnswers) else ""
        raise CommandError(f"nothing could be learned: {error}{longer}") from None
