"""`socketserver-reference spec`: the clauses; for each, the code that enforces it, its checks and its faults.

The sources say all this: `# [CHAT-7]` marks a line of the reference that enforces the clause, `@decides("CHAT-7")` a
check that decides it, `@fault("CHAT-7")` a planted bug that breaks it. So nothing is listed twice, and neither the
suite nor the faults are imported.
"""

import argparse
import ast
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from socketserver_reference.clauses import CLAUSES, PROFILES, Clause
from socketserver_reference.cli.family_table import family_table
from socketserver_reference.conformance.scenario.text import hyphenated

HERE = Path(__file__).parents[1]
CHECKOUT = HERE.parent.name == "reference"
ROOT = HERE.parents[1] if CHECKOUT else HERE.parent
FAULTS = ROOT / ("faults" if CHECKOUT else "") / "socketserver_faults" / "catalogue"
"""The package, the root of the printed paths, and the planted bugs: in a checkout and in an installed wheel."""

TAGS = re.compile(r"^\s*# ((?:\[[A-Z]+-\d+\] ?)+)")
ID = re.compile(r"\[([A-Z]+-\d+)\]")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `spec`."""
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="clauses to print in full, e.g. CHAT-7 (default: all, in brief)"
    )
    parser.add_argument(
        "--family", action="store_true", help="print what each class of socketserver can and cannot serve"
    )


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; return the exit code."""
    unknown = [id for id in options.ids if id not in CLAUSES]
    if unknown:
        groups = ", ".join(dict.fromkeys(f"{clause.group}-n" for clause in CLAUSES.values()))
        print(f"socketserver-reference spec: {unknown[0]!r} is not a clause; clauses are {groups}", file=sys.stderr)
        return 2
    if options.family:
        print(family_table())
    elif options.ids:
        print("\n\n".join(in_full(CLAUSES[id]) for id in options.ids))
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else math.inf
        print("\n".join(fitted(line, columns) for line in in_brief()))
    return 0


def in_brief() -> Iterator[str]:
    """Yield all clauses, profile by profile."""
    for profile in PROFILES:
        yield f"{profile}:"
        for clause in CLAUSES.values():
            if clause.profile == profile:
                yield f"  {clause.id:<8} The server {clause.level} {clause.sentence}."


def fitted(line: str, columns: float) -> str:
    """Return a line of the list in so many columns, each further line below the sentence."""
    if len(line) <= columns:
        return line
    below = " " * len("  CHAT-17  ")
    return textwrap.fill(line, int(columns), subsequent_indent=below, break_long_words=False, break_on_hyphens=False)


def in_full(clause: Clause) -> str:
    """Return all that is known of a clause."""
    enforced = [f"  {place}  {rule}" for id, place, rule in enforcements() if id == clause.id]
    decided = [f"  {place}  {check}" for id, place, check in checks() if id == clause.id]
    broken = [f"  {place}  {name}" for id, place, name in faults() if id == clause.id]
    return "\n".join(
        [
            f"{clause.id} ({clause.level}, {clause.profile}, observed by {clause.observer})",
            f"The server {clause.level} {clause.sentence}.",
            f"source: {clause.source}",
            "enforced at:",
            *enforced,
            "decided by:",
            *decided,
            "broken by (socketserver-faults show NAME):",
            *broken,
        ]
    )


def enforcements() -> Iterator[tuple[str, str, str]]:
    """Yield, for each tag in the servers, the clause, the place (file:line) and the rule that the tag restates."""
    for file in sorted(HERE.glob("*.py")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if tags := TAGS.match(line):
                for id in ID.findall(tags[1]):
                    yield id, f"{file.relative_to(ROOT)}:{number}", line[tags.end() :].strip()


def checks() -> Iterator[tuple[str, str, str]]:
    """Yield, for each mark in the suite, the clause, the place (file:line) and the name of the check."""
    yield from _marked(HERE / "conformance", "decides", ast.FunctionDef)


def faults() -> Iterator[tuple[str, str, str]]:
    """Yield, for each clause that a planted bug breaks, the clause, the place (file:line) and the name of the fault."""
    for clause, place, name in _marked(FAULTS, "fault", ast.ClassDef):
        yield clause, place, hyphenated(name)


def _marked(directory: Path, mark: str, kind: type[ast.FunctionDef | ast.ClassDef]) -> Iterator[tuple[str, str, str]]:
    """Yield, for each decorator of this name, each of its clauses, the place, and the name of the decorated object."""
    for file in sorted(directory.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, kind):
                for call in node.decorator_list:
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == mark:
                        place = f"{file.relative_to(ROOT)}:{node.lineno}"
                        yield from ((ast.literal_eval(clause), place, node.name) for clause in call.args)
