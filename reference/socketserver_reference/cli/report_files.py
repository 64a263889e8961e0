"""The files that reports are written to: their options and their errors.

The formats are in `conformance/reports/`, one module each.
"""

import argparse
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

FORMATS = {
    "junit": ("JUnit XML", "junit"),
    "json": ("JSON", "json_report"),
    "markdown": ("Markdown, for the summary of a CI job", "markdown"),
    "html": ("one self-contained HTML page", "html.page"),
}
"""Option -> the format, and the module of `conformance/reports/` that writes it."""


class CannotWrite(Exception):
    """A report cannot be written; the message says why."""


def add_arguments(parser: argparse.ArgumentParser, what: str, formats: Iterable[str] = FORMATS) -> None:
    """Declare an option for each format."""
    for name in formats:
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write {what} as {FORMATS[name][0]}")


def chosen(options: argparse.Namespace) -> dict[str, Path]:
    """Return the requested formats, each with its file; raise CannotWrite if one cannot be written.

    The user learns of that before the checks, not after them.
    """
    files = {name: getattr(options, name, None) for name in FORMATS}
    wanted = {name: file for name, file in files.items() if file is not None}
    for file in wanted.values():
        check_writable(file)
    return wanted


def check_writable(file: Path) -> None:
    """Raise CannotWrite unless this file can be written."""
    begun = not file.exists()
    try:
        with file.open("a"):
            pass
    except OSError as error:
        raise CannotWrite(f"cannot write {file}: {error.strerror}; name a file in a directory that exists") from None
    if begun:  # leave no empty file if there is no report
        file.unlink()


def write_all(report: Any, wanted: dict[str, Path]) -> None:
    """Write a report in each requested format; raise CannotWrite if that fails after all."""
    for name, file in wanted.items():
        module = import_module(f"socketserver_reference.conformance.reports.{FORMATS[name][1]}")
        write(file, module.write(report))


def write(file: Path, document: str) -> None:
    """Write a document, lone surrogates escaped; raise CannotWrite if that fails after all."""
    try:
        file.write_text(document, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CannotWrite(f"cannot write {file}: {error.strerror}") from None
