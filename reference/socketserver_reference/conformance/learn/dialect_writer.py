"""What was learned, as a dialect file: every key with the reason for its value in a comment above it.

What a server sent stands in the comments and values of a file that somebody opens in a terminal: it is quoted, so that
nothing but printable ASCII gets there.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import tomlkit

WIDTH = 110
"""Columns of a comment."""

SHOWN = 60
"""Bytes of what a server sent that a comment quotes."""

TABLES = ("", "framing", "delivery", "quit", "bytes", "limits", "echo", "datagrams")
"""The tables of the file in their order; handshakes come behind `framing`."""

NOT_ASCII = re.compile(r"[^\x00-\x7f]")

Value = str | int | Sequence[str]


@dataclass(frozen=True)
class Finding:
    """A key, its value, and why; `sure` is False for a value that is written down and not put to use."""

    table: str
    key: str
    value: Value
    why: str
    sure: bool = True


@dataclass
class Lesson:
    """What was learned from one server."""

    findings: list[Finding] = field(default_factory=list)
    handshake: list[tuple[Finding, ...]] = field(default_factory=list)
    """Exchange by exchange."""
    remarks: list[str] = field(default_factory=list)
    """What was seen and no key can say."""

    def learn(self, table: str, key: str, value: Value, why: str, *, sure: bool = True) -> None:
        """Note what was found out, in place of what was thought before."""
        self.findings = [one for one in self.findings if (one.table, one.key) != (table, key)]
        self.findings.append(Finding(table, key, value, why, sure))

    def knows(self, table: str, key: str, value: Value) -> bool:
        """Whether this was found out."""
        return any((one.table, one.key, one.value) == (table, key, value) for one in self.findings)

    def exchange(self, **texts: tuple[str, str]) -> None:
        """Note a part of the handshake: what to wait for, what to send then, each with its reason."""
        self.handshake.append(tuple(Finding("handshake", key, text, why) for key, (text, why) in texts.items()))


def quoted(data: bytes) -> str:
    """Return bytes for a comment: printable, and not too many."""
    return repr(data) if len(data) <= SHOWN else f"{data[:SHOWN]!r}..."


def text(lesson: Lesson, header: Sequence[str] = ()) -> str:
    """Return the file."""
    blocks = ["\n".join(comment(line) for line in [*header, *lesson.remarks])]
    for table in TABLES:
        found = [finding for finding in lesson.findings if finding.table == table]
        if found:
            blocks.append("\n".join([*([f"[{table}]"] if table else []), *map(_line, found)]))
        if table == "framing":
            blocks += ["\n".join(["[[handshake]]", *map(_line, exchange)]) for exchange in lesson.handshake]
    return "\n\n".join(blocks) + "\n"


def comment(line: str) -> str:
    """Return a comment of as many lines as it takes."""
    plain = ascii(line)[1:-1] if not (line.isascii() and line.isprintable()) else line
    return textwrap.fill(plain, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False)


def _line(finding: Finding) -> str:
    line = f"{finding.key} = {toml_value(finding.value)}"
    return f"{comment(finding.why)}\n{'' if finding.sure else '# '}{line}"


def toml_value(value: Value) -> str:
    """Return a value as TOML in printable ASCII."""
    return NOT_ASCII.sub(lambda found: f"\\U{ord(found[0]):08x}", tomlkit.item(value).as_string())
