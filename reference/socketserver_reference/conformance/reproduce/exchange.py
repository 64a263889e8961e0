"""Writes a scenario as the lines of a script: in the dialect's words, with loops, and marked where it decides.

The steps are phrased first, as the stage does it (`dialects/rewrite.py`). What must be read is for `stream_steps.py` to
say, in streams, and for `frame_steps.py`, in frames. Here is what both have in common.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.reproduce import frame_steps, stream_steps
from socketserver_reference.conformance.reproduce.lines import Lines
from socketserver_reference.conformance.scenario.steps import Step

Numbered = list[tuple[str, int]]
"""The lines of an exchange, each with the number of the step that it belongs to."""

PHRASINGS = {"chat": rewrite.chat, "echo": rewrite.Requests, "datagram": rewrite.Datagrams}

COMING = re.compile(r"(?P<indent> *)(?P<who>\w+) = (?P<client>Client\([^()]*\))")
"""A line in which somebody comes."""


@dataclass(frozen=True)
class Exchange:
    """The lines of an exchange, and the index of the first of them by which the violation may show.

    A script that fails before has seen something else: the server passed that when it was checked.
    """

    lines: list[str]
    decisive: int

    def compact(self) -> "Exchange":
        """Return the same in fewer lines: those in one in which somebody comes and speaks, or in which two come."""
        lines: list[str] = []
        decisive = 0
        for at, line in enumerate(self.lines):
            before, now = COMING.fullmatch(lines[-1] if lines else ""), COMING.fullmatch(line)
            if before and now and before["indent"] == now["indent"]:
                names, clients = f"{before['who']}, {now['who']}", f"{before['client']}, {now['client']}"
                lines[-1] = f"{before['indent']}{names} = {clients}"
            elif before and line.startswith(f"{before['indent']}{before['who']}.says("):
                who, said = before["who"], line.removeprefix(before["indent"] + before["who"])
                lines[-1] = f"{before['indent']}({who} := {before['client']}){said}"
            else:
                lines.append(line)
            decisive = len(lines) - 1 if at == self.decisive else decisive
        return Exchange(lines, decisive if self.decisive < len(self.lines) else len(lines))


def phrased(protocol: str, steps: Sequence[Step], dialect: Dialect) -> list[tuple[int, Step]]:
    """Return the steps as they are said in the dialect, each with the number of the step that asked for it."""
    speaks = PHRASINGS[protocol](dialect)
    return [(number, said) for number, step in enumerate(steps) for said in speaks.of(step)]


def exchange(
    protocol: str, steps: Sequence[Step], dialect: Dialect, *, fence: bool = False, seen: int | None = None
) -> Exchange:
    """Return the exchange; raise CannotTell if there is no telling what has to be read.

    The violation was `seen` after so many of the steps, all if nothing is said. Where there are bursts it may show by
    any of them, and anywhere behind a reset, of which the server hears sooner or later. With a `fence` somebody speaks
    once more in the end, before which nothing may come that was not due.
    """
    said = phrased(protocol, steps, dialect)
    alone = [step for _, step in said]
    numbers = [number for number, _ in said]
    last = (len(steps) if seen is None else seen) - 1
    if stream_steps.has_bursts(alone):
        last = min(last, next(number for number, step in said if step.burst))
    last = min([last, *(number for number, step in said if step.effect == "is gone")])
    both = (_written(protocol, names, numbers, dialect, fence) for names in (alone, with_fewer_names(alone)))
    lines = min((looped(lines.numbered) for lines in both), key=len)
    decisive = next((at for at, (_, number) in enumerate(lines) if number >= last), len(lines))
    return Exchange([line for line, _ in lines], decisive)


def _written(protocol: str, steps: Sequence[Step], numbers: Sequence[int], dialect: Dialect, fence: bool) -> Lines:
    if protocol == "chat" and not dialect.stream:
        return frame_steps.written(steps, numbers, dialect, fence=fence)
    return stream_steps.written(protocol, steps, numbers, dialect, fence=fence)


# Loops


def with_fewer_names(steps: Sequence[Step]) -> list[Step]:
    """Return the same steps with each newcomer under the name of one who has left, so that loops are seen as such."""
    names: dict[str, str] = {}
    free: list[str] = []
    renamed: list[Step] = []
    for step in steps:
        if step.effect == "joins":
            names.update({who: free.pop() if free else who for who in step.clients})
        if step.leaves:
            free += [names[who] for who in step.clients]
        renamed.append(step.renamed(names))
    return renamed


BLOCK = 16
"""Lines of a block at most that is looked for again behind itself."""

NUMBER = re.compile(r"([0-9]+)")

LITERAL = re.compile(r"b'([^'\\]*)'( % next\(COUNT\))?")
"""What somebody says, and the count behind it, if there is one."""

N = "\0"
"""Stands in a line for the number that is one more in each round of a loop."""


def looped(lines: Numbered) -> Numbered:
    """Return the lines with what comes three times or more in a row written as a loop, which belongs to its last round.

    In each round of a loop one number in what is said may be one more than in the round before. Loops are looped, too.
    """
    texts = [line for line, _ in lines]
    shorter: Numbered = []
    at = 0
    while at < len(texts):
        loops = (_Loop.of(texts, at, size) for size in range(1, min(BLOCK, (len(texts) - at) // 3) + 1))
        loop = max(filter(None, loops), key=lambda loop: loop.length, default=None)
        if loop:
            last = at + loop.length - len(loop.block)
            shorter += loop.written([number for _, number in lines[last : at + loop.length]])
            at += loop.length
        else:
            shorter.append(lines[at])
            at += 1
    return shorter if shorter == lines else looped(shorter)


@dataclass(frozen=True)
class _Loop:
    """Lines that come again and again, with `N` for a number that counts from a first one on."""

    block: list[str]
    first: int
    times: int

    @classmethod
    def of(cls, texts: list[str], at: int, size: int) -> "_Loop | None":
        """Return the loop of so many lines that begins there, if there is one."""
        block, first = _template(texts[at : at + size], texts[at + size : at + 2 * size])
        times = 1
        while block and texts[at + times * size : at + (times + 1) * size] == _filled(block, first + times):
            times += 1
        return cls(block, first, times) if times >= 3 and _whole(texts, at, size, times) else None

    @property
    def length(self) -> int:
        """How many lines it stands for."""
        return len(self.block) * self.times

    def written(self, numbers: Sequence[int]) -> Numbered:
        """Return its lines, with the numbers of its last round."""
        body: Numbered = [(_said(line), number) for line, number in zip(self.block, numbers, strict=True)]
        counts = any(N in line for line in self.block)
        head = (
            f"for n in range({self.first}, {self.first + self.times}):" if counts else f"for _ in range({self.times}):"
        )
        body = body if counts else looped(body)
        return [(head, numbers[0]), *((f"    {line}", number) for line, number in body)]


def _whole(texts: Sequence[str], at: int, size: int, times: int) -> bool:
    """Whether no loop that is there already would be cut by a loop of so many lines."""
    ends = [*texts[at : at + (times + 1) * size : size], ""][: times + 1]
    return not any(line.startswith(" ") for line in ends)


def _template(block: list[str], following: list[str]) -> tuple[list[str], int]:
    """Return a block with `N` where the next has another number, and the number there; [] if they differ otherwise."""
    made, numbers = [], set()
    for line, other in zip(block, following, strict=True):
        parts, others = NUMBER.split(line), NUMBER.split(other)
        if len(parts) != len(others):
            return [], 0
        for at in range(1, len(parts), 2):
            if parts[at] != others[at]:
                numbers.add(parts[at])
                parts[at] = N
        made.append("".join(parts))
    first = int(numbers.pop()) if numbers else 0
    counted = any(N in _said(line) for line in made) or (N in "".join(made) and "for n in" in "".join(made))
    return (made, first) if _filled(made, first) == block and not counted else ([], 0)


def _filled(block: list[str], number: int) -> list[str]:
    return [line.replace(N, str(number)) for line in block]


def _said(line: str) -> str:
    """Return a line with the number, where it stands in what somebody says, as a variable."""

    def with_variable(found: re.Match[str]) -> str:
        words, counted = found[1], found[2]
        if N not in words:
            return found[0]
        words = words if counted else words.replace("%", "%%")
        values = ["n"] * words.count(N) + (["next(COUNT)"] if counted else [])
        return f"b'{words.replace(N, '%d')}' % {values[0] if len(values) == 1 else '(' + ', '.join(values) + ')'}"

    return LITERAL.sub(with_variable, line)
