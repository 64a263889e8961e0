"""Dialects from files: TOML, read by the table of keys and turned into a Dialect.

A key left out has its default, which is its value in the reference's dialect. An error is refused with the file, the
key and the correction: a dialect with a typing error would check something other than its author means. `document.py`
refuses invalid values; combinations of valid values that are not valid are refused here.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.document import Document, check
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.input_file import parse_toml, read_text
from socketserver_reference.conformance.dialects.keys import LIMITS
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.dialects.values import BadDialect
from socketserver_reference.conformance.scenario.text import printable

__all__ = ["BadDialect", "bundled", "find", "load", "read", "spoken"]

BUNDLED = Path(__file__).with_name("bundled")

MIN_UTTERANCE_BYTES = 32
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
    inward = found.get("framing", "in")
    outward = found.get("framing", "out") or inward
    for key, kind in (("size", "fixed"), ("pad", "fixed"), ("header", "length"), ("header_counted", "length")):
        if kind not in (inward, outward) and found.has("framing", key):
            raise BadDialect(f'framing.{key} applies to "{kind}", but neither framing.in nor framing.out is "{kind}"')
    if found.get("framing", "parts") > 1 and outward != "length":
        raise BadDialect('framing.parts applies to framing.out = "length": each part has its own length')
    if "fixed" in (inward, outward) and not found.has("framing", "size"):
        raise BadDialect("framing.size is missing: write the size of a frame in bytes")
    framing = Framing(
        inward,
        newline=found.get("framing", "newline"),
        size=found.get("framing", "size") or 0,
        pad=found.get("framing", "pad"),
        header=found.get("framing", "header"),
        header_counted=found.get("framing", "header_counted"),
    )
    newline = found.get("framing", "newline_out") or framing.newline
    return framing, replace(framing, kind=outward, newline=newline, parts=found.get("framing", "parts"))


def _dialect(name: str, document: Mapping[str, object]) -> Dialect:
    found = check(document)
    inward, outward = _framings(found)
    greeting = found.get("echo", "greeting")
    limits = {key.name: found.get("limits", key.name) for key in LIMITS.keys}
    chunk = limits.pop("chunk")
    protocols = found.get("", "protocol")
    word = found.get("quit", "word")
    if word is None:
        word = NOTE.quit.decode() if "chat" in protocols else ""
    line_end = found.get("quit", "line_end")
    dialect = Dialect(
        name=name,
        about=found.get("", "about"),
        verified=found.get("", "verified"),
        protocols=protocols,
        framing_in=inward,
        framing_out=outward,
        handshake=(*([HandshakeTurn(wait=greeting)] if greeting.text else []), *found.handshake),
        template=found.get("delivery", "template"),
        to_sender=found.get("delivery", "to_sender"),
        notices=found.get("delivery", "notices"),
        prompts=found.get("delivery", "prompts"),
        history=found.get("delivery", "history"),
        say=found.get("commands", "say"),
        commands=found.get("commands", "prefixes"),
        quit=word.encode(),
        quit_framed=("chat" in protocols or inward.kind != "chunk") if line_end is None else line_end,
        farewell=found.get("quit", "farewell").encode(),
        handling=found.get("bytes", "handling"),
        strips=found.get("bytes", "white_space") == "stripped",
        keeps_returns=found.get("bytes", "carriage_return") == "verbatim",
        chunk=chunk,
        limits=Limits(**limits),
        transform=found.get("echo", "transform"),
        persistent=found.get("echo", "requests") == "many",
        reply_template=found.get("echo", "reply"),
        datagram=found.get("datagrams", "largest"),
        empty_datagrams=found.get("datagrams", "empty") == "answered",
        waived=found.waived,
    )
    _consider(dialect)
    if "chat" in dialect.protocols:
        _consider_chat(dialect)
    return dialect


def _consider(dialect: Dialect) -> None:
    """Raise BadDialect for a combination of valid values that is not valid."""
    if "datagram" in dialect.protocols and not dialect.raw:
        raise BadDialect("framing applies to connections: write a dialect of its own for the datagrams")
    for number, turn in enumerate(dialect.handshake, 1):
        if turn.framed and dialect.framing_out.kind == "none":
            raise BadDialect(f'handshake, exchange {number}: there are no frames to wait for with framing.out = "none"')
    if dialect.quit != dialect.quit.strip():
        raise BadDialect("quit.word has white space around it, which is ignored: write it without")
    if len(dialect.quit) > MIN_UTTERANCE_BYTES or not all(dialect.framing_in.holds(byte) for byte in dialect.quit):
        raise BadDialect(
            f"quit.word fits into no utterance: write at most {MIN_UTTERANCE_BYTES} bytes, without the end of a frame"
        )
    if dialect.farewell and not dialect.quit:
        raise BadDialect("quit.farewell needs a quit word: write quit.word, or leave out the farewell")
    if dialect.framing_in.kind == "line" and not all(map(dialect.framing_in.holds, b"".join(dialect.say.parts))):
        raise BadDialect("commands.say contains the end of a line, so the server reads two utterances: write one line")
    if not dialect.quit_framed and dialect.framing_in.kind != "chunk":
        raise BadDialect(
            f'quit.line_end = false: with framing.in = "{dialect.framing_in.kind}" the server waits for the end; '
            "write true"
        )
    lines = not dialect.raw and dialect.framing_out.kind in ("line", "chunk")
    for form in (*dialect.forms, dialect.reply_template):
        if form.open_ended and not lines:
            raise _endless("a delivery or reply has", form)
    if dialect.longest < MIN_UTTERANCE_BYTES:
        raise BadDialect(
            f"framing and limits leave {max(0, dialect.longest)} bytes for an utterance, but distinct ones need "
            f"{MIN_UTTERANCE_BYTES}: raise limits.utterance, limits.chunk, framing.size or framing.header"
        )


def _consider_chat(dialect: Dialect) -> None:
    if 0 < dialect.limits.members < MIN_MEMBERS:
        raise BadDialect(f"limits.members is too low to check a chat: write at least {MIN_MEMBERS}")
    if dialect.framing_out.kind == "none" and dialect.notices:
        raise BadDialect(
            'delivery.notices cannot be told from deliveries: framing.out = "none" marks no end; write them as '
            "delivery.prompts, which need none"
        )
    if dialect.framing_out.kind in ("fixed", "length") and dialect.prompts:
        raise BadDialect("delivery.prompts need lines: after a prompt, no frame of another kind can be found")
    if dialect.framing_out.kind == "none" and any("{any}" in prompt.text for prompt in dialect.prompts):
        raise BadDialect(
            'delivery.prompts have {any}, which might be a delivery: with framing.out = "none" nothing marks its end; '
            "write {word}, which holds no white space"
        )
    for prompt, other in permutations(dialect.all_prompts, 2):
        if prompt.constant and other.text.startswith(prompt.text):
            shown = printable(f'"{other.text}" begins with "{prompt.text}"')
            raise BadDialect(f"delivery.prompts: {shown}, so they cannot be told apart")
    for prompt in dialect.prompts:
        if dialect.framing_out.newline.decode() in prompt.text:
            raise BadDialect(
                f'delivery.prompts has "{printable(prompt.text)}", which ends a line: write what is before the end as '
                'delivery.notices, and a blank line after each delivery as framing.newline_out = "\\n\\n"'
            )
    told = [dialect.template, *dialect.notices]
    told += [dialect.to_sender] if isinstance(dialect.to_sender, Template) else []
    for template in told if dialect.framing_out.kind in ("line", "chunk") else []:
        if dialect.framing_out.newline in template.text.encode():
            shown = printable(template.text)
            raise BadDialect(f'delivery has "{shown}", which contains framing.newline: write it without')
    for template in told:
        if dialect.framing_out.parts > 1 and template.text.count("\n") != dialect.framing_out.parts - 1:
            raise BadDialect(
                f'delivery has "{printable(template.text)}": write the {dialect.framing_out.parts} parts of a delivery '
                "with a newline between them"
            )
    said = [dialect.template.fill(body=body, sender=b"somebody") for body in (b"something that was said", b"x1")]
    for key, passing in (("notices", dialect.notices), ("prompts", dialect.prompts)):
        for one in passing:
            if any(one.matches(delivery) for delivery in said):
                raise BadDialect(
                    f'delivery.{key} has "{printable(one.text)}", which every delivery matches: no error could be '
                    f"found; write more of the {key[:-1]}'s text"
                )
    for prompt in dialect.prompts:
        if not prompt.parts[-1]:
            raise _endless("delivery.prompts has", prompt)


def _endless(what: str, form: Template) -> BadDialect:
    return BadDialect(
        f'{what} "{printable(form.text)}", and nothing says where its last field ends: write the text that follows'
    )
