"""Which rows of an exchange a reader sees first: clients that join, repetitions and a long middle are folded.

The row in which the violation shows is never in a fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from socketserver_reference.conformance.reports.html.lanes import JOINING, DiagramRow
from socketserver_reference.conformance.scenario.transcript import DIGITS, MIN_REPETITIONS, repetitions

UNFOLDED_ROWS = 24
"""Rows at the beginning and at the end of a long exchange that are not folded."""

MIN_JOINING_ROWS = 6
"""Rows in which clients join, from which on these are folded."""


MAX_NAMES = 8
"""Most names in the summary of those who join."""


@dataclass(frozen=True)
class Fold:
    """Rows behind a summary."""

    kind: Literal["joins", "repeated", "middle"]
    summary: str
    parts: "Sequence[Part]"


Part = DiagramRow | Fold


def fold(rows: Sequence[DiagramRow]) -> list[Part]:
    """Return the rows of an exchange, some of them in folds."""
    joining = _joining(rows)
    parts: list[Part] = []
    if joining >= MIN_JOINING_ROWS:
        who = list(dict.fromkeys(who for row in rows[:joining] if row.event.does in JOINING for who in row.event.who))
        told = f"{len(who)} clients join" if len(who) > 1 else "a client joins"
        names = ", ".join(who[:MAX_NAMES]) + (", ..." if len(who) > MAX_NAMES else "")
        parts.append(Fold("joins", f"{told}: {names}", rows[:joining]))
    parts += _repeated(rows[joining:] if parts else rows)
    if len(parts) <= 2 * UNFOLDED_ROWS + 1:
        return parts
    middle = parts[UNFOLDED_ROWS:-UNFOLDED_ROWS]
    if any(map(_shows, middle)):
        return parts
    return [
        *parts[:UNFOLDED_ROWS],
        Fold("middle", f"{sum(map(_size, middle))} more events", middle),
        *parts[-UNFOLDED_ROWS:],
    ]


def _joining(rows: Sequence[DiagramRow]) -> int:
    """Return how many rows at the beginning are about clients that join, and are not all that there is."""
    end = next((at for at, row in enumerate(rows) if row.event.step and not _joins(row)), None)
    wrong = next((at for at, row in enumerate(rows[:end]) if row.event.shows), None)
    if wrong is None:
        return end or 0
    return max((at for at in range(wrong) if rows[at].event.does in JOINING), default=0)  # whose joining fails


def _joins(row: DiagramRow) -> bool:
    event = row.event
    is_here = event.does == "says" and event.data == b"%s is here" % "".join(event.who).encode()
    return is_here or event.does in JOINING or event.does == "answers"


def _repeated(rows: Sequence[DiagramRow]) -> list[Part]:
    """Return the rows, those between the first and the last of several repetitions in a fold."""
    parts: list[Part] = []
    for at, length, times in repetitions([DIGITS.sub("#", row.event.line) for row in rows]):
        whole = rows[at : at + length * times]
        inner = whole[length:-length]
        if times < MIN_REPETITIONS or any(map(_shows, inner)):
            parts += whole
            continue
        again = f"{times - 2} times more" if length == 1 else f"these {length} events {times - 2} times more"
        parts += [*whole[:length], Fold("repeated", again, inner), *whole[-length:]]
    return parts


def _shows(part: Part) -> bool:
    return isinstance(part, DiagramRow) and part.event.shows


def _size(part: Part) -> int:
    return sum(map(_size, part.parts)) if isinstance(part, Fold) else 1
