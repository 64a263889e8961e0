"""Reproductions: each script shows its violation to whoever has nothing but Python, and blames no right server."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from socketserver_faults.catalogue.index import find
from socketserver_faults.matrix import runner
from socketserver_reference.address import Address, server_address
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.session import EXPECTED_SURVIVAL, Session
from socketserver_reference.conformance.reproduce import write
from socketserver_reference.conformance.reproduce.assemble import ROUNDS, script
from socketserver_reference.conformance.reproduce.lines import CannotTell
from socketserver_reference.conformance.reproduce.write import Reproduction, write_all
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.runner.direct import SUITES, open_session
from socketserver_reference.conformance.scenario.steps import Connect, Reset, Say, Send, Step, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.conformance.targets.ports import free_port
from tests.support.planted import Bug
from tests.support.scripts import play, seen
from tests.support.serving import TIMEOUT, serving
from tests.support.troubled_targets import fragile

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
    "CHAT-10": "resets-who-leaves",
    "CHAT-11": "dies-with-its-last-member",
    "CHAT-12": "leaves-the-reset-behind",
    "CHAT-13": "delivers-without-the-lock",
    "CHAT-14": "ignores-short-sends",
    "CHAT-15": "cuts-off-early",
    "CHAT-16": "waits-for-acknowledgements",
    "CHAT-17": "has-a-hundred-seats",
}
"""A fault for each clause that is seen from outside."""

KNOWN_BROKEN_TIMEOUT = 1.0
"""Seconds of silence that are enough where little is said."""

SILENT = {
    **dict.fromkeys(("CHAT-2", "CHAT-9", "UDP-3", "UDP-5"), KNOWN_BROKEN_TIMEOUT),
    **dict.fromkeys(("CHAT-5", "CHAT-12", "CHAT-14", "ECHO-7"), 3.0),
}
"""Clause whose fault here shows by silence -> seconds that it takes to be sure of that."""


@pytest.fixture(autouse=True)
def _be_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "SHORTENING_BUDGET", 1.0)


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


def broken(session: Session, protocol: str, clause: str) -> Violation:
    """Find the clause broken; a race may take several attempts, and its first scenario tells it best."""
    for attempt in range(10):
        outcomes = direct.play_all(session, protocol, clause)
        for outcome in islice(outcomes, 1) if attempt < 5 else outcomes:
            violation = direct.violation_of(outcome)
            if violation is not None and violation.clause_id == clause:
                return violation
    raise AssertionError(f"{clause} holds")


@pytest.mark.unmeasured
@pytest.mark.parametrize("clause", WIRE)
def test_a_script_shows_the_fault_that_breaks_the_clause_and_not_the_reference(
    clause: str, right: dict[str, Address], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "SCRIPT_TIMEOUT", 120.0)
    fault = find(BREAKING[clause])
    timeout = SILENT.get(clause, TIMEOUT)
    with runner.quietly(), closing(open_session(fault.protocol, runner.target(fault), timeout)) as session:
        violation = broken(session, fault.protocol, clause)
        (told,) = write_all(session, fault.protocol, [violation], tmp_path / "scripts")
        assert str(told) == f"{tmp_path}/scripts/{clause}.py: it shows"
        assert told.file is not None
        session.site.restart()
        status, out = play(told.file, session.site.address.host, session.site.address.port, timeout=timeout)
    assert status == 1, out
    assert out.splitlines()[-1].startswith("Round ")
    text = told.file.read_text()
    assert len(text.splitlines()) < 100
    assert max(map(len, text.splitlines())) <= 120
    ast.parse(text, feature_version=(3, 8))
    if clause == "CHAT-14":  # one flood is enough for a right server
        told.file.write_text(re.sub(r"[0-9]+(?=\n\ndef exchange)", "1", text))
    status, out = play(told.file, right[fault.protocol].host, right[fault.protocol].port)
    assert status == 0, out
    assert out.splitlines()[-1].startswith("The violation does not show")


# What a script demands, a right server does


class Heard(Exception):
    """The steps of a directed scenario."""


def scenarios() -> Iterator[Any]:
    """Yield every directed scenario that a script can tell."""
    for protocol, suite in SUITES.items():
        for clause, name in direct.checks(suite):

            class Listening:
                address = Address("tcp")
                dialect = NOTE
                needs_exact_chunks = staticmethod(lambda: None)

                def __call__(self, *steps: Step) -> None:
                    raise Heard(steps)

                def measure_lag(self, *_: Step, **_who: str) -> None:
                    raise NotApplicable

                def scale(self, *_: object) -> bool:
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
    monkeypatch.setattr("socketserver_reference.conformance.reproduce.assemble.MAX_SCRIPT_LINES", 10_000)
    address = right[protocol]
    with closing(open_session(protocol, Running(address), TIMEOUT)) as session:
        found = VIOLATIONS[clause]("this", "that", [])
        try:
            text = script(session, protocol, found, steps, rounds=1, fence=True).text
        except CannotTell as why:
            assert any(part in str(why) for part in ("is up to the server", "a script cannot say"))  # noqa: PT017
            return
    file = tmp_path / "script.py"
    file.write_text(re.sub(r"[0-9]+(?=\n\ndef exchange)", "2", text))
    status, out = play(file, address.host, address.port)
    assert status == 0, out


# What else may become of one


def told_of(violation: Violation, target: Any, protocol: str, directory: Path) -> Reproduction:
    """Return what became of the script for a violation."""
    with runner.quietly(), closing(open_session(protocol, target, TIMEOUT)) as session:
        (told,) = write_all(session, protocol, [violation], directory)
    return told


def test_a_violation_that_does_not_come_back_keeps_its_script_and_that_is_told(tmp_path: Path) -> None:
    told = told_of(seen("CHAT-2", *join("ann", "ben")), Bug("chat").target(), "chat", tmp_path)
    assert (
        str(told) == f"{tmp_path}/CHAT-2.py: it did not show when it was tried: The violation does not show. Rounds: 40"
    )
    assert "CLIENTS, ROUNDS = [], 40\n" in (tmp_path / "CHAT-2.py").read_text()


def test_what_one_datagram_may_overtake_is_played_often() -> None:
    with closing(open_session("datagram", Bug("datagram").target(), KNOWN_BROKEN_TIMEOUT)) as session:
        ways = write._ways(session, "datagram", seen("UDP-1"), [Connect("ann"), Say("ann", b"hi")])
    assert [way.rounds for way in ways] == [ROUNDS, ROUNDS]


def test_a_script_that_would_be_too_long_is_not_written(tmp_path: Path) -> None:
    steps = [*join("ann"), *(Say("ann", b"%d" % count**2) for count in range(99))]
    told = told_of(seen("CHAT-2", *steps), Bug("chat").target(), "chat", tmp_path)
    assert str(told).startswith(
        "no reproduction of CHAT-2: the shortest exchange that was found makes a script of 100 lines or more"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_simplest_way_is_left_out_where_only_a_longer_one_would_be_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_session("chat", Bug("chat").target(), KNOWN_BROKEN_TIMEOUT)) as session:
        found, steps = seen("CHAT-2", *join("ann")), join("ann")
        length = script(session, "chat", found, steps, rounds=ROUNDS, fence=False).text.count("\n")
        monkeypatch.setattr("socketserver_reference.conformance.reproduce.assemble.MAX_SCRIPT_LINES", length + 1)
        told = list(write_all(session, "chat", [found], tmp_path))
    assert (
        str(told[0])
        == f"{tmp_path}/CHAT-2.py: it did not show when it was tried: The violation does not show. Rounds: 40"
    )
    assert "is that all?" not in (tmp_path / "CHAT-2.py").read_text()


def test_what_a_script_cannot_see_has_none(tmp_path: Path) -> None:
    found = VIOLATIONS["CHAT-2"]("this", "that", [])
    told = told_of(found, Bug("chat").target(), "chat", tmp_path)
    assert str(told) == f"no reproduction of CHAT-2: {write.INSIDE}"


def test_a_server_that_cannot_be_started_again_is_told(tmp_path: Path) -> None:
    told = told_of(seen("CHAT-2", *join("ann")), fragile(Bug("chat")), "chat", tmp_path)
    assert str(told) == f"{tmp_path}/CHAT-2.py: it could not be tried: no more of them"


def test_a_server_that_runs_elsewhere_is_tried_as_it_is(right: dict[str, Address], tmp_path: Path) -> None:
    told = told_of(seen("CHAT-2", *join("ann")), Running(right["chat"]), "chat", tmp_path)
    assert told.remark.startswith("it did not show when it was tried: ")


def test_a_script_that_takes_too_long_does_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "SCRIPT_TIMEOUT", 0.001)
    told = told_of(seen("CHAT-2", *join("ann")), Bug("chat").target(), "chat", tmp_path)
    assert told.remark.startswith("it did not show when it was tried: ")


def test_what_a_server_said_is_a_comment_whatever_it_is(tmp_path: Path) -> None:
    nasty = '\x1b[31m \u2028 \r\nprint(1)\n""" <exchange> \\x'
    found = seen("CHAT-2", *join("ann"), expected=nasty, observed=nasty * 20)
    told_of(found, Bug("chat").target(), "chat", tmp_path)
    text = (tmp_path / "CHAT-2.py").read_text()
    due, saw = (line for line in text.splitlines() if line.startswith("# "))
    assert due == '# expected: \\x1b[31m \\u2028 \\r\\nprint(1)\\n""" <exchange> \\x'
    assert saw.endswith("...")
    assert text.isascii()
    ast.parse(text)


