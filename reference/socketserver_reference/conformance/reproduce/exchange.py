"""Writes a scenario as the lines of a script: in the dialect, with loops, and with the decisive line marked.

The steps are first rewritten for the dialect, as the stage does it (`dialects/rewrite.py`). `stream_steps.py` adds the
data to read in streams, `frame_steps.py` in frames. Here is the common part.
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

REWRITERS = {"chat": rewrite.chat_rewriter, "echo": rewrite.EchoRewriter, "datagram": rewrite.DatagramRewriter}

COMING = re.compile(r"(?P<indent> *)(?P<who>\w+) = (?P<client>Client\([^()]*\))")
"""A line in which a client connects."""


@dataclass(frozen=True)
class ScriptExchange:
    """The lines of an exchange, and the index of the first where the violation may show.

    A script that fails before that line has seen something else: the server passed these steps in the check.
    """

    lines: list[str]
    decisive: int

    def compact(self) -> "ScriptExchange":
        """Return the same in fewer lines: a client connects and speaks in one line, or two connect in one line."""
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
        return ScriptExchange(lines, decisive if self.decisive < len(self.lines) else len(lines))


def rewritten(protocol: str, steps: Sequence[Step], dialect: Dialect) -> list[tuple[int, Step]]:
    """Return the steps in the dialect, each with the number of the original step."""
    speaks = REWRITERS[protocol](dialect)
    return [(number, said) for number, step in enumerate(steps) for said in speaks.rewrite(step)]


def exchange(
    protocol: str, steps: Sequence[Step], dialect: Dialect, *, fence: bool = False, seen: int | None = None
) -> ScriptExchange:
    """Return the exchange; raise CannotTell if the data to read is not determined.

    The violation was `seen` after so many of the steps, by default after all. With bursts it may show at any of them;
    after a reset, which the server notices sooner or later, at any line. With a `fence` a client speaks once more at
    the end; any unexpected data before that is a violation.
    """
    said = rewritten(protocol, steps, dialect)
    alone = [step for _, step in said]
    numbers = [number for number, _ in said]
    last = (len(steps) if seen is None else seen) - 1
    if stream_steps.has_bursts(alone):
        last = min(last, next(number for number, step in said if step.burst))
    last = min([last, *(number for number, step in said if step.effect == "is gone")])
    both = (_script_lines(protocol, names, numbers, dialect, fence) for names in (alone, with_fewer_names(alone)))
    lines = min((looped(lines.numbered) for lines in both), key=len)
    decisive = next((at for at, (_, number) in enumerate(lines) if number >= last), len(lines))
    return ScriptExchange([line for line, _ in lines], decisive)


def _script_lines(protocol: str, steps: Sequence[Step], numbers: Sequence[int], dialect: Dialect, fence: bool) -> Lines:
    if protocol == "chat" and not dialect.stream:
        return frame_steps.script_lines(steps, numbers, dialect, fence=fence)
    return stream_steps.script_lines(protocol, steps, numbers, dialect, fence=fence)


# Loops


def with_fewer_names(steps: Sequence[Step]) -> list[Step]:
    """Return the same steps, with the names of clients that have left reused for later ones, so that loops show."""
    names: dict[str, str] = {}
    free: list[str] = []
    renamed: list[Step] = []
    for step in steps:
        if step.comes:
            names.update({who: free.pop() if free else who for who in step.clients})
        if step.leaves:
            free += [names[who] for who in step.clients]
        renamed.append(step.renamed(names))
    return renamed


MAX_BLOCK_LINES = 16
"""Most lines of a block that may become the body of a loop."""

DIGIT_RUN = re.compile(r"([0-9]+)")

LITERAL = re.compile(r"b'([^'\\]*)'( % next\(COUNT\))?")
"""The text of an utterance, and the count after it, if there is one."""

COUNTED = "\0"
"""Placeholder in a line for the number that grows by one in each round of a loop."""


def looped(lines: Numbered) -> Numbered:
    """Return the lines with each block that repeats three times or more as a loop, which has the numbers of its last
    round.

    One number in the utterances may grow by one in each round of a loop. Loops may be nested.
    """
    texts = [line for line, _ in lines]
    shorter: Numbered = []
    at = 0
    while at < len(texts):
        loops = (_Loop.of(texts, at, size) for size in range(1, min(MAX_BLOCK_LINES, (len(texts) - at) // 3) + 1))
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
    """Lines that repeat, with `COUNTED` for a number that counts up from a first one."""

    block: list[str]
    first: int
    times: int

    @classmethod
    def of(cls, texts: list[str], at: int, size: int) -> "_Loop | None":
        """Return the loop with a body of so many lines that begins there, if there is one."""
        block, first = _template(texts[at : at + size], texts[at + size : at + 2 * size])
        times = 1
        while block and texts[at + times * size : at + (times + 1) * size] == _filled(block, first + times):
            times += 1
        return cls(block, first, times) if times >= 3 and _whole(texts, at, size, times) else None

    @property
    def length(self) -> int:
        """The number of lines that it replaces."""
        return len(self.block) * self.times

    def written(self, numbers: Sequence[int]) -> Numbered:
        """Return its lines, with the numbers of its last round."""
        body: Numbered = [(_said(line), number) for line, number in zip(self.block, numbers, strict=True)]
        counts = any(COUNTED in line for line in self.block)
        head = (
            f"for n in range({self.first}, {self.first + self.times}):" if counts else f"for _ in range({self.times}):"
        )
        body = body if counts else looped(body)
        return [(head, numbers[0]), *((f"    {line}", number) for line, number in body)]


def _whole(texts: Sequence[str], at: int, size: int, times: int) -> bool:
    """Whether a body of so many lines would cut no existing loop."""
    ends = [*texts[at : at + (times + 1) * size : size], ""][: times + 1]
    return not any(line.startswith(" ") for line in ends)


def _template(block: list[str], following: list[str]) -> tuple[list[str], int]:
    """Return a block with `COUNTED` where the next block has another number, and that number; [] if the blocks differ
    in other ways.
    """
    made, numbers = [], set()
    for line, other in zip(block, following, strict=True):
        parts, others = DIGIT_RUN.split(line), DIGIT_RUN.split(other)
        if len(parts) != len(others):
            return [], 0
        for at in range(1, len(parts), 2):
            if parts[at] != others[at]:
                numbers.add(parts[at])
                parts[at] = COUNTED
        made.append("".join(parts))
    first = int(numbers.pop()) if numbers else 0
    counted = any(COUNTED in _said(line) for line in made) or (COUNTED in "".join(made) and "for n in" in "".join(made))
    return (made, first) if _filled(made, first) == block and not counted else ([], 0)


def _filled(block: list[str], number: int) -> list[str]:
    return [line.replace(COUNTED, str(number)) for line in block]


def _said(line: str) -> str:
    """Return a line with the number in its utterance replaced by a variable."""

    def with_variable(found: re.Match[str]) -> str:
        words, counted = found[1], found[2]
        if COUNTED not in words:
            return found[0]
        words = words if counted else words.replace("%", "%%")
        values = ["n"] * words.count(COUNTED) + (["next(COUNT)"] if counted else [])
        return f"b'{words.replace(COUNTED, '%d')}' % {values[0] if len(values) == 1 else '(' + ', '.join(values) + ')'}"

    return LITERAL.sub(with_variable, line)
