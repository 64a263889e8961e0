"""Reproductions: for a violated clause a script that shows it, for people who have never heard of this project.

`CHAT-12.py HOST PORT` needs Python's standard library alone. It plays the shortest exchange that was found, prints who
said and read what, and ends with 1 if the violation shows, with 0 if it does not. It decides that by itself: what each
client must read is written beside what each says (`moves.py`); the clauses about crowds and about time have questions
of their own. What remains is put together here from the pieces in scripts/.

Each is tried once when it is written, so that the report can say whether it showed. A race may not, though its script
plays it many times.
"""

import contextlib
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from reference.address import Address
from reference.clauses import CLAUSES
from reference.conformance.known import printable
from reference.conformance.moves import WIDTH, CannotTell, exchange
from reference.conformance.performer import GOES_ON, Performer
from reference.conformance.scenario import Crowd, Send, Step
from reference.conformance.shorten import shorten, steps_of
from reference.conformance.suite import NotChecked
from reference.conformance.target import CannotCheck
from reference.conformance.violation import Violation

LINES = 100
"""Lines that a script has at most: nobody reads a longer one."""

SHORTENING = 10.0
"""Seconds for making the exchanges of all violations shorter."""

TRYING = 30.0
"""Seconds that a script may take when it is tried."""

ROUNDS = 40
"""Times that a race is played; a violation that came back at once is played once."""

SCRIPTS = files("reference.conformance") / "scripts"

INSIDE = "its clause is about the inside of a process, where a script cannot look"

MODULES = ("concurrent.futures", "contextlib", "io", "os", "select", "socket", "struct", "sys", "time")
"""What a script may import, if it uses it."""


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
    until = time.monotonic() + SHORTENING
    waiting = list(violations)
    while waiting:
        violation = waiting.pop(0)
        share = (until - time.monotonic()) / (len(waiting) + 1)
        yield _write(performing, protocol, violation, directory, time.monotonic() + share)


def _write(performing: Performer, protocol: str, violation: Violation, directory: Path, until: float) -> Reproduction:
    clause = violation.clause_id
    if violation.transcript is None:
        return Reproduction(clause, None, INSIDE)
    file = directory / f"{clause}.py"
    try:
        if not asks_its_own_question(violation):
            violation = shorten(performing, violation, until, partial(_can_be_told, performing, protocol))
        for rounds in (1, ROUNDS):
            file.write_text(script(performing, protocol, violation, rounds=rounds), encoding="utf-8")
            _renew(performing)
            if _shows(file, performing.site.address, performing.longest):
                performing.spoiled(clause)
                return Reproduction(clause, file, "it shows")
    except CannotTell as why:
        return Reproduction(clause, None, str(why))
    except CannotCheck as why:
        return Reproduction(clause, file, f"it could not be tried: {why}")
    return Reproduction(clause, file, f"it did not show when it was tried, in {ROUNDS} rounds")


def _can_be_told(performing: Performer, protocol: str, steps: Sequence[Step]) -> bool:
    """Whether there can be a script of these steps."""
    try:
        exchange(protocol, steps, performing.dialect)
    except CannotTell:
        return False
    return True


def _renew(performing: Performer) -> None:
    """Have a fresh server where that is possible, whatever it breaks; raise CannotCheck if it cannot be started."""
    with contextlib.suppress(NotChecked, Violation):
        performing.prepare()
        return
    performing.site.renew()


def asks_its_own_question(violation: Violation) -> bool:
    """Whether a script does not follow the steps: it asks about a crowd, or about time."""
    assert violation.transcript is not None
    return violation.clause_id == "CHAT-16" or any(isinstance(step, Crowd) for step in violation.transcript.steps())


def _shows(file: Path, address: Address, patience: float) -> bool:
    """Run a script against the server; return whether the violation shows."""
    where = [address.path] if address.path else [address.host, str(address.port)]
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(file), *where],
            env={"PATIENCE": str(patience)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRYING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 1


# Putting a script together


def script(performing: Performer, protocol: str, violation: Violation, *, rounds: int = 1) -> str:
    """Return the text of the script; raise CannotTell if there can be none."""
    assert violation.transcript is not None
    steps = steps_of(violation.transcript)
    if violation.expected == GOES_ON:
        steps += performing.greeting
    if protocol == "chat" and any(isinstance(step, Send) for step in steps):
        rounds = ROUNDS  # bursts are races
    piece = "datagrams" if protocol == "datagram" else "stream"
    lines = []
    if not asks_its_own_question(violation):
        lines = exchange(protocol, steps, performing.dialect, fence=not violation.absent)
    text = _framed(violation, piece, lines or _question(steps), performing, rounds)
    if text.count("\n") > LINES:
        count = text.count("\n")
        raise CannotTell(
            f"the shortest exchange that was found makes a script of {count} lines, which nobody would read"
        )
    return text


def _question(steps: Iterable[Step]) -> list[str]:
    """Return the lines that ask about a crowd, or about time."""
    if crowd := next((step for step in steps if isinstance(step, Crowd)), None):
        return ['ann = Client("ann")', f"speak_until_all_hear(ann, come_at_once({len(crowd.everyone)}))"]
    return [*(f'{name} = Client("{name}")' for name in ("ann", "ben", "cal")), "keep_pace(ann, ben, cal)"]


def _framed(violation: Violation, piece: str, lines: Iterable[str], performing: Performer, rounds: int) -> str:
    """Return the script: the frame with its gaps filled, and of the player what is called."""
    body = "\n".join(f"    {line}" for line in lines)
    address, dialect = performing.site.address, performing.dialect
    player = _player(piece, body, address)
    constants = {"END": "end of stream", "PREFIX": dialect.prefix, "CHUNK": dialect.chunk}
    used = [f"{name} = {value!r}" for name, value in constants.items() if re.search(rf"\b{name}\b", player + body)]
    seen = [f"# Due:  {printable(violation.expected)}", f"# Seen: {printable(violation.observed)}"]
    gaps = {
        "clause": textwrap.fill(str(CLAUSES[violation.clause_id]), WIDTH - 4),
        "seen": "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="#       ") for line in seen),
        "name": f"{violation.clause_id}.py",
        "usage": "PATH" if address.path else "HOST PORT",
        "arguments": "2" if address.path else "3",
        "where": "sys.argv[1]" if address.path else "sys.argv[1], int(sys.argv[2])",
        "constants": "\n".join([*used, f"ROUNDS = {rounds}"]),
        "exchange": body,
        "player": player,
    }
    frame = _piece("frame")
    used = [name for name in MODULES if re.search(rf"\b{name}\.", frame + player)]
    gaps["imports"] = f"import {', '.join(used)}"
    return re.sub(r"<(\w+)>", lambda gap: gaps[gap[1]], frame)


def _player(piece: str, body: str, address: Address) -> str:
    """Return those parts of the player that the exchange calls.

    Above a part stands what calls it: `#: resets`; what stands under `#: all` is always there.
    """
    wanted = {*re.findall(r"(\w+)[(=]", body), "unix" if address.path else "tcp", "all"}
    kept, take = [], True
    for line in _piece(piece).splitlines():
        if line.strip().startswith("#: "):
            take = not wanted.isdisjoint(line.split()[1:])
        elif take:
            kept.append(line)
    return "\n".join(kept)


def _piece(name: str) -> str:
    return (SCRIPTS / f"{name}.txt").read_text(encoding="utf-8")
