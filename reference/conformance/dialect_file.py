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

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reference.clauses import CLAUSES
from reference.conformance import framing
from reference.conformance.dialect import NOTE, TRANSFORMS, Dialect, Exchange, Limits
from reference.conformance.framing import Framing
from reference.conformance.template import BadTemplate, Template

BUNDLED = Path(__file__).with_name("dialects")

NEVER_WAIVED = ("CHAT-1", "CHAT-2", "CHAT-4", "CHAT-5", "CHAT-7", "CHAT-11", "ECHO-1", "ECHO-2", "UDP-1", "UDP-2")
"""Clauses that hold on every working server, whatever it speaks: who breaks one of these has a bug, not a dialect."""


class BadDialect(ValueError):
    """The file is no dialect; the message says what is wrong, where, and what would be right."""


def bundled() -> dict[str, Dialect]:
    """Return the dialects that come along, the reference's own first."""
    files = sorted(BUNDLED.glob("*.toml"))
    return {NOTE.name: NOTE, **{file.stem: load(file) for file in files}}


def spoken(name: str, protocol: str, *, any_segmentation: bool) -> Dialect:
    """Return the dialect of that name or file, for a conformance class's protocol; raise BadDialect if it has none."""
    dialect = find(name)
    if protocol not in dialect.protocols:
        raise BadDialect(f"the dialect {dialect.name} is one of {' and '.join(dialect.protocols)}, not of {protocol}")
    if any_segmentation and protocol == "chat" and dialect.framing_in.kind == "chunk" and not dialect.stream:
        raise BadDialect(
            f"in the dialect {dialect.name} a server delivers what it receives at once: nobody can check that "
            "where the path may split it"
        )
    return replace(dialect, exact=not any_segmentation)


def find(name: str) -> Dialect:
    """Return the dialect of that name, or in that file; raise BadDialect if there is none."""
    if name == NOTE.name:
        return NOTE
    path = BUNDLED / f"{name}.toml" if "/" not in name and not name.endswith(".toml") else Path(name)
    if path.parent == BUNDLED and not path.is_file():
        known = ", ".join([NOTE.name, *sorted(file.stem for file in BUNDLED.glob("*.toml"))])
        raise BadDialect(
            f"no dialect is named {name!r}: write one of {known}, or the path of a file that ends in .toml"
        )
    return load(path)


def load(path: Path) -> Dialect:
    """Read a dialect from a file; its name is the file's."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadDialect(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadDialect(f"{path}: is not UTF-8, as TOML has to be") from None
    return read(text, path.stem, str(path))


def read(text: str, name: str, where: str) -> Dialect:
    """Read a dialect from the text of a file; `where` it came from is said if it is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadDialect(f"{where}: is not TOML: {error}") from None
    try:
        return _dialect(name, document)
    except BadDialect as error:
        raise BadDialect(f"{where}: {error}") from None


# What a key may hold


def _wrong(key: str, value: object, right: str) -> BadDialect:
    return BadDialect(f"{key} = {_shown(value)}: write {right}")


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return ascii(text)[1:-1] if len(text) < 60 else f"{ascii(text)[1:50]}..."


Read = Callable[[str, object], Any]


def _words(*allowed: str) -> Read:
    def read(key: str, value: object) -> str:
        if value not in allowed:
            raise _wrong(key, value, " or ".join(f'"{word}"' for word in allowed))
        return str(value)

    return read


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(key, value, "a text in quotation marks")
    return value


def _some_bytes(least: int, most: int) -> Read:
    def read(key: str, value: object) -> bytes:
        text = _text(key, value).encode()
        if not least <= len(text) <= most:
            raise _wrong(
                key, value, f"a text of {least} to {most} bytes" if most > least else f"a text of {least} byte"
            )
        return text

    return read


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _wrong(key, value, "a list of texts, in brackets")
    return tuple(value)


