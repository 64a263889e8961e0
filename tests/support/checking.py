"""What the tests of the checker share: `check` in this process or another, and a FIFO that tells when all have gone."""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.cli.main import main
from tests.support.serving import LONG_TIMEOUT, ROOT

INSTALLED = any(
    point.value == "socketserver_reference.conformance.runner.plugin" for point in entry_points(group="pytest11")
)
PLUGIN = () if INSTALLED else ("-p", "socketserver_reference.conformance.runner.plugin")
"""What pytest has to be told to find the plugin: nothing, once the project is installed."""

BARE_PYTHON = f"{sys.executable} -S"
"""A Python for servers that need the standard library alone. Without site-packages nothing measures them either, which
would take ten times what starting them does."""

BUDGET = 1000
"""Seconds that a check may take here."""

BAD_SERVERS = ROOT / "tests" / "servers" / "bad_servers.py"


def bad(name: str, *arguments: object) -> str:
    """Return the command that launches one of the bad servers."""
    return " ".join(map(str, [BARE_PYTHON, BAD_SERVERS, name, "{port}", *arguments]))


@dataclass
class Outcome:
    """How a `check` ended."""

    code: int
    out: str
    err: str
    document: dict[str, Any]
    """What --json wrote; empty if nothing."""

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict on each clause."""
        return {clause["id"]: clause["verdict"] for clause in self.document["clauses"]}

    def clauses_that(self, verdict: str) -> list[str]:
        """Return the clauses with this verdict."""
        return [id for id, found in self.verdicts.items() if found == verdict]

    def clause(self, id: str) -> dict[str, Any]:
        """Return all that the document says of a clause."""
        return next(clause for clause in self.document["clauses"] if clause["id"] == id)


class Checker:
    """Runs `check` in this process. Whatever it is pointed at, what it prints is plain text and tells no traceback."""

    def __init__(self, capfd: pytest.CaptureFixture[str], directory: Path) -> None:
        self._capfd = capfd
        self._file = directory / "verdicts.json"

    def __call__(self, *arguments: object, json_too: bool = True) -> Outcome:
        self._file.unlink(missing_ok=True)
        words = [str(argument) for argument in arguments]
        own = words.index("--") if "--" in words else len(words)
        report = ["--json", str(self._file)] if json_too else []
        if "--budget" not in words:  # a busy machine gets the time that it needs
            report += ["--budget", str(BUDGET)]
        self._capfd.readouterr()
        try:
            code = main(["check", *words[:own], *report, *words[own:]])
        except SystemExit as ended:  # the argument parser's
            code = int(str(ended.code))
        out, err = self._capfd.readouterr()
        document = self._file.read_text() if self._file.exists() else "{}"
        for text in (out, err, document):
            assert "\x1b" not in text
            assert "Traceback" not in text
        return Outcome(code, out, err, json.loads(document))

    def refusal(self, *arguments: object) -> str:
        """Return the one line by which a check that cannot be ends, after what it says while it waits for a server."""
        outcome = self(*arguments)
        assert outcome.code == 2
        assert outcome.document == {}
        (line,) = [line for line in outcome.err.splitlines() if not line.startswith("waiting ")]
        return line


class Lifeline:
    """A FIFO that the processes of a test hold open as long as they live."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "lifeline"
        os.mkfifo(self.path)
        self._end = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.read = b""

    def wait_for(self, word: bytes) -> None:
        """Return when a process has written the word."""
        while word not in self.read:
            assert self._more(), f"all have ended without writing {word!r}; they wrote {self.read!r}"

    def wait_for_the_end(self) -> None:
        """Return when all processes have ended; there must have been some."""
        while self._more():
            pass
        assert self.read, "no process was ever there"

    def _more(self) -> bool:
        readable, _, _ = select.select([self._end], [], [], LONG_TIMEOUT)
        assert readable, f"a process is still alive; all that was written: {self.read!r}"
        said = os.read(self._end, 1024)
        self.read += said
        return bool(said)

    def close(self) -> None:
        os.close(self._end)


def run_check(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `check` in a process of its own."""
    command = [sys.executable, "-m", "socketserver_reference", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


@contextmanager
def checking(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run `check` in a process of its own for the length of the block."""
    command = [sys.executable, "-m", "socketserver_reference", "check", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
