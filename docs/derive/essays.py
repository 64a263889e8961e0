"""Explanations that live beside the code: docstrings, and documents of the checkout, as pages."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import socketserver_reference
from docs.derive.clauses import HOME, ROOT
from docs.derive.markdown import docstring, escaped, fence, table
from socketserver_faults import schedule
from socketserver_faults.catalogue import closed_request
from socketserver_faults.demo.play import play
from socketserver_faults.demo.rows import ROWS
from socketserver_faults.demo.timeline import render
from socketserver_reference.cli.family_table import family_table

ERROR_RATES = HOME / "explanation" / "error-rates.json"
"""A record of what `make error-rates` has counted, as its `--json` has it, with the `causes` of what is not 0."""

WRONG_VERDICTS = """
`make error-rates` counts them. N is the number of runs, each with another seed. A good server is checked on a machine
that does nothing else for it (`idle`) and with a busy loop on each core (`busy`): whatever is violated is wrong, and a
run is undecided if a clause was not checked. A planted bug is checked as by `make matrix`: a clause with a minus sign
was missed, one with a plus sign was found besides, and a run is undecided if exploration alone found a clause. The
median load tells how many threads wanted a processor meanwhile.
""".strip()

FIGURES = HOME / "explanation" / "figures.json"
"""A record of what `make bench` has measured: a copy of the `build/bench.json` that it writes."""

TABLES = {"checking": ("checks",), "scheduling": ("schedules", "plain", "interleavings")}
"""Module of `ci/bench` -> its tables, if it has several or one with another name."""

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#)([^)]+)\)")
"""A link to a file of the checkout, which the site does not have."""

DOCUMENTS = {
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "explanation/other-servers.md": "ci/interop/README.md",
}
"""Page -> the document of the checkout that it is."""


def of(module: object, title: str) -> str:
    """Return the docstring of a module as a page."""
    return f"# {title}\n\n{docstring(inspect.getdoc(module) or '')}\n"


def closed_request_page() -> str:
    """Return the page about the closed request: the essay of the catalogue, and the demo with its timelines."""
    lines = [
        of(closed_request, "The closed-request bug"),
        "## All rows, played",
        "`socketserver-faults demo closed-request` plays each row on real sockets, without the join and with it, and "
        "prints this. The lanes are threads of the server, and what the client does stands between.",
    ]
    for number, row in enumerate(ROWS, 1):
        lines.append(f"### {number}. The worker is {row.case}\n\n{row.why}")
        for joined in (False, True):
            lines.append(f"{'With' if joined else 'Without'} the join:\n\n{fence(render(play(row, joined)))}")
    return "\n\n".join(lines) + "\n"


def family_page() -> str:
    """Return the page about the classes of socketserver."""
    family = import_module("socketserver_reference.family")
    return f"{of(family, 'The family of socketserver classes')}\n## What each can serve\n\n{fence(family_table())}\n"


def figures_page() -> str:
    """Return the page about what is measured, with the figures of the record."""
    found = json.loads(FIGURES.read_text(encoding="utf-8"))
    lines = [
        "# Measured figures",
        "`make bench` measures the reference beside servers on other libraries, the suite, and the scheduler. Every "
        "figure is a median, unless it is called the least, and servers alternate, so that a change of the machine's "
        "speed meets all of them. It judges ratios within one run alone, and fails on a clear loss.",
        "The figures here are those of one run, which is recorded in the repository. Yours differ; `make bench` has "
        "them in `build/bench.html`.",
        "\n".join(f"- {escaped(f'{name}: {value}')}" for name, value in found["machine"].items()),
        "## The reference beside others",
        *_figures(found, "ratios"),
        *_error_rates(),
    ]
    for kind in ("servers", "rooms", "echoes", "crowds", "buffers", "checking", "scheduling"):
        tree = ast.parse((ROOT / "ci" / "bench" / f"{kind}.py").read_text(encoding="utf-8"))
        about = (ast.get_docstring(tree) or "").partition("\n\nNext: ")[0]
        lines.append(f"## {kind.capitalize()}\n\n{docstring(about, level=3)}")
        lines += (line for name in TABLES.get(kind, (kind,)) for line in _figures(found, name))
    return "\n\n".join(lines) + "\n"


def _error_rates() -> Iterator[str]:
    """Yield how often the suite was wrong, with the figures of the record."""
    found = json.loads(ERROR_RATES.read_text(encoding="utf-8"))
    yield "## Wrong verdicts"
    yield WRONG_VERDICTS
    yield "\n".join(f"- {escaped(f'{name}: {value}')}" for name, value in found["machine"].items())
    yield from _figures(found, "rates")
    yield "\n".join(f"- {escaped(line)}" for line in found["causes"])


def _figures(found: Any, name: str) -> Iterator[str]:
    """Yield the table of this name, if it is in the record and has rows."""
    heads, rows = found["heads"].get(name, {}), found["tables"].get(name, [])
    if rows:
        cells = [[escaped(_figure(row.get(key))) for key in heads] for row in rows]
        yield table([*map(escaped, heads.values())], cells)


def _figure(value: object) -> str:
    if not isinstance(value, float):
        return "-" if value is None else str(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the pages: path and text."""
    yield "explanation/closed-request.md", closed_request_page()
    plays = "[What plays under it, what is refused, and what to do instead](../reference/scheduler.md).\n"
    yield "explanation/scheduler.md", f"{of(schedule, 'What the scheduler covers')}\n{plays}"
    yield "explanation/reading-order.md", of(socketserver_reference, "Reading the reference")
    yield "explanation/figures.md", figures_page()
    yield "explanation/family.md", family_page()
    for page, document in DOCUMENTS.items():
        text = (ROOT / document).read_text(encoding="utf-8")
        yield page, LINK.sub(r"`\1`", text)
