"""Patterns: the common parts of several received texts, as a template.

Words are compared, never single characters, so `port 40512` and `port 40528` differ in a word and not in its end. A
client's own address, its name and the time of day are taken to vary, even where they were the same each time.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from itertools import chain, islice, takewhile

from socketserver_reference.conformance.dialects.template import MAX_ANY_FIELDS, BadTemplate, Template

TIME = r"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"

DATE = r"(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d?[-/.]\d\d?[-/.]\d{4}|\d\d?/\d\d?/\d\d)"

TIMES = rf"{DATE}[T:]{TIME}|{TIME}|[12]\d{{9}}(?:\d{{3}}|\.\d+)?"
"""Times of day, and seconds or milliseconds since 1970; in texts that are seconds apart they may be the same. There is
no space in them, so a {word} holds each.
"""

SPACED = rf"(?>{DATE},? {TIME}(?: [AP]M)?|{TIME} [AP]M|[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ \d]\d {TIME} \d{{4}})"

BEFORE, BEHIND = rf"{SPACED}(?! )|{TIMES}|{DATE}", rf"(?<! ){SPACED}|{TIMES}|{DATE}"
"""The same with dates, before words and behind them. A date and a time with a space between them are several fields
where a space stands next to them: a template takes the first space for the end of a field, and the last one for its
beginning.
"""

NO_LITERAL = re.compile(r"\{\w*\}|[\udc80-\udcff]+")
"""The text that a template cannot express: what would be a field of it, and invalid UTF-8."""

SEVERAL = re.compile(r"(?:\{any\}){2,}")

MAX_LINE_KINDS = 30
"""Most kinds of lines that are distinguished; a server that sends more has no pattern."""

MAX_SPARED_LINES = 8
"""Of the lines kept longest, so many are looked at for one of the kind of a further line, which gives way to it: in a
flood, to look at all would take long.
"""

MAX_ENDINGS = 3
"""Most last words of texts that nothing ends that are told apart: more are a field of one kind."""

LAST_WORD = re.compile(rb"\b[^\W\d]\w*\W*\Z")
"""How a text ends that does not end in a number."""

MIN_COMMON_WORDS = 2
"""Words that two lines of different length must share to be one kind of line."""


class Field(Enum):
    """The part of a pattern that varies."""

    ANY = "{any}"
    SENDER = "{sender}"
    NAME = "{name}"


Pattern = tuple[str | Field, ...]
"""Words and the single characters between them; a varying part is a Field."""


Reader = Callable[[bytes], Pattern]


COLOUR = re.compile(r"(\x1b\[)([\d;]*)(m)")
"""What colours the text behind it, in a terminal: no word, but the number varies."""


def reader(varying: Iterable[str] = (), name: str = "", *, colours: bool = False, clock: str = BEFORE) -> Reader:
    """Return a function that turns bytes into a pattern, in which these texts and such dates and times vary, and a name
    is a field of its own; `colours` also tells numbers of colours from the text behind them.

    They end where letters of another script than ASCII begin, since not every script puts spaces between words.
    """
    known = sorted(filter(None, varying), key=len, reverse=True)
    either = "|".join([*map(re.escape, known), clock])
    own = rf"(?P<name>(?a:(?<!\w){re.escape(name)}(?!\w)))" if name else "(?P<name>(?!))"
    scan = re.compile(rf"{own}|(?P<any>(?a:(?<!\w)(?:{either})(?!\w)))|\w+|.", re.DOTALL)

    def read(data: bytes) -> Pattern:
        text = data.decode("utf-8", "surrogateescape")
        if colours and len(pieces := COLOUR.split(text)) > 1:
            return tuple(chain(*map(words, pieces)))
        return words(text)

    def words(text: str) -> Pattern:
        return tuple(
            Field.NAME if found["name"] else Field.ANY if found["any"] else found[0] for found in scan.finditer(text)
        )

    return read


def template(pattern: Pattern, most: int = MAX_ANY_FIELDS) -> str:
    """Return a pattern as the text of a template with at most so many {any}."""
    parts = []
    run = ""
    for part in pattern:
        if isinstance(part, Field):
            parts += [NO_LITERAL.sub("{any}", run), part.value]
            run = ""
        else:
            run += part
    return _few("".join([*parts, NO_LITERAL.sub("{any}", run)]), most)


def literal(data: bytes) -> str:
    """Return bytes as the text of a template."""
    return template((data.decode("utf-8", "surrogateescape"),))


def with_body(before: Pattern, behind: Pattern) -> str:
    """Return the text of the template of what stands before a body and behind it."""
    last = template(behind)
    first = template(before, MAX_ANY_FIELDS - min(1, last.count("{any}")))
    return f"{first}{{body}}{template(behind, MAX_ANY_FIELDS - first.count('{any}'))}"


def around(heads: Iterable[bytes], tails: Iterable[bytes], varying: Iterable[str] = ()) -> Template | None:
    """Return the template of texts that have these bytes before their body, and those behind it; None if they are of
    several kinds, or nothing says where their bodies begin.
    """
    before, behind = [*map(reader(varying), heads)], [*map(reader(varying, clock=BEHIND), tails)]
    if any(len({*map(len, read)}) > 1 for read in (before, behind)):
        return None
    try:
        return Template.parse(with_body(align(before), align(behind)), "any", "body")
    except BadTemplate:
        return None


def _few(text: str, most: int) -> str:
    """Return a template's text with no more `{any}` fields than that: the last includes the rest."""
    first, *others = SEVERAL.sub("{any}", text).split("{any}")
    return "{any}".join([first, *others] if len(others) <= most else [first, *others[: most - 1], others[-1]])


