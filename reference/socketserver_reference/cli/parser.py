"""A parser whose complaints are one line, and output that may stop being read."""

import argparse
import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

DISTRIBUTION = "socketserver-reference"


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line: what was wrong, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class Version(argparse.Action):
    """Print the version of the distribution, and of Python, and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # a tenth of a second, which no other option needs

        python = ".".join(map(str, sys.version_info[:3]))
        print(f"{DISTRIBUTION} {version(DISTRIBUTION)}, Python {python}")
        parser.exit()


def add_version(parser: argparse.ArgumentParser) -> None:
    """Declare `--version`."""
    parser.add_argument("--version", action=Version, nargs=0, help="print the version, and exit")


def read_or_not(run: Callable[[], int]) -> int:
    """Run a command; if whoever reads what it prints stops reading, as `head` does, end without a word, with 2.

    What the terminal cannot show, in the name of a server say, is escaped.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # pragma: no branch - only a replaced stdout is of another kind
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = run()
        sys.stdout.flush()  # now, not when it is too late to say anything about it
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return code
