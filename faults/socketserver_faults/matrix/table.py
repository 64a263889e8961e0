"""The kill matrix as a document: the clauses that the suite finds broken in each fault."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from socketserver_faults.catalogue.index import catalogue, checkable, find
from socketserver_faults.catalogue.registry import THEMES
from socketserver_faults.matrix.result import FaultResult
from socketserver_reference.clauses import CLAUSES


def clauses_without_fault() -> list[str]:
    """Return the clauses that no fault of the catalogue breaks."""
    left = [fault for fault in catalogue().values() if fault.scheduler_only]
    broken = {clause for fault in [*checkable().values(), *left] for clause in fault.breaks}
    return [clause for clause in CLAUSES if clause not in broken]


def left_out() -> list[str]:
    """Return the faults that the suite need not find, each with the clauses that it breaks and the reason."""
    left = [fault for fault in catalogue().values() if fault.scheduler_only]
    return [f"{fault.name} ({', '.join(fault.breaks)}): {fault.scheduler_only}" for fault in left]


def as_markdown(results: Iterable[FaultResult]) -> str:
    """Return the matrix as Markdown: the clauses found, those of the catalogue for faults without a result, and nothing
    that differs from run to run.
    """
    found: dict[str, Iterable[str]] = {fault.name: fault.breaks for fault in checkable().values()}
    found |= {result.name: result.found for result in results}
    lines = [
        "# The kill matrix",
        "",
        "Every planted bug, and the clauses that the conformance suite finds broken in it: these and no others, by",
        "its directed scenarios alone and with exploration on. Written by `make matrix`, which fails if a fault breaks",
        "other clauses than the catalogue says, or if a clause has no fault. `socketserver-faults show NAME` explains",
        "one. One bug is missing, because no client can observe it: a backlog without bounds (see",
        "`faults/socketserver_faults/catalogue/slow_members.py`).",
        "",
    ]
    for theme, about in THEMES.items():
        faults = [fault for fault in catalogue().values() if fault.theme == theme and fault.name in found]
        if faults:
            lines += [f"## {theme}: {about}", "", "| fault | breaks | what it does |", "|---|---|---|"]
            lines += [f"| `{fault.name}` | {', '.join(found[fault.name])} | {fault.summary} |" for fault in faults]
            lines.append("")
    lines += ["## By clause", "", "| clause | broken by |", "|---|---|"]
    for clause in CLAUSES:
        names = [f"`{name}`" for name in catalogue() if clause in found.get(name, [])]
        lines.append(f"| {clause} | {', '.join(names) or 'what is left to the scheduler'} |")
    lines += ["", "## Left to the scheduler", "", *(f"- {line}" for line in left_out())]
    return "\n".join([*lines, ""])


def as_json(results: Iterable[FaultResult]) -> str:
    """Return all results as JSON, with times and exchanges."""
    return json.dumps([{**asdict(one), "expected": find(one.name).breaks} for one in results], indent=2) + "\n"
