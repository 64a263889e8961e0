"""Dialect files: TOML, checked key by key and turned into a Dialect.

    protocol = "chat"                       # or "echo", "datagram", or a list of the two echoes
    about = "ncat --listen --chat"
    verified = ["ncat 7.93"]

    [framing]                               # see framing.py
    in = "line"                             # chunk, line, fixed, length
    out = "line"                            # one of these, or none
    newline = "\\n"

    [[handshake]]                           # one for each exchange: wait, send or both
    wait = "Name? "
    send = "{name}\\n"

    [delivery]                              # see template.py; without terminator, padding and length
    template = "{sender}: {body}"
    to_sender = "nothing"                   # or "same", or a template: without {body} it only confirms receipt
    notices = ["{any} has joined"]
    prompts = ["> "]                        # ignored, before a delivery or alone
    history = 20                            # most earlier deliveries that a new client may hear first

    [quit]
    word = "/quit"                          # "" for none

    [limits]                                # bytes, seconds; 0 for none
    utterance = 1000
    members = 100
    fresh = true                            # for a server that keeps state: start a fresh one for every scenario

    [bytes]
    handling = "replaced"                   # verbatim, replaced, refused, escaped, cut-at-nul
    white_space = "stripped"                # or "kept"

    [echo]                                  # for an echo, instead of delivery and quit
    transform = "identity"
    requests = "many"                       # or "one"
    greeting = ""

    [datagrams]
    largest = 8192
    empty = "answered"                      # or "ignored"

    [waived]                                # a clause that this server need not keep, and the reason
    CHAT-15 = "it queues without limit"

A key left out has its value in the reference's dialect. An error is refused with the file, the key and the correction:
a dialect with a typing error would check something other than its author means.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect, HandshakeTurn, Limits
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.input_file import parse_toml, read_text
from socketserver_reference.conformance.dialects.schema import BadDialect, Document, check
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.scenario.text import printable

__all__ = ["BadDialect", "bundled", "find", "load", "read", "spoken"]

BUNDLED = Path(__file__).with_name("bundled")

MIN_UTTERANCE_BYTES = 40
"""Bytes that an utterance needs, so that no two are equal."""

MIN_MEMBERS = 4
"""Members that a chat needs to be checked."""


def bundled() -> dict[str, Dialect]:
    """Return the dialects of the suite, the reference's own first."""
    return {NOTE.name: NOTE, **{file.stem: load(file) for file in sorted(BUNDLED.glob("*.toml"))}}


def spoken(name: str, protocol: str, *, any_segmentation: bool) -> Dialect:
    """Return the dialect of that name or file; raise BadDialect if it is not one of the conformance class's protocol.

    Where the path may split segments, a server that takes chunks may read other chunks than clients sent; a server that
    takes frames reads the same frames.
    """
    dialect = find(name)
    if protocol not in dialect.protocols:
        raise BadDialect(f"the dialect {dialect.name} is one of {' and '.join(dialect.protocols)}, not of {protocol}")
    if any_segmentation and protocol == "chat" and dialect.framing_in.kind == "chunk" and not dialect.stream:
        raise BadDialect(
            f"in the dialect {dialect.name} a server delivers each chunk as it comes: that cannot be checked where "
            "the path may split chunks"
        )
    return replace(dialect, exact=not any_segmentation or dialect.framing_in.kind != "chunk")


def source(name: str) -> Path | None:
    """Return the file of a dialect, given its name or path; None for the reference's own, which has no file."""
    if name == NOTE.name:
        return None
    if "/" in name or name.endswith(".toml"):
        return Path(name)
    known = [file.stem for file in sorted(BUNDLED.glob("*.toml"))]
    if name not in known:
        raise BadDialect(
            f"no dialect is named {name!a}: write one of {', '.join([NOTE.name, *known])}, or the path of a .toml file"
        )
    return BUNDLED / f"{name}.toml"


def find(name: str) -> Dialect:
    """Return the dialect of that name or in that file; raise BadDialect if there is none."""
    path = source(name)
    return NOTE if path is None else load(path)


def load(path: Path) -> Dialect:
    """Read a dialect from a file; its name is the file's."""
    return read(text_of(path), printable(path.stem), printable(str(path)))


def text_of(path: Path) -> str:
    """Return the text of a dialect file; raise BadDialect if it cannot be read."""
    return read_text(path, BadDialect)


def read(text: str, name: str, where: str) -> Dialect:
    """Read a dialect from the text of a file; errors begin with `where` it came from."""
    document = parse_toml(text, where, BadDialect)
    try:
        return _dialect(name, document)
    except BadDialect as error:
        raise BadDialect(f"{where}: {error}") from None


def _framings(found: Document) -> tuple[Framing, Framing]:
    default = Framing()
    inward = found.get("framing", "in", default.kind)
    outward = found.get("framing", "out", inward)
    for key, kind in (("size", "fixed"), ("pad", "fixed"), ("header", "length")):
        if kind not in (inward, outward) and found.get("framing", key, None) is not None:
            raise BadDialect(f'framing.{key} applies to "{kind}", but neither framing.in nor framing.out is "{kind}"')
    shared = {
        "newline": found.get("framing", "newline", default.newline),
        "size": found.get("framing", "size", default.size),
        "pad": found.get("framing", "pad", default.pad),
        "header": found.get("framing", "header", default.header),
    }
    if "fixed" in (inward, outward) and not shared["size"]:
        raise BadDialect("framing.size is missing: write the size of a frame in bytes")
    return Framing(inward, **shared), Framing(outward, **shared)


