"""Reads a user's file up to a limit, and says in one line what is wrong with it: for all files that the suite reads.

Each kind of file has its own subclass of BadFile.
"""

import stat
import tomllib
from pathlib import Path
from typing import Any

from socketserver_reference.conformance.scenario.text import printable

MAX_TOML_BYTES = 100_000
"""Most bytes of a TOML file: far more than people write."""


class BadFile(ValueError):
    """A file cannot be used; the message names the file, the error and the correction."""


def read_text(file: Path, bad: type[BadFile], most: int = MAX_TOML_BYTES, instead: str = "") -> str:
    """Return the text of a file of at most `most` bytes; if it is unreadable, raise `bad` with the advice `instead`."""
    where = printable(str(file))
    try:
        kind = file.stat().st_mode
        if stat.S_ISFIFO(kind):
            raise bad(f"{where}: is a pipe, and the suite may read it twice: write a file{instead}")
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # a terminal, say: to read it may wait for ever
            raise bad(f"{where}: is not a regular file: write one{instead}")
        with file.open("rb") as opened:
            data = opened.read(most + 1)
    except OSError as error:
        raise bad(f"cannot read {where}: {error.strerror}{instead}") from None
    if len(data) > most:
        raise bad(f"{where}: is longer than {most} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise bad(f"{where}: is not UTF-8, at byte {error.start}") from None


def parse_toml(text: str, where: object, bad: type[BadFile], instead: str = "") -> dict[str, Any]:
    """Return the content of TOML that came from `where`; if it is invalid, raise `bad` with the advice `instead`."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets thousands deep
        raise bad(f"{where}: is not TOML: {printable(' '.join(str(error).split()))}{instead}") from None
