"""Several servers side by side: a table for each protocol, clause by server, on a terminal, as Markdown and as JSON.

It needs only the reports of `check --json`, so reports of other days or other machines can be compared as well.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.reports.json_report import FORMAT
from socketserver_reference.conformance.reports.markdown import code, fit, folded, table, words
from socketserver_reference.conformance.reports.story import ViolationStory, in_order
from socketserver_reference.conformance.results.exit_codes import CONFORMS, INTERRUPTED, NOT_CHECKED, VIOLATED
from socketserver_reference.conformance.results.report import OUTCOME_WORDS, SYMBOLS
from socketserver_reference.conformance.scenario.text import printable

TABLE_COLUMNS = 80
"""Columns of a terminal."""

INTERRUPTED_CHECK = "interrupted"
"""Why a server was not checked, after an interrupt."""

CELLS = {
    "holds": "holds",
    "violated": "VIOLATED",
    "unconfirmed": "unsure",
    "not-applicable": "n/a",
    "not-checked": "unchecked",
}
"""Outcome -> the word for it in a narrow column."""

SIGNS = {"holds": "+", "violated": "X", "unconfirmed": "~", "not-applicable": "-", "not-checked": "?"}
"""Outcome -> the sign for it where there is no room for a word: ASCII, which every terminal has."""

TableRow = tuple[str, Sequence[str]]
"""A clause, and its outcome at each server."""


@dataclass(frozen=True)
class Checked:
    """One server, and what came of checking it."""

    name: str
    protocol: str
    document: Mapping[str, Any] | None
    """What `check --json` wrote; None if it could not be checked."""
    why: str = ""
    """Why not."""

    @property
    def conclusion(self) -> str:
        """The last line of the check."""
        return self.document["conclusion"] if self.document else f"could not be checked: {self.why}"

    @property
    def code(self) -> int:
        """The exit code of the check."""
        return self.document["code"] if self.document else NOT_CHECKED

    @property
    def outcomes(self) -> dict[str, str]:
        """Clause -> verdict."""
        return {clause["id"]: clause["verdict"] for clause in self.document["clauses"]} if self.document else {}

    @property
    def pages(self) -> dict[str, str]:
        """Clause -> the address of its page, if there is a site."""
        clauses = self.document["clauses"] if self.document else []
        return {clause["id"]: clause["page"] for clause in clauses if clause.get("page")}

    @property
    def changes(self) -> list[tuple[str, str]]:
        """What its dialect asks differently."""
        return [(change["clause"], change["what"]) for change in self.document["changes"]] if self.document else []

    @property
    def misfit(self) -> list[str]:
        """How it shows that it does not speak its dialect, in lines; empty unless it does."""
        return self.document.get("misfit", []) if self.document else []

    def stories(self) -> list[ViolationStory]:
        """Return the stories of the violations, those of a MUST first."""
        clauses = self.document["clauses"] if self.document else []
        return in_order(ViolationStory.read(clause) for clause in clauses if clause["expected"] is not None)


@dataclass(frozen=True)
class Comparison:
    """Servers in the order of the file."""

    servers: Sequence[Checked]

    @property
    def code(self) -> int:
        """The exit code: a violation is certain even if another server could not be checked, so it comes first."""
        if any(server.why == INTERRUPTED_CHECK for server in self.servers):
            return INTERRUPTED
        codes = {server.code for server in self.servers}
        return VIOLATED if VIOLATED in codes else CONFORMS if codes <= {CONFORMS} else NOT_CHECKED

    @property
    def conclusion(self) -> str:
        """How many conform."""
        conform = sum(server.code == CONFORMS for server in self.servers)
        return f"{conform} of {len(self.servers)} conform{'s' if conform == 1 else ''}"

    def tables(self) -> Iterable[tuple[str, Sequence[Checked], Sequence[TableRow]]]:
        """Yield each protocol with its servers and the rows of their table."""
        for protocol in dict.fromkeys(server.protocol for server in self.servers):
            those = [server for server in self.servers if server.protocol == protocol]
            clauses = dict.fromkeys(clause for server in those for clause in server.outcomes)
            rows = [(clause, [server.outcomes.get(clause, "not-checked") for server in those]) for clause in clauses]
            yield protocol, those, rows


def as_text(compared: Comparison) -> list[str]:
    """Return the tables and the violations of each server, for a terminal of eighty columns where possible."""
    lines: list[str] = []
    for protocol, those, rows in compared.tables():
        lines += ["", *_table(protocol, those, rows)]
    for server in compared.servers:
        lines += ["", f"{printable(server.name)} {printable(server.conclusion)}"]
        lines += [f"  {printable(line)}" for line in server.misfit]
        for story in server.stories():
            lines += [f"  {story.clause.id:<8} expected: {printable(story.expected)}"]
            lines += [f"  {'':<8} observed: {printable(story.observed)}"]
    return [*lines, "", compared.conclusion]


def _table(protocol: str, those: Sequence[Checked], rows: Sequence[TableRow]) -> list[str]:
    """Return a table with a word in each cell; with a sign instead, if that would be too wide."""
    names = [printable(server.name) for server in those]
    lines = _aligned([[protocol, *names], *([_name(id), *(CELLS.get(o, o) for o in found)] for id, found in rows)])
    if max(map(len, lines)) <= TABLE_COLUMNS:
        return lines
    numbers = [str(number) for number in range(1, len(names) + 1)]
    signs = [[_name(id), *(SIGNS.get(outcome, "!") for outcome in found)] for id, found in rows]
    who = _aligned(zip(numbers, names, strict=True))
    return [
        *who,
        "",
        *_aligned([[protocol, *numbers], *signs]),
        "",
        ", ".join(f"{SIGNS[o]} {OUTCOME_WORDS[o]}" for o in SIGNS),
    ]


def _name(id: str) -> str:
    return id + (" SHOULD" if CLAUSES[id].level == "SHOULD" else "")


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as lines, their cells one below the other."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def as_markdown(compared: Comparison) -> str:
    """Return the same as Markdown, with the exchanges folded."""
    lines = [f"## {compared.conclusion}"]
    for protocol, those, rows in compared.tables():
        cells = [
            [_name(clause), *(f"{SYMBOLS.get(o, '!')} {OUTCOME_WORDS.get(o, o)}" for o in outcomes)]
            for clause, outcomes in rows
        ]
        lines += ["", *table([protocol, *(code(server.name) for server in those)], cells)]
    lines += ["", *(f"- {code(server.name)} {words(server.conclusion)}" for server in compared.servers)]
    stories = ("\n" + folded(story, server.name) for server in compared.servers for story in server.stories())
    return fit("\n".join(lines) + "\n", stories)


def as_json(compared: Comparison) -> str:
    """Return the conclusion, and for each server its name, why it could not be checked, and its report."""
    reports = [
        {"name": server.name, "protocol": server.protocol, "why": server.why or None, "report": server.document}
        for server in compared.servers
    ]
    told = {"format": FORMAT, "conclusion": compared.conclusion, "code": compared.code, "servers": reports}
    return json.dumps(told, indent=2) + "\n"
