"""`socketserver-faults demo closed-request`: play each row of the closed-request bug, without the join and with it.

It prints the calls of each thread, and what the client read. Exit codes: 0, or 2 if a row could not be played.
"""

import argparse
import sys

from socketserver_faults.demo.play import GateTimeout, play
from socketserver_faults.demo.rows import ROWS
from socketserver_faults.demo.timeline import render
from socketserver_reference.family import Refused

DEMOS = {"closed-request": ROWS}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `demo` takes."""
    parser.add_argument("demo", choices=DEMOS, help="what to play")


def run(options: argparse.Namespace) -> int:
    """Play and print each row, without the join and with it; return the exit code."""
    for number, row in enumerate(DEMOS[options.demo], 1):
        print(f"{number}. The worker is {row.case}\n\n  {row.why}\n")
        for joined in (False, True):
            try:
                played = play(row, joined)
            except (Refused, GateTimeout, OSError) as error:
                print(f"socketserver-faults demo: {error}", file=sys.stderr)
                return 2
            print(f"  {'WITH' if joined else 'WITHOUT'} the join\n\n{render(played)}\n")
    print("The whole story: socketserver-faults show closed-request, and catalogue/closed_request.py.")
    return 0
