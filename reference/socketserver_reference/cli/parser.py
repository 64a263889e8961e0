"""A parser with errors of one line, and output that survives a closed pipe."""

import argparse
import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

DISTRIBUTION = "socketserver-reference"


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line: what is wrong, and where the help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class Version(argparse.Action):
    """Print the versions of the distribution and of Python, and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # takes 0.1 s, which no other option needs

        python = ".".join(map(str, sys.version_info[:3]))
        print(f"{DISTRIBUTION} {version(DISTRIBUTION)}, Python {python}")
        parser.exit()


def add_version(parser: argparse.ArgumentParser) -> None:
    """Declare `--version`."""
    parser.add_argument("--version", action=Version, nargs=0, help="print the version and exit")


def read_or_not(run: Callable[[], int]) -> int:
    """Run a command and return its exit code: silently 2 if the reader of its output stops reading, as `head` does.

    Characters that the terminal cannot show, in the name of a server say, are escaped.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # pragma: no branch - only a replaced stdout is of another kind
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = run()
        sys.stdout.flush()  # now, since an error at the exit of Python could not be handled
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return code
