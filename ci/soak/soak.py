"""Lets a server live through crowds for as long as it is told: `make soak`.

    make soak SECONDS=3600                              the reference's chat, for an hour
    make soak OPTIONS='--members 100 --rate 50'         smaller crowds
    make soak OPTIONS="--launch 'node chat.js {port}'"  another chat that speaks as the reference does

Two servers are launched, one of them with few descriptors, and crowds come to each in turn. A crowd fills the room;
then clients come at a rate, and each does one of the things that clients do (crowd.py); then all leave at once. All the
while two members converse (witness.py), and everything that one says must reach both, once and in order. Afterwards the
server must hold no more threads, descriptors and processes than after the first crowd, and memory must not grow with
the number of visits. A member that is gone and still listed shows as one of these.

Each crowd is a row of the table, and the file of `--json` has all rows so far. Exit status: 0, or 1 if anything is
lost or left, 2 if the server cannot be launched, 130 after Ctrl-C, with the results so far.
"""

import argparse
import json
import random
import resource
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from crowd import Crowd, Lost
from witness import Witness

from socketserver_reference.cli.signals import terminated_as_interrupted
from socketserver_reference.conformance.oracles.measured.growth import growing
from socketserver_reference.conformance.runner.options import number
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.targets.base import POLL_INTERVAL, CannotCheck
from socketserver_reference.conformance.targets.client import Unreachable
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.resources import MEMORY, WRITABLE

REFERENCE = shlex.join([sys.executable, "-m", "socketserver_reference", "serve", "chat", "--port", "{port}"])

FEW_DESCRIPTORS, FEW_MEMBERS = 60, 150
"""Descriptors of the second server, and the size of its crowds: the queue of the kernel has room for those who wait."""

START_TIMEOUT = RELEASE_TIMEOUT = 60.0
"""Seconds until a server listens, and until it has let go of a crowd: only a failure takes long."""

SPARE_KIB, VISIT_BYTES = 16 * 1024, 64
"""Memory may grow by this much in all, and by so many bytes a visit: an allocator fragments, and what is kept of a
client takes more than that.
"""

COLUMNS = ("server", "seconds", "visits", "visits/s", "words", "slowest word s", "threads", "descriptors", "MiB")


