"""Patterns: what several things that were heard have in common, as a template.

Words are compared, never single characters, so `port 40512` and `port 40528` differ in a word and not in its end. What
is known to vary, such as the client's own address, its name or the time of day, varies also where it was the same each
time.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from itertools import takewhile

from socketserver_reference.conformance.dialects.template import MAX_ANY_FIELDS

CLOCK = r"\d{4}-\d\d-\d\d(?:[T ]\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?)?|\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?"
"""What dates and times of day look like; seconds apart they may well be the same."""

NO_LITERAL = re.compile(r"\{\w*\}|[\udc80-\udcff]+")
"""What a template cannot say: what would be a field of it, and what is not UTF-8."""

SEVERAL = re.compile(r"(?:\{any\}){2,}")

MAX_LINE_KINDS = 30
"""Kinds of lines that are told apart: who is told more than that is told anything at all."""

MIN_COMMON_WORDS = 2
"""Words that two lines of different length must share to be the same with something else in it."""


class Field(Enum):
    """What stands for something that varies."""

    ANY = "{any}"
    SENDER = "{sender}"


Pattern = tuple[str | Field, ...]
"""Words and single characters between them; what varies is a Field."""


Reader = Callable[[bytes], Pattern]


def reader(varying: Iterable[str] = ()) -> Reader:
    """Return what reads something that was heard as a pattern, in which these texts, dates and times vary."""
    known = sorted(filter(None, varying), key=len, reverse=True)
    either = "|".join([*map(re.escape, known), CLOCK])
    scan = re.compile(rf"(?P<any>(?<!\w)(?:{either})(?!\w))|\w+|.", re.DOTALL)

    def read(data: bytes) -> Pattern:
        text = data.decode("utf-8", "surrogateescape")
        return tuple(Field.ANY if found["any"] else found[0] for found in scan.finditer(text))

    return read


def template(pattern: Pattern) -> str:
    """Return a pattern as the text of a template."""
    parts = []
    run = ""
    for part in pattern:
        if isinstance(part, Field):
            parts += [NO_LITERAL.sub("{any}", run), part.value]
            run = ""
        else:
            run += part
    return _few("".join([*parts, NO_LITERAL.sub("{any}", run)]))


def literal(data: bytes) -> str:
    """Return bytes as the text of a template."""
    return template((data.decode("utf-8", "surrogateescape"),))


def _few(text: str) -> str:
    """Return a template's text with no more fields for anything than it may have: the last takes in what is between."""
    first, *others = SEVERAL.sub("{any}", text).split("{any}")
    if len(others) <= MAX_ANY_FIELDS:
        return "{any}".join([first, *others])
    return "{any}".join([first, *others[: MAX_ANY_FIELDS - 1], others[-1]])


def align(patterns: Sequence[Pattern]) -> Pattern:
    """Return what these have in common, with a field for what they have not."""
    if len({len(pattern) for pattern in patterns}) == 1:
        return tuple(same[0] if len(set(same)) == 1 else Field.ANY for same in zip(*patterns, strict=True))
    begin, end = _common(patterns)
    return (*patterns[0][:begin], Field.ANY, *patterns[0][len(patterns[0]) - end :])


def head(heads: Mapping[str, Sequence[bytes]], host: str) -> Pattern:
    """Return what stands before what somebody said: speaker -> what stood there each time.

    What differs from speaker to speaker, and not from one time to the next, is the label. A label that says the port a
    client comes from says its host just before, which belongs to it.
    """
    read = reader()
    own = [align([read(one) for one in each]) for each in heads.values()]
    if len(set(own)) == 1:
        return own[0]
    begin, end = _common(own)
    before = own[0][:begin]
    after = own[0][len(own[0]) - end :]
    if any(Field.ANY in one[begin : len(one) - end] for one in own):
        return (*before, Field.ANY, *after)
    address = read(host.encode())
    places = [at for at in range(len(before)) if host and before[at : at + len(address)] == address]
    return (*before[: places[-1] if places else begin], Field.SENDER, *after)


def notices(lines: Iterable[bytes], varying: Iterable[str]) -> list[str]:
    """Return a template for each kind of line among those that came of one kind of event."""
    read = reader(varying)
    kinds: list[Pattern] = []
    for line in dict.fromkeys(lines):
        pattern = read(line)
        for number, kind in enumerate(kinds):
            if _alike(kind, pattern):
                kinds[number] = align([kind, pattern])
                break
        else:
            kinds += [pattern] * (len(kinds) < MAX_LINE_KINDS)
    return [template(kind) for kind in kinds]


def _alike(one: Pattern, other: Pattern) -> bool:
    """Whether two lines seem to be the same with something else in it."""
    if len(one) == len(other):
        words = [(word, same) for word, same in zip(one, other, strict=True) if _is_word(word) and _is_word(same)]
        return 2 * sum(word == same for word, same in words) > len(words)
    begin, end = _common([one, other])
    return sum(map(_is_word, [*one[:begin], *one[len(one) - end :]])) >= MIN_COMMON_WORDS


def _is_word(part: str | Field) -> bool:
    return isinstance(part, str) and part[0].isalnum()


def _common(patterns: Sequence[Pattern]) -> tuple[int, int]:
    """Return how many parts all have in common at the beginning, and how many of the others at the end."""
    shortest = min(map(len, patterns))
    begin = _same(list(zip(*patterns, strict=False)))
    backwards = [pattern[::-1][: shortest - begin] for pattern in patterns]
    return begin, _same(list(zip(*backwards, strict=True)))


def _same(parts: Sequence[Sequence[str | Field]]) -> int:
    return len(list(takewhile(lambda part: len(set(part)) == 1, parts)))
