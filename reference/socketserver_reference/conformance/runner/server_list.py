"""The file that `compare` reads: a list of servers, each with the arguments of its `check`.

    [[server]]
    name = "mine"                       # its name in the reports
    protocol = "chat"                   # or "echo"
    launch = "node server.js {port}"    # as check --launch; or target = "tcp://127.0.0.1:10007"; or both

A server may also have a `transport`, a `dialect` and a `known` file: the options of `check` by these names. Paths are
relative to the file. An error in the file is refused before any check, with the file, server and key, and what would be
right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socketserver_reference.address import Address, BadAddress
from socketserver_reference.conformance.dialects.input_file import BadFile, parse_toml, read_text
from socketserver_reference.conformance.runner.options import OPTIONS

SERVER_PROTOCOLS = ("echo", "chat")

ARGUMENTS = ("launch", "transport", *(option.name for option in OPTIONS if option.per_server))
"""Keys that are options of `check` with the same name."""

SERVER_KEYS = ("name", "protocol", "target", *ARGUMENTS)


class BadServers(BadFile):
    """The file is not a list of servers; the message says where, and what would be right."""


@dataclass(frozen=True)
class ListedServer:
    """One server to check."""

    name: str
    protocol: str
    arguments: tuple[str, ...]
    """The arguments of `check`."""


def read(file: Path) -> list[ListedServer]:
    """Return the servers that a file lists; raise BadServers if it lists none, or has an error."""
    document = parse_toml(read_text(file, BadServers), file, BadServers)
    for key in document:
        if key != "server":
            raise BadServers(f"{file}: unknown key {key!r}; each server is a table [[server]]")
    tables = document.get("server", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise BadServers(
            f"{file}: lists no servers; each is a table [[server]] with name, protocol and launch or target"
        )
    servers: list[ListedServer] = []
    for number, table in enumerate(tables, 1):
        server = _server(f"{file}: server {number}", table)
        if server.name in [other.name for other in servers]:
            raise BadServers(
                f"{file}: server {number}: another one has the name {server.name!r}; each needs a name of its own"
            )
        servers.append(server)
    return servers


def _server(where: str, table: Mapping[str, Any]) -> ListedServer:
    for key, value in table.items():
        if key not in SERVER_KEYS:
            raise BadServers(f"{where}: unknown key {key!r}; the keys are {', '.join(SERVER_KEYS)}")
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise BadServers(f"{where}: {key} = {value!r}; it must be a text that is not empty and has no NUL")
    for key, needed in (("name", "its name in the reports"), ("protocol", "echo or chat")):
        if key not in table:
            raise BadServers(f"{where}: no {key}; add {needed}")
    if table["protocol"] not in SERVER_PROTOCOLS:
        raise BadServers(f"{where}: protocol = {table['protocol']!r}; it is one of {', '.join(SERVER_PROTOCOLS)}")
    if "launch" not in table and "target" not in table:
        raise BadServers(f"{where}: neither launch nor target; add the command that starts it, or its address")
    try:
        target = [str(Address.parse(table["target"]))] if "target" in table else []
    except BadAddress as error:
        raise BadServers(f"{where}: target: {error}") from None
    options = [f"--{key}={table[key]}" for key in ARGUMENTS if key in table]
    return ListedServer(table["name"], table["protocol"], (table["protocol"], *target, *options))
