"""Reads the list of known failures that lies in somebody's repository, and keeps it up to date.

It is TOML; `known.py` says what the entries mean. Whatever is wrong with the file is a BadKnown, of one line.

To bring it up to date is to change lines, not to write it anew: what people wrote between the entries stays, and an
entry goes with the comment right above it. The changed text is read again before it replaces the file, in one
move, so that no crash can lose an entry; should it not say what it must (entries written `known = [...]`, say), the
list is written out instead, without comments, and that is told.
"""

import contextlib
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.results.known import UNEXPLAINED, Known
from socketserver_reference.conformance.results.verdicts import Verdict

KEYS = {"clause": str, "reason": str, "dialect": str, "sometimes": bool}
"""What an entry may say; the first two it must."""

ENTRY = 'an entry is a line [[known]] and below it, a line each, clause = "CHAT-12" and reason = "..."'

HEADER = re.compile(r"\s*\[\[\s*known\s*\]\]\s*(#.*)?$")
"""The line that begins an entry."""

FIRST_LINES = "# Known failures: clauses that this server breaks, and why. A clause that holds must not be listed.\n"


class BadKnown(Exception):
    """The list cannot be used; the message says where, what is wrong, and what would be right."""


def read(file: Path) -> list[Known]:
    """Return the entries of a list; raise BadKnown if there is none, or it is not in order."""
    try:
        text = file.read_bytes().decode()
    except OSError as error:
        raise BadKnown(f"cannot read {file}: {error.strerror}; --update-known begins a list") from None
    except UnicodeDecodeError:
        raise BadKnown(f"{file} is not text in UTF-8") from None
    return parse(text, file)


def parse(text: str, file: Path) -> list[Known]:
    """Return the entries that a list holds, each with its line; raise BadKnown if it is not in order."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadKnown(f"{file} is no TOML: {' '.join(str(error).split())}; {ENTRY}") from None
    found = document.get("known", [])
    if not isinstance(found, list) or set(document) - {"known"}:
        raise BadKnown(f"{file}: a list of known failures holds entries under `known` and nothing else")
    lines = [number for number, line in enumerate(text.split("\n"), 1) if HEADER.match(line)]
    if len(lines) != len(found):
        lines = [0] * len(found)
    entries: list[Known] = []
    for number, (entry, line) in enumerate(zip(found, lines, strict=True), 1):
        where = f"{file}:{line}" if line else f"{file}, entry {number}"
        entries.append(replace(_entry(entry, where), line=line))
        for earlier in entries[:-1]:
            if earlier.clause == entries[-1].clause and (
                earlier.dialect == entries[-1].dialect or None in (earlier.dialect, entries[-1].dialect)
            ):
                raise BadKnown(f"{where}: {earlier.clause} is listed already; once for each dialect is enough")
    return entries


def _entry(entry: Any, where: str) -> Known:
    if not isinstance(entry, dict):
        raise BadKnown(f"{where}: {ENTRY}")
    for key, value in entry.items():
        if key not in KEYS:
            raise BadKnown(f"{where}: {key!r} is no key of an entry; it has {', '.join(KEYS)}")
        if not isinstance(value, KEYS[key]) or value == "":
            kind = "true or false" if KEYS[key] is bool else "text, and not empty"
            raise BadKnown(f"{where}: {key} has to be {kind}")
    for key in ("clause", "reason"):
        if key not in entry:
            raise BadKnown(f"{where}: the entry has no {key}")
    if entry["clause"] not in CLAUSES:
        raise BadKnown(f"{where}: {entry['clause']!r} is no clause; `socketserver-reference spec` lists them")
    return Known(**entry)


def updated(
    entries: Sequence[Known], verdicts: Sequence[Verdict], failing: Sequence[Verdict], dialect: str | None
) -> list[Known]:
    """Return the entries as they should be after a check: without the stale ones, and with what fails.

    Entries keep their reason, and those on which nothing was found out stay. What is added gets the dialect it was
    seen in, None for one that needs no mention; and if exploration alone saw it, it is broken `sometimes`: another
    seed may not see it.
    """
    gone = [verdict.known for verdict in verdicts if verdict.stale]
    added = [
        Known(verdict.clause.id, UNEXPLAINED, dialect, sometimes=verdict.violation.explored)
        for verdict in failing
        if verdict.violation is not None and verdict.known is None
    ]
    return [*(entry for entry in entries if entry not in gone), *added]


def update(file: Path, before: Sequence[Known], after: Sequence[Known]) -> str:
    """Make the file hold these entries instead of those it held; return what was lost by that, or "".

    Raises OSError if it cannot be written; then it is as it was.
    """
    exists = file.exists()
    if exists and list(before) == list(after):
        return ""
    text = file.read_bytes().decode() if exists else FIRST_LINES
    lost = ""
    changed = _edited(text, before, after)
    if _read_again(changed, file) != list(after):
        changed = FIRST_LINES + "".join(f"\n{_as_toml(entry)}" for entry in after)
        lost = "its comments, as its entries do not each begin with [[known]]" if "#" in text else ""
    _replace(file, changed)
    return lost


def _as_table(entry: Known) -> dict[str, Any]:
    """Return an entry as it stands in a file: without what it does not say."""
    table = {"clause": entry.clause, "reason": entry.reason, "dialect": entry.dialect, "sometimes": entry.sometimes}
    return {key: value for key, value in table.items() if value}


def _as_toml(entry: Known) -> str:
    def written(value: str | bool) -> str:
        # What JSON escapes in a string, TOML escapes the same way; and it wants one character more escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    return "[[known]]\n" + "".join(f"{key} = {written(value)}\n" for key, value in _as_table(entry).items())


def _read_again(text: str, file: Path) -> list[Known] | None:
    try:
        return parse(text, file)
    except BadKnown:
        return None


def _edited(text: str, before: Sequence[Known], after: Sequence[Known]) -> str:
    """Return the text without the lines of the entries that have gone, and with those that came at its end."""
    lines = text.split("\n")
    headers = [*(entry.line - 1 for entry in before), len(lines)]
    for entry, (header, following) in reversed(list(zip(before, pairwise(headers), strict=True))):
        if entry in after or header < 0:
            continue
        first = _begin_of_comment(lines, header)
        last = _begin_of_comment(lines, following) if following < len(lines) else following
        while last > header + 1 and _is_aside(lines[last - 1]):
            last -= 1
        blank = last < len(lines) - 1 and not lines[last].strip()
        del lines[first : last + blank]
    kept = "\n".join(lines).rstrip("\n") + "\n"
    return kept.lstrip("\n") + "".join(f"\n{_as_toml(entry)}" for entry in after if entry not in before)


def _begin_of_comment(lines: Sequence[str], header: int) -> int:
    """Return where the comment right above an entry begins: the entry itself, if it has none."""
    while header and lines[header - 1].lstrip().startswith("#"):
        header -= 1
    return header


def _is_aside(line: str) -> bool:
    """Whether a line is blank or a comment."""
    return not line.strip() or line.lstrip().startswith("#")


def _replace(file: Path, text: str) -> None:
    """Put the text in place of a file, all at once; where a link leads to it, the link stays."""
    target = file.resolve()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as beside:
            beside.write(text)
            beside.flush()
            os.fsync(beside.fileno())
        os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