def _whole(least: int, most: int) -> Read:
    def read(key: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _wrong(key, value, f"a whole number from {least} to {most}")
        return value

    return read


def _seconds(key: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 60:
        raise _wrong(key, value, "a number of seconds from 0 to 60")
    return float(value)


def _truth(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key, value, "true or false")
    return value


def _template(*fields: str) -> Read:
    def read(key: str, value: object) -> Template:
        try:
            return Template.parse(_text(key, value), *fields)
        except BadTemplate as error:
            raise BadDialect(f"{key} = {_shown(value)}: {error}") from None

    return read


def _delivery(key: str, value: object) -> Template:
    template: Template = _template("body", "sender", "any")(key, value)
    if not template.has_body:
        raise _wrong(key, value, "a template with {body} in it")
    return template


def _notices(key: str, value: object) -> tuple[Template, ...]:
    notices = tuple(_template("any")(key, one) for one in _texts(key, value))
    if any(notice.matches(b"anything at all") for notice in notices):
        raise _wrong(key, value, "templates that say something: one of these is any line at all")
    return notices


def _prompts(key: str, value: object) -> tuple[bytes, ...]:
    prompts = tuple(text.encode() for text in _texts(key, value))
    if b"" in prompts:
        raise _wrong(key, value, "prompts that are not empty")
    return prompts


def _to_sender(key: str, value: object) -> Any:
    return value if value in ("same", "nothing") else _template("body", "sender", "any")(key, value)


def _header(key: str, value: object) -> str:
    if not isinstance(value, str) or not framing.HEADER.fullmatch(value):
        raise _wrong(key, value, "a number's format from %1d to %9d, or with a zero: %04d")
    return value


def _protocols(key: str, value: object) -> tuple[str, ...]:
    protocols = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if protocols not in (("chat",), ("echo",), ("datagram",), ("echo", "datagram")):
        raise _wrong(key, value, '"chat", "echo", "datagram" or ["echo", "datagram"]')
    return protocols


TABLES: Mapping[str, Mapping[str, Read]] = {
    "framing": {
        "in": _words("chunk", "line", "fixed", "length"),
        "out": _words("chunk", "line", "fixed", "length", "none"),
        "newline": _some_bytes(1, 8),
        "size": _whole(2, framing.LONGEST),
        "pad": _some_bytes(1, 1),
        "header": _header,
    },
    "delivery": {
        "template": _delivery,
        "to_sender": _to_sender,
        "notices": _notices,
        "prompts": _prompts,
        "history": _whole(0, 1000),
    },
    "quit": {"word": _text},
    "limits": {
        "utterance": _whole(0, framing.LONGEST),
        "members": _whole(0, 100_000),
        "gap": _seconds,
        "join_gap": _seconds,
        "start": _seconds,
        "fresh": _truth,
        "chunk": _whole(16, framing.LONGEST),
    },
    "bytes": {
        "handling": _words("verbatim", "replaced", "refused", "escaped", "cut-at-nul"),
        "white_space": _words("kept", "stripped"),
    },
    "echo": {"transform": _words(*TRANSFORMS), "requests": _words("one", "many"), "greeting": _template("any")},
    "datagrams": {"largest": _whole(1, 65_507), "empty": _words("answered", "ignored")},
}
"""Table -> key -> how its value is read."""

TOP: Mapping[str, Read] = {"protocol": _protocols, "about": _text, "verified": _texts}

OTHERS = ("handshake", "waived")

ONLY: Mapping[str, tuple[str, ...]] = {
    "delivery": ("chat",),
    "quit": ("chat",),
    "echo": ("echo", "datagram"),
    "datagrams": ("datagram",),
    "handshake": ("chat", "echo"),
}
"""Table -> the protocols that it says something about."""


@dataclass
class Document:
    """A file's keys, read and checked."""

    values: dict[str, dict[str, Any]]

    def get(self, table: str, key: str, default: Any) -> Any:
        return self.values.get(table, {}).get(key, default)


def _check(document: Mapping[str, object]) -> Document:
    values: dict[str, dict[str, Any]] = {"": {}}
    for key, value in document.items():
        if key in TOP:
            values[""][key] = TOP[key](key, value)
        elif key in TABLES:
            values[key] = _table(key, value)
        elif key not in OTHERS:
            known = [*TOP, *(f"[{table}]" for table in (*TABLES, "waived")), "[[handshake]]"]
            raise BadDialect(f"{ascii(key)[1:-1]}: no such key; a dialect has {', '.join(known)}")
    if "protocol" not in values[""]:
        raise BadDialect('protocol is missing: write protocol = "chat" or "echo" or "datagram"')
    protocols = values[""]["protocol"]
    for table, only in ONLY.items():
        if table in document and not set(only) & set(protocols):
            raise BadDialect(f"[{table}] says something about {' and '.join(only)}, and protocol is {protocols[0]}")
    return Document(values)


def _table(table: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadDialect(f"{table} is no table: write [{table}] on a line of its own and its keys below")
    for key in value:
        if key not in TABLES[table]:
            raise BadDialect(f"{table}.{ascii(key)[1:-1]}: no such key; [{table}] has {', '.join(TABLES[table])}")
    return {key: TABLES[table][key](f"{table}.{key}", one) for key, one in value.items()}


def _handshake(value: object) -> tuple[Exchange, ...]:
    if not isinstance(value, list):
        raise BadDialect("handshake is no list of tables: write [[handshake]] above each exchange")
    exchanges = []
    readers: dict[str, Read] = {"wait": _template("any"), "send": _template("name")}
    for number, one in enumerate(value, 1):
        unknown = next((key for key in one if key not in readers), None) if isinstance(one, dict) else "it"
        if unknown or not one:
            raise BadDialect(f"handshake, exchange {number}: write wait or send or both, and nothing else")
        exchanges.append(Exchange(**{key: readers[key](f"handshake.{key}", text) for key, text in one.items()}))
    return tuple(exchanges)


def _waived(value: object, protocols: tuple[str, ...]) -> dict[str, str]:
    groups = {"chat": "CHAT", "echo": "ECHO", "datagram": "UDP"}
    able = [
        id
        for id, clause in CLAUSES.items()
        if clause.group in (groups[protocol] for protocol in protocols) and id not in NEVER_WAIVED
    ]
    if not isinstance(value, dict):
        raise BadDialect('waived is no table: write [waived] on a line of its own and CHAT-15 = "why" below')
    for id, why in value.items():
        if id in NEVER_WAIVED:
            raise BadDialect(f"waived.{id}: every working server keeps it, so no dialect can waive it; see --known")
        if id not in able:
            raise BadDialect(
                f"waived.{ascii(id)[1:-1]}: no clause that can be waived here; those are {', '.join(able)}"
            )
        if not isinstance(why, str) or not why.strip():
            raise BadDialect(f"waived.{id}: say why, in quotation marks")
    return dict(value)


def _framings(found: Document) -> tuple[Framing, Framing]:
    default = Framing()
    shared = {
        "newline": found.get("framing", "newline", default.newline),
        "size": found.get("framing", "size", 0),
        "pad": found.get("framing", "pad", default.pad),
        "header": found.get("framing", "header", default.header),
    }
    inward = found.get("framing", "in", "chunk")
    outward = found.get("framing", "out", inward)
    if "fixed" in (inward, outward) and not shared["size"]:
        raise BadDialect("framing.size is missing: say how many bytes a fixed frame has")
    return Framing(inward, **shared), Framing(outward, **shared)


def _dialect(name: str, document: Mapping[str, object]) -> Dialect:
    found = _check(document)
    protocols = found.get("", "protocol", ())
    inward, outward = _framings(found)
    greeting = found.get("echo", "greeting", None)
    limits = dict(found.values.get("limits", {}))
    limits.pop("chunk", None)
    dialect = Dialect(
        name=name,
        about=found.get("", "about", ""),
        verified=found.get("", "verified", ()),
        protocols=protocols,
        framing_in=inward,
        framing_out=outward,
        handshake=(
            *([Exchange(wait=greeting)] if greeting is not None and greeting.text else []),
            *_handshake(document.get("handshake", [])),
        ),
        template=found.get("delivery", "template", NOTE.template),
        to_sender=found.get("delivery", "to_sender", "same"),
        notices=found.get("delivery", "notices", ()),
        prompts=found.get("delivery", "prompts", ()),
        history=found.get("delivery", "history", 0),
        quit=found.get("quit", "word", NOTE.quit.decode()).encode(),
        handling=found.get("bytes", "handling", "verbatim"),
        strips=found.get("bytes", "white_space", "kept") == "stripped",
        chunk=found.get("limits", "chunk", NOTE.chunk),
        limits=Limits(**limits),
        transform=found.get("echo", "transform", NOTE.transform),
        persistent=found.get("echo", "requests", "one") == "many",
        datagram=found.get("datagrams", "largest", NOTE.datagram),
        empty_datagrams=found.get("datagrams", "empty", "answered") == "answered",
        waived=_waived(document.get("waived", {}), protocols),
    )
    _consider(dialect)
    return dialect


def _consider(dialect: Dialect) -> None:
    """Raise BadDialect for what each key allows and all together do not."""
    if dialect.persistent and dialect.transform == "strip-upper" and dialect.raw:
        raise BadDialect(
            'echo.requests = "many": where nothing says where a request ends, nobody knows what is stripped; write '
            'requests = "one", another transform, or framing.in = "line"'
        )
    if 0 < dialect.limits.members < 4:
        raise BadDialect("limits.members is too low to check a chat: 4 are needed")
    if 0 < dialect.limits.utterance < 40:
        raise BadDialect("limits.utterance is too low to tell utterances apart: 40 bytes are needed")
    if dialect.framing_in.kind in ("fixed", "length") and dialect.framing_in.longest < 40:
        raise BadDialect(
            "framing.size or framing.header leaves less than the 40 bytes that are needed to tell utterances apart"
        )
    if dialect.quit != dialect.quit.strip():
        raise BadDialect("quit.word has white space around it, which is not compared: write it without")
