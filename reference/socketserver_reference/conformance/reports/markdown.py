"""The report as Markdown, for the summary of a CI job: a table of the verdicts, and each exchange folded below it.

Services limit a summary (GitHub drops one above 1 MiB as a whole), so exchanges that do not fit are left out, and
the report says how many. Text that may come from a server, or names one, is code, escaped so that no renderer finds
markup in it.
"""

import re
from collections.abc import Iterable, Sequence

from socketserver_reference.conformance.reports.story import ViolationStory, stories
from socketserver_reference.conformance.results.report import SYMBOLS, Report, counts, own_version, word
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.text import printable

MAX_DOCUMENT_BYTES = 1_000_000
"""Bytes of a whole document: a little below 1 MiB."""


LINK_TITLE = "{} in the specification"
"""What links to the page of a clause."""

CLAUSE_COLUMNS = ("clause", "verdict", "why")


def write(report: Report) -> str:
    """Return the report as a Markdown document."""
    facts = [("target", code(report.target)), ("dialect", code(report.dialect)), ("seed", str(report.seed))]
    head = [
        f"## {words(report.protocol)} {words(report.conclusion)}",
        "",
        ", ".join(f"{name} {value}" for name, value in facts) + f": {counts(one.outcome for one in report.verdicts)}.",
        "",
        *(
            fenced(report.misfit)
            if report.misfit
            else table(CLAUSE_COLUMNS, [_row(one, report.page(one.clause.id)) for one in report.verdicts])
        ),
    ]
    if report.rerun:
        head += ["", f"Checked by version {words(own_version())}. To check it again:", "", *fenced([report.rerun])]
    if report.changes or report.waived:
        changes = [f"- {code(clause)}: {words(what)}" for clause, what in report.changes]
        waived = [f"- {code(clause)} is not asked: {words(why)}" for clause, why in report.waived]
        head += ["", f"In the dialect {code(report.dialect)}:", "", *changes, *waived]
    return fit("\n".join(head) + "\n", ("\n" + folded(story) for story in stories(report)))


def _row(verdict: Verdict, page: str) -> list[str]:
    why = code(verdict.why) if verdict.violation else words(verdict.why)
    return [linked(verdict.clause.id, page), f"{SYMBOLS[verdict.outcome]} {words(word(verdict))}", why]


def linked(text: str, address: str) -> str:
    """Return a text as a link, if there is an address."""
    return f"[{text}]({address})" if address else text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the cells must be escaped already."""
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]


def folded(story: ViolationStory, whose: str = "") -> str:
    """Return the story of a violation, its exchange in a block that a click opens."""
    title = f"{story.clause.id}{whose and f' of {code(whose)}'}"
    remarks = [("that is", story.place), ("replayed", story.confirmation), ("note", story.note)]
    note = "".join(f"<br>{what}: {words(text)}" for what, text in remarks if text)
    note += f"<br>again: {code(story.again)}" if story.again else ""
    note += f"<br>{linked(LINK_TITLE.format(story.clause.id), story.page)}" if story.page else ""
    return "\n".join(
        [
            f"<details><summary><strong>{title}</strong>: the server {words(story.clause.level)} "
            f"{words(story.clause.sentence)}</summary>",
            "",
            f"expected: {code(story.expected)}<br>observed: {code(story.observed)}{note}",
            "",
            *fenced(story.lines),
            "",
            "</details>",
            "",
        ]
    )


def fit(head: str, parts: Iterable[str], limit: int = MAX_DOCUMENT_BYTES) -> str:
    """Return a document of a head and as many of the parts as the limit lets in, in bytes, with a note on the rest."""
    document, room, left_out = [head], limit - len(head.encode()) - 100, 0
    for part in parts:
        size = len(part.encode())
        if size <= room:
            document.append(part)
            room -= size
        else:
            left_out += 1
    if left_out:
        document.append(f"\n{left_out} of the exchanges would make this too long and are left out.\n")
    return "".join(document)


def fenced(lines: Sequence[str]) -> list[str]:
    """Return lines as a block of code, fenced by more backticks than they hold in a row."""
    safe = [printable(line) for line in lines]
    longest = max((len(run) for line in safe for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *safe, fence]


def words(text: str) -> str:
    """Return text in which nothing is markup."""
    return re.sub(r"[&<>|`*_\[\]\\~$#@]|:(?=\S)", lambda found: f"&#{ord(found[0])};", printable(text))


def code(text: str) -> str:
    """Return text as inline code, fit for a table's cell."""
    return f"<code>{words(text)}</code>"
