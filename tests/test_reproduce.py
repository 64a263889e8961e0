"""Reproductions: each script shows its violation to whoever has nothing but Python, and blames no right server."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from faults import judge
from faults.catalogue import find
from reference.address import Address
from reference.clauses import CLAUSES
from reference.conformance import directed, reproduce
from reference.conformance.directed import SUITES, performer
from reference.conformance.moves import CannotTell
from reference.conformance.performer import Performer
from reference.conformance.reproduce import write_all
from reference.conformance.scenario import Send, Step
from reference.conformance.suite import NotApplicable
from reference.conformance.target import Running
from reference.conformance.violation import VIOLATIONS, Violation
from reference.family import server_address
from tests.serving import PATIENCE, serving

WIRE = [clause.id for clause in CLAUSES.values() if clause.observer != "in-process"]

BREAKING = {
    "ECHO-1": "greets-its-clients",
    "ECHO-2": "keeps-the-case",
    "ECHO-3": "aborts-connections",
    "ECHO-4": "takes-long-requests-whole",
    "ECHO-5": "replies-to-white-space",
    "ECHO-6": "ignores-the-half-closed",
    "ECHO-7": "exits-on-reset",
    "UDP-1": "replies-twice",
    "UDP-2": "replies-from-another-port",
    "UDP-3": "ignores-empty-datagrams",
    "UDP-4": "takes-datagrams-whole",
    "UDP-5": "never-forgets",
    "CHAT-1": "greets",
    "CHAT-2": "delivers-to-the-sender-only",
    "CHAT-3": "replaces-invalid-utf-8",
    "CHAT-4": "delivers-twice",
    "CHAT-5": "delivers-the-latest-first",
    "CHAT-6": "delivers-long-chunks",
    "CHAT-7": "delivers-quit",
    "CHAT-8": "quits-in-any-case",
    "CHAT-9": "joins-when-it-speaks",
    "CHAT-10": "drops-last-words",
    "CHAT-11": "dies-with-its-last-member",
    "CHAT-12": "leaves-the-reset-behind",
    "CHAT-13": "delivers-without-the-lock",
    "CHAT-14": "ignores-short-sends",
    "CHAT-15": "cuts-off-early",
    "CHAT-16": "waits-for-acknowledgements",
    "CHAT-17": "has-a-hundred-seats",
}
"""A fault for each clause that is seen from outside."""

BRIEF = 0.3
"""Seconds of patience with servers that are known to be broken."""


def play(file: Path, *where: object, patience: float = PATIENCE) -> tuple[int, str]:
    """Play a script as its finder would; return its exit status, and what it printed."""
    environment = {**os.environ, "PATIENCE": str(patience)}
    command = [sys.executable, str(file), *map(str, where)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


@pytest.fixture(scope="module")
def right() -> Iterator[dict[str, Address]]:
    """The reference, by protocol of the suite."""
    with ExitStack() as stack:
        addresses = {}
        for protocol, program, transport in (
            ("chat", "chat", "tcp"),
            ("echo", "echo", "tcp"),
            ("datagram", "echo", "udp"),
        ):
            server = stack.enter_context(serving(program, Address(transport, host="127.0.0.1")))
            addresses[protocol] = server_address(server)
        yield addresses


def test_every_clause_that_is_seen_from_outside_has_a_fault_here() -> None:
    assert list(BREAKING) == WIRE


def broken(performing: Performer, protocol: str, clause: str) -> Violation:
    """Find the clause broken."""
    for outcome in directed.play_all(performing, protocol, clause):
        violation = directed.seen(outcome)
        if violation is not None and violation.clause_id == clause:
            return violation
    raise AssertionError(f"{clause} holds")


@pytest.mark.parametrize("clause", WIRE)
def test_a_script_shows_the_fault_that_breaks_the_clause_and_not_the_reference(
    clause: str, right: dict[str, Address], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproduce, "SHORTENING", 1.0)
    fault = find(BREAKING[clause])
    with judge.still(), closing(performer(fault.protocol, judge.target(fault), BRIEF)) as performing:
        violation = broken(performing, fault.protocol, clause)
        (told,) = write_all(performing, fault.protocol, [violation], tmp_path / "scripts")
        assert str(told) == f"{tmp_path}/scripts/{clause}.py: it shows"
        assert told.file is not None
        performing.site.renew()
        status, out = play(told.file, performing.site.address.host, performing.site.address.port, patience=BRIEF)
    assert status == 1, out
    assert out.splitlines()[-1].startswith("Round ")
    text = told.file.read_text()
    assert len(text.splitlines()) < 100
    assert max(map(len, text.splitlines())) <= 120
    ast.parse(text, feature_version=(3, 8))
    status, out = play(told.file, right[fault.protocol].host, right[fault.protocol].port)
    assert status == 0, out
    assert out.splitlines()[-1].startswith("The violation does not show")


# What a script demands, a right server does


class Heard(Exception):
    """The steps of a directed scenario."""


def scenarios() -> Iterator[Any]:
    """Yield every directed scenario that a script can tell."""
    for protocol, suite in SUITES.items():
        for clause, name in directed.checks(suite):

            class Listening:
                address = Address("tcp")
                needs_exact_chunks = staticmethod(lambda: None)

                def __call__(self, *steps: Step) -> None:
                    raise Heard(steps)

                def pace(self, *_: Step, **_who: str) -> None:
                    raise NotApplicable

            try:
                getattr(suite(), name)(Listening())
            except Heard as heard:
                steps: tuple[Step, ...] = heard.args[0]
                if sum(len(step.data) for step in steps if isinstance(step, Send)) < 1_000_000:
                    yield pytest.param(protocol, clause, steps, id=name)
            except NotApplicable:
                pass


@pytest.mark.parametrize(("protocol", "clause", "steps"), list(scenarios()))
def test_no_directed_scenario_as_a_script_blames_the_reference(
    protocol: str,
    clause: str,
    steps: tuple[Step, ...],
    right: dict[str, Address],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reproduce, "LINES", 10_000)
    address = right[protocol]
    with closing(performer(protocol, Running(address), PATIENCE)) as performing:
        found = VIOLATIONS[clause]("this", "that", [])
        try:
            text = reproduce.script(performing, protocol, found, steps, rounds=1, fence=True)
        except CannotTell as why:
            assert any(part in str(why) for part in ("is up to the server", "is too much to say"))  # noqa: PT017
            return
    file = tmp_path / "script.py"
    file.write_text(text.replace("ROUNDS = 40", "ROUNDS = 2").replace("1024, 40", "1024, 2"))
    status, out = play(file, address.host, address.port)
    assert status == 0, out
