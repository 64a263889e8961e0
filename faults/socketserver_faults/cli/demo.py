"""The closed-request bug, played: what `catalogue/closed_request.py` explains, on real sockets.

    socketserver-faults demo closed-request

plays each row of its table without the join and with it, on a server made by the reference, and prints what each
thread did, in the words of `socketserver`, and what the client saw. After each, one more client comes, whose handler
does join, and finds out what the first has left among the members.

The room is a textbook's: the worker takes its client out of it, beside recv(), and sends to whoever is in it.

Nothing is left to chance: the threads wait for each other at gates, with a bound. Whether a worker is blocked in recv()
can be seen on Linux; elsewhere it is given a moment to get there.

    rows.py     what is played, and what is seen of it: data
    play.py     the server, the gates, the client
    timeline.py the timeline in two lanes
"""

import argparse
import sys

from socketserver_faults.demo.play import Late, play
from socketserver_faults.demo.rows import ROWS
from socketserver_faults.demo.timeline import render
from socketserver_reference.family import Refused

DEMOS = {"closed-request": ROWS}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `demo` takes."""
    parser.add_argument("demo", choices=DEMOS, help="what to play")


def run(options: argparse.Namespace) -> int:
    """Play each row without the join and with it, and print it; return the exit code."""
    for number, row in enumerate(DEMOS[options.demo], 1):
        print(f"{number}. The worker is {row.circumstance}\n\n  {row.why}\n")
        for joined in (False, True):
            try:
                played = play(row, joined)
            except (Refused, Late, OSError) as error:
                print(f"socketserver-faults demo: {error}", file=sys.stderr)
                return 2
            print(f"  {'WITH' if joined else 'WITHOUT'} the join\n\n{render(played)}\n")
    print("The whole story: socketserver-faults show closed-request, and catalogue/closed_request.py.")
    return 0
