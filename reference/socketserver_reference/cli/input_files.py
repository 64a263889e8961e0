"""The files that a check compares with, known failures and an earlier report, and the directory for scripts.

Here are their options and their errors; `results/known.py` and `results/baseline.py` say what they mean.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from socketserver_reference.cli import report_files

if TYPE_CHECKING:
    from socketserver_reference.conformance.results.known_update import KnownFailures


class InvalidInputFile(Exception):
    """A file cannot be used; the message says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--update-known", action="store_true", help="update the file of --known afterwards, or create it"
    )
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="say what changed since this earlier report")


def read(options: argparse.Namespace, dialect: str) -> "tuple[KnownFailures, dict[str, Any] | None]":
    """Return the known failures and the report to compare with; raise InvalidInputFile if a file cannot be used."""
    from socketserver_reference.conformance.dialects.dialect import NOTE
    from socketserver_reference.conformance.results import baseline
    from socketserver_reference.conformance.results.known_update import KnownFailures

    if options.update_known and options.known:
        report_files.check_writable(options.known)
    if options.reproduce:
        _check_directory(options.reproduce)
    with one_line_errors():
        listed = KnownFailures(
            options.known, update=options.update_known, dialect=dialect, default=dialect == NOTE.name
        )
        before = baseline.read(options.compare) if options.compare else None
    if before is not None and before.get("protocol") != options.protocol:
        raise InvalidInputFile(f"{options.compare} is not a report of {options.protocol}: nothing can be compared")
    return listed, before


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn the errors of files into InvalidInputFile."""
    from socketserver_reference.conformance.dialects.input_file import BadFile

    try:
        yield
    except BadFile as error:
        raise InvalidInputFile(str(error)) from None
    except OSError as error:
        raise InvalidInputFile(f"cannot write {error.filename}: {error.strerror}") from None


def _check_directory(directory: Path) -> None:
    """Make a directory if it does not exist; raise InvalidInputFile if no file can be written into it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise InvalidInputFile(
            f"cannot write into {directory}: {error.strerror}; name a directory where files can be made"
        ) from None