def align(patterns: Sequence[Pattern]) -> Pattern:
    """Return the common parts of these patterns, with a field for each part that differs."""
    if len({len(pattern) for pattern in patterns}) == 1:
        return tuple(same[0] if len(set(same)) == 1 else Field.ANY for same in zip(*patterns, strict=True))
    begin, end = _common(patterns)
    return (*patterns[0][:begin], Field.ANY, *patterns[0][len(patterns[0]) - end :])


def beside(texts: Mapping[str, Sequence[bytes]], host: str, *, behind: bool = False) -> Pattern:
    """Return the pattern before an utterance, or `behind` it, from speaker -> the bytes there each time.

    A part that differs between speakers, but not between the utterances of one, is the label. If the label is the
    client's port, the host just before it belongs to the label.
    """
    read = reader(colours=True, clock=BEHIND if behind else BEFORE)
    own = [align([read(one) for one in each]) for each in texts.values()]
    if len(set(own)) == 1:
        return own[0]
    address = read(host.encode())
    if not _places(own[0], address) and (labelled := _labelled(dict(zip(texts, own, strict=True)))):
        return labelled
    begin, end = _common(own)
    before = own[0][:begin]
    after = own[0][len(own[0]) - end :]
    if any(Field.ANY in one[begin : len(one) - end] for one in own):
        return (*before, Field.ANY, *after)
    places = _places(before, address)
    return (*before[: places[-1] if places else begin], Field.SENDER, *after)


def _places(pattern: Pattern, part: Pattern) -> list[int]:
    """Return where a part occurs in a pattern."""
    return [at for at in range(len(pattern)) if part and pattern[at : at + len(part)] == part]


def _labelled(own: Mapping[str, Pattern]) -> Pattern | None:
    """Return the pattern whose only varying part is one word for each speaker, once or more; None if it has others.

    A number, or the speaker's name, that ends the words of all speakers, after the same letters, is the label alone.
    """
    if len(set(map(len, own.values()))) > 1 or any(Field.ANY in one for one in own.values()):
        return None
    places = list(zip(*own.values(), strict=True))
    labels = {place for place in places if len(set(place)) > 1}
    if len(labels) != 1:
        return None
    (words,) = labels
    ends = [
        re.fullmatch(rf"(\w+?)(?:{re.escape(who)}|(?<!\d)\d+)", str(word)) for who, word in zip(own, words, strict=True)
    ]
    stems = {found[1] if found else "" for found in ends}
    label = (*stems, Field.SENDER) if len(stems) == 1 and "" not in stems else (Field.SENDER,)
    return tuple(part for place in places for part in (label if place == words else place[:1]))


def notices(
    lines: Iterable[bytes], varying: Iterable[str], labels: Iterable[str] = (), clock: str = BEFORE
) -> list[str]:
    """Return a template for each kind of line among those that one kind of event caused.

    Labels of senders vary, too, unless a line has no other word.
    """
    readers = reader([*varying, *labels], clock=clock), reader(varying, clock=clock)
    kinds: list[Pattern] = []
    for line in dict.fromkeys(lines):
        labelled, plain = (read(line) for read in readers)
        pattern = labelled if any(map(_is_word, labelled)) else plain
        for number, kind in enumerate(kinds):
            if alike(kind, pattern):
                kinds[number] = align([kind, pattern])
                break
        else:
            kinds += [pattern] * (len(kinds) < MAX_LINE_KINDS)
    return [template(kind) for kind in kinds]


