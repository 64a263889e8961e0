"""What the tests of reproductions share: a script played as its finder would, and a violation to write one for."""

import ast
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.wording import in_dialect
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.reproduce.script import FRAME, PLAYER
from socketserver_reference.conformance.reproduce.write import Reproduction, write_all
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Did, Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from tests.support.serving import TIMEOUT

BRIEF_TIMEOUT = 1.0
"""Seconds that a server with a bug may take, which may be that it is silent."""


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


def of_rows(rows: str, file: Path, *, rounds: int = 1, datagrams: bool = False, timeout: float = TIMEOUT) -> Path:
    """Write a script that plays these rows, as Python writes them, over TCP or UDP; return its file."""
    modules = next(line for line in FRAME.splitlines(keepends=True) if line.startswith("import "))
    settings = f"ROUNDS, FAMILY, DATAGRAMS, DELIVERY = {rounds}, socket.AF_INET, {datagrams}, None\n"
    seconds = (
        f"REST, START = 0, 10\nTIMEOUT, QUIET, LAG, FLOOD = {timeout}, 0.3, 0.02, 1 << 26\nMARKS, OWN = [], {{}}\n"
    )
    call = FRAME.partition("{player}\n")[2]
    file.write_text(f'"""How to use it."""\n{modules}{settings}{seconds}ROWS = {rows}\n{PLAYER}\n{call}')
    return file


def first_seen(session: Session, protocol: str, clause: str) -> Violation:
    """Return the first violation of the clause that is found."""
    seen = (direct.violation_of(outcome) for outcome in direct.play_all(session, protocol, clause))
    return next(violation for violation in seen if violation is not None and violation.clause_id == clause)


def reproduce(session: Session, protocol: str, clause: str, directory: Path) -> Reproduction:
    (told,) = write_all(session, protocol, [first_seen(session, protocol, clause)], directory)
    return told


def check_script(bug: Any, right: Any, clause: str, directory: Path, dialect: Dialect = NOTE) -> str:
    """Have a script written, which shows the bug, and see that it passes the right server; return its text."""
    protocol = {"CHAT": "chat", "ECHO": "echo", "UDP": "datagram"}[clause.partition("-")[0]]
    with closing(open_session(protocol, bug, BRIEF_TIMEOUT, dialect)) as session:
        told = reproduce(session, protocol, clause, directory)
    assert told.remark == "it shows", told.remark
    assert told.file == directory / f"{clause}.py"
    text = told.file.read_text()
    assert PLAYER in text
    heading = ast.get_docstring(ast.parse(text, feature_version=(3, 8))) or ""
    assert " ".join(heading.split()).startswith(str(in_dialect(CLAUSES[clause], dialect)))
    told.file.write_text(
        text.replace("\nROUNDS, FAMILY, DATAGRAMS, DELIVERY = 100,", "\nROUNDS, FAMILY, DATAGRAMS, DELIVERY = 3,")
    )
    with closing(open_session(protocol, right, TIMEOUT, dialect)) as session:
        address = session.site.address
        where = [address.path] if address.path else [address.host, address.port]
        status, out = play(told.file, *where, timeout=TIMEOUT)
    assert status == 0, out
    return text