@pytest.mark.parametrize("transport", ["unix", "unix-datagram"])
def test_a_script_for_a_unix_socket_takes_its_path(transport: str, tmp_path: Path) -> None:
    address = Address(transport, path=str(tmp_path / "socket"))
    datagrams = address.datagram
    fault, protocol = find("replies-twice" if datagrams else "keeps-the-case"), "datagram" if datagrams else "echo"
    clause = "UDP-1" if datagrams else "ECHO-2"
    target = InProcess(partial(fault.make, address))
    with runner.quietly(), closing(open_session(protocol, target, TIMEOUT)) as session:
        (told,) = write_all(session, protocol, [broken(session, protocol, clause)], tmp_path)
    assert str(told) == f"{tmp_path}/{clause}.py: it shows"
    assert f"`python {clause}.py PATH`" in (tmp_path / f"{clause}.py").read_text()
    with serving("echo", address):
        assert play(tmp_path / f"{clause}.py", address.path)[0] == 0


def test_a_server_that_dies_when_all_have_gone_is_seen_to(tmp_path: Path) -> None:
    found = seen("CHAT-12", *join("ann"), Reset("ann"), expected=EXPECTED_SURVIVAL)
    told = told_of(found, runner.target(find("reset-ends-the-process")), "chat", tmp_path)
    assert told.remark == "it shows"
    assert 'first = Client("first")' in (tmp_path / "CHAT-12.py").read_text()


def test_without_a_server_or_an_address_a_script_ends_with_two(tmp_path: Path) -> None:
    told_of(seen("CHAT-2", *join("ann")), Bug("chat").target(), "chat", tmp_path)
    file = tmp_path / "CHAT-2.py"
    status, out = play(file, "127.0.0.1", free_port())
    assert (status, "onnection refused" in out) == (2, True)
    status, out = play(file)
    assert (status, "`python CHAT-2.py HOST PORT` plays" in out) == (2, True)
    optimized = subprocess.run([sys.executable, "-O", file, "localhost", "1"], capture_output=True, check=False)
    assert optimized.returncode == 2


def test_what_shows_in_the_cost_to_a_server_alone_has_no_script(tmp_path: Path) -> None:
    violation = VIOLATIONS["CHAT-15"]("this", "that", [])
    violation.unscripted = "a script does not see it"
    with closing(open_session("chat", Bug("chat").target(), 0.3)) as session:
        (told,) = write_all(session, "chat", [violation], tmp_path)
    assert str(told) == "no reproduction of CHAT-15: a script does not see it"
    assert list(tmp_path.iterdir()) == []
