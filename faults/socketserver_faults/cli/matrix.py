"""`socketserver-faults matrix`: the kill matrix, which clauses the suite finds broken in every fault.

Exit codes: 0 when each fault breaks exactly what the catalogue says and every clause has a fault, 1 when not, 2 when it
could not be found out.
"""

import argparse
import sys
from pathlib import Path

from socketserver_faults.catalogue.index import Unknown, find, judgeable
from socketserver_faults.matrix.judgement import Judgement
from socketserver_faults.matrix.table import as_json, as_markdown, clauses_without_fault, left_out
from socketserver_reference.cli.options import CannotCheck, require_extra
from socketserver_reference.cli.report_files import CannotWrite, check_writable, write
from socketserver_reference.conformance.runner.options import number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `matrix`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults to judge (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was seen")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the matrix as a table; only of all faults")
    parser.add_argument(
        "--seeds", type=number(int, 1, 1000), default=1, metavar="N", help="explore with so many seeds (default: 1)"
    )
    parser.add_argument(
        "--jobs", type=number(int, 1, 1000), default=8, metavar="N", help="faults judged at a time (default: 8)"
    )


def run(options: argparse.Namespace) -> int:
    """Judge the faults, print a line for each, and what is wrong in full; return the exit code."""
    try:
        for fault in map(find, options.names):
            if fault.unseen:
                raise CannotCheck(f"{fault.name} is not for the suite to find: {fault.unseen}")
        names = options.names or list(judgeable())
        if options.markdown and options.names:
            raise CannotCheck("--markdown is of the whole matrix: leave the names out")
        for file in (options.json, options.markdown):
            if file is not None:
                check_writable(file)
        require_extra()
        judgements = _judged(names, options)
        if options.json:
            write(options.json, as_json(judgements))
        if options.markdown:
            write(options.markdown, as_markdown(judgements))
    except (Unknown, CannotCheck, CannotWrite) as error:
        print(f"socketserver-faults matrix: {error}", file=sys.stderr)
        return 2
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


def _judged(names: list[str], options: argparse.Namespace) -> list[Judgement]:
    """Judge, telling of each as it is done; return the judgements in the order of the catalogue."""
    from socketserver_faults.matrix.judge import judge_apart

    judgements = {}
    for judgement in judge_apart(names, options.jobs, seeds=range(options.seeds)):
        judgements[judgement.name] = judgement
        found = ", ".join(judgement.found) or "nothing"
        complaints = judgement.complaints()
        print(f"{'WRONG' if complaints else 'ok':<5} {judgement.name:<32} {found}  ({judgement.seconds:.1f} s)")
        print("".join(f"      {line}\n" for line in complaints), end="", flush=True)
    return [judgements[name] for name in names]