def _dialect(name: str, document: Mapping[str, object]) -> Dialect:
    found = check(document)
    inward, outward = _framings(found)
    greeting = found.get("echo", "greeting", None)
    limits = dict(found.tables.get("limits", {}))
    chunk = limits.pop("chunk", NOTE.chunk)
    dialect = Dialect(
        name=name,
        about=found.get("", "about", ""),
        verified=found.get("", "verified", ()),
        protocols=found.get("", "protocol", ()),
        framing_in=inward,
        framing_out=outward,
        handshake=(*([HandshakeTurn(wait=greeting)] if greeting and greeting.text else []), *found.handshake),
        template=found.get("delivery", "template", NOTE.template),
        to_sender=found.get("delivery", "to_sender", NOTE.to_sender),
        notices=found.get("delivery", "notices", ()),
        prompts=found.get("delivery", "prompts", ()),
        history=found.get("delivery", "history", 0),
        quit=found.get("quit", "word", NOTE.quit.decode()).encode(),
        handling=found.get("bytes", "handling", NOTE.handling),
        strips=found.get("bytes", "white_space", "kept") == "stripped",
        chunk=chunk,
        limits=Limits(**limits),
        transform=found.get("echo", "transform", NOTE.transform),
        persistent=found.get("echo", "requests", "one") == "many",
        datagram=found.get("datagrams", "largest", NOTE.datagram),
        empty_datagrams=found.get("datagrams", "empty", "answered") == "answered",
        waived=found.waived,
    )
    _consider(dialect)
    if "chat" in dialect.protocols:
        _consider_chat(dialect)
    return dialect


def _consider(dialect: Dialect) -> None:
    """Raise BadDialect for a combination of valid values that is not valid."""
    if dialect.persistent and dialect.transform == "strip-upper" and dialect.raw:
        raise BadDialect(
            'echo.requests = "many": nothing marks the end of a request, so which white space is stripped is unknown; '
            'write requests = "one", another transform, or framing.in = "line"'
        )
    if "datagram" in dialect.protocols and not dialect.raw:
        raise BadDialect("framing applies to connections: write a dialect of its own for the datagrams")
    if dialect.longest < MIN_UTTERANCE_BYTES:
        raise BadDialect(
            f"framing and limits leave {max(0, dialect.longest)} bytes for an utterance, but distinct ones need "
            f"{MIN_UTTERANCE_BYTES}: raise limits.utterance, limits.chunk, framing.size or framing.header"
        )


def _consider_chat(dialect: Dialect) -> None:
    if 0 < dialect.limits.members < MIN_MEMBERS:
        raise BadDialect(f"limits.members is too low to check a chat: write at least {MIN_MEMBERS}")
    if dialect.quit != dialect.quit.strip():
        raise BadDialect("quit.word has white space around it, which is ignored: write it without")
    if len(dialect.quit) > MIN_UTTERANCE_BYTES or not all(dialect.framing_in.holds(byte) for byte in dialect.quit):
        raise BadDialect(
            f"quit.word fits into no utterance: write at most {MIN_UTTERANCE_BYTES} bytes, without the end of a frame"
        )
    if dialect.framing_out.kind == "none" and dialect.notices:
        raise BadDialect('delivery.notices cannot be told from deliveries: framing.out = "none" marks no end')
    if dialect.framing_out.kind in ("fixed", "length") and dialect.prompts:
        raise BadDialect("delivery.prompts need lines: after a prompt, no frame of another kind can be found")
    for prompt, other in permutations(dialect.all_prompts, 2):
        if other.startswith(prompt):
            raise BadDialect(f"delivery.prompts: {other!r} begins with {prompt!r}, so they cannot be told apart")
    if dialect.framing_in.kind == "chunk" and dialect.template.tail and not dialect.stream:
        raise BadDialect(
            'delivery.template has text after {body}: with framing.in = "chunk" a server may deliver several lines as '
            "one chunk, and only the last line would have that text"
        )
    told = [dialect.template, *dialect.notices]
    told += [dialect.to_sender] if isinstance(dialect.to_sender, Template) else []
    for template in told if dialect.framing_out.kind in ("line", "chunk") else []:
        if dialect.framing_out.newline in template.text.encode():
            shown = printable(template.text)
            raise BadDialect(f'delivery has "{shown}", which contains framing.newline: write it without')
    said = [dialect.template.fill(body=body, sender=b"somebody") for body in (b"something that was said", b"x1")]
    for notice in dialect.notices:
        if any(notice.matches(delivery) for delivery in said):
            raise BadDialect(
                f'delivery.notices has "{printable(notice.text)}", which every delivery matches: no error could be '
                "found; write more of the notice's text"
            )
