"""The text of a script: the clause, the table of the exchange, and the player."""

import re
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from socketserver_reference.address import Address
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.wording import in_dialect
from socketserver_reference.conformance.reproduce import patterns
from socketserver_reference.conformance.reproduce.table import Row
from socketserver_reference.conformance.scenario.text import common_prefix, numbered, printable
from socketserver_reference.conformance.scenario.violation import Violation

PLAYER = (files("socketserver_reference.conformance.reproduce") / "player.txt").read_text(encoding="utf-8")

HEADING_COLUMNS = 116
"""Columns of the text above a script."""

LONG_BYTES = 60
"""Bytes that are written out if they repeat something."""

COUNTS = (b"%06d-", b"a%06d-", b"b%06d-")
"""The words in long utterances: see `numbered`."""

COUNTED_BYTES = 128 * 1024
"""Bytes of such words, of which a long utterance may be a part."""

FRAME = '''\
"""{clause}

expected: {expected}
observed: {observed}{confirmation}

    python {file} HOST PORT                    plays this to a server; Unix sockets: python {file} PATH
    python {file} --launch 'COMMAND {{port}}'    starts a fresh server for every round; if the command says no port,
                                               HOST PORT behind it say where it listens

It exits with 1 if the clause is broken, 0 if not, 2 without a server.
"""

import contextlib, functools, glob, os, re, shlex, signal, socket, struct, subprocess, sys, tempfile, time

ROUNDS, FAMILY, DATAGRAMS, DELIVERY = {rounds}, socket.{family}, {datagrams}, {delivery}
REST = {rest:g}  # seconds between two steps, so that the server notices each
TIMEOUT, START = float(os.environ.get("TIMEOUT", "5")), 10  # seconds for what must come, and for a server to start
QUIET, LAG = {quiet:g}, 0.02  # seconds for what must not come, and after which a client reads late
FLOOD = 1 << 26  # bytes after which a server is taken to send without end
MARKS, OWN = {marks}, {{}}  # what names end in, and what they end in in this round: a server may keep names


def numbered(size, word=b"%06d-"):
    return b"".join(word % number for number in range(size // len(word % 0) + 1))[:size]


# A client, or several; what it does; the bytes, or a pattern of them, or what each said.
ROWS = [
{rows}
]

# The player: the same in every script.

{player}
with tempfile.TemporaryDirectory() as FOLDER:  # of Unix sockets
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) in (2, 3, 5) else print(__doc__) or 2)
'''


class Trial(NamedTuple):
    """How a script plays its rows."""

    rounds: int
    rest: float
    """Seconds between two steps, so that the server notices each; without it, some races show."""
    quiet: float = 0.3
    """Seconds in which nothing must come."""


def script(
    violation: Violation, rows: Sequence[Row], bursts: Sequence[bytes], dialect: Dialect, address: Address, trial: Trial
) -> str:
    """Return the script that plays these rows."""
    clause = in_dialect(CLAUSES[violation.clause_id], dialect)
    confirmation = f"\nreplayed: {printable(violation.confirmation)}" if violation.confirmation else ""
    return FRAME.format(
        clause=_safe(textwrap.fill(str(clause), HEADING_COLUMNS)),
        expected=_safe(violation.expected),
        observed=_safe(violation.observed),
        confirmation=confirmation,
        file=f"{clause.id}.py",
        rounds=trial.rounds,
        family=address.family.name,
        datagrams=address.datagram,
        delivery=_literal(patterns.pieces(dialect, bursts)) if bursts else None,
        rest=trial.rest,
        quiet=trial.quiet,
        marks=_marks(violation, dialect),
        rows="\n".join(f"    {_row(row)}," for row in rows),
        player=PLAYER,
    )


def _marks(violation: Violation, dialect: Dialect) -> list[bytes]:
    """Return the marks of the names that clients give, and of what they say, where a server may keep that for another
    round.
    """
    kept = dialect.history or any(turn.send is not None and "{name}" in turn.send.text for turn in dialect.handshake)
    assert violation.transcript is not None
    played = [*violation.transcript.before, violation.transcript] if kept else []
    return [one.mark.encode() for one in played if one.mark]


def _safe(text: str) -> str:
    """Return text that ends no docstring, on lines of at most HEADING_COLUMNS."""
    return "\n".join(printable(line) for line in text.splitlines()).replace("\\", "\\\\").replace('"""', "'''")


def _row(row: Row) -> str:
    return f"({', '.join(_literal(one) for one in row)})"


def _literal(value: Any) -> str:
    """Return a value as Python writes it; bytes that repeat something are shorter."""
    match value:
        case re.Pattern():
            return f"re.compile({value.pattern!r})"
        case dict():
            return "{" + ", ".join(f"{key!r}: {_literal(one)}" for key, one in value.items()) + "}"
        case tuple():
            return f"({', '.join(map(_literal, value))})"
        case bytes() if len(value) > LONG_BYTES:
            return _long(value)
        case _:
            return repr(value)


def _long(data: bytes) -> str:
    unit = data[: (data + data).find(data, 1)]
    if unit != data:
        again = f"({_long(unit)})" if len(unit) > LONG_BYTES else repr(unit)
        return f"{again} * {len(data) // len(unit)}"
    parts, at = [], 0
    while at < len(data):
        part, size = _counted(data[at:]) or _uncounted(data[at:])
        parts.append(part)
        at += size
    return " + ".join(parts)


@cache
def _count(word: bytes) -> bytes:
    return numbered(COUNTED_BYTES, word)


def _counted(data: bytes) -> tuple[str, int] | None:
    """Return how a call of `numbered` makes the beginning of some bytes, and how much of them; None if none does."""
    for word in COUNTS:
        count = _count(word)
        begin = count.find(data[:LONG_BYTES]) if len(data) >= LONG_BYTES else -1
        if begin >= 0:
            size = common_prefix(count[begin:], data)
            return f"numbered({begin + size}, {word!r})" + (f"[{begin}:]" if begin else ""), size
    return None


def _uncounted(data: bytes) -> tuple[str, int]:
    """Return the bytes before the next words that are counted, as Python writes them, and how many they are."""
    counted = [at for word in COUNTS if (at := data.find(word % 0 + word % 1, 1)) > 0]
    size = min(counted, default=len(data))
    return repr(data[:size]), size


TEST = '''\
"""{clause}

expected: {expected}
observed: {observed}

    pytest {file} --conformance-only {id}
"""

from socketserver_reference.conformance import ServerConformance, ServerSpec

from your_module import make_server  # returns a server that is bound to a free port and not served yet


class TestServer(ServerConformance):
    target = ServerSpec("yours", "tcp", "threading", make_server)  # transport, and how it serves: see ServerSpec
'''


def test(violation: Violation) -> str:
    """Return the pytest file for a clause about the inside of a process."""
    clause = CLAUSES[violation.clause_id]
    return TEST.format(
        clause=_safe(textwrap.fill(str(clause), HEADING_COLUMNS)),
        expected=_safe(violation.expected),
        observed=_safe(violation.observed),
        file=f"test_{clause.id.replace('-', '_')}.py",
        id=clause.id,
    )
