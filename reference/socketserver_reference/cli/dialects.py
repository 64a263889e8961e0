"""`socketserver-reference dialects`: the bundled dialect files, which say how other servers encode the protocol.

`dialects` lists them and the servers that each was verified against. `dialects NAME|FILE` shows one: which clauses it
changes, which it leaves out and why, and its text, to copy and change. `conformance/dialects/loader.py` says how to
write one.
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


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; return the exit code."""
    from socketserver_reference.conformance.dialects.loader import BadDialect, bundled
    from socketserver_reference.conformance.scenario.text import printable

    try:
        if options.dialect is None:
            lines = [line for dialect in bundled().values() for line in (*in_brief(dialect), "")][:-1]
        else:
            lines = list(in_full(options.dialect))
    except BadDialect as error:
        print(f"socketserver-reference dialects: {printable(str(error))}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


def in_brief(dialect: "Dialect") -> Iterator[str]:
    """Yield the name, the protocols, the purpose and the verified servers of a dialect, a line each."""
    yield dialect.name
    yield f"  speaks    {', '.join(dialect.protocols)}"
    yield f"  is        {dialect.about or 'not said'}"
    yield f"  verified  {', '.join(dialect.verified) or 'against no server'}"


def in_full(name: str) -> Iterator[str]:
    """Yield all that is known of a dialect; raise BadDialect if there is no such dialect."""
    from socketserver_reference.conformance.dialects import effects
    from socketserver_reference.conformance.dialects.loader import find, source, text_of
    from socketserver_reference.conformance.scenario.text import printable

    dialect, path = find(name), source(name)
    yield from in_brief(dialect)
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
