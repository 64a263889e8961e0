"""What clients must read, as bytes where a dialect determines all of them, and as regular expressions elsewhere."""

import re
from collections.abc import Iterable

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.framing import PARTS_END
from socketserver_reference.conformance.dialects.template import ANY_FIELD, FIELD, NAME_PATTERN, Template

Pattern = re.Pattern[bytes]

MIN_PIECE_BYTES = 4
"""Bytes of the shortest utterance that no label holds by chance."""

UNKNOWN_PATTERN = rb"[^\r\n]*?"
"""A label, or anything else that a server writes into a line."""

MANY_BODIES = 100
"""Different bodies up to which a pattern holds each of them."""

ANYTHING = rb"(?s).*?"
"""What a client may read before the bytes that are due: notices, prompts."""


def of_template(template: Template, body: bytes = rb".*?", unknown: bytes = UNKNOWN_PATTERN) -> bytes:
    """Return a template as a regular expression, with these for its body and its other fields."""
    made, end = b"", 0
    for field in FIELD.finditer(template.text):
        made += re.escape(template.text[end : field.start()].encode())
        made += {"body": body, "name": NAME_PATTERN}.get(field[1], unknown)
        end = field.end()
    return made + re.escape(template.text[end:].encode())


def reply(dialect: Dialect, data: bytes) -> bytes | Pattern:
    """Return what the client of an echo must read, where {any} stands for what the dialect does not say."""
    if dialect.reply_template.constant:
        return data
    return re.compile(re.escape(data).replace(re.escape(ANY_FIELD), UNKNOWN_PATTERN))


def awaited(template: Template) -> Pattern:
    """Return the pattern of bytes that end with what a handshake waits for."""
    return re.compile(ANYTHING + of_template(template))


def _forms(dialect: Dialect, body: bytes, unknown: bytes = UNKNOWN_PATTERN) -> bytes:
    """Return the regular expression of a delivery of this body, to others or to its speaker."""
    forms = (_in_parts(dialect, of_template(form, body, unknown)) for form in dialect.forms)
    return b"(?:" + b"|".join(forms) + b")"


def _in_parts(dialect: Dialect, content: bytes) -> bytes:
    """Return a regular expression of what stands in a frame, with the lengths of its further parts."""
    between = re.escape(PARTS_END)
    return content.replace(between, _header(dialect)) if dialect.framing_out.parts > 1 else content


def delivery(dialect: Dialect, body: bytes) -> bytes | Pattern:
    """Return what a member reads when something is delivered to it."""
    if dialect.stream:
        return dialect.delivery(body)
    return re.compile(ANYTHING + _forms(dialect, re.escape(body)) + _end(dialect))


def nothing_but(dialect: Dialect, body: bytes, said: Iterable[bytes]) -> bytes | Pattern:
    """Return what a member reads when this is delivered to it, with nothing before it but what the dialect lets pass.

    Its label must not hold another delivery: no padding, no long length, and, where nothing marks an end, nothing of
    what was `said` before.
    """
    if dialect.stream:
        return delivery(dialect, body)
    framing = dialect.framing_out
    header = _header(dialect)
    before = {"fixed": [2 * framing.pad], "length": [b"\0", b"   ", b"000"]}.get(framing.kind, [])
    if framing.kind == "none":
        before = [one for one in {*said} if len(one) >= MIN_PIECE_BYTES and one not in body]
    label = b"(?:(?!%s)[^\\r\\n])*?" % b"|".join(map(re.escape, before)) if before else UNKNOWN_PATTERN
    return re.compile(passing(dialect) + header + _forms(dialect, re.escape(body), label) + _end(dialect))


def _header(dialect: Dialect) -> bytes:
    """Return the regular expression of what stands before a frame."""
    return b"(?s:.{%d})" % dialect.framing_out.header_bytes if dialect.framing_out.kind == "length" else b""


def passing(dialect: Dialect) -> bytes:
    """Return the regular expression of all that may pass before a delivery: notices, prompts, receipts."""
    header = _header(dialect)
    own = dialect.to_sender
    framed = [*dialect.notices, *([own] if isinstance(own, Template) and not own.has_body else [])]
    frames = [header + _in_parts(dialect, of_template(one)) + _end(dialect) for one in framed]
    passes = [*frames, *map(of_template, dialect.all_prompts)]
    return b"(?:" + b"|".join(passes) + b")*" if passes else b""


def passing_alone(dialect: Dialect) -> Pattern:
    """Return the pattern of a stream in which nothing is delivered."""
    return re.compile(passing(dialect))


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
    heads = {form.head: of_template(Template(form.head.decode())) for form in dialect.forms}
    # A server of chunks writes nothing before the second of two utterances that it reads at once.
    optional = b"?" if dialect.framing_in.kind == "chunk" else b""
    head = _in_parts(dialect, b"|".join(heads.values()))
    return re.compile(_header(dialect) + b"(?:%s)%s(%s)%s%s" % (head, optional, bodies, _tails(dialect), _end(dialect)))


def _bodies(said: set[bytes]) -> list[bytes]:
    """Return regular expressions of what was said, the longest first; of many, their lengths and bytes alone, since
    thousands of alternatives would take minutes to compile.
    """
    if len(said) <= MANY_BODIES:
        return [re.escape(body) for body in sorted(said, key=len, reverse=True)]
    any_byte = b"[%s]" % re.escape(bytes({byte for body in said for byte in body}))
    return [b"%s{%d}" % (any_byte, size) for size in sorted({len(body) for body in said}, reverse=True)]


def _tails(dialect: Dialect) -> bytes:
    """Return the regular expression of what may stand behind a body."""
    tails = {_in_parts(dialect, of_template(Template(form.tail.decode()))): None for form in dialect.forms}
    return b"(?:%s)" % b"|".join(tails)


def heard_probe(dialect: Dialect, words: bytes) -> bytes:
    """Return the regular expression, to be filled in by %, of bytes that end with a delivery of these words."""
    return ANYTHING + words + (_tails(dialect) + _end(dialect)).replace(b"%", b"%%")


def late_probes(dialect: Dialect, words: bytes) -> Pattern:
    """Return the pattern of deliveries of these words, with any number, at the beginning of what a client has read in a
    stream.
    """
    return re.compile(rb"\A(?:%s\d+)+" % re.escape(dialect.prefix + words.partition(b"%")[0]))


def unwanted(dialect: Dialect) -> Pattern:
    """Return the pattern of bytes that must not come while nothing is due."""
    if not (dialect.notices or dialect.all_prompts or dialect.framing_out.kind == "none"):
        return re.compile(rb"(?s).")
    heads = (of_template(Template(form.head.decode())) for form in dialect.forms)
    begun = b"|".join(_in_parts(dialect, head) + b"." for head in heads)
    if dialect.framing_out.kind == "none":
        return re.compile(begun)
    newline = re.escape(dialect.framing_out.newline)
    lines = dialect.framing_out.kind in ("line", "chunk")  # of others, one byte shows that a frame has come
    whole = rb"(?:(?!%s).)*%s" % (newline, newline) if lines else _header(dialect) + b"."
    passes = passing(dialect)
    return re.compile(rb"(?s)\A%s(?!%s)%s|(?:%s)" % (passes, passes.removesuffix(b"*"), whole, begun))
