"""Reproductions: a script for each violated clause, for people who do not know this project.

`CHAT-12.py HOST PORT` needs Python's standard library alone. It plays the exchange of the violation as a table of rows,
and exits with 1 if the violation shows, with 0 if not. Each script is tried, on a fresh server where there can be one,
before it is written; what shows by chance is played for many rounds. For a clause about the inside of a process there
is a pytest file instead, to be completed.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.reproduce.rows import rows_of
from socketserver_reference.conformance.reproduce.script import Trial, script, test
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.process import supervised

SCRIPT_TIMEOUT = 30.0
"""Timeout in seconds for the trial of a script."""

RENEWAL_TIMEOUT = 10.0
"""Timeout in seconds for a fresh server to be there for the trial."""

MANY_ROUNDS = 100
"""Rounds of an exchange whose violation shows by chance."""

LONG_REST = 0.02
"""Seconds between two steps of a script, in which any server notices the first."""

LONG_QUIET = 2.0
"""Seconds of quiet where a server, or this machine, may be slow to send what must not come."""

TRIALS = (
    Trial(1, LONG_REST),
    Trial(1, 0.0),
    Trial(1, LONG_REST, LONG_QUIET),
    Trial(MANY_ROUNDS, 0.0),
    Trial(MANY_ROUNDS, LONG_REST),
)
"""The scripts to try, until one shows the violation."""

UNWRITTEN = "the check ended before it was written"

NO_EXCHANGE = "there is no exchange that could be played"


@dataclass(frozen=True)
class Reproduction:
    """The result for a violation: the file, or why there is none."""

    clause: str
    file: Path | None
    remark: str

    @property
    def text(self) -> str:
        """What is in the file; "" if there is none."""
        return self.file.read_text("utf-8") if self.file else ""

    def __str__(self) -> str:
        return f"{self.file or 'no reproduction of ' + self.clause}: {self.remark}"


def write_all(
    session: Session, protocol: str, violations: Iterable[Violation], directory: Path
) -> Iterator[Reproduction]:
    """Write a script for each violation that one shows, and yield the result. Raises OSError if that is impossible."""
    directory.mkdir(parents=True, exist_ok=True)
    for violation in violations:
        yield _write(session, protocol, violation, directory)


def write_test(violation: Violation, directory: Path) -> Reproduction:
    """Write a pytest file for a clause about the inside of a process."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"test_{violation.clause_id.replace('-', '_')}.py"
    file.write_text(test(violation), encoding="utf-8")
    return Reproduction(violation.clause_id, file, "a test to complete with your server")


def _write(session: Session, protocol: str, violation: Violation, directory: Path) -> Reproduction:
    clause, file = violation.clause_id, directory / f"{violation.clause_id}.py"
    if violation.unscripted or violation.transcript is None:
        return Reproduction(clause, None, violation.unscripted or NO_EXCHANGE)
    if not violation.confirmation:  # an expected failure: it was not cut yet
        violation = session.confirm(violation) or violation
    ended = ""
    forms = [seen.of(clause) for seen in (violation, violation.uncut) if seen is not None]
    with tempfile.TemporaryDirectory(prefix="reproduction-") as own:
        for seen, trial in product(forms, TRIALS):
            draft = Path(own) / file.name
            draft.write_text(_text(seen, protocol, session, trial), "utf-8")
            try:
                shows, ended = _try(draft, session)
            except NotChecked as error:
                return Reproduction(clause, None, f"it could not be tried: {error}")
            session.mark_broken(clause)
            if shows:
                file.write_text(draft.read_text("utf-8"), encoding="utf-8")
                return Reproduction(clause, file, "it shows")
            if session.budget.is_over:  # one trial is made even then
                break
    return Reproduction(clause, None, f"no script of it showed it: {ended}")


def _text(violation: Violation, protocol: str, session: Session, trial: Trial) -> str:
    dialect = session.judged_by(violation.clause_id)
    rows, bursts = rows_of(violation, protocol, dialect)
    return script(violation, rows, bursts, dialect, session.site.address, trial)


def _renew(session: Session) -> None:
    """Replace the server by a fresh one, even when the time of the check is over; raise NotChecked if that fails."""
    budget = session.budget
    session.keep(Budget(max(budget.left, RENEWAL_TIMEOUT)))
    try:
        session.renew("the trial of a script")
    finally:
        session.keep(budget)


FAILED = re.compile(r"Round [0-9]+ of [0-9]+, row ")
"""The beginning of the last line of a script that has seen the violation."""


def _try(draft: Path, session: Session) -> tuple[bool, str]:
    """Run a script; return whether the violation shows, and the last line that it printed."""
    target = session.target
    if isinstance(target, Launched) and target.at is None:
        where = ["--launch", target.command]
    else:
        if session.site.restartable:
            _renew(session)
        address = session.address
        where = [address.path] if address.path else [address.host, str(address.port)]
    with supervised(
        [sys.executable, "-I", str(draft), *where],
        env={"TIMEOUT": str(session.full_timeout), "PATH": os.environ.get("PATH", "")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as ended:
        try:
            printed, _ = ended.communicate(timeout=SCRIPT_TIMEOUT)
        except subprocess.TimeoutExpired:  # the script is ended, and its server with it
            return False, f"it had not ended after {SCRIPT_TIMEOUT:g} s"
    lines = printable((printed.decode(errors="backslashreplace").splitlines() or [""])[-1])
    return ended.returncode == 1 and FAILED.match(lines) is not None, lines
