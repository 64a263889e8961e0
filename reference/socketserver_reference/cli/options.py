"""The options of `check` and `compare`, and the error for a command line that cannot be carried out."""

import argparse
from importlib.util import find_spec

from socketserver_reference.address import TRANSPORTS
from socketserver_reference.cli import input_files, report_files
from socketserver_reference.conformance.runner.options import OPTIONS

GROUPS = {"echo": ("ECHO", "UDP"), "chat": ("CHAT",), "family": ("SRV",)}
"""Protocol -> the groups of clauses that its check covers."""

NEEDED = ("hypothesis", "pytest", "pytest_timeout", "tomlkit")
"""Modules that checking and learning need besides the standard library."""

MISSING_EXTRA = "this needs pytest, pytest-timeout, Hypothesis and tomlkit: pip install 'socketserver-reference[check]'"


class CommandError(Exception):
    """The command line cannot be carried out; the message says why, and what would be right."""


def require_extra() -> None:
    """Raise CommandError unless the modules that checking and learning need are installed."""
    if not all(find_spec(name) for name in NEEDED):
        raise CommandError(MISSING_EXTRA)


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `check`."""
    parser.add_argument(
        "protocol",
        nargs="?",
        choices=GROUPS,
        help="what the server serves (default: what conformance.toml says); family: the socketserver classes of "
        "this Python, with the reference's handlers",
    )
    parser.add_argument(
        "target",
        nargs="?",
        help="where a server listens: tcp://host:port, udp://host:port, unix:///path, unix-datagram:///path "
        "(default: the reference, in this process)",
    )
    parser.add_argument(
        "--launch",
        metavar="COMMAND",
        help="start the server by this command, and stop it afterwards; {host}, {port} and {path} in it stand for the "
        "address to listen on; with a TARGET: a command whose server listens there",
    )
    parser.add_argument(
        "--transport", choices=TRANSPORTS, help="transport of the launched server or the reference (default: tcp)"
    )
    for option in OPTIONS:
        parser.add_argument(f"--{option.name}", **option.settings())
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("-v", "--verbose", action="store_true", help="show every check, and whole exchanges")
    shown.add_argument("-q", "--quiet", action="store_true", help="show the verdict alone")
    input_files.add_arguments(parser)
    report_files.add_arguments(parser, "the verdicts")
    parser.epilog = "Arguments after -- are passed to pytest."


def add_effort_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options for the effort of a check, which are the same for all compared servers."""
    for option in OPTIONS:
        if option.effort:
            parser.add_argument(f"--{option.name}", **option.settings())


def effort(options: argparse.Namespace) -> list[str]:
    """Return the options for the effort as arguments of `check`."""
    return [
        word for option in OPTIONS if option.effort for word in option.spelled("--", getattr(options, option.field))
    ]


def of_the_plugin(options: argparse.Namespace) -> list[str]:
    """Return the options of a `check` as options of the pytest plugin, except for the list of known failures."""
    return [
        word
        for option in OPTIONS
        if option.name != "known"
        for word in option.spelled("--conformance-", getattr(options, option.field))
    ]
