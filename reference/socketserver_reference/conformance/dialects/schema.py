"""The keys of a dialect file, their valid values, and the messages about invalid ones.

Each kind of value has a function that returns it or raises BadDialect with the key, the value and the correction.
`TABLES` and `TOP_LEVEL_KEYS` are the whole vocabulary; `loader.py` makes a Dialect of the values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects import framing
from socketserver_reference.conformance.dialects.dialect import TRANSFORMS, HandshakeTurn
from socketserver_reference.conformance.dialects.input_file import BadFile
from socketserver_reference.conformance.dialects.template import BadTemplate, Template
from socketserver_reference.conformance.scenario.text import printable

NEVER_WAIVED = ("CHAT-1", "CHAT-2", "CHAT-4", "CHAT-5", "CHAT-7", "CHAT-11", "ECHO-1", "ECHO-2", "UDP-1", "UDP-2")
"""Clauses that hold on every working server in any dialect: a server that breaks one has a bug, not a dialect."""


class BadDialect(BadFile):
    """The file is not a valid dialect; the message names the place, the error and the correction."""


MAX_LIST_ENTRIES = 50
"""Most notices, prompts, or exchanges of a handshake."""

Read = Callable[[str, object], Any]


def _wrong(key: str, value: object, right: str) -> BadDialect:
    return BadDialect(f"{key} = {_shown(value)}: write {right}")


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return printable(text) if len(text) < 60 else f"{printable(text[:49])}..."


# Readers of values


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


def _line(key: str, value: object) -> str:
    text = _text(key, value)
    if not text.isprintable():
        raise _wrong(key, value, "a text on one line, without control characters")
    return text


def _some_bytes(least: int, most: int) -> Read:
    many = f"{least} to {most} bytes" if most > least else f"{least} byte"

    def read(key: str, value: object) -> bytes:
        data = _text(key, value).encode()
        if not least <= len(data) <= most:
            raise _wrong(key, value, f"a text of {many}")
        return data

    return read


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_LIST_ENTRIES or not all(isinstance(one, str) for one in value):
        raise _wrong(key, value, f"a list of at most {MAX_LIST_ENTRIES} texts, in brackets")
    return tuple(value)


def _lines(key: str, value: object) -> tuple[str, ...]:
    return tuple(_line(key, text) for text in _texts(key, value))


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


def _meaningful_template(*fields: str) -> Read:
    """Return a reader of templates of lines to ignore: without literal text such a template would match any line."""

    def read(key: str, value: object) -> Template:
        template: Template = _template(*fields)(key, value)
        if not template.has_body and not template.literal.strip():
            raise _wrong(key, value, "a text with more than fields and blanks: this matches any line")
        return template

    return read


def _delivery(key: str, value: object) -> Template:
    template: Template = _template("body", "sender", "any")(key, value)
    if not template.has_body:
        raise _wrong(key, value, "a template that contains {body}")
    return template


def _notices(key: str, value: object) -> tuple[Template, ...]:
    return tuple(_meaningful_template("any")(key, one) for one in _texts(key, value))


def _prompts(key: str, value: object) -> tuple[bytes, ...]:
    prompts = tuple(text.encode() for text in _texts(key, value))
    if b"" in prompts:
        raise _wrong(key, value, "non-empty prompts")
    return prompts


def _to_sender(key: str, value: object) -> Any:
    return value if value in ("same", "nothing") else _meaningful_template("body", "sender", "any")(key, value)


def _header(key: str, value: object) -> str:
    if not isinstance(value, str) or not framing.LENGTH_HEADER.fullmatch(value):
        raise _wrong(key, value, "a number format from %1d to %9d, or with a zero: %04d")
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
        "size": _whole(2, framing.MAX_FRAME_BYTES),
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
        "utterance": _whole(0, framing.MAX_FRAME_BYTES),
        "members": _whole(0, 100_000),
        "gap": _seconds,
        "join_gap": _seconds,
        "start": _seconds,
        "chunk": _whole(16, framing.MAX_FRAME_BYTES),
        "fresh": _truth,
    },
    "bytes": {
        "handling": _words("verbatim", "replaced", "refused", "escaped", "cut-at-nul"),
        "white_space": _words("kept", "stripped"),
    },
    "echo": {"transform": _words(*TRANSFORMS), "requests": _words("one", "many"), "greeting": _template("any")},
    "datagrams": {"largest": _whole(1, 65_507), "empty": _words("answered", "ignored")},
}
"""Table -> key -> reader of its value."""

TOP_LEVEL_KEYS: Mapping[str, Read] = {"protocol": _protocols, "about": _line, "verified": _lines}

OTHER_TABLES = ("handshake", "waived")

TABLE_PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "framing": ("chat", "echo"),
    "delivery": ("chat",),
    "quit": ("chat",),
    "echo": ("echo", "datagram"),
    "datagrams": ("datagram",),
    "handshake": ("chat", "echo"),
}
"""Table -> the protocols to which it applies."""


@dataclass(frozen=True)
class Document:
    """A file's keys, read and checked."""

    tables: Mapping[str, Mapping[str, Any]]
    handshake: tuple[HandshakeTurn, ...]
    waived: Mapping[str, str]

    def get(self, table: str, key: str, default: Any) -> Any:
        """Return a key's value, or the default if the file lacks the key; the table "" is the top level."""
        return self.tables.get(table, {}).get(key, default)


