"""Reproductions: for a violated clause a script that shows it, for people who have never heard of this project.

`CHAT-12.py HOST PORT` needs Python's standard library alone. It plays the shortest exchange that was found, prints who
said and read what, and ends with 1 if the violation shows, with 0 if it does not. It decides that by itself: what each
client must read is written beside what each says (`stream_steps.py`); the clauses about crowds and about time have
questions of their own. `assemble.py` puts it together.

Each is tried once when it is written, so that the report can say whether it showed. A race may not, though its script
plays it many times. What a script sees before the step that showed the violation does not count: the server passed
that in the check, so either it is another violation, or the script expects too much.
"""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from socketserver_reference.conformance.driver.session import Performer
from socketserver_reference.conformance.reproduce.assemble import ROUNDS, Script, asks_its_own_question, races, script
from socketserver_reference.conformance.reproduce.exchange import exchange
from socketserver_reference.conformance.reproduce.lines import CannotTell
from socketserver_reference.conformance.reproduce.shrink import HEARERS, condensed, shorten
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import CannotCheck

SHORTENING = 10.0
"""Seconds for making the exchanges of all violations shorter."""

LONGER = 40
"""Times that the last burst is said again to somebody who does not read, if it did not show without."""

TRYING = 30.0
"""Seconds that a script may take when it is tried."""

ATTEMPTS = ((1, False), (1, True), (ROUNDS, False), (ROUNDS, True))
"""Rounds to play, and whether somebody speaks once more in the end: the first way that shows the violation is taken."""

FAILED = re.compile(r"Round ([0-9]+) of [0-9]+, line ([0-9]+): ")
"""What a script prints last if something was wrong, in which round, and in which of its lines."""

LASTING = ("CHAT-11", "CHAT-12", "ECHO-7", "UDP-5")
"""Clauses about a server that goes on: what breaks one in the end of a round shows at the beginning of the next."""

UNWRITTEN = "the check ended before it was written"

INSIDE = "its clause is about the inside of a process, where a script cannot look"


@dataclass(frozen=True)
class Reproduction:
    """What became of one: where it is, and whether it showed when it was tried; or why there is none."""

    clause: str
    file: Path | None
    remark: str

    def __str__(self) -> str:
        return f"{self.file or 'no reproduction of ' + self.clause}: {self.remark}"


def write_all(
    performing: Performer, protocol: str, violations: Iterable[Violation], directory: Path
) -> Iterator[Reproduction]:
    """Write a script for each violation, and yield what became of it. Raises OSError if it cannot be written."""
    directory.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + SHORTENING
    waiting = list(violations)
    while waiting:
        violation = waiting.pop(0)
        share = (until - time.monotonic()) / (len(waiting) + 1)
        yield _write(performing, protocol, violation, directory, time.monotonic() + share)


def _write(performing: Performer, protocol: str, violation: Violation, directory: Path, until: float) -> Reproduction:
    clause, file = violation.clause_id, directory / f"{violation.clause_id}.py"
    if violation.transcript is None:
        return Reproduction(clause, None, INSIDE)
    why, written, ended = "", False, ""
    for shown, steps in _scenarios(performing, protocol, violation, until):
        try:
            for way in _ways(performing, protocol, shown, steps):
                file.write_text(way.text, encoding="utf-8")
                written = True
                _renew(performing)
                shows, ended = _play(file, performing, clause, way.decisive)
                if shows and way.rounds == 1:  # what comes back by luck is to be played often
                    _renew(performing)
                    shows, ended = _play(file, performing, clause, way.decisive)
                if shows:
                    performing.spoiled(clause)
                    return Reproduction(clause, file, "it shows")
        except CannotTell as error:
            why = str(error)
        except CannotCheck as error:
            return Reproduction(clause, file, f"it could not be tried: {error}")
    if written:
        return Reproduction(clause, file, f"it did not show when it was tried: {ended}")
    return Reproduction(clause, None, why)


def _scenarios(
    performing: Performer, protocol: str, violation: Violation, until: float
) -> Iterator[tuple[Violation, list[Step]]]:
    """Yield what may make a script: a violation, and the steps that led to it, the best first.

    A race is told by its last burst, which goes well with playing it many times; everything else is made shorter.
    """
    assert violation.transcript is not None
    steps = list(violation.transcript.scenario)
    if asks_its_own_question(violation.clause_id, steps):
        yield violation, steps
    else:
        yield from _shorter_ones(performing, protocol, violation, steps, until)


def _shorter_ones(
    performing: Performer, protocol: str, violation: Violation, steps: list[Step], until: float
) -> Iterator[tuple[Violation, list[Step]]]:
    stalled = any(step.effect == "stops reading" for step in steps)
    if races(protocol, steps, performing.dialect) and not stalled:  # of a flood the last burst would be too little
        witness = not performing.dialect.hears_itself  # who hears as well
        yield from ((violation, condensed(steps, hearers - witness)) for hearers in range(HEARERS, 0, -1))
    shortest = shorten(performing, violation, until, partial(_can_be_told, performing, protocol))
    assert shortest.transcript is not None
    yield shortest, list(shortest.transcript.scenario)
    if shortest is not violation:
        yield violation, steps
    last = steps[-2:]
    if stalled and any(step.burst for step in last) and any(step.settles for step in last):
        yield violation, [*steps, *(LONGER * last)]  # what holds back more in a script than it did in the check


def _ways(performing: Performer, protocol: str, violation: Violation, steps: Sequence[Step]) -> list[Script]:
    """Return the scripts that may show the violation, the simplest first; raise CannotTell if there is none."""
    ways: list[Script] = []
    # When the server hears of a reset, nobody can know: what comes of it may show in this round or in another. And one
    # datagram may overtake another.
    by_chance = protocol == "datagram" or any(step.effect == "is gone" for step in steps)
    for rounds, fence in ATTEMPTS:
        if by_chance and rounds == 1:
            continue
        try:
            way = script(performing, protocol, violation, steps, rounds=rounds, fence=fence)
        except CannotTell:
            if not ways:
                raise
        else:
            ways += [way] if way not in ways else []
    return ways


def _can_be_told(performing: Performer, protocol: str, steps: Sequence[Step]) -> bool:
    """Whether there can be a script of these steps."""
    try:
        exchange(protocol, steps, performing.dialect)
    except CannotTell:
        return False
    return True


def _renew(performing: Performer) -> None:
    """Have a fresh server where that is possible, whatever it breaks; raise CannotCheck if it cannot be started."""
    if not performing.site.renew():
        with contextlib.suppress(NotChecked, Violation):
            performing.prepare()


def _play(file: Path, performing: Performer, clause: str, decisive: int) -> tuple[bool, str]:
    """Run a script against the server; return whether the violation shows, and the last line it printed."""
    address = performing.site.address
    where = [address.path] if address.path else [address.host, str(address.port)]
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(file), *where],
            env={"PATIENCE": str(performing.longest)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TRYING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"it had not ended after {TRYING:g} s"
    last = printable((ended.stdout.decode(errors="backslashreplace").splitlines() or [""])[-1])
    failed = FAILED.match(last)
    if ended.returncode != 1 or failed is None:
        return False, last
    lasting = clause in LASTING and int(failed[1]) > 1
    if int(failed[2]) < decisive and not lasting:
        return False, f"{last}, which is before line {decisive}, where it was seen in the check"
    return True, last
