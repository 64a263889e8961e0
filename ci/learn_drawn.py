#!/usr/bin/env python3
"""Draw dialects from the format, serve each, learn it, and count: equal, ambiguous, refused, wrong.

    ci/learn_drawn.py [NUMBER [FIRST_SEED [WORKERS]]]     default: 2000 dialects from seed 0

The exit status is 1 if any is wrong.

*Refused* means that `learn` itself says that its proposal does not fit. *Wrong* means that it proposes another dialect
than is served, and would exit with 0. Each dialect that is not equal is printed with its seed.
"""

import collections
import contextlib
import io
import multiprocessing
import os
import resource
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "reference"), str(ROOT / "faults")]

from tests.support.dialects.drawn_dialects import drawn_by_seed, learned_as, quickly  # noqa: E402  # not installed

WORKERS = 3 * (os.cpu_count() or 2)
"""Processes, if no other number is asked for: learning mostly waits."""


def learn_one(seed: int) -> tuple[int, str, str]:
    """Learn the dialect of a seed; return the seed, the outcome in a word, and the details."""
    with contextlib.redirect_stderr(io.StringIO()):
        outcome, details = learned_as(drawn_by_seed(seed))
    return seed, outcome, details


def main(number: int = 2000, first: int = 0, workers: int = WORKERS) -> int:
    """Learn so many dialects, in so many processes; return the exit status."""
    counted: collections.Counter[str] = collections.Counter()
    quickly()
    with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=50) as pool:
        for seed, outcome, details in pool.imap_unordered(learn_one, range(first, first + number)):
            counted[outcome] += 1
            if outcome != "equal":
                print(f"{seed}: {outcome}: {details}", flush=True)
        pool.close()
        pool.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = ", ".join(f"{outcome} {counted[outcome]}" for outcome in ("equal", "ambiguous", "refused", "wrong"))
    print(f"{told}; {(used.ru_utime + used.ru_stime) / number:.1f} s of processor time each")
    return 1 if counted["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
