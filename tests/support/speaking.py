"""What a server does that speaks a dialect: simulated in `framed_room.py`, on sockets in `dialects_served.py`."""

import re
from collections.abc import Callable, Sequence
from random import Random

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.template import Template

LABELS: dict[str, Callable[[int, int], bytes]] = {
    "number": lambda number, _: b"%d" % number,
    "address": lambda number, _: b"127.0.0.1:%d" % (40000 + number),
    "descriptor": lambda _, place: b"%d" % place,
    "strange": lambda number, _: b"\x1b[31m<%d>\0{body}" % number,
}
"""How a server may call its clients: by a number that counts them, or by a place that is free again when one goes."""


def filled(template: Template, anything: bytes, *, body: bytes = b"", sender: bytes = b"") -> bytes:
    """Return a template filled in by a server, to whom {any} is no secret."""
    head, tail = (
        re.sub(rb"\{any\}|\{sender\}", lambda field: sender if field[0] == b"{sender}" else anything, part)
        for part in (template.head, template.tail)
    )
    return head + (body + tail if template.has_body else b"")


def name_in(answer: bytes, sent: Template) -> bytes:
    """Return the name that stands in an answer of a handshake; b"" if none does."""
    pattern = re.escape(sent.text.strip()).replace(r"\{name\}", "(.*?)", 1).replace(r"\{name\}", ".*?")
    found = re.fullmatch(pattern.encode(), answer.strip(), re.DOTALL)
    return found[1] if found and found.groups() else b""


def treated(dialect: Dialect, body: bytes) -> bytes:
    """Return the bytes that a server delivers for those that a client said."""
    match dialect.handling:
        case "replaced" | "refused":
            body = body.decode(errors="replace").encode()
        case "escaped":
            body = b"".join(
                b"\\x%02x" % byte if byte < 32 or byte > 126 or byte in b"&<>\"'\\" else bytes([byte]) for byte in body
            )
        case "cut-at-nul":
            body = body.partition(b"\0")[0]
        case _:
            pass
    return body.strip() if dialect.strips else body


FRAMINGS = [
    'in = "line"',
    'in = "line"\nnewline = "\\r\\n"',
    'in = "chunk"',
    'in = "line"\nout = "none"',
    'in = "chunk"\nout = "none"',
    'in = "fixed"\nsize = 300',
    'in = "line"\nout = "fixed"\nsize = 256\npad = "."',
    'in = "length"\nheader = "%4d"',
    'in = "line"\nout = "length"\nheader = "%03d"',
    'in = "length"\nout = "line"\nheader = "%05d"',
]
MORE_FRAMINGS = [
    *FRAMINGS,
    'in = "line"\nnewline_out = "\\r\\n"',
    'in = "line"\nnewline = "\\r\\n"\nnewline_out = "\\n\\n"',
    'in = "chunk"\nnewline_out = "\\r\\n"',
    'in = "chunk"\nout = "length"\nheader = "u16be"',
    'in = "length"\nheader = "u32le"\nheader_counted = true',
    'in = "length"\nheader = "u64be"',
    'in = "line"\nout = "length"\nheader = "%-4d"\nheader_counted = true',
]
TEMPLATES = [
    "{body}",
    "{sender}: {body}",
    "<user{sender}> {body}",
    "[{any}] {sender}: {body}",
    "{sender} ({sender}) says {body}!",
    "> {body}",
    "{sender}: {body} ({any})",
    '{\\"text\\": \\"{body}\\", \\"sender\\": \\"{sender}\\"}',
]
"""As they stand in a file, between quotation marks."""

TO_SENDER = ["same", "nothing", "you: {body}", "ok", "read {any}"]
NOTICES = [[], ["* {any} has come", "* {any} has gone"], ["{name} has come ({any})"]]
PROMPTS = [[], ["> "], ["$ ", "...> "], ["{name} came.", "{name} went."], ["{any} has come. ", "{any} has gone. "]]
HANDSHAKES = [
    '[[handshake]]\nwait = "Name? "\nsend = "{name}"\n[[handshake]]\nwait = "Room, {name}? "\nsend = "red"\n',
    '[[handshake]]\nwait = "who"\nsend = "{name}"\nframed = true\n',
    "",
    '[[handshake]]\nwait = "Welcome {any}\\n"\n',
    '[[handshake]]\nwait = "Name? "\nsend = "{name}\\n"\n',
]


def drawn(chance: Random, *, anything: bool = True) -> Dialect:
    """Return a dialect of frames that chance puts together, by way of its file; with or without what hides things."""
    framing = chance.choice(MORE_FRAMINGS)
    unmarked, lines = '"none"' in framing, not any(kind in framing for kind in ("fixed", "length"))
    passing: Sequence[str] = chance.choice(NOTICES) if anything and not unmarked else []
    to_sender = chance.choice(TO_SENDER[: 4 if unmarked else 5])
    handling = chance.choice(["verbatim", "replaced", "refused", "escaped", "cut-at-nul"])
    text = f"""
protocol = "chat"
[framing]
{framing}
[delivery]
template = "{chance.choice(TEMPLATES)}"
to_sender = "{to_sender}"
notices = {list(passing)}
prompts = {chance.choice(PROMPTS[: 4 if unmarked else 5]) if anything and lines else []}
[quit]
word = "{chance.choice(["quit", "/quit", ""])}"
[bytes]
handling = "{handling}"
white_space = "{chance.choice(["kept", "stripped"])}"
[limits]
utterance = {chance.choice([0, 60, 120])}
{chance.choice(HANDSHAKES[2 if unmarked else 0 :])}"""
    dialect = read(text, "drawn", "drawn")
    return drawn(chance, anything=anything) if dialect.stream else dialect
