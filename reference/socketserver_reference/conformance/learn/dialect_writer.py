"""What was learned, as a dialect file: every key with the reason for its value in a comment above it.

What a server sent stands in the comments and values of a file that somebody opens in a terminal: it is quoted, so that
nothing but printable ASCII gets there.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import tomlkit

COMMENT_COLUMNS = 110
"""Columns of a comment."""

MAX_QUOTED_BYTES = 60
"""Bytes of what a server sent that a comment quotes."""

TABLE_ORDER = ("", "framing", "delivery", "quit", "bytes", "limits", "echo", "datagrams")
"""The tables of the file in their order; handshakes come behind `framing`."""

NOT_ASCII = re.compile(r"[^\x00-\x7f]")

Value = str | int | Sequence[str]


@dataclass(frozen=True)
class LearnedKey:
    """A key, its value, and why; `sure` is False for a value that is written down and not put to use."""

    table: str
    key: str
    value: Value
    why: str
    sure: bool = True


@dataclass
class LearnedDialect:
    """What was learned from one server."""

    findings: list[LearnedKey] = field(default_factory=list)
    handshake: list[tuple[LearnedKey, ...]] = field(default_factory=list)
    """Exchange by exchange."""
    remarks: list[str] = field(default_factory=list)
    """What was seen and no key can say."""

    def learn(self, table: str, key: str, value: Value, why: str, *, sure: bool = True) -> None:
        """Note what was found out, in place of what was thought before."""
        self.findings = [one for one in self.findings if (one.table, one.key) != (table, key)]
        self.findings.append(LearnedKey(table, key, value, why, sure))

    def knows(self, table: str, key: str, value: Value) -> bool:
        """Whether this was found out."""
        return any((one.table, one.key, one.value) == (table, key, value) for one in self.findings)

    def exchange(self, **texts: tuple[str, str]) -> None:
        """Note a part of the handshake: what to wait for, what to send then, each with its reason."""
        self.handshake.append(tuple(LearnedKey("handshake", key, text, why) for key, (text, why) in texts.items()))


def quoted(data: bytes) -> str:
    """Return bytes for a comment: printable, and not too many."""
    return repr(data) if len(data) <= MAX_QUOTED_BYTES else f"{data[:MAX_QUOTED_BYTES]!r}..."


def text(learned: LearnedDialect, header: Sequence[str] = ()) -> str:
    """Return the file."""
    blocks = ["\n".join(comment(line) for line in [*header, *learned.remarks])]
    for table in TABLE_ORDER:
        found = [finding for finding in learned.findings if finding.table == table]
        if found:
            blocks.append("\n".join([*([f"[{table}]"] if table else []), *map(_line, found)]))
        if table == "framing":
            blocks += ["\n".join(["[[handshake]]", *map(_line, exchange)]) for exchange in learned.handshake]
    return "\n\n".join(blocks) + "\n"


def comment(line: str) -> str:
    """Return a comment of as many lines as it takes."""
    plain = ascii(line)[1:-1] if not (line.isascii() and line.isprintable()) else line
    return textwrap.fill(plain, COMMENT_COLUMNS, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False)


def _line(finding: LearnedKey) -> str:
    line = f"{finding.key} = {toml_value(finding.value)}"
    return f"{comment(finding.why)}\n{'' if finding.sure else '# '}{line}"


def toml_value(value: Value) -> str:
    """Return a value as TOML in printable ASCII."""
    return NOT_ASCII.sub(lambda found: f"\\U{ord(found[0]):08x}", tomlkit.item(value).as_string())
