"""Dialects as files: TOML, checked key by key, and turned into a Dialect.

    protocol = "chat"                       # or "echo", "datagram", or a list of the two echoes
    about = "ncat --listen --chat"
    verified = ["ncat 7.93"]

    [framing]                               # see framing.py
    in = "line"                             # chunk, line, fixed, length
    out = "line"                            # the same, or none
    newline = "\\n"

    [[handshake]]                           # as often as there is something to wait for or to send
    wait = "Name? "
    send = "{name}\\n"

    [delivery]                              # see template.py; without what the framing adds
    template = "{sender}: {body}"
    to_sender = "nothing"                   # or "same", or a template: without {body}, what only tells that it was read
    notices = ["{any} has joined"]
    prompts = ["> "]                        # what stands before a delivery, or alone, and means nothing
    history = 20                            # earlier deliveries that whoever comes hears first, at most

    [quit]
    word = "/quit"                          # "" for none

    [limits]                                # bytes, seconds; 0 for none
    utterance = 1000
    members = 100
    fresh = true                            # a server that keeps something: start another for every scenario

    [bytes]
    handling = "replaced"                   # verbatim, replaced, refused, escaped, cut-at-nul
    white_space = "stripped"                # or "kept"

    [echo]                                  # for an echo, in place of delivery and quit
    transform = "identity"
    requests = "many"                       # or "one"
    greeting = ""

    [datagrams]
    largest = 8192
    empty = "answered"                      # or "ignored"

    [waived]                                # a clause that this server is not asked for, and why
    CHAT-15 = "it queues without limit"

Whatever is not said is as in the reference's dialect. Whatever is wrong is refused, with the file, the key and what
would be right: a dialect with a typing error would check something else than its author means.
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
"""Bytes that an utterance needs, so that no two are the same."""

MIN_MEMBERS = 4
"""Members that a chat needs, so that there is something to check."""


def bundled() -> dict[str, Dialect]:
    """Return the dialects that come along, the reference's own first."""
    return {NOTE.name: NOTE, **{file.stem: load(file) for file in sorted(BUNDLED.glob("*.toml"))}}


def spoken(name: str, protocol: str, *, any_segmentation: bool) -> Dialect:
    """Return the dialect of that name or file, for a conformance class's protocol; raise BadDialect if it has none.

    Where the path may split what is said, a server that takes chunks reads something else than was said; one that takes
    frames does not care.
    """
    dialect = find(name)
    if protocol not in dialect.protocols:
        raise BadDialect(f"the dialect {dialect.name} is one of {' and '.join(dialect.protocols)}, not of {protocol}")
    if any_segmentation and protocol == "chat" and dialect.framing_in.kind == "chunk" and not dialect.stream:
        raise BadDialect(
            f"in the dialect {dialect.name} a server delivers what it receives at once: nobody can check that "
            "where the path may split it"
        )
    return replace(dialect, exact=not any_segmentation or dialect.framing_in.kind != "chunk")


def source(name: str) -> Path | None:
    """Return the file of the dialect of that name, or that is named; None for the reference's own, which has none."""
    if name == NOTE.name:
        return None
    if "/" in name or name.endswith(".toml"):
        return Path(name)
    known = [file.stem for file in sorted(BUNDLED.glob("*.toml"))]
    if name not in known:
        raise BadDialect(
            f"no dialect is named {name!a}: write one of {', '.join([NOTE.name, *known])}, or the path of a file "
            "that ends in .toml"
        )
    return BUNDLED / f"{name}.toml"


def find(name: str) -> Dialect:
    """Return the dialect of that name, or in that file; raise BadDialect if there is none."""
    path = source(name)
    return NOTE if path is None else load(path)


def load(path: Path) -> Dialect:
    """Read a dialect from a file; its name is the file's."""
    return read(text_of(path), printable(path.stem), printable(str(path)))


def text_of(path: Path) -> str:
    """Return what stands in a dialect's file; raise BadDialect if it cannot be read."""
    return read_text(path, BadDialect)


def read(text: str, name: str, where: str) -> Dialect:
    """Read a dialect from the text of a file; `where` it came from is said if it is wrong."""
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
            raise BadDialect(f'framing.{key} says something about "{kind}", and neither in nor out is that')
    shared = {
        "newline": found.get("framing", "newline", default.newline),
        "size": found.get("framing", "size", default.size),
        "pad": found.get("framing", "pad", default.pad),
        "header": found.get("framing", "header", default.header),
    }
    if "fixed" in (inward, outward) and not shared["size"]:
        raise BadDialect("framing.size is missing: say how many bytes a fixed frame has")
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
    """Raise BadDialect for what each key allows and all together do not."""
    if dialect.persistent and dialect.transform == "strip-upper" and dialect.raw:
        raise BadDialect(
            'echo.requests = "many": where nothing says where a request ends, nobody knows what is stripped; write '
            'requests = "one", another transform, or framing.in = "line"'
        )
    if "datagram" in dialect.protocols and not dialect.raw:
        raise BadDialect("framing says something about connections: write a dialect for the datagrams alone")
    if dialect.longest < MIN_UTTERANCE_BYTES:
        raise BadDialect(
            f"framing and limits leave {max(0, dialect.longest)} bytes for an utterance, and {MIN_UTTERANCE_BYTES} "
            "are needed to tell them apart: raise limits.utterance, limits.chunk, framing.size or framing.header"
        )


def _consider_chat(dialect: Dialect) -> None:
    if 0 < dialect.limits.members < MIN_MEMBERS:
        raise BadDialect(f"limits.members is too low to check a chat: {MIN_MEMBERS} are needed")
    if dialect.quit != dialect.quit.strip():
        raise BadDialect("quit.word has white space around it, which is not compared: write it without")
    if len(dialect.quit) > MIN_UTTERANCE_BYTES or not all(dialect.framing_in.holds(byte) for byte in dialect.quit):
        raise BadDialect(
            f"quit.word cannot be said: write at most {MIN_UTTERANCE_BYTES} bytes, without the end of a frame"
        )
    if dialect.framing_out.kind == "none" and dialect.notices:
        raise BadDialect('delivery.notices cannot be told from deliveries where framing.out = "none" marks no end')
    if dialect.framing_out.kind in ("fixed", "length") and dialect.prompts:
        raise BadDialect("delivery.prompts stand before lines: a frame of another kind could not be found behind one")
    for prompt, other in permutations(dialect.all_prompts, 2):
        if other.startswith(prompt):
            raise BadDialect(f"delivery.prompts: {other!r} begins with {prompt!r}, so neither says which it is")
    if dialect.framing_in.kind == "chunk" and dialect.template.tail and not dialect.stream:
        raise BadDialect(
            'delivery.template has something behind {body}: where framing.in = "chunk" several lines may be delivered '
            "as one, and only the last would have it"
        )
    told = [dialect.template, *dialect.notices]
    told += [dialect.to_sender] if isinstance(dialect.to_sender, Template) else []
    for template in told if dialect.framing_out.kind in ("line", "chunk") else []:
        if dialect.framing_out.newline in template.text.encode():
            shown = printable(template.text)
            raise BadDialect(f'delivery has "{shown}", and framing.out ends a frame there: write it without')
    said = [dialect.template.fill(body=body, sender=b"somebody") for body in (b"something that was said", b"x1")]
    for notice in dialect.notices:
        if any(notice.matches(delivery) for delivery in said):
            raise BadDialect(
                f'delivery.notices has "{printable(notice.text)}", which every delivery is as well: nothing wrong '
                "could be seen; write more of what it says"
            )
