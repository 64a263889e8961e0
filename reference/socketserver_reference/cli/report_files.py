"""The files that reports are written to: their options and their errors.

The formats are in `conformance/reports/`, one module each.
"""

import argparse
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from socketserver_reference.conformance.results import output_file
from socketserver_reference.conformance.scenario.text import printable

FORMATS = {
    "junit": ("JUnit XML", "junit"),
    "json": ("JSON", "json_report"),
    "markdown": ("Markdown, for the summary of a CI job", "markdown"),
    "html": ("one self-contained HTML page", "html.page"),
    "badge": ("a badge, a small picture in SVG", "badge"),
}
"""Option -> the format, and the module of `conformance/reports/` that writes it."""


SITE = re.compile(r"(?:https?://|file:///)[\w.~:/@%+,=-]+", re.ASCII)
"""The address of a site: without what a report would have to escape."""


class CannotWrite(Exception):
    """A report cannot be written; the message says why."""


class PrintSchema(argparse.Action):
    """Print the JSON Schema of a JSON report, and end."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from socketserver_reference.conformance.reports import json_schema

        print(json.dumps(json_schema.schema(), indent=2))
        parser.exit()


def site(text: str) -> str:
    """Return the address of a site without its last slash; raise ArgumentTypeError for anything else."""
    if not SITE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address of a site: write https://..., http://... or file:///..."
        )
    return text.removesuffix("index.html").rstrip("/")


def add_arguments(parser: argparse.ArgumentParser, what: str, formats: Collection[str] = tuple(FORMATS)) -> None:
    """Declare an option for each format, the one for the links in them, and the one for the schema of JSON."""
    for name in formats:
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write {what} as {FORMATS[name][0]}")
    parser.add_argument(
        "--site",
        type=site,
        metavar="URL",
        help="where the site of this project is, which `make docs` builds: reports then link each clause to its page",
    )
    if "json" in formats:
        parser.add_argument(
            "--json-schema", action=PrintSchema, nargs=0, help="print the JSON Schema of --json, and end"
        )


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
    try:
        begun = not file.exists()
        with file.open("a"):
            pass
        if begun:  # leave no empty file if there is no report
            file.unlink()
    except OSError as error:
        where = printable(str(file))
        raise CannotWrite(f"cannot write {where}: {error.strerror}; name a file in a directory that exists") from None


def write_all(report: Any, wanted: Mapping[str, Path]) -> None:
    """Write a report in each requested format; raise CannotWrite if some cannot be written after all."""
    modules = {name: import_module(f"socketserver_reference.conformance.reports.{FORMATS[name][1]}") for name in wanted}
    write_each((file, partial(modules[name].write, report)) for name, file in wanted.items())


def write_each(documents: Iterable[tuple[Path, Callable[[], str]]]) -> None:
    """Write documents, each into its file; one that cannot be written does not stop the others. Raise CannotWrite."""
    failures: list[str] = []
    for file, make in documents:
        try:
            write(file, make())
        except CannotWrite as error:
            failures.append(str(error))
    if failures:
        raise CannotWrite("; ".join(failures))


def write(file: Path, document: str) -> None:
    """Write a document, lone surrogates escaped; raise CannotWrite if that fails after all."""
    try:
        output_file.write(file, document.encode(errors="backslashreplace"))
    except OSError as error:
        raise CannotWrite(f"cannot write {printable(str(file))}: {error.strerror}") from None
