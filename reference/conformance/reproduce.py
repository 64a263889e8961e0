"""Reproductions: for a violated clause a script that shows it, for people who have never heard of this project.

`CHAT-12.py HOST PORT` needs Python's standard library alone. It plays the shortest exchange that was found, prints who
said and read what, and ends with 1 if the violation shows, with 0 if it does not. It decides that by itself: what each
client must read is written beside what each says (`moves.py`); the clauses about crowds and about time have questions
of their own. What remains is put together here from the pieces in scripts/.

Each is tried once when it is written, so that the report can say whether it showed. A race may not, though its script
plays it many times. What a script sees before the step that showed the violation does not count: the server passed
that in the check, so either it is another violation, or the script expects too much.
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
from reference.conformance import frame_moves
from reference.conformance.dialect import Dialect
from reference.conformance.dialect import Exchange as Turn
from reference.conformance.exchange import Exchange, exchange, phrased
from reference.conformance.moves import WIDTH, CannotTell, has_bursts
from reference.conformance.performer import GOES_ON, Performer
from reference.conformance.scenario import Close, Crowd, Reset, Send, Settle, Stall, Step, join, printable
from reference.conformance.shorten import condensed, shorten
from reference.conformance.suite import NotChecked
from reference.conformance.target import CannotCheck
from reference.conformance.violation import Violation

LINES = 100
"""A script has fewer lines than these: nobody reads a longer one."""

LINES_IN_FRAMES = 140
"""... but it takes more to read frames."""

SHORTENING = 10.0
"""Seconds for making the exchanges of all violations shorter."""

LONGER = 40
"""Times that the last burst is said again to somebody who does not read, if it did not show without."""

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

FAILED = re.compile(r"Round ([0-9]+) of [0-9]+, line ([0-9]+): ")
"""What a script prints last if something was wrong, in which round, and in which of its lines."""

LASTING = ("CHAT-11", "CHAT-12", "ECHO-7", "UDP-5")
"""Clauses about a server that goes on: what breaks one in the end of a round shows at the beginning of the next."""

USAGE = (
    "`python {file} {where}` plays the exchange below, and ends with 1 if the server breaks the clause by it, 0 if "
    "not, 2 if there is none. Python 3.8 will do. PATIENCE=2 in the environment: nothing may take longer, in seconds."
)

SCRIPTS = files("reference.conformance") / "scripts"

UNWRITTEN = "the check ended before it was written"

INSIDE = "its clause is about the inside of a process, where a script cannot look"

# fmt: off
MODULES = (
    "collections", "concurrent.futures", "contextlib", "io", "itertools", "os", "re", "select", "socket", "struct",
    "sys", "time",
)
# fmt: on
"""What a script may import, if it uses it."""


@dataclass(frozen=True)
class Script:
    """A script: its text, the number of its first line by which the violation may show, and how often it is played."""

    text: str
    decisive: int
    rounds: int


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
    if _races(protocol, steps, performing.dialect):
        yield violation, condensed(steps)
    shortest = shorten(performing, violation, until, partial(_can_be_told, performing, protocol))
    assert shortest.transcript is not None
    yield shortest, list(shortest.transcript.scenario)
    if shortest is not violation:
        yield violation, steps
    if any(isinstance(step, Stall) for step in steps) and {type(step) for step in steps[-2:]} == {Send, Settle}:
        yield violation, [*steps, *(LONGER * steps[-2:])]  # what holds back more in a script than it did in the check


def _ways(performing: Performer, protocol: str, violation: Violation, steps: Sequence[Step]) -> list[Script]:
    """Return the scripts that may show the violation, the simplest first; raise CannotTell if there is none."""
    ways: list[Script] = []
    # When the server hears of a reset, nobody can know: what comes of it may show in this round or in another.
    sudden = any(isinstance(step, Reset | Close) for step in steps)
    for rounds, fence in ATTEMPTS:
        if sudden and rounds == 1:
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


def _races(protocol: str, steps: Sequence[Step], dialect: Dialect) -> bool:
    """Whether the steps, as they are said in the dialect, are bursts."""
    return protocol == "chat" and has_bursts([step for _, step in phrased(protocol, steps, dialect)])


def _renew(performing: Performer) -> None:
    """Have a fresh server where that is possible, whatever it breaks; raise CannotCheck if it cannot be started."""
    if not performing.site.renew():
        with contextlib.suppress(NotChecked, Violation):
            performing.prepare()


def asks_its_own_question(clause: str, steps: Iterable[Step]) -> bool:
    """Whether a script does not follow the steps: it asks about a crowd, or about time."""
    return clause == "CHAT-16" or any(isinstance(step, Crowd) for step in steps)


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


# Putting a script together


def script(
    performing: Performer, protocol: str, violation: Violation, steps: Sequence[Step], *, rounds: int, fence: bool
) -> Script:
    """Return the script; raise CannotTell if there can be none."""
    dialect, seen = performing.dialect, len(steps)
    if violation.expected == GOES_ON:
        steps = [*steps, *performing.greeting]
    if bursts := _races(protocol, steps, dialect):
        sent = sum(len(step.data) for step in steps if isinstance(step, Send))
        rounds, fence = max(FEWEST, min(ROUNDS, VOLUME // sent)), False  # bursts are races, and a fence of their own
    if asks_its_own_question(violation.clause_id, steps):
        played = _question(steps, dialect)
    else:
        played = exchange(protocol, steps, dialect, fence=fence, seen=seen)
    text = _framed(violation, protocol, played, performing, rounds, bursts=bursts)
    longest = LINES if protocol != "chat" or dialect.stream else LINES_IN_FRAMES
    if (count := text.count("\n")) >= longest:
        raise CannotTell(
            f"the shortest exchange that was found makes a script of {count} lines, which nobody would read"
        )
    begin = text[: text.index("def exchange():")].count("\n") + 2
    return Script(text, begin + played.decisive, rounds)


def _question(steps: Sequence[Step], dialect: Dialect) -> Exchange:
    """Return the lines that ask about a crowd, or about time."""
    for _, step in phrased("chat", steps, dialect):
        if isinstance(step, Crowd):
            lines = ['ann = Client("ann")', f"speak_until_all_hear(ann, come_at_once({len(step.everyone)}))"]
            return Exchange(lines, 1)
    company = exchange("chat", join("ann", "ben", "cal"), dialect).lines
    lines = [*company, "lags = lags_of(ann, ben, cal)", "few_are_late(lags)"]
    return Exchange(lines, len(lines) - 1)


def _framed(
    violation: Violation, protocol: str, played: Exchange, performing: Performer, rounds: int, *, bursts: bool
) -> str:
    """Return the script: the frame with its gaps filled, and of the player what is called."""
    body = "\n".join(f"    {line}" for line in played.lines)
    address, dialect = performing.site.address, performing.dialect
    player = _player(protocol, body, address, dialect, bursts=bursts)
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
        "constants": _constants(dialect, player + body, rounds),
        "exchange": body,
        "player": player,
    }
    frame = _piece("frame")
    modules = [name for name in MODULES if re.search(rf"\b{name}\.", frame + gaps["constants"] + player)]
    gaps["modules"] = ", ".join(modules)
    return re.sub(r"<(\w+)>", lambda gap: gaps[gap[1]], frame)


def _constants(dialect: Dialect, text: str, rounds: int) -> str:
    """Return the lines that say what the player goes by, as far as it does."""
    out, limits = dialect.framing_out, dialect.limits
    long = {"HANDSHAKE": f"[{', '.join(map(_turn, dialect.handshake))}]"}
    if "HEARD" in text:
        long |= {name: frame_moves.raw(pattern) for name, pattern in frame_moves.patterns(dialect).items()}
    short = {
        "PREFIX": repr(dialect.prefix),
        "CHUNK": str(dialect.chunk),
        "NEWLINE": repr(out.newline),
        "SIZE": str(out.size),
        "PAD": repr(out.pad),
        "DIGITS": str(out.digits),
        "GAP": f"{limits.gap:g}",
        "JOIN_GAP": f"{limits.join_gap:g}",
        "COUNT": "itertools.count(1)",
        "ROUNDS": str(rounds),
    }
    used = [name for name in short if name == "ROUNDS" or re.search(rf"\b{name}\b", text)]
    lines = [f"{name} = {value}" for name, value in long.items() if re.search(rf"\b{name}\b", text)]
    return "\n".join([*lines, f"{', '.join(used)} = {', '.join(short[name] for name in used)}"])


def _turn(turn: Turn) -> str:
    """Return a part of a handshake: what to wait for, and what to send then."""
    wait = frame_moves.pattern(turn.wait) if turn.wait else b""
    return f"({frame_moves.raw(wait)}, {turn.send.text.encode() if turn.send else b''!r})"


def _player(protocol: str, body: str, address: Address, dialect: Dialect, *, bursts: bool) -> str:
    """Return those parts of the player that the exchange calls, and that the dialect asks for.

    Above a part stands what calls it: `#: resets`; what stands under `#: all` is always there.
    """
    framed = protocol == "chat" and not dialect.stream
    slow = re.search(r'Client\("\w+", ', body)
    wanted = {*re.findall(r"(\w+)\(", body), "unix" if address.path else "slow" if slow else "tcp", "all"}
    patterns = frame_moves.patterns(dialect)
    own = "mine" if dialect.hears_itself else "others"
    wanted |= {f"{call}_{own}" for call in wanted}
    aspects = {
        "framed": framed,
        "stream": not framed,
        "stream_lags_of": not framed and "lags_of" in wanted,
        "settled": not framed and "all_read" not in wanted,
        "greeted": bool(dialect.handshake),
        "gap": bool(dialect.limits.gap),
        "join_gap": bool(dialect.limits.join_gap),
        "line": dialect.framing_out.kind in ("line", "chunk"),
        "fixed": dialect.framing_out.kind == "fixed",
        "length": dialect.framing_out.kind == "length",
        "labelled": dialect.template.has_sender,
        "unlabelled": not dialect.template.has_sender,
        "mine": "MINE" in patterns,
        "same": "MINE" not in patterns,
        "bursts": framed and bursts,
        "one_by_one": framed and not bursts,
        "labelled_mine": dialect.template.has_sender and "MINE" in patterns,
        "labelled_same": dialect.template.has_sender and "MINE" not in patterns,
        "one_order": bursts and dialect.asks_one_order,
    }
    wanted |= {aspect for aspect, holds in aspects.items() if holds}
    pieces = ["datagrams"] if protocol == "datagram" else ["client", "frames" if framed else "stream"]
    kept, take = [], True
    for line in "\n".join(_piece(piece).rstrip("\n") for piece in pieces).splitlines():
        if line.strip().startswith("#: "):
            take = not wanted.isdisjoint(line.split()[1:])
        elif take:
            kept.append(line)
    return "\n".join(kept).replace("<put>", _put(dialect))


def _put(dialect: Dialect) -> str:
    """Return, as Python, what goes over the wire when `data` is said."""
    framing = dialect.framing_in
    match framing.kind:
        case "fixed":
            return f"data.ljust({framing.size}, {framing.pad!r})"
        case "length":
            return f"{framing.header.encode()!r} % len(data) + data"
        case _:
            return f"data + {framing.newline!r}"


def _piece(name: str) -> str:
    return (SCRIPTS / f"{name}.txt").read_text(encoding="utf-8")
