"""Reads somebody's file to a bound, and says in one line what is wrong with it: for all the files that the suite takes.

Each kind of file has a BadFile of its own.
"""

import tomllib
from pathlib import Path
from typing import Any

from socketserver_reference.conformance.scenario.text import printable

MOST_OF_TOML = 100_000
"""Bytes of a file in TOML: far more than anybody writes."""


class BadFile(ValueError):
    """A file cannot be used; the message says which, what is wrong, and what would be right."""


def read_text(file: Path, bad: type[BadFile], most: int = MOST_OF_TOML, instead: str = "") -> str:
    """Return what stands in a file, `most` bytes; raise `bad` if it cannot be read, and say what to do instead."""
    where = printable(str(file))
    try:
        with file.open("rb") as opened:
            data = opened.read(most + 1)
    except OSError as error:
        raise bad(f"cannot read {where}: {error.strerror}{instead}") from None
    if len(data) > most:
        raise bad(f"{where}: has more than {most} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise bad(f"{where}: is not UTF-8, at byte {error.start}") from None


def parse_toml(text: str, where: object, bad: type[BadFile], instead: str = "") -> dict[str, Any]:
    """Return what TOML says that came from there; raise `bad` if it is none, and say what to write instead."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets thousands deep
        raise bad(f"{where}: is not TOML: {printable(' '.join(str(error).split()))}{instead}") from None
