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
from reference.conformance.moves import WIDTH, CannotTell, exchange, has_bursts
from reference.conformance.performer import GOES_ON, Performer
from reference.conformance.scenario import Crowd, Send, Step, join, printable
from reference.conformance.shorten import condensed, shorten, steps_of
from reference.conformance.suite import NotChecked
from reference.conformance.target import CannotCheck
from reference.conformance.violation import Violation

LINES = 100
"""A script has fewer lines than these: nobody reads a longer one."""

SHORTENING = 10.0
"""Seconds for making the exchanges of all violations shorter."""

TRYING = 30.0
"""Seconds that a script may take when it is tried."""

ROUNDS = 40
"""Times that a race is played; a violation that came back at once is played once."""

ATTEMPTS = ((1, False), (1, True), (ROUNDS, False), (ROUNDS, True))
"""Rounds to play, and whether somebody speaks once more in the end: the first way that shows the violation is taken."""

VOLUME = 8_000_000
"""Bytes to send in all rounds together, about, if one round is of many."""

FEWEST = 5
"""Rounds of a race at least, however much each sends."""

USAGE = (
    "`python {file} {where}` plays the exchange below, and ends with 1 if the server breaks the clause by it, 0 if "
    "not, 2 if there is none. Python 3.8 will do. PATIENCE=2 in the environment: nothing may take longer, in seconds."
)

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
            for text in _ways(performing, protocol, shown, steps):
                file.write_text(text, encoding="utf-8")
                written = True
                _renew(performing)
                shows, ended = _play(file, performing.site.address, performing.longest)
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
    steps = steps_of(violation.transcript)
    if asks_its_own_question(violation.clause_id, steps):
        yield violation, steps
    else:
        yield from _shorter_ones(performing, protocol, violation, steps, until)


def _shorter_ones(
    performing: Performer, protocol: str, violation: Violation, steps: list[Step], until: float
) -> Iterator[tuple[Violation, list[Step]]]:
    if protocol == "chat" and has_bursts(steps):
        yield violation, condensed(steps)
    shortest = shorten(performing, violation, until, partial(_can_be_told, performing, protocol))
    assert shortest.transcript is not None
    yield shortest, steps_of(shortest.transcript)
    if shortest is not violation:
        yield violation, steps


def _ways(performing: Performer, protocol: str, violation: Violation, steps: Sequence[Step]) -> list[str]:
    """Return the scripts that may show the violation, the simplest first; raise CannotTell if there is none."""
    texts: list[str] = []
    for rounds, fence in ATTEMPTS:
        try:
            text = script(performing, protocol, violation, steps, rounds=rounds, fence=fence)
        except CannotTell:
            if not texts:
                raise
        else:
            texts += [text] if text not in texts else []
    return texts


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


def asks_its_own_question(clause: str, steps: Iterable[Step]) -> bool:
    """Whether a script does not follow the steps: it asks about a crowd, or about time."""
    return clause == "CHAT-16" or any(isinstance(step, Crowd) for step in steps)


def _play(file: Path, address: Address, patience: float) -> tuple[bool, str]:
    """Run a script against the server; return whether the violation shows, and the last line it printed."""
    where = [address.path] if address.path else [address.host, str(address.port)]
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(file), *where],
            env={"PATIENCE": str(patience)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TRYING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"it had not ended after {TRYING:g} s"
    lines = ended.stdout.decode(errors="backslashreplace").splitlines() or [""]
    return ended.returncode == 1 and lines[-1].startswith("Round "), printable(lines[-1])


# Putting a script together


def script(
    performing: Performer, protocol: str, violation: Violation, steps: Sequence[Step], *, rounds: int, fence: bool
) -> str:
    """Return the text of the script; raise CannotTell if there can be none."""
    if violation.expected == GOES_ON:
        steps = [*steps, *performing.greeting]
    if protocol == "chat" and has_bursts(steps):
        sent = sum(len(step.data) for step in steps if isinstance(step, Send))
        rounds, fence = max(FEWEST, min(ROUNDS, VOLUME // sent)), False  # bursts are races, and a fence of their own
    piece = "datagrams" if protocol == "datagram" else "stream"
    lines = []
    if not asks_its_own_question(violation.clause_id, steps):
        lines = exchange(protocol, steps, performing.dialect, fence=fence)
    text = _framed(violation, piece, lines or _question(performing, steps), performing, rounds)
    if (count := text.count("\n")) >= LINES:
        raise CannotTell(
            f"the shortest exchange that was found makes a script of {count} lines, which nobody would read"
        )
    return text


def _question(performing: Performer, steps: Iterable[Step]) -> list[str]:
    """Return the lines that ask about a crowd, or about time."""
    if crowd := next((step for step in steps if isinstance(step, Crowd)), None):
        return ['ann = Client("ann")', f"speak_until_all_hear(ann, come_at_once({len(crowd.everyone)}))"]
    names = ("ann", "ben", "cal")
    return [*exchange("chat", join(*names), performing.dialect), f"keep_pace({', '.join(names)})"]


def _framed(violation: Violation, piece: str, lines: Iterable[str], performing: Performer, rounds: int) -> str:
    """Return the script: the frame with its gaps filled, and of the player what is called."""
    body = "\n".join(f"    {line}" for line in lines)
    address, dialect = performing.site.address, performing.dialect
    player = _player(piece, body, address)
    constants = {"PREFIX": repr(dialect.prefix), "CHUNK": str(dialect.chunk), "ROUNDS": str(rounds)}
    used = [name for name in constants if name == "ROUNDS" or re.search(rf"\b{name}\b", player + body)]
    seen = [f"# Due:  {printable(violation.expected)}", f"# Seen: {printable(violation.observed)}"]
    seen = [line if len(line) <= WIDTH else f"{line[:WIDTH]}..." for line in seen]
    gaps = {
        "clause": textwrap.fill(str(CLAUSES[violation.clause_id]), WIDTH),
        "seen": "\n".join(seen),
        "usage": textwrap.fill(
            USAGE.format(file=f"{violation.clause_id}.py", where="PATH" if address.path else "HOST PORT"), WIDTH
        ),
        "arguments": "2" if address.path else "3",
        "where": "sys.argv[1]" if address.path else "sys.argv[1], int(sys.argv[2])",
        "constants": f"{', '.join(used)} = {', '.join(constants[name] for name in used)}",
        "exchange": body,
        "player": player,
    }
    frame = _piece("frame")
    modules = [name for name in MODULES if re.search(rf"\b{name}\.", frame + player)]
    gaps["modules"] = ", ".join(modules)
    return re.sub(r"<(\w+)>", lambda gap: gaps[gap[1]], frame)


def _player(piece: str, body: str, address: Address) -> str:
    """Return those parts of the player that the exchange calls.

    Above a part stands what calls it: `#: resets`; what stands under `#: all` is always there.
    """
    slow = re.search(r'Client\("\w+", ', body)
    wanted = {*re.findall(r"(\w+)\(", body), "unix" if address.path else "slow" if slow else "tcp", "all"}
    wanted |= {"settled"} if "all_read" not in wanted else set()
    kept, take = [], True
    for line in _piece(piece).splitlines():
        if line.strip().startswith("#: "):
            take = not wanted.isdisjoint(line.split()[1:])
        elif take:
            kept.append(line)
    return "\n".join(kept)


def _piece(name: str) -> str:
    return (SCRIPTS / f"{name}.txt").read_text(encoding="utf-8")