def check(document: Mapping[str, object]) -> Document:
    """Read every key; raise BadDialect for the first that is unknown or has an invalid value."""
    tables: dict[str, dict[str, Any]] = {"": {}}
    for key, value in document.items():
        if key in TOP_LEVEL_KEYS:
            tables[""][key] = TOP_LEVEL_KEYS[key](key, value)
        elif key in TABLES:
            tables[key] = _table(key, value)
        elif key not in OTHER_TABLES:
            known = [*TOP_LEVEL_KEYS, *(f"[{table}]" for table in (*TABLES, "waived")), "[[handshake]]"]
            raise BadDialect(f"{printable(key)}: no such key; a dialect has {', '.join(known)}")
    if "protocol" not in tables[""]:
        raise BadDialect('protocol is missing: write protocol = "chat" or "echo" or "datagram"')
    protocols = tables[""]["protocol"]
    for table, only in TABLE_PROTOCOLS.items():
        if table in document and not set(only) & set(protocols):
            raise BadDialect(f"[{table}] applies to {' and '.join(only)}, but protocol is {protocols[0]}")
    return Document(tables, _handshake(document.get("handshake", [])), _waived(document.get("waived", {}), protocols))


def _table(table: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadDialect(f"{table} is not a table: write [{table}] on a line of its own and its keys below")
    for key in value:
        if key not in TABLES[table]:
            raise BadDialect(f"{table}.{printable(key)}: no such key; [{table}] has {', '.join(TABLES[table])}")
    return {key: TABLES[table][key](f"{table}.{key}", one) for key, one in value.items()}


def _handshake(value: object) -> tuple[HandshakeTurn, ...]:
    if not isinstance(value, list) or len(value) > MAX_LIST_ENTRIES:
        raise BadDialect(
            f"handshake is not a list of at most {MAX_LIST_ENTRIES} tables: write [[handshake]] above each exchange"
        )
    readers: dict[str, Read] = {"wait": _template("any"), "send": _template("name")}
    exchanges = []
    for number, one in enumerate(value, 1):
        if not isinstance(one, dict) or not one or set(one) - set(readers):
            raise BadDialect(f"handshake, exchange {number}: write wait, send or both, and no other key")
        exchanges.append(HandshakeTurn(**{key: readers[key](f"handshake.{key}", text) for key, text in one.items()}))
    return tuple(exchanges)


CLAUSE_GROUPS = {"chat": "CHAT", "echo": "ECHO", "datagram": "UDP"}


def _waived(value: object, protocols: tuple[str, ...]) -> dict[str, str]:
    groups = [CLAUSE_GROUPS[protocol] for protocol in protocols]
    able = [id for id, clause in CLAUSES.items() if clause.group in groups and id not in NEVER_WAIVED]
    if not isinstance(value, dict):
        raise BadDialect(f'waived is not a table: write [waived] on a line of its own and {able[-1]} = "why" below')
    for id, why in value.items():
        if id in NEVER_WAIVED:
            raise BadDialect(
                f"waived.{id}: every working server keeps this clause, so no dialect can waive it; list it as a known "
                "failure instead"
            )
        if id not in able:
            raise BadDialect(f"waived.{printable(id)}: not a clause to waive here; write one of {', '.join(able)}")
        if not _line(f"waived.{id}", why).strip():
            raise BadDialect(f"waived.{id}: write the reason in quotation marks")
    return dict(value)
