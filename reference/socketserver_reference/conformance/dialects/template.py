"""Templates: how a dialect writes partly known bytes, such as `<user{sender}> {body}`.

    {body}     what a client said
    {sender}   the label that the server gives to the speaker: learned from deliveries, never guessed
    {name}     the name that a client gives in its handshake: its own in a greeting, any client's elsewhere
    {any}      up to 4096 bytes of anything but a line end: a time of day, a count
    {word}     up to 100 bytes of anything but white space: an address, where nothing marks the end of a text

All other text stands for itself, in UTF-8. A template is no regular expression: the author of a dialect for a server in
another language need not know Python's.

What stands before {body} is read from the beginning, what stands behind it from the end: there, a field begins at the
last occurrence of the text before it. So the template alone says where a body ends, whatever was said.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

FIELD = re.compile(r"\{(\w*)\}")
LINE_ENDS = re.compile(rb"[\r\n]")
ANY_FIELD = b"{any}"
OPEN_END = re.compile(r"\{(?!body)\w*\}\Z")
BESIDE = re.compile(r"(\{\w*\})(\{\w*\})")

MAX_ANY_BYTES = 4096
"""Most bytes that {any} stands for."""

LABEL = rb"(?P<sender>[^\r\n]{0,100}?)"
SAME_LABEL = rb"(?P=sender)"
NAME_PATTERN = rb"[A-Za-z0-9]{1,40}?"
ANY_PATTERN = rb"[^\r\n]{0,%d}?" % MAX_ANY_BYTES
WORD_PATTERN = rb"\S{0,100}?"
BODY_PATTERN = rb"(?P<body>.*)"


MAX_ANY_FIELDS = 2
"""Most {any} and {word} fields in one template: with more, a hostile server could make matching take very long."""

MAX_TEMPLATE_BYTES = 1000
"""Most bytes of a template, before its fields are filled in."""


class BadTemplate(ValueError):
    """The text is not a valid template; the message says how to correct it."""


@dataclass(frozen=True)
class Template:
    """A valid template: see the module."""

    text: str

    @classmethod
    def parse(cls, text: str, *fields: str) -> "Template":
        """Parse a template with these fields: {body} at most once. Raises BadTemplate."""
        used = FIELD.findall(text)
        if len(text.encode()) > MAX_TEMPLATE_BYTES:
            raise BadTemplate(f"a template has at most {MAX_TEMPLATE_BYTES} bytes, and this one {len(text.encode())}")
        for name in used:
            if name not in fields:
                known = ", ".join(f"{{{field}}}" for field in fields)
                raise BadTemplate(f"{{{name}}} is not a field here: write {known or 'none'}")
        if used.count("body") > 1:
            raise BadTemplate("{body} occurs twice: write it once")
        for name in ("any", "word"):
            if name in used and (count := used.count("any") + used.count("word")) > MAX_ANY_FIELDS:
                raise BadTemplate(f"{{{name}}} occurs {count} times: write it at most {MAX_ANY_FIELDS} times")
        if beside := BESIDE.search(text):
            raise BadTemplate(f"nothing says where {beside[1]} ends and {beside[2]} begins: write something between")
        return cls(text)

    @property
    def has_body(self) -> bool:
        """Whether it holds {body}."""
        return "{body}" in self.text

    @property
    def has_sender(self) -> bool:
        """Whether it holds {sender}."""
        return "{sender}" in self.text

    @property
    def behind_label(self) -> bytes:
        """What follows {sender} where it first stands, up to the next field."""
        return FIELD.split(self.text.partition("{sender}")[2])[0].encode()

    @property
    def literal(self) -> str:
        """The template without its fields."""
        return FIELD.sub("", self.text)

    @property
    def parts(self) -> list[bytes]:
        """The bytes before, between and after the fields."""
        return [part.encode() for part in re.split(r"\{\w*\}", self.text)]

    @property
    def unknown(self) -> int:
        """How many fields it has besides {body}."""
        return len([name for name in FIELD.findall(self.text) if name != "body"])

    @property
    def constant(self) -> bool:
        """Whether everything in it but {body} is known beforehand."""
        return not self.unknown

    @cached_property
    def head(self) -> bytes:
        """The part before {body}, including fields; all of it if there is no {body}."""
        return self.text.partition("{body}")[0].encode()

    @cached_property
    def tail(self) -> bytes:
        """The part after {body}, including fields."""
        return self.text.partition("{body}")[2].encode()

    @property
    def open_ended(self) -> bool:
        """Whether a field other than {body} stands last, so that the template does not say where it ends."""
        return OPEN_END.search(self.text) is not None

    @cached_property
    def _head(self) -> re.Pattern[bytes]:
        return re.compile(_pattern(self.text.partition("{body}")[0]), re.DOTALL)

    @cached_property
    def _tail(self) -> re.Pattern[bytes]:
        """The part after {body}, backwards."""
        return re.compile(_pattern(self.text.partition("{body}")[2], backwards=True), re.DOTALL)

    @cached_property
    def _onwards(self) -> re.Pattern[bytes]:
        return re.compile(_pattern(self.text.partition("{body}")[2]), re.DOTALL)

    @cached_property
    def _most_behind(self) -> int:
        """Most bytes of the part after {body}."""
        return len(self.tail) + MAX_ANY_BYTES * len(FIELD.findall(self.text.partition("{body}")[2]))

    def _behind(self, data: bytes) -> re.Match[bytes] | None:
        """Match the part after {body}, from the end of some bytes."""
        return self._tail.match(data[: -1 - self._most_behind : -1])

    def _parsed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Return the label and the body; None unless the bytes are the template."""
        before = self._head.match(data) if self.has_body else self._head.fullmatch(data)
        behind = self._behind(data)
        if before is None or behind is None or before.end() + behind.end() > len(data):
            return None
        label = _label(before, behind)
        return None if label is None else (label, data[before.end() : len(data) - behind.end()])

    def matches(self, data: bytes) -> bool:
        """Whether these bytes are the template, filled in with anything."""
        return self._parsed(data) is not None

    def prefix(self, data: bytes) -> int:
        """Return how many of the first bytes are the template, which has no body; 0 if they are not."""
        found = self._head.match(data)
        return found.end() if found else 0

    def named(self, name: bytes) -> "Template":
        """Return the template as a client with that name reads it."""
        return Template(self.text.replace("{name}", name.decode()))

    def after(self, data: bytes) -> int | None:
        """Return where the first match of the template, which has no body, ends; None if there is none yet."""
        found = self._head.search(data)
        return found.end() if found else None

    def label(self, data: bytes, body: bytes) -> bytes | None:
        """Return the sender's label, b"" without {sender}; None unless the bytes are the template with this body."""
        behind = self._behind(data)
        end = len(data) - behind.end() if behind is not None else -1
        if behind is None or not data.endswith(body, 0, end):
            return None
        before = self._head.fullmatch(data, 0, end - len(body))
        return _label(before, behind) if before is not None else None

    def sender(self, data: bytes) -> bytes | None:
        """Return the label of the sender; None unless the bytes are the template with some body and a label."""
        parsed = self._parsed(data) if self.has_sender else None
        return parsed[0] if parsed else None

    def body(self, data: bytes) -> bytes | None:
        """Return the body, as long as it may be; None unless the bytes are the template with some body."""
        parsed = self._parsed(data) if self.has_body else None
        return parsed[1] if parsed else None

    def find(self, data: bytes, body: bytes) -> int:
        """Return where the first match of the template with this body ends; 0 if there is no whole one."""
        at = data.find(body)
        while at >= 0:
            behind = self._onwards.match(data, at + len(body))
            if behind and self._head.fullmatch(data, 0, at):
                return behind.end()
            at = data.find(body, at + 1)
        return 0

    def bare(self, data: bytes) -> bytes:
        """Return the body or, of what is not the template, what follows the part before {body}, if that begins it."""
        body, found = self.body(data), self._head.match(data)
        return body if body is not None else data[found.end() :] if found else data

    def put_back(self, due: bytes, at: int, came: bytes, end: bytes = b"") -> tuple[bytes, bytes]:
        """Return bytes that came with {any} for what stands in its place, as in the bytes `due` from `at` on, which are
        this template, filled in, several times, with `end` behind each; and the rest, if that may be the beginning of
        such a place.
        """
        fields = zip(FIELD.findall(self.text), self.parts[1:], strict=True)
        ends = [part or end for field, part in fields if field == "any"]
        known, count = b"", due.count(ANY_FIELD, 0, at)
        while ends:
            before, field, due = due[at:].partition(ANY_FIELD)
            if not (field and came.startswith(before)):
                break
            came, known, at = came.removeprefix(before), known + before, 0
            last = came.find(ends[count % len(ends)])
            place = came if last < 0 else came[:last]
            if len(place) > MAX_ANY_BYTES or LINE_ENDS.search(place):
                break
            if last < 0:
                return known, came
            came, known, count = came[last:], known + field, count + 1
        return known + came, b""

    def place(self, data: bytes, body: bytes, sender: bytes | None) -> tuple[int, int]:
        """Return where the first match of the template with this body, and this label if it is known, begins and ends;
        (0, 0) if there is no whole one.
        """
        pattern = _pattern(self.text).replace(BODY_PATTERN, re.escape(body))
        if sender is not None:
            pattern = pattern.replace(LABEL, re.escape(sender)).replace(SAME_LABEL, re.escape(sender))
        found = re.search(pattern, data, re.DOTALL)
        return found.span() if found else (0, 0)

    def may_go_on(self, data: bytes, body: bytes, sender: bytes | None) -> bool:
        """Whether the bytes may be the beginning of the template with this body, and this label if it is known."""
        before, known = b"", b""  # what stands before a field, as a pattern, and the last of it, as bytes
        for part, field in zip_longest(self.parts, FIELD.findall(self.text)):
            known += part
            value = {"body": body, "sender": sender}.get(field)
            if value is not None:
                known += value
                continue
            ends = range(max(0, len(data) - len(known)), len(data) + 1)
            if any(known.startswith(data[at:]) and re.fullmatch(before, data[:at], re.DOTALL) for at in ends):
                return True
            before, known = before + re.escape(known) + ANY_PATTERN, b""
        return False

    def fill(self, *, body: bytes = b"", sender: bytes | None = None, name: bytes = b"") -> bytes:
        """Return the template, filled in; an unknown field stays as it is written."""
        parts = [part.replace(b"{name}", name) for part in (self.head, self.tail)]
        if sender is not None:
            parts = [part.replace(b"{sender}", sender) for part in parts]
        return (body if self.has_body else b"").join(parts)


