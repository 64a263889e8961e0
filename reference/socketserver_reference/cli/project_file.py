"""The project file: what `socketserver-reference check` alone checks in a directory, and how.

It is conformance.toml, or the table [tool.conformance] of pyproject.toml, in the current directory:

    protocol = "chat"                   # or "echo"
    launch = "node server.js {port}"    # or target = "tcp://127.0.0.1:10007"
    dialect = "dialect.toml"
    only = ["CHAT-7", "CHAT-12"]        # and any other long option of check, by its name
    strict = true

Options on the command line go before those of the file.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from socketserver_reference.cli.options import CommandError

FILE_NAME = "conformance.toml"

INSTEAD = f"say what the server serves (echo, chat or family), or write {FILE_NAME}: `socketserver-reference init` does"

POSITIONAL = ("protocol", "target")


def completed(words: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """Return the words of a `check` behind those of the project file, if they do not say what the server serves.

    Raise CommandError if there is no such file, or it has an error.
    """
    if parser.parse_intermixed_args(list(words)).protocol is not None:
        return list(words)
    where, table = _find(Path())
    return [*_words(where, table, parser), *words]


def write(file: Path, table: Mapping[str, str]) -> None:
    """Write a project file."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("What `socketserver-reference check` checks here; any long option of it is a key."))
    document.update(table)
    file.write_text(tomlkit.dumps(document), encoding="utf-8")


def _find(directory: Path) -> tuple[str, Mapping[str, Any]]:
    from socketserver_reference.conformance.dialects.input_file import BadFile, parse_toml, read_text

    try:
        for name, path in ((FILE_NAME, ()), ("pyproject.toml", ("tool", "conformance"))):
            if (directory / name).is_file():
                found: Any = parse_toml(read_text(directory / name, BadFile), name, BadFile)
                for key in path:
                    found = found.get(key) if isinstance(found, dict) else None
                if isinstance(found, dict):
                    return ": ".join([name, *filter(None, [".".join(path)])]), found
    except BadFile as error:
        raise CommandError(str(error)) from None
    raise CommandError(INSTEAD)


def _words(where: str, table: Mapping[str, Any], parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the words of a command line that say the same as the table."""
    options = {name[2:] for action in parser._actions for name in action.option_strings if name.startswith("--")}
    known = [*POSITIONAL, *sorted(options - {"help", "json-schema"})]
    if "protocol" not in table:
        raise CommandError(f"{where}: no protocol; add echo, chat or family")
    for key in (*POSITIONAL, *(key for key in table if key not in POSITIONAL)):
        if key not in known:
            raise CommandError(f"{where}: unknown key {key!r}; the keys are {', '.join(known)}")
        for value in _values(table.get(key, False)):
            if not isinstance(value, str | int | float) or value == "" or "\0" in str(value):
                raise CommandError(f"{where}: {key} = {value!r}; write a text, a number, true or false")
            if key in POSITIONAL and value is not False:
                yield str(value)
            elif value is not False:
                yield f"--{key}" if value is True else f"--{key}={value}"


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
