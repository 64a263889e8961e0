"""`socketserver-faults matrix`: the kill matrix, which clauses the suite finds broken in every fault.

`judge.py` finds out; here are the command and the documents. Exit codes: 0 when each fault breaks exactly what the
catalogue says and every clause has a fault, 1 when not, 2 when it could not be found out.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from socketserver_faults.catalogue.index import Unknown, catalogue, find, judgeable
from socketserver_faults.catalogue.registry import THEMES
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.cli.check import NEEDS, CannotCheck
from socketserver_reference.cli.report_files import CannotWrite, check_writable, write

if TYPE_CHECKING:
    from socketserver_faults.matrix.judge import Judgement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `matrix`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults to judge (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was seen")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the matrix as a table; only of all faults")
    parser.add_argument("--seeds", type=_count, default=1, metavar="N", help="explore with so many seeds (default: 1)")
    parser.add_argument("--jobs", type=_count, default=8, metavar="N", help="faults judged at a time (default: 8)")
    parser.add_argument(
        "--blindly",
        action="store_true",
        help="leave the directed scenarios out, and count the steps until exploration finds each fault",
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Judge the faults, print a line for each, and what is wrong in full; return the exit code."""
    try:
        for fault in map(find, options.names):
            if fault.unseen:
                raise CannotCheck(f"{fault.name} is not for the suite to find: {fault.unseen}")
        names = options.names or list(judgeable())
        if options.markdown and (options.names or options.blindly):
            raise CannotCheck("--markdown is of the whole matrix: leave the names and --blindly out")
        for file in (options.json, options.markdown):
            if file is not None:
                check_writable(file)
        if not all(find_spec(name) for name in ("hypothesis", "pytest")):
            raise CannotCheck(NEEDS)
        judgements = _judged(names, options)
        if options.json:
            write(options.json, as_json(judgements))
        if options.markdown:
            write(options.markdown, as_markdown(judgements))
    except (Unknown, CannotCheck, CannotWrite) as error:
        print(f"socketserver-faults matrix: {error}", file=sys.stderr)
        return 2
    if options.blindly:
        return 0
    if not options.names:
        print("".join(f"left out: {line}\n" for line in left_out()), end="")
    lonely = [] if options.names else clauses_without_fault()
    for clause in lonely:
        print(f"no fault breaks {clause}")
    wrong = [judgement.name for judgement in judgements if judgement.complaints()]
    if wrong:
        print(f"{len(wrong)} of {len(judgements)} faults break other clauses than they should: {', '.join(wrong)}")
    elif not lonely:
        print(f"{len(judgements)} faults: each breaks its clauses, and no others")
    return 1 if wrong or lonely else 0


def _judged(names: list[str], options: argparse.Namespace) -> list["Judgement"]:
    """Judge, telling of each as it is done; return the judgements in the order of the catalogue."""
    from socketserver_faults.matrix.judge import judge_apart

    judgements = {}
    for judgement in judge_apart(names, options.jobs, seeds=range(options.seeds), blindly=options.blindly):
        judgements[judgement.name] = judgement
        told = steps_told(judgement, options.seeds) if options.blindly else ", ".join(judgement.found) or "nothing"
        complaints = [] if options.blindly else judgement.complaints()
        verdict = "" if options.blindly else "WRONG" if complaints else "ok"
        print(f"{verdict:<5} {judgement.name:<32} {told}  ({judgement.seconds:.1f} s)")
        print("".join(f"      {line}\n" for line in complaints), end="", flush=True)
    return [judgements[name] for name in names]


def clauses_without_fault() -> list[str]:
    """Return the clauses that no fault of the catalogue breaks."""
    broken = {clause for fault in judgeable().values() for clause in fault.breaks}
    return [clause for clause in CLAUSES if clause not in broken]


def left_out() -> list[str]:
    """Return the faults that the suite need not find, each with the clauses that it breaks and the reason."""
    left = [fault for fault in catalogue().values() if fault.unseen]
    return [f"{fault.name} ({', '.join(fault.breaks)}): {fault.unseen}" for fault in left]


def as_markdown(judgements: Iterable["Judgement"]) -> str:
    """Return the matrix as it is kept in the project: what was found, and nothing that differs from run to run."""
    found = {judgement.name: judgement.found for judgement in judgements}
    lines = [
        "# The kill matrix",
        "",
        "Every planted bug, and the clauses that the conformance suite finds broken in it: these and no others, by",
        "its directed scenarios alone and with exploration on. Made by `make matrix`, which fails when a fault breaks",
        "other clauses than the catalogue says, and when a clause has no fault. `socketserver-faults show NAME` tells",
        "the story of one. One bug is missing, because nobody can see it from outside: a backlog without bounds (see",
        "`faults/socketserver_faults/catalogue/delivery.py`).",
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
        names = [f"`{name}`" for name in catalogue() if clause in found.get(name, ())]
        lines.append(f"| {clause} | {', '.join(names) or 'nothing'} |")
    lines += ["", "## Left to the scheduler", "", *(f"- {line}" for line in left_out())]
    return "\n".join([*lines, ""])


def as_json(judgements: Iterable["Judgement"]) -> str:
    """Return all that was seen, times and exchanges included."""
    return json.dumps([{**asdict(one), "expected": find(one.name).breaks} for one in judgements], indent=2) + "\n"


def steps_told(judgement: "Judgement", seeds: int) -> str:
    """Return how many steps exploration alone needed, over all seeds, as a cell of a table."""
    steps = sorted(judgement.steps.values())
    if not steps:
        return "never found"
    missed = f", not found with {seeds - len(steps)} of {seeds} seeds" if len(steps) < seeds else ""
    return f"median {statistics.median(steps):g}, worst {steps[-1]}{missed}"