def endings(
    texts: Iterable[bytes], varying: Iterable[str], labels: Iterable[str] = (), clock: str = BEFORE
) -> list[str]:
    """Return a template for each kind of text that nothing ends: where kinds are alike and end in few ways, as in
    `has come!` and `has gone.`, one for each way.
    """
    told = list(texts)
    ways: dict[bytes, list[bytes]] = {}
    for text in told:
        ways.setdefault(b"".join(LAST_WORD.findall(text)), []).append(text)
    if len(ways) > MAX_ENDINGS:
        return notices(told, varying, labels, clock)
    found = [template for own in ways.values() for template in notices(own, varying, labels, clock)]
    return list(dict.fromkeys(found))


def varying_words(templates: Iterable[str], lines: Iterable[bytes]) -> set[str]:
    """Return the words, but numbers, that stand in these lines where the templates have {any}."""
    readers = [re.compile("(.*?)".join(map(re.escape, one.split("{any}"))), re.DOTALL) for one in templates]
    texts = [line.decode("utf-8", "surrogateescape") for line in lines]
    found = [word for one in readers for text in texts if (match := one.fullmatch(text)) for word in match.groups()]
    return {word for word in found if re.fullmatch(r"\w{2,}", word) and not word.isdecimal()}


def apart(texts: Sequence[str]) -> list[str]:
    """Return the templates of texts that nothing ends, without those that are several of the others in a row; of one
    that begins as another does, what stands behind that.
    """
    found: list[str] = []
    for text in sorted(texts, key=len):
        rest = text
        while before := next(filter(None, (_beginning(one).match(rest) for one in found)), None):
            rest = rest[before.end() :]
        if rest and rest not in found:
            found.append(rest)
    return found


def _beginning(text: str) -> re.Pattern[str]:
    """Return what matches the text of another template that begins as this one does; a name may be empty."""
    return re.compile(".*?".join(map(re.escape, text.split("{any}"))), re.DOTALL)


def likeness(one: bytes, other: bytes, varying: Iterable[str]) -> int:
    """Return how many words two lines have in common at their beginning and end."""
    read = reader(varying)
    first, second = read(one), read(other)
    begin, end = _common([first, second])
    return sum(map(_is_word, [*first[:begin], *first[len(first) - end :]]))


def covers(general: str, special: str) -> bool:
    """Whether the general template matches whatever the special one matches."""
    return Template.parse(general, "any").matches(special.encode())


def alike(one: Pattern, other: Pattern) -> bool:
    """Whether two lines seem to be of one kind and differ in one part."""
    if len(one) == len(other):
        words = [(word, same) for word, same in zip(one, other, strict=True) if _is_word(word) and _is_word(same)]
        words = [
            pair for pair in words if not all(str(word).isdecimal() for word in pair)
        ] or words  # numbers may count
        return 2 * sum(word == same for word, same in words) > len(words)
    begin, end = _common([one, other])
    return sum(map(_is_word, [*one[:begin], *one[len(one) - end :]])) >= MIN_COMMON_WORDS


def spared(kept: Mapping[bytes, Pattern], latest: bytes) -> bytes:
    """Return the line, of those kept longest, that gives way to the latest: one of its kind, or else the first."""
    oldest = [*islice(kept, MAX_SPARED_LINES)]
    return next((line for line in oldest if alike(kept[line], kept[latest])), oldest[0])


def _is_word(part: str | Field) -> bool:
    return isinstance(part, str) and part[0].isalnum()


def _common(patterns: Sequence[Pattern]) -> tuple[int, int]:
    """Return how many parts all have in common at the beginning, and how many of the rest at the end."""
    shortest = min(map(len, patterns))
    begin = _same(list(zip(*patterns, strict=False)))
    backwards = [pattern[::-1][: shortest - begin] for pattern in patterns]
    return begin, _same(list(zip(*backwards, strict=True)))


def _same(parts: Sequence[Sequence[str | Field]]) -> int:
    return len(list(takewhile(lambda part: len(set(part)) == 1, parts)))
