"""The files that reports are written to: their options, and what can go wrong with a file.

What a report looks like is `conformance/reports/`'s business, one module a format.
"""

import argparse
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

FORMATS = {
    "junit": ("JUnit XML", "junit"),
    "json": ("JSON", "json_report"),
    "markdown": ("Markdown, fit for the summary of a CI job", "markdown"),
    "html": ("one self-contained HTML page", "html.page"),
}
"""Option -> the format, and the module of `conformance/reports/` that writes it."""


class CannotWrite(Exception):
    """A report cannot be written; the message says what would do."""


def add_arguments(parser: argparse.ArgumentParser, what: str, formats: Iterable[str] = FORMATS) -> None:
    """Declare an option for each format."""
    for name in formats:
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write {what} as {FORMATS[name][0]}")


def chosen(options: argparse.Namespace) -> dict[str, Path]:
    """Return the formats that are asked for, each with its file; raise CannotWrite if one cannot be written.

    Better now than after the checks.
    """
    files = {name: getattr(options, name, None) for name in FORMATS}
    wanted = {name: file for name, file in files.items() if file is not None}
    for file in wanted.values():
        check_writable(file)
    return wanted


def check_writable(file: Path) -> None:
    """Raise CannotWrite unless a report can be written there."""
    begun = not file.exists()
    try:
        with file.open("a"):
            pass
    except OSError as error:
        raise CannotWrite(f"cannot write {file}: {error.strerror}; name a file in a directory that exists") from None
    if begun:  # no empty report, should it come to none
        file.unlink()


def write_all(report: Any, wanted: dict[str, Path]) -> None:
    """Write a report in each of the formats; raise CannotWrite if one cannot be written after all."""
    for name, file in wanted.items():
        module = import_module(f"socketserver_reference.conformance.reports.{FORMATS[name][1]}")
        write(file, module.write(report))


def write(file: Path, document: str) -> None:
    """Write a document; raise CannotWrite if that fails after all. What is no Unicode is written as an escape."""
    try:
        file.write_text(document, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CannotWrite(f"cannot write {file}: {error.strerror}") from None
