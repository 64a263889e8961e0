"""The file that `compare` reads: which servers there are, each as the arguments of a `check`.

    [[server]]
    name = "mine"                       # what it is called in the reports
    protocol = "chat"                   # or "echo"
    launch = "node server.js {port}"    # as check --launch; or target = "tcp://127.0.0.1:10007"; or both

Besides, each server may have a `transport`, a `dialect` and a `known` file: options of `check` by these names. Paths
are relative to the file. Whatever is not as it should be is refused before anything is checked, with file, server, key
and what would be right.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socketserver_reference.address import Address, BadAddress
from socketserver_reference.conformance.runner.options import OPTIONS

PROTOCOLS = ("echo", "chat")

ARGUMENTS = ("launch", "transport", *(option.name for option in OPTIONS if option.per_server))
"""Keys that are options of `check` of the same name."""

KEYS = ("name", "protocol", "target", *ARGUMENTS)


class BadServers(Exception):
    """The file does not say which servers to compare; the message says where, and what would be right."""


@dataclass(frozen=True)
class Server:
    """One server to check."""

    name: str
    protocol: str
    arguments: tuple[str, ...]
    """What follows the word `check`."""


def read(file: Path) -> list[Server]:
    """Return the servers that a file lists; raise BadServers if it lists none, or something else."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadServers(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadServers(f"{file}: not UTF-8, at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadServers(f"{file}: not TOML: {error}") from None
    for key in document:
        if key != "server":
            raise BadServers(f"{file}: unknown key {key!r}; each server is a table [[server]]")
    tables = document.get("server", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise BadServers(
            f"{file}: lists no servers; each is a table [[server]] with name, protocol and launch or target"
        )
    servers: list[Server] = []
    for number, table in enumerate(tables, 1):
        server = _server(f"{file}: server {number}", table)
        if server.name in [other.name for other in servers]:
            raise BadServers(f"{file}: server {number}: another is called {server.name!r} already; each needs a name")
        servers.append(server)
    return servers


def _server(where: str, table: Mapping[str, Any]) -> Server:
    for key, value in table.items():
        if key not in KEYS:
            raise BadServers(f"{where}: unknown key {key!r}; the keys are {', '.join(KEYS)}")
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise BadServers(f"{where}: {key} = {value!r}; it takes a text that is not empty and has no NUL")
    for key, needed in (("name", "what the reports call it"), ("protocol", "echo or chat")):
        if key not in table:
            raise BadServers(f"{where}: no {key}; say {needed}")
    if table["protocol"] not in PROTOCOLS:
        raise BadServers(f"{where}: protocol = {table['protocol']!r}; it is one of {', '.join(PROTOCOLS)}")
    if "launch" not in table and "target" not in table:
        raise BadServers(f"{where}: neither launch nor target; say how to start it, or where it runs")
    try:
        target = [str(Address.parse(table["target"]))] if "target" in table else []
    except BadAddress as error:
        raise BadServers(f"{where}: target: {error}") from None
    options = [f"--{key}={table[key]}" for key in ARGUMENTS if key in table]
    return Server(table["name"], table["protocol"], (table["protocol"], *target, *options))
