"""The table of keys, for authors of dialects: printed, as Markdown (`KEYS.md`), and as a JSON Schema."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from socketserver_reference.conformance.dialects.document import WAIVED, waivable
from socketserver_reference.conformance.dialects.keys import ALL, TABLES, TOP, Key
from socketserver_reference.conformance.dialects.values import LINE, MAX_LIST_ENTRIES

LIST_COLUMNS = 110
"""Width of the printed list."""

WAIVED_MEANING = "clauses that this server need not keep, each with the reason"
WAIVED_EXAMPLE = 'CHAT-15 = "it queues without limit until our next release"'


def toml(value: Any) -> str:
    """Return a value as TOML; JSON writes texts, numbers, truths and lists of texts alike."""
    return json.dumps(value)


def default(key: Key, mark: str = "") -> str:
    """Return what holds without a key; a value of TOML stands between these marks."""
    return key.without or f"{mark}{toml(key.default)}{mark}"


def _example(key: Key) -> str:
    return f"{key.name} = {toml(key.example)}"


# Printed


def lines() -> Iterator[str]:
    """Yield the list, line by line."""
    for table in TABLES.values():
        yield f"{table.heading}  {table.meaning}{_only(table.protocols, ALL)}" if table.name else "at the top"
        for key in table.keys:
            yield f"  {key.name}{_only(table.applies(key), table.protocols)}"
            yield from _wrapped(f"{key.meaning}: {key.kind.words}")
            yield f"      without it: {default(key)}"
            yield f"      example:    {_example(key)}"
        yield ""
    yield f"[{WAIVED}]  {WAIVED_MEANING}"
    yield f"      example:    {WAIVED_EXAMPLE}"


def _only(protocols: tuple[str, ...], otherwise: tuple[str, ...]) -> str:
    return "" if protocols == otherwise else f" (for {' and '.join(protocols)})"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, LIST_COLUMNS, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False
    )


# Markdown


def markdown() -> str:
    """Return the list as Markdown: a table for each table of the file."""
    blocks = [
        "# The keys of a dialect file",
        "`socketserver-reference dialects --keys-markdown` writes this page from [keys.py](keys.py). Editors that "
        "check TOML by a JSON Schema get it from `socketserver-reference dialects --schema`.",
    ]
    for table in TABLES.values():
        name = f"`{table.heading}`: {table.meaning}" if table.name else "At the top"
        blocks.append(f"## {name}{_only(table.protocols, ALL)}")
        rows = [("key", "meaning", "value", "without it", "example")]
        rows.append(("---",) * 5)
        rows += [
            (
                f"`{key.name}`{_only(table.applies(key), table.protocols)}",
                key.meaning,
                key.kind.words,
                default(key, "`"),
                f"`{_example(key)}`",
            )
            for key in table.keys
        ]
        blocks.append("\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows))
    blocks.append(f"## `[{WAIVED}]`: {WAIVED_MEANING}\n\n    {WAIVED_EXAMPLE}")
    return "\n\n".join(blocks) + "\n"


# JSON Schema


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a dialect file."""
    properties = {key.name: _property(key) for key in TOP.keys}
    for table in TABLES.values():
        if table.name:
            one = _object({key.name: _property(key) for key in table.keys}, table.meaning)
            if table.repeated:
                one["anyOf"] = [{"required": [name]} for name in ("wait", "send")]
                one = {"type": "array", "items": one, "maxItems": MAX_LIST_ENTRIES, "description": table.meaning}
            properties[table.name] = one
    reasons = {id: {**LINE.schema, "allOf": [{"pattern": r"\S"}]} for id in waivable(ALL)}
    properties[WAIVED] = _object(reasons, WAIVED_MEANING)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A dialect of socketserver-reference",
        **_object(properties, "how a server puts the protocol into bytes"),
        "required": ["protocol"],
        "allOf": [_of_protocol(protocol) for protocol in ALL],
    }


def _property(key: Key) -> dict[str, Any]:
    found = {**key.kind.schema, "description": key.meaning, "examples": [key.example]}
    return found if key.default is None else {**found, "default": key.default}


def _object(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "object", "description": description, "properties": properties, "additionalProperties": False}


def _of_protocol(protocol: str) -> dict[str, Any]:
    """Return what a dialect of one protocol alone cannot have: the keys of others."""
    absent: dict[str, Any] = {}
    for table in TABLES.values():
        if protocol not in table.protocols:
            absent[table.name] = False
        elif without := [key.name for key in table.keys if protocol not in table.applies(key)]:
            absent[table.name] = {"properties": dict.fromkeys(without, False)}
    absent[WAIVED] = {"properties": {id: id in waivable((protocol,)) for id in waivable(ALL)}}
    alone = {"properties": {"protocol": {"enum": [protocol, [protocol]]}}, "required": ["protocol"]}
    return {"if": alone, "then": {"properties": absent}}