def _label(before: re.Match[bytes], behind: re.Match[bytes]) -> bytes | None:
    """Return the one label in what stands before a body and, backwards, behind it; b"" for none, None for two."""
    labels = {*before.groupdict().values(), *(label[::-1] for label in behind.groupdict().values())}
    return None if len(labels) > 1 else min(labels, default=b"")


def _pattern(text: str, *, backwards: bool = False) -> bytes:
    """Return a template, or a part of one, as a regular expression; or as one of its bytes backwards.

    {any} ends at the first occurrence of the text that follows it, never later. Otherwise the expression would try
    every way to cut a long line, and a hostile server could make that take for ever. Only the last field, and the last
    before a body, may backtrack.
    """
    step = -1 if backwards else 1
    first, *parts = [re.escape(part.encode()[::step]) for part in FIELD.split(text)[::2][::step]]
    fields = FIELD.findall(text)[::step]
    pattern = first
    for field, literal, following in zip_longest(fields, parts, fields[1:]):
        label = SAME_LABEL if LABEL in pattern else LABEL
        patterns = {"body": BODY_PATTERN, "sender": label, "name": NAME_PATTERN, "word": WORD_PATTERN}
        part = patterns.get(field, ANY_PATTERN) + literal
        last = following in (None, "body")
        pattern += b"(?>" + part + b")" if field in ("any", "name", "word") and not last else part
    return pattern