class Soaked:
    """A launched server with its witness, and what it held after its first crowd."""

    def __init__(self, name: str, command: str, few: int | None) -> None:
        limit = f"ulimit -n {few}; " if few else ""
        self.name = name
        shell = f"{limit}exec {command} >/dev/null 2>&1"  # a log that somebody reads would cost time
        self.site = Launched(f"sh -c {shlex.quote(shell)}", transport="tcp").start(START_TIMEOUT)
        self.first: dict[str, int] = {}
        self.visits = 0
        try:
            self.witness = Witness(self.site.address)
        except BaseException:
            self.site.close()
            raise
        self.witness.start()

    def soak(self, members: int, rate: int, seconds: float, rng: random.Random) -> dict[str, Any]:
        """Let a crowd come, live for some seconds and leave; return a row."""
        begun, words = time.monotonic(), self.witness.words
        self.witness.slowest = 0.0
        with closing(Crowd(self.site.address, rng)) as crowd:
            crowd.fill(members, self.lives)
            crowd.live(rate, seconds, self.lives)
            crowd.leave()
        self.visits += crowd.visits
        took = time.monotonic() - begun
        self.witness.hears_more()
        held = self._released()
        return {
            "server": self.name,
            "seconds": took,
            "visits": crowd.visits,
            "visits/s": crowd.visits / took,
            "words": self.witness.words - words,
            "slowest word s": self.witness.slowest,
            "threads": held["threads"],
            "descriptors": held["open descriptors"],
            "MiB": held[MEMORY] / 1024,
        }

    def lives(self) -> bool:
        """Whether the witness still hears everything; raise Lost if not."""
        if self.witness.failure or (ended := self.site.exit_report()):
            raise Lost(self.witness.failure or f"the server has ended: {ended}")
        return True

    def _released(self) -> Mapping[str, int]:
        """Return what the server holds once that is no more than after the first crowd, or raise Lost."""
        until = time.monotonic() + RELEASE_TIMEOUT
        least = {MEMORY: SPARE_KIB + self.visits * VISIT_BYTES // 1024, WRITABLE: sys.maxsize}
        while self.lives():
            self.site.wait_idle()
            held = dict(self.site.resources() or {})
            self.first = self.first or self._at_rest()
            more = growing(self.first, held, dict.fromkeys(self.first, 1) | least)
            if held and not more:
                return held
            if time.monotonic() > until:
                told = ", ".join(f"{what}: {self.first[what]:,}, then {held.get(what, 0):,}" for what in sorted(more))
                raise Lost(f"it holds more after {self.visits:,} visits than after the first crowd: {told}")
            time.sleep(POLL_INTERVAL)  # no event says that a server has let go of something
        raise AssertionError

    def _at_rest(self) -> dict[str, int]:
        """Return what the server holds when that has not changed for a while: the threads of a crowd are gone."""
        before: dict[str, int] = {}
        while self.lives() and before != (held := dict(self.site.resources() or {})):
            before = held
            time.sleep(0.5)  # no event says that nothing will change any more
        return before

    def close(self) -> None:
        """End the witness and the server."""
        self.witness.close()
        self.site.close()


def rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Soak both servers in turn, for as long as told but twice at least; yield each row."""
    rng = random.Random(options.seed)
    until = time.monotonic() + options.seconds
    each = min(options.seconds / 6, 60.0)
    with (
        closing(Soaked("all it wants", options.launch, None)) as roomy,
        closing(Soaked("few descriptors", options.launch, FEW_DESCRIPTORS)) as few,
    ):
        count = 0
        while count < 2 or time.monotonic() < until:
            yield roomy.soak(options.members, options.rate, each, rng)
            yield few.soak(min(FEW_MEMBERS, 2 * options.members), options.rate, each, rng)
            count += 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="make soak", description=about, epilog=rest)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    whole = number(int, 1, 10_000)
    parser.add_argument("--seconds", type=number(float, 1, 1e7), default=60, metavar="S", help="how long (default: 60)")
    parser.add_argument("--members", type=whole, default=2000, metavar="N", help="size of a crowd (default: 2000)")
    parser.add_argument("--rate", type=whole, default=200, metavar="N", help="visits a second (default: 200)")
    parser.add_argument("--seed", type=number(int, 0), default=0, metavar="N", help="of what clients do (default: 0)")
    parser.add_argument("--launch", default=REFERENCE, metavar="COMMAND", help="the server, with {port} in its command")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rows")
    return parser


def main(words: list[str] | None = None) -> int:
    """Soak, print a row for each crowd, write the file; return the exit status."""
    options = parser().parse_args(words)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found: list[dict[str, Any]] = []
    failure, status = "", 0
    print("  ".join(COLUMNS), flush=True)
    try:
        with terminated_as_interrupted():
            for row in rows(options):
                found.append(row)
                cells = [row[key] if isinstance(row[key], str) else f"{row[key]:,.4g}" for key in COLUMNS]
                print("  ".join(f"{cell:>{len(key)}}" for key, cell in zip(COLUMNS, cells, strict=True)), flush=True)
                _write(options.json, found, failure)
    except Lost as lost:
        failure, status = str(lost), 1
    except (CannotCheck, Unreachable) as error:
        failure, status = str(error), 2
    except KeyboardInterrupt:
        failure, status = "interrupted", 130
    _write(options.json, found, failure)
    visits, said = (sum(row[key] for row in found) for key in ("visits", "words"))
    print(f"{printable(failure) or 'nothing was lost, and nothing is left'}: {visits:,} visits, {said:,} words")
    return status


def _write(file: Path | None, rows: list[dict[str, Any]], failure: str) -> None:
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"rows": rows, "failure": failure}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
