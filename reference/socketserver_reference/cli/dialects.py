"""`socketserver-reference dialects`: the bundled dialect files, which say how other servers encode the protocol.

`dialects` lists them and the servers that each was verified against. `dialects NAME|FILE` shows one: a conversation as
bytes, which clauses it changes, which it leaves out and why, and its text, to copy and change. `--keys` lists all keys
of a dialect file, `--schema` prints a JSON Schema of it for editors.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socketserver_reference.conformance.dialects.dialect import Dialect

REFERENCE_DIALECT = "this is the reference's own dialect, the default; it has no file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `dialects`."""
    parser.add_argument(
        "dialect", nargs="?", metavar="NAME|FILE", help="the dialect to show, by name or file (default: list all)"
    )
    about = parser.add_mutually_exclusive_group()
    about.add_argument("--keys", action="store_true", help="list the keys of a dialect file, with examples")
    about.add_argument("--keys-markdown", action="store_true", help="the same list as Markdown")
    about.add_argument("--schema", action="store_true", help="print the JSON Schema of a dialect file, for editors")


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; return the exit code."""
    from socketserver_reference.conformance.dialects.loader import BadDialect, bundled
    from socketserver_reference.conformance.scenario.text import printable

    try:
        if about := about_keys(options):
            if options.dialect is not None:
                raise BadDialect("--keys and --schema are about all dialects: leave out the name or the file")
            lines = about
        elif options.dialect is None:
            lines = [line for dialect in bundled().values() for line in (*in_brief(dialect), "")][:-1]
        else:
            lines = list(in_full(options.dialect))
    except BadDialect as error:
        print(f"socketserver-reference dialects: {printable(str(error))}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


def about_keys(options: argparse.Namespace) -> list[str]:
    """Return what was asked about the keys of a dialect file; nothing if that was not asked."""
    import json

    from socketserver_reference.conformance.dialects import key_list

    if options.schema:
        return [json.dumps(key_list.schema(), indent=2)]
    if options.keys_markdown:
        return key_list.markdown().splitlines()
    return list(key_list.lines()) if options.keys else []


def in_brief(dialect: "Dialect") -> Iterator[str]:
    """Yield the name, the protocols, the purpose and the verified servers of a dialect, a line each."""
    yield dialect.name
    yield f"  speaks    {', '.join(dialect.protocols)}"
    yield f"  is        {dialect.about or 'not said'}"
    yield f"  verified  {', '.join(dialect.verified) or 'against no server'}"


def in_full(name: str) -> Iterator[str]:
    """Yield all that is known of a dialect; raise BadDialect if there is no such dialect."""
    from socketserver_reference.conformance.dialects import effects
    from socketserver_reference.conformance.dialects.example import UNKNOWN_FIELD, conversation
    from socketserver_reference.conformance.dialects.loader import find, source, text_of
    from socketserver_reference.conformance.scenario.text import printable

    dialect, path = find(name), source(name)
    yield from in_brief(dialect)
    lines = list(conversation(dialect))
    unknown = UNKNOWN_FIELD.decode()
    what = f"a conversation ({unknown} is what only the server knows):"
    yield from (
        "",
        what if any(unknown in line for line in lines) else "a conversation:",
        *(f"  {line}" for line in lines),
    )
    if changes := effects.changes(dialect):
        yield from ("", "asked differently:", *(f"  {clause:<8} {what}" for clause, what in changes))
    if left_out := effects.not_applicable(dialect):
        yield from ("", "not asked:", *(f"  {clause:<8} {why}" for clause, why in left_out.items()))
    yield ""
    if path is None:
        yield REFERENCE_DIALECT
    else:
        yield f"{printable(str(path))}:"
        yield ""
        yield from (printable(line.replace("\t", "    ")) for line in text_of(path).splitlines())
