"""Checks the reference: the echo, the chat, the over-threaded chat and the family, two at a time.

Usage: check_reference.py [OPTION ...], options of `socketserver-reference check`. Prints the reports one after another,
and one line for all of them in the end; a terminal shows which report comes next. Exits with the highest exit status.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from socketserver_reference.conformance.runner.display import Display, has_colours

COMMAND = str(Path(sys.executable).with_name("socketserver-reference"))

OVERTHREADED = f"'{COMMAND}' serve overthreaded --quiet --port {{port}}"


PATIENT = ["--budget", "600"]
"""A busy machine may take its time: the reference is asked for everything all the same."""


def checks(options: list[str]) -> dict[str, list[str]]:
    """Return the arguments of each check, by its name."""
    return {
        "echo": ["echo", *PATIENT, *options],
        "chat": ["chat", *PATIENT, *options],
        "over-threaded chat": ["chat", "--profile", "basic", "--examples", "0", *PATIENT, "--launch", OVERTHREADED],
        "family": ["family", *options],
    }


def check(arguments: list[str]) -> tuple[int, str]:
    """Run one check; return its exit status and its report, in colours if this goes to a terminal."""
    colours = {"FORCE_COLOR": "1"} if has_colours(sys.stdout) else {}
    done = subprocess.run(
        [COMMAND, "check", *arguments],
        env={**os.environ, **colours},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="backslashreplace")


def main(options: list[str]) -> int:
    """Run all checks; return the exit status."""
    begun = time.monotonic()
    named = checks(options)
    statuses: dict[str, int] = {}
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        longest_first = dict.fromkeys(["family", "chat", *named])
        running = {name: pool.submit(check, named[name]) for name in longest_first}
        display = Display()
        with display.ticking():
            for number, name in enumerate(named, 1):
                display.progress(name, number, len(named))
                statuses[name], report = running[name].result()
                display.clear()
                print(report, flush=True)
    finally:
        pool.shutdown(cancel_futures=True)  # after an interrupt, which ends the checks that run, none begins
    failed = {name: status for name, status in statuses.items() if status}
    verdict = "; ".join(f"{name}: exit status {status}" for name, status in failed.items()) or "all conform"
    print(f"{', '.join(named)}: {verdict} ({time.monotonic() - begun:.1f} s)")
    return max(statuses.values())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
