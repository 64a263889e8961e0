"""What clients must read, as bytes where a dialect determines all of them, and as regular expressions elsewhere."""

import re
from collections.abc import Iterable

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.template import FIELD, Template

Pattern = re.Pattern[bytes]

UNKNOWN_PATTERN = rb"[^\r\n]*?"
"""A label, or anything else that a server writes into a line."""

MANY_BODIES = 100
"""Different bodies up to which a pattern holds each of them."""

ANYTHING = rb"(?s).*?"
"""What a client may read before the bytes that are due: notices, prompts."""


def of_template(template: Template, body: bytes = rb".*?") -> bytes:
    """Return a template as a regular expression, with this one for its body."""
    made, end = b"", 0
    for field in FIELD.finditer(template.text):
        made += re.escape(template.text[end : field.start()].encode())
        made += body if field[1] == "body" else UNKNOWN_PATTERN
        end = field.end()
    return made + re.escape(template.text[end:].encode())


def awaited(template: Template) -> Pattern:
    """Return the pattern of bytes that end with what a handshake waits for."""
    return re.compile(ANYTHING + of_template(template))


def _forms(dialect: Dialect, body: bytes) -> bytes:
    """Return the regular expression of a delivery of this body, to others or to its speaker."""
    forms = [dialect.template]
    if isinstance(dialect.to_sender, Template) and dialect.to_sender.has_body:
        forms.append(dialect.to_sender)
    return b"(?:" + b"|".join(of_template(form, body) for form in forms) + b")"


def delivery(dialect: Dialect, body: bytes) -> bytes | Pattern:
    """Return what a member reads when something is delivered to it."""
    if dialect.stream:
        return dialect.delivery(body)
    return re.compile(ANYTHING + _forms(dialect, re.escape(body)) + _end(dialect))


def _end(dialect: Dialect) -> bytes:
    """Return the regular expression of what follows a delivery."""
    framing = dialect.framing_out
    if dialect.stream or framing.kind in ("none", "length"):
        return b""
    return b"(?:" + re.escape(framing.pad) + b")*" if framing.kind == "fixed" else re.escape(framing.newline)


def pieces(dialect: Dialect, said: Iterable[bytes]) -> Pattern:
    """Return the pattern that finds each delivery of what was said at once; its group is the body."""
    if dialect.stream:
        prefix = dialect.prefix
        begun = b"".join(b"|" + re.escape(prefix[:size]) + rb"\Z" for size in range(1, len(prefix)))
        return re.compile(b"(?s)%s((?:(?!%s%s).){1,%d})" % (re.escape(prefix), re.escape(prefix), begun, dialect.chunk))
    bodies = b"|".join(_bodies(set(said)))
    heads = {form.head: of_template(Template(form.text.partition("{body}")[0])) for form in _all_forms(dialect)}
    # A server of chunks writes nothing before the second of two utterances that it reads at once.
    optional = b"?" if dialect.framing_in.kind == "chunk" else b""
    tails = b"|".join({re.escape(form.tail): None for form in _all_forms(dialect)})
    return re.compile(b"(?:%s)%s(%s)(?:%s)%s" % (b"|".join(heads.values()), optional, bodies, tails, _end(dialect)))


def _bodies(said: set[bytes]) -> list[bytes]:
    """Return regular expressions of what was said, the longest first; of many, their lengths and bytes alone, since
    thousands of alternatives would take minutes to compile.
    """
    if len(said) <= MANY_BODIES:
        return [re.escape(body) for body in sorted(said, key=len, reverse=True)]
    any_byte = b"[%s]" % re.escape(bytes({byte for body in said for byte in body}))
    return [b"%s{%d}" % (any_byte, size) for size in sorted({len(body) for body in said}, reverse=True)]


def _all_forms(dialect: Dialect) -> list[Template]:
    own = dialect.to_sender
    return [dialect.template, *([own] if isinstance(own, Template) and own.has_body else [])]


def heard_probe(dialect: Dialect, words: bytes) -> bytes:
    """Return the regular expression, to be filled in by %, of bytes that end with a delivery of these words."""
    return ANYTHING + words + _end(dialect).replace(b"%", b"%%")


def unwanted(dialect: Dialect) -> Pattern:
    """Return the pattern of bytes that must not come while nothing is due."""
    if dialect.notices or dialect.all_prompts or dialect.framing_out.kind == "none":
        return re.compile(_forms(dialect, b"."))
    return re.compile(rb"(?s).")
