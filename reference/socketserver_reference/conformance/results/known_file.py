"""Reads and updates a server's list of known failures.

It is TOML; `known.py` says what the entries mean. Any error in the file raises BadKnown, with a message of one line.

An update keeps the comments between the entries, and removes an entry with the comment right above it. The new text
replaces the file atomically, so that no crash can lose an entry.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT, Array, Comment, Table, Whitespace

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.input_file import BadFile, parse_toml, read_text
from socketserver_reference.conformance.results import output_file
from socketserver_reference.conformance.results.known import NO_REASON, Known
from socketserver_reference.conformance.results.verdicts import Verdict

ENTRY_KEYS = {"clause": str, "reason": str, "dialect": str, "sometimes": bool}
"""What an entry may say; the first two it must."""

ENTRY = 'an entry is a line [[known]] and below it, a line each, clause = "CHAT-12" and reason = "..."'

ENTRY_HEADER = re.compile(r"\s*\[\[\s*known\s*\]\]\s*(#.*)?$")
"""The line that begins an entry."""

COMMENT_RIGHT_ABOVE = re.compile(r"(^[ \t]*#.*\n)+\Z", re.MULTILINE)
"""In the text above an entry."""

FIRST_LINES = "# Known failures: clauses that this server breaks, and why. A clause that holds must not be listed.\n"


class BadKnown(BadFile):
    """The list cannot be used; the message says where, what is wrong, and what would be right."""


def read(file: Path) -> list[Known]:
    """Return the entries of a list; raise BadKnown if the file is missing or invalid."""
    return parse(read_text(file, BadKnown, instead="; --update-known begins a list"), file)


def parse(text: str, file: Path) -> list[Known]:
    """Return the entries that a list holds, each with its line; raise BadKnown if the list is invalid."""
    document = parse_toml(text, file, BadKnown, instead=f"; {ENTRY}")
    found = document.get("known", [])
    if not isinstance(found, list) or set(document) - {"known"}:
        raise BadKnown(f"{file}: a list of known failures holds entries under `known` and nothing else")
    lines = [number for number, line in enumerate(text.split("\n"), 1) if ENTRY_HEADER.match(line)]
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
        if key not in ENTRY_KEYS:
            raise BadKnown(f"{where}: {key!r} is no key of an entry; it has {', '.join(ENTRY_KEYS)}")
        if not isinstance(value, ENTRY_KEYS[key]) or value == "":
            kind = "true or false" if ENTRY_KEYS[key] is bool else "text, and not empty"
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
    seen in, None for one that needs no mention. It is broken `sometimes` if replays of the same exchange were seen to
    break it and to keep it.
    """
    gone = [verdict.known for verdict in verdicts if verdict.stale]
    added = [
        Known(verdict.clause.id, NO_REASON, dialect, sometimes=verdict.violation.shows_sometimes)
        for verdict in failing
        if verdict.violation is not None and verdict.known is None
    ]
    return [*(entry for entry in entries if entry not in gone), *added]


def update(file: Path, after: Sequence[Known]) -> None:
    """Make the file hold these entries instead of those it holds; begin it if there is none.

    Raises OSError if it cannot be written; then it is as it was. Raises BadKnown if what it holds is not in order.
    """
    exists = file.exists()
    text = read_text(file, BadKnown) if exists else FIRST_LINES
    before = parse(text, file)
    if exists and before == list(after):
        return
    gone = {number for number, entry in enumerate(before) if entry not in after}
    added = [_fields(entry) for entry in after if entry not in before]
    output_file.write(file, _edited(tomlkit.parse(text), gone, added).encode())


def _fields(entry: Known) -> dict[str, Any]:
    """Return an entry as it stands in a file: without what it does not say."""
    fields = {"clause": entry.clause, "reason": entry.reason, "dialect": entry.dialect, "sometimes": entry.sometimes}
    return {key: value for key, value in fields.items() if value}


def _edited(document: TOMLDocument, gone: Collection[int], added: Sequence[dict[str, Any]]) -> str:
    """Return the text without the entries of these numbers, and with those that came at its end."""
    known = document.get("known")
    if not isinstance(known, Array):
        entries = [tomlkit.dumps({"known": [fields]}) for fields in added]
        return "\n".join([_without(document, gone).strip("\n") + "\n", *entries])
    for number in sorted(gone, reverse=True):
        del known[number]
    for fields in added:
        known.append(table := tomlkit.inline_table())
        table.update(fields)
    return document.as_string()


def _without(document: TOMLDocument, gone: Collection[int]) -> str:
    """Return the text without some entries and the comments right above them, and with all other comments."""
    above = "".join(item.as_string() for key, item in document.body if key is None)
    left: list[Table] = []
    for number, table in enumerate(document.get("known", ())):
        below = _asides_taken_from(table)  # to the parser they belong to the entry that they stand below
        if number in gone:
            above = COMMENT_RIGHT_ABOVE.sub("", above)
            above += below.lstrip("\r\n") if above else below
        else:
            table.trivia.indent = above + table.trivia.indent
            left.append(table)
            above = below
    entries = tomlkit.document()
    if left:
        entries.append(document.body[-1][0], AoT(left, parsed=True))
    return entries.as_string() + above


def _asides_taken_from(table: Table) -> str:
    """Remove the comments and blank lines at the end of a table, and return them."""
    text = ""
    while isinstance(table.value.body[-1][1], Comment | Whitespace):
        text = table.value.body.pop()[1].as_string() + text
    return text
