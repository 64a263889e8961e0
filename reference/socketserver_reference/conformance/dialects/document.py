"""Reads a dialect's document by the table of keys: every key that it has, or what is wrong with it in one line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import HandshakeTurn
from socketserver_reference.conformance.dialects.keys import HANDSHAKE, TABLES, Table
from socketserver_reference.conformance.dialects.values import LINE, MAX_LIST_ENTRIES, BadDialect
from socketserver_reference.conformance.scenario.text import printable

NEVER_WAIVED = ("CHAT-1", "CHAT-2", "CHAT-4", "CHAT-5", "CHAT-7", "CHAT-11", "ECHO-1", "ECHO-2", "UDP-1", "UDP-2")
"""Clauses that hold on every working server in any dialect: a server that breaks one has a bug, not a dialect."""

WAIVED = "waived"
"""The table of clauses that the server need not keep, each with the reason."""

CLAUSE_GROUPS = {"chat": "CHAT", "echo": "ECHO", "datagram": "UDP"}


@dataclass(frozen=True)
class Document:
    """A file's keys, read and checked."""

    tables: Mapping[str, Mapping[str, Any]]
    handshake: tuple[HandshakeTurn, ...]
    waived: Mapping[str, str]

    def get(self, table: str, key: str) -> Any:
        """Return a key's value: the file's or the default, None if there is neither."""
        known = TABLES[table].key(key)
        assert known is not None, f"{table}.{key} is in no table"
        return self.tables.get(table, {}).get(key, known.value)

    def has(self, table: str, key: str) -> bool:
        """Whether the file has this key."""
        return key in self.tables.get(table, {})


def check(document: Mapping[str, object]) -> Document:
    """Read every key; raise BadDialect for the first that is unknown, out of place or has an invalid value."""
    top = {key: value for key, value in document.items() if TABLES[""].key(key)}
    for key in document:
        if not key or key not in (*top, *TABLES, WAIVED):  # the top level has the empty name
            headings = [table.heading for table in TABLES.values() if table.name]
            known = ", ".join([*(one.name for one in TABLES[""].keys), *headings, f"[{WAIVED}]"])
            shown = printable(key) or '""'
            raise BadDialect(f"{shown}: no such key; a dialect has {known}")
    if "protocol" not in top:
        raise BadDialect('protocol is missing: write protocol = "chat" or "echo" or "datagram"')
    tables = {"": _read(TABLES[""], "", top)}
    protocols: tuple[str, ...] = tables[""]["protocol"]
    handshake: tuple[HandshakeTurn, ...] = ()
    for name, value in document.items():
        if name in top or name == WAIVED:
            continue
        table = TABLES[name]
        if not set(table.protocols) & set(protocols):
            raise BadDialect(
                f"{table.heading[1:-1] if table.repeated else table.heading} applies to "
                f"{' and '.join(table.protocols)}, but protocol is {protocols[0]}"
            )
        if table is HANDSHAKE:
            handshake = _handshake(value)
        elif not isinstance(value, dict):
            raise BadDialect(f"{name} is not a table: write [{name}] on a line of its own and its keys below")
        else:
            tables[name] = _read(table, f"{name}.", value)
            _check_protocols(table, value, protocols)
    return Document(tables, handshake, _waived(document.get(WAIVED, {}), protocols))


def _read(table: Table, prefix: str, given: Mapping[str, object]) -> dict[str, Any]:
    found = {}
    for name, value in given.items():
        key = table.key(name)
        if key is None:
            known = ", ".join(one.name for one in table.keys)
            raise BadDialect(f"{prefix}{printable(name)}: no such key; {table.heading} has {known}")
        found[name] = key.kind.read(f"{prefix}{name}", value)
    return found


def _check_protocols(table: Table, given: Mapping[str, object], protocols: tuple[str, ...]) -> None:
    for key in table.keys:
        only = table.applies(key)
        if key.name in given and not set(only) & set(protocols):
            raise BadDialect(f"{table.name}.{key.name} applies to {' and '.join(only)}, but protocol is {protocols[0]}")


def _handshake(value: object) -> tuple[HandshakeTurn, ...]:
    if not isinstance(value, list) or len(value) > MAX_LIST_ENTRIES:
        raise BadDialect(
            f"handshake is not a list of at most {MAX_LIST_ENTRIES} tables: write [[handshake]] above each exchange"
        )
    exchanges = []
    for number, one in enumerate(value, 1):
        if (
            not isinstance(one, dict)
            or not {"wait", "send"} & set(one)
            or set(one) - {key.name for key in HANDSHAKE.keys}
        ):
            raise BadDialect(f"handshake, exchange {number}: write wait, send or both, framed or not, and no other key")
        exchanges.append(HandshakeTurn(**_read(HANDSHAKE, "handshake.", one)))
    return tuple(exchanges)


def _waived(value: object, protocols: tuple[str, ...]) -> dict[str, str]:
    able = waivable(protocols)
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
        if not LINE.read(f"waived.{id}", why).strip():
            raise BadDialect(f"waived.{id}: write the reason in quotation marks")
    return dict(value)


def waivable(protocols: tuple[str, ...]) -> list[str]:
    """Return the clauses of these protocols that a dialect may waive."""
    groups = [CLAUSE_GROUPS[protocol] for protocol in protocols]
    return [id for id, clause in CLAUSES.items() if clause.group in groups and id not in NEVER_WAIVED]
