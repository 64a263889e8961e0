"""The specification: an overview, and a page for each clause. `../clauses.toml` has the titles and the reasons."""

import ast
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from docs.derive import drawings
from docs.derive.markdown import escaped, fence, table
from socketserver_faults.catalogue.index import catalogue
from socketserver_faults.catalogue.registry import Fault
from socketserver_reference.clauses import CLAUSES, Clause
from socketserver_reference.cli import spec
from socketserver_reference.conformance.dialects import effects, loader
from socketserver_reference.conformance.dialects.wording import in_dialect
from socketserver_reference.conformance.results.report import CLAUSE_PAGE
from socketserver_reference.conformance.scenario.transcript import Transcript

HOME = Path(__file__).parents[1]
"""The folder `docs`."""

ROOT = HOME.parent

GROUPS = {
    "ECHO": ("Echo over connections", {"echo"}),
    "UDP": ("Echo over datagrams", {"datagram"}),
    "CHAT": ("Chat", {"chat"}),
    "SRV": ("The classes of socketserver, from inside the process", set[str]()),
}
"""Group of clauses -> its heading, and the protocols of the dialects in which they are asked."""

REASONS: Mapping[str, Mapping[str, str]] = tomllib.loads((HOME / "clauses.toml").read_text(encoding="utf-8"))

MAX_SOURCE_LINES = 60
"""Lines of a function that a page shows; of a longer one, those around the tag."""

AROUND = 12

Played = Mapping[str, Sequence[tuple[str, list[Transcript]]]]
"""Clause -> its checks, each with what happened when it was played against the reference."""


def title(id: str) -> str:
    """Return the title of a clause's page."""
    return f"{id}: {_said(id)['title']}"


def _said(id: str) -> Mapping[str, str]:
    if id not in REASONS:
        raise LookupError(f"docs/clauses.toml says neither a title of {id} nor why it is a clause")
    return REASONS[id]


def page(id: str) -> str:
    """Return where the page of a clause is, without its suffix: an address that never changes."""
    return CLAUSE_PAGE.format(id)


def link(id: str, home: str = "..") -> str:
    """Return a link to the page of a clause."""
    return f"[{id}]({home}/{page(id)}.md)"


def overview() -> str:
    """Return the page that lists all clauses."""
    lines = [
        "# Specification",
        "A clause is one requirement, with a number that never changes. *Basic* clauses hold for polite clients, which "
        "come and go one at a time; *hardened* ones for clients that are abrupt, slow, concurrent or many. A clause "
        "with SHOULD is reported when it is broken, and fails a check only with `--strict`. The [terms and the reading "
        "order](../explanation/reading-order.md) are those of the reference.",
        "In a terminal, `socketserver-reference spec` prints all clauses, `spec CHAT-7` one of them with the places of "
        "its code, checks and faults, and `spec --family` what [each class of socketserver](../explanation/family.md) "
        "can serve.",
    ]
    for group, (heading, _) in GROUPS.items():
        lines.append(f"## {heading}")
        rows = [
            (link(clause.id), clause.profile, f"The server {clause.level} {escaped(clause.sentence)}.")
            for clause in CLAUSES.values()
            if clause.group == group
        ]
        lines.append(table(("clause", "profile", "requirement"), rows))
    names = "\n".join(page(id).partition("/")[2] for id in CLAUSES)
    lines.append(f"```{{toctree}}\n:hidden:\n:titlesonly:\n\n{names}\n```")
    return "\n\n".join(lines) + "\n"


def clause_page(clause: Clause, played: Played) -> str:
    """Return the page of a clause."""
    parts = [
        f"({clause.id})=\n# {title(clause.id)}",
        f"> The server **{clause.level}** {escaped(clause.sentence)}.",
        f"{clause.profile.capitalize()} profile, observed by {_observer(clause)}; source: {clause.source}.",
        f"## Why\n\n{_said(clause.id)['why']}",
        *_scenarios(clause, played.get(clause.id, ())),
        "## In the reference\n\nThe lines with the tag of this clause, and what is around them:",
        *_enforcing(clause),
        *_broken_by(clause),
        *_in_dialects(clause),
        f"## In a terminal\n\n{fence(f'socketserver-reference spec {clause.id}', 'sh')}",
    ]
    return "\n\n".join(parts) + "\n"


def _observer(clause: Clause) -> str:
    if clause.observer == "in-process":
        return "the suite inside the process of a Python server"
    return f"any client over {'connections' if clause.observer == 'stream' else 'datagrams'}"


@cache
def links(kind: str) -> dict[str, list[tuple[str, str]]]:
    """Return for each clause the places in the sources that `spec` finds, and what it finds there."""
    found = {id: list[tuple[str, str]]() for id in CLAUSES}
    for id, place, what in {"enforcements": spec.enforcements, "checks": spec.checks}[kind]():
        found[id].append((place, what))
    return found


