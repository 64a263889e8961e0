"""Templates: how a dialect writes down bytes that are partly known, such as `<user{sender}> {body}`.

    {body}     what somebody said
    {sender}   the label that the server gives to who said it: learned from what is heard, never guessed
    {name}     the name that a client gives in its handshake, in what is sent to the server only
    {any}      up to 4096 bytes of anything but a line's end: a time of day, a count

All else is itself, in UTF-8. There are no regular expressions in a dialect: whoever writes one down for a server in
another language need not know Python's.
"""

import re
from dataclasses import dataclass
from functools import cached_property

FIELD = re.compile(r"\{(\w*)\}")
BESIDE = re.compile(r"(\{\w*\})(\{\w*\})")

LABEL = rb"(?P<sender>[^\r\n]{0,100}?)"
SAME_LABEL = rb"(?P=sender)"
ANY = rb"[^\r\n]{0,4096}?"
BODY = rb"(?P<body>.*)"


MAX_ANY_FIELDS = 2
"""Times that {any} may stand in one template: a server that is hostile could make more take very long."""

MAX_TEMPLATE_BYTES = 1000
"""Bytes of a template; what it is filled with comes on top of that."""


class BadTemplate(ValueError):
    """The text is no template; the message says what would be right."""


@dataclass(frozen=True)
class Template:
    """A template that has been checked: see the module."""

    text: str

    @classmethod
    def parse(cls, text: str, *fields: str) -> "Template":
        """Read a template that may hold these fields, {body} once at most and nothing unknown behind it."""
        used = FIELD.findall(text)
        if len(text.encode()) > MAX_TEMPLATE_BYTES:
            raise BadTemplate(f"a template has at most {MAX_TEMPLATE_BYTES} bytes, and this one {len(text.encode())}")
        for name in used:
            if name not in fields:
                known = ", ".join(f"{{{field}}}" for field in fields)
                raise BadTemplate(f"{{{name}}} is no field here: write {known or 'none'}")
        if used.count("body") > 1:
            raise BadTemplate("{body} stands there twice: once is enough")
        if "body" in used and FIELD.search(text.partition("{body}")[2]):
            raise BadTemplate("a field follows {body}, whose end could not be found then: put it before")
        if used.count("any") > MAX_ANY_FIELDS:
            raise BadTemplate(f"{{any}} stands there {used.count('any')} times: {MAX_ANY_FIELDS} are enough")
        if beside := BESIDE.search(text):
            raise BadTemplate(f"nothing says where {beside[1]} ends and {beside[2]} begins: write something between")
        return cls(text)

    @property
    def has_body(self) -> bool:
        """Whether there is something in it that a client said."""
        return "{body}" in self.text

    @property
    def has_sender(self) -> bool:
        """Whether it says who spoke."""
        return "{sender}" in self.text

    @property
    def literal(self) -> str:
        """All of it but the fields."""
        return FIELD.sub("", self.text)

    @property
    def parts(self) -> list[bytes]:
        """What stands before, between and behind the fields."""
        return [part.encode() for part in re.split(r"\{\w*\}", self.text)]

    @property
    def constant(self) -> bool:
        """Whether all of it but {body} is known beforehand."""
        return not {"sender", "any"} & set(FIELD.findall(self.text))

    @cached_property
    def head(self) -> bytes:
        """What stands before {body}, fields and all; everything, if there is no {body}."""
        return self.text.partition("{body}")[0].encode()

    @cached_property
    def tail(self) -> bytes:
        """What stands behind {body}."""
        return self.text.partition("{body}")[2].encode()

    @cached_property
    def _head(self) -> re.Pattern[bytes]:
        return re.compile(_pattern(self.text.partition("{body}")[0]), re.DOTALL)

    @cached_property
    def _whole(self) -> re.Pattern[bytes]:
        return re.compile(_pattern(self.text), re.DOTALL)

    def matches(self, data: bytes) -> bool:
        """Whether these bytes are the template filled in somehow."""
        return self._whole.fullmatch(data) is not None

    def begins(self, data: bytes) -> bool:
        """Whether these bytes may be the template with some body in it."""
        return data.endswith(self.tail) and self._head.match(data) is not None

    def after(self, data: bytes) -> int | None:
        """Return where the first bytes end that are the template filled in; None if there are none yet."""
        found = self._whole.search(data)
        return found.end() if found else None

    def label(self, data: bytes, body: bytes) -> bytes | None:
        """Return the sender's label, b"" if there is none, where these bytes are just this body in the template."""
        end = body + self.tail
        if not data.endswith(end):
            return None
        found = self._head.fullmatch(data[: len(data) - len(end)])
        if found is None:
            return None
        return found.group("sender") if self.has_sender else b""

    def find(self, data: bytes, body: bytes) -> int:
        """Return where the first bytes that are this body in the template end; 0 if they are not all there."""
        end = body + self.tail
        at = data.find(end)
        while at >= 0:
            if self._head.fullmatch(data[:at]):
                return at + len(end)
            at = data.find(end, at + 1)
        return 0

    def fill(self, *, body: bytes = b"", sender: bytes | None = None, name: bytes = b"") -> bytes:
        """Return the template filled in; what is not known stays as it is written."""
        filled = self.head.replace(b"{name}", name)
        if sender is not None:
            filled = filled.replace(b"{sender}", sender)
        return filled + body + self.tail if self.has_body else filled


def _pattern(text: str) -> bytes:
    """Return a template, or a part of one, as a regular expression.

    {any} ends where what follows it comes first, and never later: otherwise every way to cut a long line would be
    tried, and a hostile server could make that take for ever. Only what stands last may be cut in another way.
    """
    fields = list(FIELD.finditer(text))
    pattern = re.escape(text[: fields[0].start() if fields else len(text)].encode())
    for count, field in enumerate(fields):
        last = count + 1 == len(fields)
        literal = re.escape(text[field.end() : len(text) if last else fields[count + 1].start()].encode())
        label = SAME_LABEL if LABEL in pattern else LABEL
        part = {"body": BODY, "sender": label, "any": ANY}[field.group(1)] + literal
        pattern += b"(?>" + part + b")" if field.group(1) == "any" and not last else part
    return pattern
