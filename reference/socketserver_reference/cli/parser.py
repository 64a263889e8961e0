"""A parser with errors of one line, and a guard around a command: it ends in order, whatever happens."""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from socketserver_reference.cli.signals import interruptible
from socketserver_reference.conformance.scenario.text import printable


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line: what is wrong, and where the help is."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse words; `--option=--` is an error, which argparse takes for an option without a value."""
        for word in args or ():
            if word.startswith("--") and word.endswith("=--"):
                self.error(f"argument {word[:-3]}: -- is no value")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)} (see {self.prog} --help)\n")


class Version(argparse.Action):
    """Print the versions of the distribution and of Python, and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from socketserver_reference.conformance.results.report import DISTRIBUTION, own_version  # no other needs them

        python = ".".join(map(str, sys.version_info[:3]))
        print(f"{DISTRIBUTION} {own_version() or '(not installed)'}, Python {python}")
        parser.exit()


def add_version(parser: argparse.ArgumentParser) -> None:
    """Declare `--version`."""
    parser.add_argument("--version", action=Version, nargs=0, help="print the version and exit")


def guarded(name: str, run: Callable[[], int], *, ends_process: bool) -> int:
    """Run a command, and return its exit status; whatever happens, it ends in order, with at most one line.

    The status is 2, silently, if the reader of its output stops reading, as `head` does, and 2 with a line if the
    output cannot be written or the system refuses something; 130 after an interrupt that the command does not handle.
    A second interrupt ends the process at once. `ends_process` says that nothing comes after the command.

    Characters that the terminal cannot show, in the name of a server say, are escaped.
    """
    _reopen_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):  # pragma: no branch - only a replaced stdout is of another kind
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with interruptible(name, ends_process=ends_process):
            try:
                return run()
            finally:
                sys.stdout.flush()  # now, since an error at the exit of Python could not be handled
    except BrokenPipeError:
        discard_output()
        return 2
    except KeyboardInterrupt:
        return _complaint(name, "interrupted", 130)
    except OSError as error:
        discard_output()
        where = f": {printable(str(error.filename))}" if error.filename is not None else ""
        return _complaint(name, f"{error.strerror or error}{where}", 2)


def discard_output() -> None:
    """Let everything that is still printed vanish."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _complaint(name: str, line: str, status: int) -> int:
    with contextlib.suppress(OSError):
        print(f"{name}: {line}", file=sys.stderr, flush=True)
    return status


def _reopen_closed() -> None:
    """Open the standard streams that are closed: otherwise the next file or socket would take the place of one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is this one
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  # as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115  # as long as the process
