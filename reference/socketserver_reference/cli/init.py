"""`socketserver-reference init`: learn a server's dialect, and write the project file, so that `check` alone checks it.

It writes conformance.toml and dialect.toml into the current directory: neither if one of them is there already, or if
the dialect could not be learned. Exit codes are those of `learn`.
"""

import argparse
import sys
from pathlib import Path

from socketserver_reference.cli import learning, project_file

DIALECT = "dialect.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `init`: those of `learn`, but for the file."""
    learning.add_server_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write both files; return the exit code."""
    for name in (project_file.FILE_NAME, DIALECT):
        if Path(name).exists():
            print(f"socketserver-reference init: {name} exists already; remove or edit it", file=sys.stderr)
            return learning.EXIT_CANNOT_LEARN
    proposed: list[str] = []
    status = learning.report(options, proposed.append, "socketserver-reference check").code
    if status == learning.EXIT_LEARNED:
        Path(DIALECT).write_text(proposed[0], encoding="utf-8")
        server = {key: value for key in ("target", "launch", "transport") if (value := getattr(options, key))}
        project_file.write(Path(project_file.FILE_NAME), {"protocol": options.protocol, **server, "dialect": DIALECT})
    return status
