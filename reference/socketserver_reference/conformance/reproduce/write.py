"""Reproductions: a script for each violated clause, for people who do not know this project.

`CHAT-12.py HOST PORT` needs Python's standard library alone. It plays the shortest exchange that was found, prints what
each client says and reads, and exits with 1 if the violation shows, with 0 if not. It decides that by itself: each
utterance stands beside the data that clients must read (`stream_steps.py`); the clauses about crowds and about time
have scripts of another kind. `assemble.py` assembles it.

Each script is tried once when it is written, so that the report can say whether it showed the violation. A race may not
show, though its script plays it many times. A failure before the step that showed the violation does not count: the
server passed that step in the check, so it is another violation, or the script expects too much.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from socketserver_reference.conformance.confirm.cut import MAX_HEARERS, condensed
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.reproduce.assemble import (
    ROUNDS,
    ReproductionScript,
    asks_its_own_question,
    races,
    script,
)
from socketserver_reference.conformance.reproduce.lines import CannotTell
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.base import CannotCheck

EXTRA_BURSTS = 40
"""Repetitions of the last burst to a client that does not read, if the violation did not show without them."""

SCRIPT_TIMEOUT = 30.0
"""Timeout in seconds for the trial of a script."""

ATTEMPTS = ((1, False), (1, True), (ROUNDS, False), (ROUNDS, True))
"""Rounds to play, and whether to add a fence at the end; the first pair that shows the violation is kept."""

FAILED = re.compile(r"Round ([0-9]+) of [0-9]+, line ([0-9]+): ")
"""The last output line of a script that failed, with the round and the line of the script."""

SURVIVAL_CLAUSES = ("CHAT-11", "CHAT-12", "ECHO-7", "UDP-5")
"""Clauses about a server that goes on: a violation at the end of a round shows at the beginning of the next."""

UNWRITTEN = "the check ended before it was written"

INSIDE = "its clause is about the inside of a process, which a script cannot see"


@dataclass(frozen=True)
class Reproduction:
    """The result for a violation: the file and whether its trial showed the violation, or why there is no script."""

    clause: str
    file: Path | None
    remark: str

    def __str__(self) -> str:
        return f"{self.file or 'no reproduction of ' + self.clause}: {self.remark}"


def write_all(
    session: Session, protocol: str, violations: Iterable[Violation], directory: Path
) -> Iterator[Reproduction]:
    """Write a script for each violation, and yield the result. Raises OSError if a script cannot be written."""
    directory.mkdir(parents=True, exist_ok=True)
    for violation in violations:
        yield _write(session, protocol, violation, directory)


def _write(session: Session, protocol: str, violation: Violation, directory: Path) -> Reproduction:
    clause, file = violation.clause_id, directory / f"{violation.clause_id}.py"
    if violation.unscripted or violation.transcript is None:
        return Reproduction(clause, None, violation.unscripted or INSIDE)
    why, written, ended = "", False, ""
    for shown, steps in _scenarios(session, protocol, violation):
        try:
            for way in _ways(session, protocol, shown, steps):
                file.write_text(way.text, encoding="utf-8")
                written = True
                _restart(session)
                shows, ended = _play(file, session, clause, way.decisive)
                if shows and way.rounds == 1:  # a violation that recurs by luck needs more rounds
                    _restart(session)
                    shows, ended = _play(file, session, clause, way.decisive)
                if shows:
                    session.mark_broken(clause)
                    return Reproduction(clause, file, "it shows")
        except CannotTell as error:
            why = str(error)
        except CannotCheck as error:
            return Reproduction(clause, file, f"it could not be tried: {error}")
    if written:
        return Reproduction(clause, file, f"it did not show when it was tried: {ended}")
    return Reproduction(clause, None, why)


def _scenarios(session: Session, protocol: str, violation: Violation) -> Iterator[tuple[Violation, list[Step]]]:
    """Yield candidates for a script: a violation, and the steps that led to it, the best first.

    Of a race, the last burst is enough, since it is played many times; all other scenarios are shrunk.
    """
    assert violation.transcript is not None
    steps = list(violation.transcript.scenario)
    if asks_its_own_question(violation.clause_id, steps):
        yield violation, steps
    else:
        yield from _shorter_ones(session, protocol, violation, steps)


def _shorter_ones(
    session: Session, protocol: str, violation: Violation, steps: list[Step]
) -> Iterator[tuple[Violation, list[Step]]]:
    stalled = any(step.effect == "stops reading" for step in steps)
    if races(protocol, steps, session.dialect) and not stalled:  # the last burst of a flood would not suffice
        witness = not session.dialect.hears_itself  # one more listener, as speakers hear nothing
        yield from ((violation, condensed(steps, hearers - witness)) for hearers in range(MAX_HEARERS, 0, -1))
    yield violation, steps
    last = steps[-2:]
    if stalled and any(step.burst for step in last) and any(step.settles for step in last):
        yield (
            violation,
            [*steps, *(EXTRA_BURSTS * last)],
        )  # a server may buffer more in a script than in the check


def _ways(session: Session, protocol: str, violation: Violation, steps: Sequence[Step]) -> list[ReproductionScript]:
    """Return the scripts that may show the violation, the simplest first; raise CannotTell if there is none."""
    ways: list[ReproductionScript] = []
    # It is unknown when the server notices a reset: the effect may show in this round or in another. And one datagram
    # may overtake another.
    by_chance = protocol == "datagram" or any(step.effect == "is gone" for step in steps)
    for rounds, fence in ATTEMPTS:
        if by_chance and rounds == 1:
            continue
        try:
            way = script(session, protocol, violation, steps, rounds=rounds, fence=fence)
        except CannotTell:
            if not ways:
                raise
        else:
            ways += [way] if way not in ways else []
    return ways


def _restart(session: Session) -> None:
    """Start a fresh server if possible, ignoring its violations; raise CannotCheck if it cannot be started."""
    if not session.site.restart():
        with contextlib.suppress(NotChecked, Violation):
            session.prepare()


def _play(file: Path, session: Session, clause: str, decisive: int) -> tuple[bool, str]:
    """Run a script against the server; return whether the violation shows, and the last line it printed."""
    address = session.site.address
    where = [address.path] if address.path else [address.host, str(address.port)]
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(file), *where],
            env={"TIMEOUT": str(session.full_timeout)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SCRIPT_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"it had not ended after {SCRIPT_TIMEOUT:g} s"
    last = printable((ended.stdout.decode(errors="backslashreplace").splitlines() or [""])[-1])
    failed = FAILED.match(last)
    if ended.returncode != 1 or failed is None:
        return False, last
    lasting = clause in SURVIVAL_CLAUSES and int(failed[1]) > 1
    if int(failed[2]) < decisive and not lasting:
        return False, f"{last}, which is before line {decisive}, where it was seen in the check"
    return True, last
