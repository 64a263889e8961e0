"""What the tests of reproductions share: a script played as its finder would, and a violation to write one for."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from socketserver_reference.conformance.reproduce.script import FRAME, PLAYER
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Did, Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from tests.support.serving import TIMEOUT


def play(file: Path, *where: object, timeout: float = TIMEOUT) -> tuple[int, str]:
    """Play a script as its finder would; return its exit status, and what it printed."""
    command = [sys.executable, str(file), *map(str, where)]
    with tempfile.TemporaryDirectory() as temporary:
        environment = {"TIMEOUT": str(timeout), "TMPDIR": temporary}  # and nothing that would have it measured
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
        assert (ended.stderr, os.listdir(temporary)) == ("", [])
    return ended.returncode, ended.stdout


def seen(clause: str, *steps: Step, expected: str = "this", observed: str = "that") -> Violation:
    """Return a violation that some steps showed."""
    violation = VIOLATIONS[clause](expected, observed, [])
    violation.transcript = Transcript([Did(step) for step in steps], list(steps))
    return violation


def of_rows(rows: str, file: Path, *, rounds: int = 1, datagrams: bool = False) -> Path:
    """Write a script that plays these rows, as Python writes them, over TCP or UDP; return its file."""
    modules = next(line for line in FRAME.splitlines(keepends=True) if line.startswith("import "))
    settings = f"ROUNDS, FAMILY, DATAGRAMS, DELIVERY = {rounds}, socket.AF_INET, {datagrams}, None\n"
    seconds = f"REST, START = 0, 10\nTIMEOUT, QUIET, LAG = {TIMEOUT}, 0.3, 0.02\n"
    call = FRAME.partition("{player}\n")[2]
    file.write_text(f'"""How to use it."""\n{modules}{settings}{seconds}ROWS = {rows}\n{PLAYER}\n{call}')
    return file
