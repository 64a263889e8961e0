"""Checks one server after the other, each in a process of its own.

So a server that cannot be checked, or that crashes the checker, does not affect the others. The process runs under a
supervisor (`targets/supervisor.py`), so it ends with this process, and so do all processes that it started.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import socketserver_reference
from socketserver_reference.conformance.reports.comparison import INTERRUPTED_CHECK, Checked
from socketserver_reference.conformance.runner.server_list import ListedServer
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.targets.process import supervised

RUN_FROM_HERE = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from socketserver_reference.__main__ import main; sys.exit(main())"
)
"""Runs this very project, even if the directory where the servers are started has modules of the same names."""


def check_all(servers: Sequence[ListedServer], effort: Sequence[str], directory: Path) -> list[Checked]:
    """Check the servers, started in a directory, with these extra arguments; after an interrupt, no more of them."""
    checked: list[Checked] = []
    for server in servers:
        print(f"checking {printable(server.name)} ({server.protocol}) ...", flush=True)
        try:
            checked.append(_check(server, effort, directory))
        except KeyboardInterrupt:
            left = servers[len(checked) :]
            return [*checked, *(Checked(server.name, server.protocol, None, INTERRUPTED_CHECK) for server in left)]
        print(f"  {printable(checked[-1].conclusion)}", flush=True)
    return checked


def _check(server: ListedServer, effort: Sequence[str], directory: Path) -> Checked:
    root = str(Path(socketserver_reference.__file__).parent.parent)
    with tempfile.TemporaryDirectory(prefix="compare-") as own:
        file = Path(own) / "verdicts.json"
        words = [root, "check", *server.arguments, *effort, f"--json={file}"]
        status, complaints = _run([sys.executable, "-P", "-c", RUN_FROM_HERE, *words], directory)
        if file.exists():
            return Checked(server.name, server.protocol, json.loads(file.read_text(encoding="utf-8")))
    how = f"was ended by signal {-status}" if status < 0 else f"exited with {status}"
    lines = complaints.splitlines() or [f"the check {how} and printed no error"]
    return Checked(server.name, server.protocol, None, lines[-1].removeprefix("socketserver-reference check: "))


def _run(command: Sequence[str], directory: Path) -> tuple[int, str]:
    """Run a command until it ends; return its exit status and what it wrote to stderr."""
    with supervised(
        command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="backslashreplace"
    ) as process:  # only this process gets a Ctrl-C; the check is then ended in an orderly way
        _, complaints = process.communicate()
    return process.returncode, complaints
