"""Templates: how a dialect writes partly known bytes, such as `<user{sender}> {body}`.

    {body}     what a client said
    {sender}   the label that the server gives to the speaker: learned from deliveries, never guessed
    {name}     the name that a client gives in its handshake: its own in a greeting, any client's elsewhere
    {any}      up to 4096 bytes of anything but a line end: a time of day, a count
    {word}     up to 100 bytes of anything but white space: an address, where nothing marks the end of a text

All other text stands for itself, in UTF-8. A template is no regular expression: the author of a dialect for a server in
another language need not know Python's.
"""

import re
from dataclasses import dataclass
from functools import cached_property

FIELD = re.compile(r"\{(\w*)\}")
LINE_ENDS = re.compile(rb"[\r\n]")
ANY_FIELD = b"{any}"
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
        """Parse a template with these fields: {body} at most once, and no field after it. Raises BadTemplate."""
        used = FIELD.findall(text)
        if len(text.encode()) > MAX_TEMPLATE_BYTES:
            raise BadTemplate(f"a template has at most {MAX_TEMPLATE_BYTES} bytes, and this one {len(text.encode())}")
        for name in used:
            if name not in fields:
                known = ", ".join(f"{{{field}}}" for field in fields)
                raise BadTemplate(f"{{{name}}} is not a field here: write {known or 'none'}")
        if used.count("body") > 1:
            raise BadTemplate("{body} occurs twice: write it once")
        if "body" in used and FIELD.search(text.partition("{body}")[2]):
            raise BadTemplate("a field follows {body}, so the end of the body cannot be found: put the field before it")
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
        """The part after {body}."""
        return self.text.partition("{body}")[2].encode()

    @cached_property
    def _head(self) -> re.Pattern[bytes]:
        return re.compile(_pattern(self.text.partition("{body}")[0]), re.DOTALL)

    @cached_property
    def _whole(self) -> re.Pattern[bytes]:
        return re.compile(_pattern(self.text), re.DOTALL)

    def matches(self, data: bytes) -> bool:
        """Whether these bytes are the template, filled in with anything."""
        return self._whole.fullmatch(data) is not None

    def begins(self, data: bytes) -> bool:
        """Whether these bytes may be the template with some body."""
        return data.endswith(self.tail) and self._head.match(data) is not None

    def prefix(self, data: bytes) -> int:
        """Return how many of the first bytes are the template; 0 if they are not."""
        found = self._whole.match(data)
        return found.end() if found else 0

    def named(self, name: bytes) -> "Template":
        """Return the template as a client with that name reads it."""
        return Template(self.text.replace("{name}", name.decode()))

    def after(self, data: bytes) -> int | None:
        """Return where the first match of the template ends; None if there is none yet."""
        found = self._whole.search(data)
        return found.end() if found else None

    def label(self, data: bytes, body: bytes) -> bytes | None:
        """Return the sender's label, b"" without {sender}; None unless the bytes are the template with this body."""
        end = body + self.tail
        if not data.endswith(end):
            return None
        found = self._head.fullmatch(data[: len(data) - len(end)])
        if found is None:
            return None
        return found.group("sender") if self.has_sender else b""

    def sender(self, data: bytes) -> bytes | None:
        """Return the label of the sender; None unless the bytes are the template with some body and a label."""
        found = self._whole.fullmatch(data) if self.has_sender else None
        return found.group("sender") if found else None

    def body(self, data: bytes) -> bytes | None:
        """Return the body, as long as it may be; None unless the bytes are the template with some body."""
        found = self._whole.fullmatch(data)
        return found.group("body") if found and self.has_body else None

    def find(self, data: bytes, body: bytes) -> int:
        """Return where the first match of the template with this body ends; 0 if there is no whole one."""
        end = body + self.tail
        at = data.find(end)
        while at >= 0:
            if self._head.fullmatch(data[:at]):
                return at + len(end)
            at = data.find(end, at + 1)
        return 0

    def behind_head(self, data: bytes) -> bytes:
        """Return what follows the part before {body}; all of it if that does not stand at the beginning."""
        found = self._head.match(data)
        return data[found.end() :] if found else data

    def put_back(self, due: bytes, at: int, came: bytes) -> tuple[bytes, bytes]:
        """Return bytes that came with {any} for what stands in its place, as in the bytes `due` from `at` on, which are
        this template, filled in, several times; and the rest, if that may be the beginning of such a place.
        """
        ends = [part for field, part in zip(FIELD.findall(self.text), self.parts[1:], strict=True) if field == "any"]
        known, count = b"", due.count(ANY_FIELD, 0, at)
        while ends:
            before, field, due = due[at:].partition(ANY_FIELD)
            if not (field and came.startswith(before)):
                break
            came, known, at = came.removeprefix(before), known + before, 0
            end = came.find(ends[count % len(ends)])
            place = came if end < 0 else came[:end]
            if len(place) > MAX_ANY_BYTES or LINE_ENDS.search(place):
                break
            if end < 0:
                return known, came
            came, known, count = came[end:], known + field, count + 1
        return known + came, b""

    def place(self, data: bytes, body: bytes, sender: bytes | None) -> tuple[int, int]:
        """Return where the first match of the template with this body, and this label if it is known, begins and ends;
        (0, 0) if there is no whole one.
        """
        found = re.search(self._labelled(sender) + re.escape(body + self.tail), data, re.DOTALL)
        return found.span() if found else (0, 0)

    def may_go_on(self, data: bytes, body: bytes, sender: bytes | None) -> bool:
        """Whether the bytes may be the beginning of the template with this body, and this label if it is known."""
        head, end = self._labelled(sender), body + self.tail
        if any(end.startswith(data[at:]) and re.fullmatch(head, data[:at], re.DOTALL) for at in range(len(data))):
            return True
        known = self.head if sender is None else self.head.replace(b"{sender}", sender)
        opening, field, _ = known.partition(b"{")
        return opening.startswith(data) or (bool(field) and data.startswith(opening) and b"\n" not in data)

    def _labelled(self, sender: bytes | None) -> bytes:
        """Return the part before {body} as a regular expression, with this label if it is known."""
        pattern = _pattern(self.text.partition("{body}")[0])
        if sender is None:
            return pattern
        return pattern.replace(LABEL, re.escape(sender)).replace(SAME_LABEL, re.escape(sender))

    def fill(self, *, body: bytes = b"", sender: bytes | None = None, name: bytes = b"") -> bytes:
        """Return the template, filled in; an unknown field stays as it is written."""
        filled = self.head.replace(b"{name}", name)
        if sender is not None:
            filled = filled.replace(b"{sender}", sender)
        return filled + body + self.tail if self.has_body else filled


def _pattern(text: str) -> bytes:
    """Return a template, or a part of one, as a regular expression.

    {any} ends at the first occurrence of the text that follows it, never later. Otherwise the expression would try
    every way to cut a long line, and a hostile server could make that take for ever. Only the last field may backtrack.
    """
    fields = list(FIELD.finditer(text))
    pattern = re.escape(text[: fields[0].start() if fields else len(text)].encode())
    for count, field in enumerate(fields):
        last = count + 1 == len(fields)
        literal = re.escape(text[field.end() : len(text) if last else fields[count + 1].start()].encode())
        label = SAME_LABEL if LABEL in pattern else LABEL
        patterns = {"body": BODY_PATTERN, "sender": label, "name": NAME_PATTERN, "word": WORD_PATTERN}
        part = patterns.get(field.group(1), ANY_PATTERN) + literal
        pattern += b"(?>" + part + b")" if field.group(1) in ("any", "name", "word") and not last else part
    return pattern
