"""Writes a scenario as the lines of a script: in the dialect's words, with loops, and marked where it decides.

The steps are phrased first, as the stage does it (`phrasing.py`). What must be read is for `moves.py` to say, in
streams, and for `frame_moves.py`, in frames. Here is what both have in common.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reference.conformance import frame_moves, moves, phrasing
from reference.conformance.dialect import Dialect
from reference.conformance.moves import Lines
from reference.conformance.scenario import (
    Close,
    Connect,
    Crowd,
    HalfClose,
    Heed,
    Quit,
    Reset,
    Send,
    Settle,
    Step,
)

PHRASINGS = {"chat": phrasing.chat, "echo": phrasing.Requests, "datagram": phrasing.Datagrams}


@dataclass(frozen=True)
class Exchange:
    """The lines of an exchange, and the index of the first of them by which the violation may show.

    A script that fails before has seen something else: the server passed that when it was checked.
    """

    lines: list[str]
    decisive: int


def phrased(protocol: str, steps: Sequence[Step], dialect: Dialect) -> list[tuple[int, Step]]:
    """Return the steps as they are said in the dialect, each with the number of the step that asked for it."""
    speaks = PHRASINGS[protocol](dialect)
    return [(number, said) for number, step in enumerate(steps) for said in speaks.of(step)]


def exchange(
    protocol: str, steps: Sequence[Step], dialect: Dialect, *, fence: bool = False, seen: int | None = None
) -> Exchange:
    """Return the exchange; raise CannotTell if there is no telling what has to be read.

    The violation was `seen` after so many of the steps, all if nothing is said. Where there are bursts it may show by
    any of them. With a `fence` somebody speaks once more in the end, before which nothing may come that was not due.
    """
    said = phrased(protocol, steps, dialect)
    alone = [step for _, step in said]
    numbers = [number for number, _ in said]
    last = (len(steps) if seen is None else seen) - 1
    if moves.has_bursts(alone):
        last = min(last, next(number for number, step in said if isinstance(step, Send)))
    both = (_written(protocol, names, numbers, dialect, fence) for names in (alone, with_fewer_names(alone)))
    lines = min((list(_looped(lines)) for lines in both), key=len)
    decisive = next((at for at, (_, number) in enumerate(lines) if number >= last), len(lines))
    return Exchange([line for line, _ in lines], decisive)


def _written(protocol: str, steps: Sequence[Step], numbers: Sequence[int], dialect: Dialect, fence: bool) -> Lines:
    if protocol == "chat" and not dialect.stream:
        return frame_moves.written(steps, numbers, dialect, fence=fence)
    return moves.written(protocol, steps, numbers, dialect, fence=fence)


# Loops


def with_fewer_names(steps: Sequence[Step]) -> list[Step]:
    """Return the same steps with each newcomer under the name of one who has left, so that loops are seen as such."""
    names: dict[str, str] = {}
    free: list[str] = []
    renamed: list[Step] = []
    for step in steps:
        match step:
            case Settle() | Crowd():
                renamed.append(step)
                continue
            case Heed(who, speaker):
                renamed.append(Heed(names[who], names[speaker]))
                continue
            case Connect(who):
                names[who] = free.pop() if free else who
            case Close(who) | Reset(who) | HalfClose(who) | Quit(who):
                free.append(names[who])
        renamed.append(replace(step, who=names[step.who]))
    return renamed


BLOCK = 16
"""Lines of a block at most that is looked for again behind itself."""


def _looped(lines: Lines) -> Iterator[tuple[str, int]]:
    """Yield the lines, with what comes three times or more in a row written as a loop, which belongs to its last
    round.
    """
    texts, numbers = [line for line, _ in lines.numbered], [number for _, number in lines.numbered]
    at = 0
    while at < len(texts):
        for size in range(1, BLOCK + 1):
            block = texts[at : at + size]
            times = 1
            while texts[at + times * size : at + (times + 1) * size] == block:
                times += 1
            if times >= 3:
                last = numbers[at + (times - 1) * size : at + times * size]
                yield f"for _ in range({times}):", last[0]
                yield from ((f"    {line}", number) for line, number in zip(block, last, strict=True))
                at += times * size
                break
        else:
            yield texts[at], numbers[at]
            at += 1
