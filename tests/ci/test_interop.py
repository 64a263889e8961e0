"""Servers of other projects: the files of `ci/interop` agree, and a difference from the record is reported.

That the servers do what is recorded, `make interop` checks.
"""

import importlib
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.cli.targets import conformance_protocol
from socketserver_reference.conformance.dialects import effects, loader
from socketserver_reference.conformance.results.known import NO_REASON

HERE = Path(__file__).resolve().parents[2] / "ci" / "interop"
SERVERS: dict[str, Any] = tomllib.loads((HERE / "servers.toml").read_text())

REFERENCE = {
    "protocol": "echo",
    "transports": ["udp"],
    "dialect": "note",
    "launch": "{python} -m socketserver_reference serve echo --transport udp --port {port}",
    "version": "{python} --version",
    "options": ["--examples", "1"],
}


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(HERE)
    yield importlib.import_module("check")
    for module in ("check", "install"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize("name", SERVERS)
def test_each_server_has_a_dialect_that_was_verified_with_it(name: str) -> None:
    server = SERVERS[name]
    dialect = loader.bundled()[server["dialect"]]
    for transport in server.get("transports", ["tcp"]):
        assert conformance_protocol(server["protocol"], transport) in dialect.protocols
    assert dialect.verified, f"{dialect.name}: say in `verified` with which version of the server it was verified"


def test_each_dialect_is_that_of_a_server() -> None:
    served = {server["dialect"] for server in SERVERS.values()}
    unserved = loader.bundled().keys() - {"note", *served}
    assert not unserved, f"add servers that speak these dialects to ci/interop/servers.toml: {sorted(unserved)}"


def test_what_is_recorded_can_be_violated_by_a_server_that_there_is() -> None:
    files = list((HERE / "known").glob("*.toml"))
    assert files
    for file in files:
        server = SERVERS[file.stem]
        groups = {"chat": ("CHAT",), "echo": ("ECHO", "UDP")}[server["protocol"]]
        entries = tomllib.loads(file.read_text()).get("known")
        assert entries, f"{file.name} lists nothing: remove it"
        for entry in entries:
            assert CLAUSES[entry["clause"]].group in groups
            assert entry["clause"] not in effects.not_applicable(loader.bundled()[server["dialect"]])
            assert entry["reason"] not in ("", NO_REASON), f"{file.name}: say why it breaks {entry['clause']}"


def test_what_was_not_checked_is_told_unless_a_known_failure_is_the_reason(check: Any) -> None:
    def clause(id: str, verdict: str, why: str | None = None, known: str | None = None) -> dict[str, str | None]:
        return {"id": id, "verdict": verdict, "why": why, "known": known}

    masked_by = clause("CHAT-14", "not-checked", "its scenario broke CHAT-15 first")
    assert not list(check.unexplained([masked_by, clause("CHAT-15", "violated", known="it waits")]))
    for other in (clause("CHAT-15", "violated"), clause("CHAT-12", "violated", known="it ends")):
        assert list(check.unexplained([masked_by, other])) == [
            "CHAT-14 was not checked: its scenario broke CHAT-15 first"
        ]


@pytest.mark.slow
def test_a_server_without_a_record_has_to_conform(check: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.check_all({"reference": REFERENCE})
    name, over, _, *counts, _, violated = capsys.readouterr().out.split()
    assert (name, over, counts, violated) == ("reference", "udp", ["5", "0", "0"], "-")


@pytest.mark.slow
def test_a_record_that_is_out_of_date_is_told(check: Any, capsys: pytest.CaptureFixture[str]) -> None:
    selected = {**REFERENCE, "options": ["--only", "UDP-1", "--only", "UDP-4", "--examples", "0"]}
    assert not check.check_all({"xinetd-echo": selected})
    printed = capsys.readouterr().out
    assert "! the list of known failures is stale: no longer broken: UDP-1, UDP-4" in printed
    assert "(UDP-4 sometimes)" in printed


@pytest.mark.slow
def test_a_server_that_cannot_be_checked_is_told(check: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert not check.check_all({"reference": {**REFERENCE, "options": ["--only", "CHAT-1"]}})
    assert "! there is no report" in capsys.readouterr().out


def test_a_server_that_cannot_be_had_is_skipped(check: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.check_all({"elsewhere": {**REFERENCE, "program": "no-such-program"}})
    assert capsys.readouterr().out == "elsewhere     skipped: there is no no-such-program on this machine\n"


def test_an_unknown_server_is_refused_in_one_line() -> None:
    command = [sys.executable, str(HERE / "check.py"), "node-chat", "nobody"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("no server is named 'nobody': there are ncat-broker, ")
    assert done.stdout == ""


@pytest.mark.sweep
def test_a_signal_ends_the_checks_and_the_servers_that_they_started() -> None:
    command = [sys.executable, str(HERE / "check.py"), "asyncio-echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while not (checking := [one for one in processes_below(process.pid) if "reference\0check" in told(one)]):
            assert time.monotonic() < until
            time.sleep(0.01)
        started = [*checking, *processes_below(checking[0])]
        process.send_signal(signal.SIGTERM)
        notices = process.communicate(timeout=60)[1].splitlines()
    assert notices.pop() == "stopped"
    assert all(notice.startswith("waiting until ") for notice in notices)  # it says so where a server is slow to listen
    assert process.returncode == 130
    assert not [one for one in started if os.path.exists(f"/proc/{one}")]


def processes_below(process: int) -> list[int]:
    """Return the children of a process, and theirs."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has just ended
        return []
    return [*children, *(other for child in children for other in processes_below(child))]


def told(process: int) -> str:
    """Return how a process was called."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""
