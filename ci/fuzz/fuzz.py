"""Looks for input that makes the project fail as nothing should: `make fuzz`.

    make fuzz SECONDS=3600                  all kinds, for an hour
    make fuzz OPTIONS='--only readers'      one kind

Hypothesis draws the input, another seed in each round, and cuts down what fails:

    readers.py      changed files and words, at everything that reads one: an error is one line
    served.py       bytes, segments, pauses and endings of clients at the reference: another client is still served,
                    nothing is logged as an error, no thread is left
    suite.py        servers that answer at random, at `check` and `learn`: the exit status is 0, 1 or 2, within a bound

Exit status: 0 if nothing was found, 1 with the input and the seed otherwise, 130 after Ctrl-C.
"""

import argparse
import itertools
import sys
import time
import traceback
from collections.abc import Callable, Mapping

import readers
import served
import suite
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from socketserver_reference.cli.signals import terminated_as_interrupted
from socketserver_reference.conformance.runner.options import number

KINDS: Mapping[str, Mapping[str, Callable[[st.DataObject], None]]] = {
    "readers": readers.READERS,
    "served": served.SERVED,
    "suite": suite.COMMANDS,
}

EXAMPLES = {"readers": 50, "served": 20, "suite": 1}
"""Examples of a round, by kind."""


def fuzz(kind: str, one: Callable[[st.DataObject], None], with_seed: int) -> None:
    """Try drawn input; raise what fails, with the input in its notes."""
    phases = [Phase.generate] if kind == "suite" else [Phase.generate, Phase.shrink]  # each of those takes seconds

    @seed(with_seed)
    @settings(
        max_examples=EXAMPLES[kind],
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def test(data: st.DataObject) -> None:
        one(data)

    test()


def main(words: list[str] | None = None) -> int:
    """Fuzz for as long as told; return the exit status."""
    about, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="make fuzz", description=about, epilog=rest)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seconds", type=number(float, 1, 1e7), default=60, metavar="S", help="how long (default: 60)")
    parser.add_argument("--seed", type=number(int, 0), default=0, metavar="N", help="the first seed (default: 0)")
    parser.add_argument("--only", choices=KINDS, action="append", help="this kind alone")
    options = parser.parse_args(words)
    until = time.monotonic() + options.seconds
    chosen = [(kind, name) for kind in options.only or KINDS for name in KINDS[kind]]
    rounds = 0
    try:
        with terminated_as_interrupted():
            for with_seed, kind, name in ((number, *one) for number in itertools.count(options.seed) for one in chosen):
                if time.monotonic() > until and rounds >= len(chosen):
                    break
                try:
                    fuzz(kind, KINDS[kind][name], with_seed)
                except Exception:
                    traceback.print_exc(file=sys.stdout)
                    print(f"{kind}, {name} fails with --only {kind} --seed {with_seed}")
                    return 1
                rounds += 1
    except KeyboardInterrupt:
        print(f"interrupted: nothing found in {rounds} rounds")
        return 130
    print(f"nothing found in {rounds} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
