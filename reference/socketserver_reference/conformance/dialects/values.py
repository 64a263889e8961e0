"""The kinds of values of a dialect file: how each is read, what is said about an invalid one, and its JSON Schema.

Each kind's `read` returns the value, or raises BadDialect with the key, the value and the correction. The schema says
as much as a JSON Schema can: which fields a template may have, but not where they may stand in it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from socketserver_reference.conformance.dialects import framing
from socketserver_reference.conformance.dialects.input_file import BadFile
from socketserver_reference.conformance.dialects.limits import Rate
from socketserver_reference.conformance.dialects.template import MAX_TEMPLATE_BYTES, BadTemplate, Template
from socketserver_reference.conformance.scenario.text import printable


class BadDialect(BadFile):
    """The file is not a valid dialect; the message names the place, the error and the correction."""


MAX_LIST_ENTRIES = 50
"""Most notices, prompts, or exchanges of a handshake."""

MAX_SECONDS = 60
"""Most seconds of a limit."""

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of value: in words, how it is read, and its JSON Schema."""

    words: str
    read: Callable[[str, object], Any]
    schema: Schema


def wrong(key: str, value: object, right: str) -> BadDialect:
    """Return the error of an invalid value."""
    return BadDialect(f"{key} = {_shown(value)}: write {right}")


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return printable(text) if len(text) < 60 else f"{printable(text[:49])}..."


# Texts


def words(*allowed: str) -> Kind:
    """Return the kind of one of some words."""
    right = " or ".join(f'"{word}"' for word in allowed)

    def read(key: str, value: object) -> str:
        if value not in allowed:
            raise wrong(key, value, right)
        return str(value)

    return Kind(right, read, {"enum": list(allowed)})


def _read_text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise wrong(key, value, "a text in quotation marks")
    return value


def _read_line(key: str, value: object) -> str:
    text = _read_text(key, value)
    if not text.isprintable():
        raise wrong(key, value, "a text on one line, without control characters")
    return text


TEXT = Kind("a text", _read_text, {"type": "string"})
LINE = Kind("a text on one line", _read_line, {"type": "string", "pattern": r"^[^\u0000-\u001f\u007f]*$"})


def some_bytes(least: int, most: int) -> Kind:
    """Return the kind of a text of so many bytes."""
    many = f"a text of {least} to {most} bytes" if most > least else f"a text of {least} byte"

    def read(key: str, value: object) -> bytes:
        data = _read_text(key, value).encode()
        if not least <= len(data) <= most:
            raise wrong(key, value, many)
        return data

    return Kind(many, read, {"type": "string", "minLength": least, "maxLength": most})


def a_list(one: Kind, what: str) -> Kind:
    """Return the kind of a list of values of another kind."""

    def read(key: str, value: object) -> tuple[Any, ...]:
        if (
            not isinstance(value, list)
            or len(value) > MAX_LIST_ENTRIES
            or not all(isinstance(text, str) for text in value)
        ):
            raise wrong(key, value, f"a list of at most {MAX_LIST_ENTRIES} texts, in brackets")
        return tuple(one.read(key, text) for text in value)

    return Kind(what, read, {"type": "array", "items": one.schema, "maxItems": MAX_LIST_ENTRIES})


# Numbers


def whole(least: int, most: int) -> Kind:
    """Return the kind of a whole number."""
    right = f"a whole number from {least} to {most}"

    def read(key: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise wrong(key, value, right)
        return value

    return Kind(right, read, {"type": "integer", "minimum": least, "maximum": most})


def _read_seconds(key: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= MAX_SECONDS:
        raise wrong(key, value, f"a number of seconds from 0 to {MAX_SECONDS}")
    return float(value)


SECONDS = Kind(
    f"seconds, from 0 to {MAX_SECONDS}", _read_seconds, {"type": "number", "minimum": 0, "maximum": MAX_SECONDS}
)

RATE_TEXT = re.compile(r"([1-9][0-9]{0,4})/([1-9]|[1-5][0-9]|60)")


def _read_rate(key: str, value: object) -> Rate:
    found = RATE_TEXT.fullmatch(value) if isinstance(value, str) else None
    if value == "":
        return Rate()
    if found is None:
        raise wrong(key, value, f'how many in how many seconds, at most {MAX_SECONDS}: "256/60"')
    return Rate(int(found[1]), int(found[2]))


RATE = Kind(
    'how many in how many seconds: "256/60"; "" for any number',
    _read_rate,
    {"type": "string", "pattern": rf"^(?:{RATE_TEXT.pattern})?$"},
)


def _read_truth(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong(key, value, "true or false")
    return value


TRUTH = Kind("true or false", _read_truth, {"type": "boolean"})


# Templates


def template(*fields: str, body: bool = False, meaningful: bool = False, empty: bool = False) -> Kind:
    """Return the kind of a template with these fields; one with a `body` must contain it, and a `meaningful` one must
    contain more than fields and blanks, since it would match any line. One that may be `empty` matches a blank line.
    """

    def read(key: str, value: object) -> Template:
        try:
            parsed = Template.parse(_read_text(key, value), *fields)
        except BadTemplate as error:
            raise BadDialect(f"{key} = {_shown(value)}: {error}") from None
        if body and not parsed.has_body:
            raise wrong(key, value, "a template that contains {body}")
        blank = empty and parsed.constant
        if meaningful and not (blank or parsed.has_body or parsed.literal.strip()):
            raise wrong(key, value, "a text with more than fields and blanks: this matches any line")
        return parsed

    names = ", ".join(f"{{{field}}}" for field in fields)
    pattern = rf"^(?:[^{{]|\{{(?!\w*\}})|\{{(?:{'|'.join(fields)})\}})*$"
    schema: dict[str, Any] = {"type": "string", "pattern": pattern, "maxLength": MAX_TEMPLATE_BYTES}
    if body:
        schema["allOf"] = [{"pattern": r"\{body\}"}]
    return Kind(f"a template with {names}", read, schema)


def or_words(kind: Kind, *allowed: str) -> Kind:
    """Return the kind of one of some words, or of a value of another kind."""

    def read(key: str, value: object) -> Any:
        return value if value in allowed else kind.read(key, value)

    shown = " or ".join(f'"{word}"' for word in allowed)
    return Kind(f"{shown}, or {kind.words}", read, {"anyOf": [{"enum": list(allowed)}, kind.schema]})


# Values of one key


def _read_header(key: str, value: object) -> str:
    text = value if isinstance(value, str) else ""
    if not (framing.DECIMAL_HEADER.fullmatch(text) or text in framing.BINARY_HEADERS):
        raise wrong(key, value, HEADER.words)
    return text


HEADER = Kind(
    f'a number format from "%1d" to "%{framing.MAX_DIGITS}d", with a zero "%04d" or to the left "%-4d", or one of '
    + ", ".join(f'"{name}"' for name in framing.BINARY_HEADERS),
    _read_header,
    {"type": "string", "pattern": f"^(?:{framing.DECIMAL_HEADER.pattern}|{'|'.join(framing.BINARY_HEADERS)})$"},
)

PROTOCOLS = (("chat",), ("echo",), ("datagram",), ("echo", "datagram"))


def _read_protocols(key: str, value: object) -> tuple[str, ...]:
    protocols = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if protocols not in PROTOCOLS:
        raise wrong(key, value, PROTOCOL.words)
    return protocols


PROTOCOL = Kind(
    '"chat", "echo", "datagram" or ["echo", "datagram"]',
    _read_protocols,
    {"enum": ["chat", "echo", "datagram", ["chat"], ["echo"], ["datagram"], ["echo", "datagram"]]},
)