def _scenarios(clause: Clause, played: Sequence[tuple[str, list[Transcript]]]) -> Iterator[str]:
    yield "## How it is checked"
    drawn = {name: transcripts[0] for name, transcripts in played if transcripts}
    checks = sorted(links("checks")[clause.id], key=lambda check: check[1] not in drawn)
    for number, (place, name) in enumerate(checks):
        told = name.removeprefix("test_").replace("_", " ").capitalize()
        if name in drawn:
            shown = drawings.drawing(clause.id, drawn[name])
            intro = f"`{name}` in `{place.partition(':')[0]}`, as the reference plays it:"
        else:
            shown = source(place, "Its steps depend on the server or the dialect, or it looks inside the process:")
            intro = f"`{name}` in `{place.partition(':')[0]}`."
        if number:
            yield f"<details><summary>{told}</summary>\n\n{intro}\n\n{shown}\n\n</details>"
        else:
            yield f"**{told}**: {intro}\n\n{shown}"
            yield drawings.how_to_read() if name in drawn else ""


def _enforcing(clause: Clause) -> Iterator[str]:
    for place, rule in links("enforcements")[clause.id]:
        yield source(place, f"`{place}`" + (f": {escaped(rule)}" if rule else ""), around=True)


def source(place: str, caption: str, *, around: bool = False) -> str:
    """Return an inclusion of the function at a place, `file:line`; with `around`, that line and the next are marked."""
    path, _, number = place.rpartition(":")
    line = int(number)
    first, last = extent((ROOT / path).read_text(encoding="utf-8"), line)
    options = [f":lines: {first}-{last}", ":lineno-match:", ":language: python"]
    if around:
        options.append(f":emphasize-lines: {line - first + 1}-{min(line + 1, last) - first + 1}")
    return f"{caption}\n\n```{{literalinclude}} {{{{checkout}}}}/{path}\n" + "\n".join(options) + "\n```"


def extent(text: str, line: int) -> tuple[int, int]:
    """Return the first and the last line of the innermost function around a line, or of some lines around it."""
    functions = [
        (min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]), node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    within = [(first, last) for first, last in functions if first <= line <= last]
    first, last = max(within, default=(1, len(text.splitlines())))
    if last - first < MAX_SOURCE_LINES:
        return first, last
    return max(first, line - AROUND), min(last, line + AROUND)


def _broken_by(clause: Clause) -> Iterator[str]:
    broken: list[Fault] = [fault for fault in catalogue().values() if clause.id in fault.breaks]
    yield "## Bugs that break it"
    rows = [(f"[{fault.name}](../faults/{fault.name}.md)", escaped(fault.summary)) for fault in broken]
    yield table(("planted bug", "what it does"), rows)
    if found := _in_the_wild(clause.id):
        yield "Programs of other projects that break it, as [checked here](../explanation/other-servers.md):"
        yield "\n".join(f"- {name}: {escaped(reason)}" for name, reason in found)
    yield "The method of the reference, and the one with the bug:"
    for fault in broken:
        yield f"<details><summary>{fault.name}</summary>\n\n{fence(fault.diff(), 'diff')}\n\n</details>"


def _in_the_wild(id: str) -> list[tuple[str, str]]:
    """Return the servers of other projects that break a clause, each with the reason."""
    files = sorted((ROOT / "ci" / "interop" / "known").glob("*.toml"))
    entries = [(file.stem, entry) for file in files for entry in tomllib.loads(file.read_text())["known"]]
    return [(name, entry["reason"]) for name, entry in entries if entry["clause"] == id]


def _in_dialects(clause: Clause) -> Iterator[str]:
    protocols = GROUPS[clause.group][1]
    rows = []
    for name, dialect in loader.bundled().items():
        if not protocols & set(dialect.protocols):
            continue
        why = effects.not_applicable(dialect).get(clause.id)
        asked = in_dialect(clause, dialect).sentence
        if why:
            rows.append((f"`{name}`", f"not asked: {escaped(why)}"))
        elif asked != clause.sentence:
            rows.append((f"`{name}`", f"The server {clause.level} {escaped(asked)}."))
    if rows:
        yield "## In dialects"
        yield "What the clause becomes for servers that [speak differently](../how-to/dialect.md):"
        yield table(("dialect", "clause"), rows)


def pages(played: Played) -> Iterator[tuple[str, str]]:
    """Yield the pages of the specification: path and text."""
    yield "specification/index.md", overview()
    for clause in CLAUSES.values():
        yield f"{page(clause.id)}.md", clause_page(clause, played)
