"""`socketserver-faults matrix`: the kill matrix, which clauses the suite finds broken in every fault.

Exit codes: 0 if each fault breaks exactly the clauses that the catalogue names and every clause has a fault, 1 if not,
2 if the faults could not be checked.
"""

import argparse
import sys
from pathlib import Path

from socketserver_faults.catalogue.index import Unknown, checkable, find
from socketserver_faults.matrix.result import FaultResult
from socketserver_faults.matrix.table import as_json, as_markdown, clauses_without_fault, left_out
from socketserver_reference.cli.options import CommandError, require_extra
from socketserver_reference.cli.report_files import CannotWrite, check_writable, write
from socketserver_reference.cli.signals import terminated_as_interrupted
from socketserver_reference.conformance.runner.options import number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `matrix`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults to check (default: all)")
    parser.add_argument(
        "--pairs",
        action="store_true",
        help="check two faults at once, one of them listed as known: the other must still be found",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results, with times and exchanges")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="write the matrix as a table; for faults that are not checked, with the clauses of the catalogue",
    )
    parser.add_argument(
        "--seeds", type=number(int, 1, 1000), default=1, metavar="N", help="explore with N seeds (default: 1)"
    )
    parser.add_argument(
        "--jobs", type=number(int, 1, 1000), default=8, metavar="N", help="check N faults at a time (default: 8)"
    )


def run(options: argparse.Namespace) -> int:
    """Check the faults, print a line for each, with the exchange of each mismatch; return the exit code."""
    try:
        for fault in map(find, options.names):
            if fault.scheduler_only:
                raise CommandError(f"only the scheduler can find {fault.name}: {fault.scheduler_only}")
        names = options.names or list(checkable())
        for file in (options.json, options.markdown):
            if file is not None:
                check_writable(file)
        require_extra()
        with terminated_as_interrupted():  # it ends the processes in which faults are checked
            if options.pairs:
                return _check_pairs(options.names, options.jobs)
            results = _checked(names, options)
        if options.json:
            write(options.json, as_json(results))
        if options.markdown:
            write(options.markdown, as_markdown(results))
    except (Unknown, CommandError, CannotWrite) as error:
        print(f"socketserver-faults matrix: {error}", file=sys.stderr)
        return 2
    if not options.names:
        print("".join(f"left out: {line}\n" for line in left_out()), end="")
    lonely = [] if options.names else clauses_without_fault()
    for clause in lonely:
        print(f"no fault breaks {clause}")
    wrong = [result.name for result in results if result.mismatches()]
    if wrong:
        print(f"{len(wrong)} of {len(results)} faults break other clauses than the catalogue says: {', '.join(wrong)}")
    elif not lonely:
        each = "the fault" if len(results) == 1 else f"{len(results)} faults: each"
        print(f"{each} breaks its clauses, and no others")
    return 1 if wrong or lonely else 0


def _check_pairs(names: list[str], jobs: int) -> int:
    """Check pairs of faults, and print a line for each and the figures; return the exit code."""
    from socketserver_faults.matrix.pairs import check_pairs, pairs

    chosen = [pair for pair in pairs() if not names or {*pair.split("+")} <= {*names}]
    figures = {"found": 0, "undecided": 0, "hidden": 0, "absent": 0}
    wrong = 0
    for result in check_pairs(chosen, jobs):
        clauses = {what: getattr(result, what) for what in figures}
        figures = {what: count + len(clauses[what]) for what, count in figures.items()}
        wrong += result.wrong
        told = [f"{what} {', '.join(those)}" for what, those in clauses.items() if those]
        line = "; ".join([*told, *([result.died] if result.died else [])])
        print(f"{'WRONG' if result.wrong else 'ok':<5} {result.name:<64} {line}  ({result.seconds:.1f} s)", flush=True)
    print(f"{len(chosen)} pairs: {', '.join(f'{count} clauses {what}' for what, count in figures.items())}")
    return 1 if wrong else 0


def _checked(names: list[str], options: argparse.Namespace) -> list[FaultResult]:
    """Check, and print each result when it comes; return them in the order of the catalogue."""
    from socketserver_faults.matrix.runner import check_in_processes

    results = {}
    for result in check_in_processes(names, options.jobs, seeds=range(options.seeds)):
        results[result.name] = result
        found = ", ".join(result.found) or "nothing"
        mismatches = result.mismatches()
        print(f"{'WRONG' if mismatches else 'ok':<5} {result.name:<32} {found}  ({result.seconds:.1f} s)")
        print("".join(f"      {line}\n" for line in mismatches), end="", flush=True)
    return [results[name] for name in names]
