"""Measures the servers, the checks and the scheduler, side by side on the same work: `make bench`.

    make bench                                          everything, in a long time
    make bench OPTIONS=--short                          a little of everything, in seconds
    make bench OPTIONS='--only rooms --times 5'         full rooms alone, five times

Every figure is a median, unless it says "least". Servers alternate, so that a change of the machine's speed meets all
of them. What is judged are ratios within one run: the exit status is 1 if one is above its limit, 0 otherwise.

Read in this order:

    servers.py           the other servers, each in the idiom of its library
    served.py            a server in a process of its own, and what it uses
    rooms.py             members who listen to one speaker
    echoes.py            requests and replies
    crowds.py            members who leave all at once
    buffers.py           what the kernel holds for a client that does not read
    checking.py          the suite
    scheduling.py        the scheduler
    small_room.py        handlers for two schedulers
    interleaving.py      the scheduler beside frontrun, on these
    beside_frontrun.py   what frontrun runs
    results.py           tables, medians, ratios
    page.py              the page with plots

RULE: one module for each kind of measurement; what they find is rows of a table, and only results.py knows limits.
"""

import argparse
import json
import resource
import sys
from importlib import import_module
from pathlib import Path

import results
import served
import servers

from socketserver_reference.conformance.runner.options import number
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.targets.base import CannotCheck

KINDS = ("rooms", "echoes", "crowds", "buffers", "checking", "scheduling")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="make bench", description=about, epilog=rest.partition("\n\nRead")[0])
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--short", action="store_true", help="few members, requests and schedules, once")
    parser.add_argument("--only", choices=KINDS, action="append", help="this kind of measurement alone")
    names = [*served.OTHERS, *servers.NAMES]
    parser.add_argument("--servers", nargs="+", choices=names, metavar="NAME", help=f"these alone: {', '.join(names)}")
    parser.add_argument("--members", nargs="+", type=number(int, 2, 20_000), metavar="N", help="sizes of the rooms")
    parser.add_argument(
        "--times", type=number(int, 1, 1000), metavar="N", help="medians of N measurements (default: 3)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots")
    return parser


def main(words: list[str] | None = None) -> int:
    """Measure, print the tables, write the files; return the exit status."""
    options = parser().parse_args(words)
    options.times = options.times or (1 if options.short else 3)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    tables: list[results.Table] = []
    extent = [*(["a little of everything"] if options.short else []), *(f"{kind} alone" for kind in options.only or ())]
    machine = {**results.machine(), "figures": ", ".join([f"medians of {options.times}", *extent])}
    status = 0
    try:
        for kind in options.only or KINDS:
            try:
                for table in import_module(kind).measure(options):
                    tables.append(table)  # it is filled afterwards, so that an error leaves what was measured
            except (CannotCheck, OSError) as error:
                print(f"{kind} ends here: {printable(str(error))}", flush=True)
                status = 1
    except KeyboardInterrupt:  # what was measured is kept
        status = 130
    tables.append(results.ratios(tables))
    if tables[-1].rows:
        results.show(tables[-1])
    _write(options, tables, machine)
    lost = [row for row in tables[-1].rows if row["ratio"] > row["limit"]]
    for row in lost:
        print(f"too much: {row['what']} is {row['ratio']:.2f} times that of {row['beside']}, above {row['limit']:g}")
    return status or int(bool(lost))


def _write(options: argparse.Namespace, tables: list[results.Table], machine: dict[str, str]) -> None:
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        figures = {
            "machine": machine,
            "heads": {table.name: {column.key: column.head for column in table.columns} for table in tables},
            "tables": {table.name: table.rows for table in tables},
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.html:
        options.html.parent.mkdir(parents=True, exist_ok=True)
        options.html.write_text(import_module("page").write(tables, machine))


if __name__ == "__main__":
    sys.exit(main())
