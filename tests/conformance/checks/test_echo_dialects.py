"""Echoes that speak a dialect, on real sockets: whole, and with a bug for every clause that says something there."""

import threading
from contextlib import closing, nullcontext
from typing import Any

import pytest

from socketserver_reference.conformance.checks import echo
from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver import stage
from socketserver_reference.conformance.driver.measurements import rest
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.oracles.measured import exhaustion, growth, port_reuse
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.runner.direct import SUITES, open_session, outcomes, play_all
from socketserver_reference.conformance.scenario.steps import Connect
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.servers.dialect_echoes import (
    BUGS,
    DATAGRAM_BUGS,
    DATAGRAMS,
    DIALECTS,
    DatagramEcho,
    Echo,
    IgnoresItsQuitWord,
    IsGoneAfterAReset,
    IsGoneAfterRepliesToNobody,
    LosesPatience,
    NeverHangsUp,
    ReadsTheEndAsALine,
    RepliesOnceToAnything,
    RepliesToTheEnd,
    StaysAfterItsReply,
    served,
)

TIMEOUT = 5.0

FLOOD = "the dialect's echo is not an unlimited stream"

OTHERS = (
    *("each backwards", "each stripped", "greets and quits", "words around", "one counted", "two replies"),
    *("one in words", "numbered lines"),
)
"""Dialects in which each bug is sought only by `make sweep`."""


@pytest.fixture(autouse=True)
def _less(monkeypatch: pytest.MonkeyPatch) -> None:
    """`test_echo_floods.py` pours more than two kernels hold, and `test_growth.py` brings a thousand clients."""
    monkeypatch.setattr(echo, "ECHO_FLOOD_BYTES", 512 * 1024)
    monkeypatch.setattr(growth, "ROUNDS", (1, 1, 2))
    monkeypatch.setattr(growth, "RELEASE_TIMEOUT", 0.1)


def found(protocol: str, dialect: Dialect, handler: type[Any], clause: str | None = None) -> set[str]:
    """Return the clauses that are seen broken."""
    seen = outcomes(
        protocol, served(dialect, handler), TIMEOUT if handler in (Echo, DatagramEcho) else 0.5, clause, dialect
    )
    return {violation.clause_id for outcome in seen if (violation := direct.violation_of(outcome))}


@pytest.mark.parametrize(("name", "dialect"), [*DIALECTS.items(), *DATAGRAMS.items()])
@pytest.mark.sweep
def test_an_echo_that_speaks_its_dialect_keeps_what_says_something(name: str, dialect: Dialect) -> None:
    protocol = "echo" if name in DIALECTS else "datagram"
    handler: type[Any] = Echo if name in DIALECTS else DatagramEcho
    told = {}
    for clause, _, raised in outcomes(protocol, served(dialect, handler), TIMEOUT, None, dialect):
        if raised is not None and str(raised) not in (FLOOD, exhaustion.UNSEEN, port_reuse.UNSEEN):
            told[clause] = str(raised)
    assert told == effects.not_applicable(dialect)


@pytest.mark.parametrize("name", ["lines", "counted lines", "greeting", "one at most", "greets and quits"])
def test_exploring_an_echo_that_speaks_its_dialect_finds_nothing(name: str) -> None:
    record = Record(("ECHO",))
    session = open_session("echo", served(DIALECTS[name], Echo), TIMEOUT, DIALECTS[name])
    try:
        explore(session, record, "echo", "basic", examples=3, with_seed=1)
        explore(session, record, "echo", "hardened", examples=3, with_seed=1)
    finally:
        session.close()
    assert len(record.explored) == 2


@pytest.mark.parametrize(
    ("bug", "name"),
    [
        pytest.param(bug, name, marks=[pytest.mark.sweep] if name in OTHERS else [])
        for bug, handler in BUGS.items()
        for name, dialect in DIALECTS.items()
        if handler.breaks not in effects.not_applicable(dialect)
    ],
)
def test_each_clause_can_be_seen_broken_and_nothing_else_is_blamed(bug: str, name: str) -> None:
    assert found("echo", DIALECTS[name], BUGS[bug], BUGS[bug].breaks) == {BUGS[bug].breaks}


def test_an_echo_that_ignores_its_quit_word_breaks_echo_3() -> None:
    assert found("echo", DIALECTS["greets and quits"], IgnoresItsQuitWord, "ECHO-3") == {"ECHO-3"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lines", "everything"])
def test_a_client_that_is_served_once_a_silent_one_is_dropped_is_delayed(name: str) -> None:
    seen = outcomes("echo", served(DIALECTS[name], LosesPatience), TIMEOUT, "ECHO-8", DIALECTS[name])
    assert [type(raised) for _, _, raised in seen] == [VIOLATIONS["ECHO-8"]]


@pytest.mark.parametrize("clause", ["ECHO-1", "ECHO-2", "ECHO-3", "ECHO-4", "ECHO-7", "ECHO-8"])
@pytest.mark.parametrize("one_by_one", [False, True])
def test_an_echo_that_does_not_hang_up_is_checked_for_all_else(clause: str, one_by_one: bool) -> None:
    class Stays(StaysAfterItsReply):
        def handle(self) -> None:
            with vars(self.server).setdefault("visits", threading.Lock()) if one_by_one else nullcontext():
                super().handle()

    broken = {"ECHO-2", "ECHO-3", *(["ECHO-8"] if one_by_one else [])}
    assert found("echo", DIALECTS["backwards"], Stays, clause) == broken & {clause}


@pytest.mark.slow
def test_a_client_that_does_not_wait_for_several_replies_may_end_the_server() -> None:
    assert found("echo", DIALECTS["lines"], IsGoneAfterRepliesToNobody, "ECHO-7") == {"ECHO-7"}


def test_an_echo_that_never_hangs_up_replies_to_clients_that_half_close() -> None:
    assert found("echo", DIALECTS["everything"], NeverHangsUp, "ECHO-6") == {"ECHO-3"}


def test_an_echo_that_never_hangs_up_is_checked_without_the_ends_of_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    dialect = DIALECTS["everything"]
    steps = [*echo.ask("ann", b"hello"), Connect("ben")]  # ann leaves before ben connects
    with closing(open_session("echo", served(dialect, NeverHangsUp), 0.5, dialect)) as session:
        monkeypatch.setattr(session.site, "cpu_time", lambda: 0.0)
        session.healthy = True
        with pytest.raises(VIOLATIONS["ECHO-3"]) as caught:
            rest(session, steps, "ECHO-12")
        session.attributed(caught.value)
        rest(session, steps, "ECHO-12")


@pytest.mark.parametrize("name", ["everything", "words around"])
def test_a_running_echo_that_is_gone_is_told_though_another_clause_is_known_to_be_broken(name: str) -> None:
    dialect = DIALECTS[name]
    with (
        closing(served(dialect, IsGoneAfterAReset).start(TIMEOUT)) as site,
        closing(open_session("echo", str(site.address), 1.0, dialect)) as session,
    ):
        session.masking.known.add("ECHO-2")
        (outcome,) = play_all(session, "echo", "ECHO-7")
        assert type(outcome[2]) is VIOLATIONS["ECHO-7"]
        assert session.remarks == []  # nobody was given a fresh server


@pytest.mark.slow
def test_an_echo_that_replies_to_the_end_of_a_stream_is_checked_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "CLOSING_TIMEOUT", 0.05)  # it never ends
    dialect = DIALECTS["words around"]
    told: dict[str, str] = {}
    for outcome in outcomes("echo", served(dialect, RepliesToTheEnd), 0.5, None, dialect):
        violation = direct.violation_of(outcome)
        told.setdefault(outcome[0], violation.clause_id if violation else str(outcome[2] or "holds"))
    assert {clause: told[clause] for clause in ("ECHO-1", "ECHO-2", "ECHO-3", "ECHO-7")} == {
        "ECHO-1": "ECHO-3",
        "ECHO-2": "ECHO-3",  # with the end of the stream; without it, it holds
        "ECHO-3": "ECHO-3",
        "ECHO-7": "ECHO-3",
    }


def test_an_echo_that_answers_once_also_to_the_end_of_a_stream_is_checked_without_it() -> None:
    told: dict[str, str] = {}
    dialect = DIALECTS["one counted"]
    for outcome in outcomes("echo", served(dialect, RepliesOnceToAnything), 0.5, None, dialect):
        violation = direct.violation_of(outcome)
        told.setdefault(outcome[0], violation.clause_id if violation else str(outcome[2] or "holds"))
    assert {clause: told[clause] for clause in ("ECHO-1", "ECHO-2", "ECHO-3", "ECHO-7", "ECHO-8")} == {
        "ECHO-1": "ECHO-3",  # without it, it holds
        "ECHO-2": "holds",
        "ECHO-3": "holds",
        "ECHO-7": "holds",
        "ECHO-8": "ECHO-3",
    }


@pytest.mark.parametrize("name", ["lines", "counted lines"])
def test_the_end_of_a_stream_that_is_answered_hides_no_other_clause(name: str) -> None:
    dialect = DIALECTS[name]
    told: dict[str, str] = {}
    for outcome in outcomes("echo", served(dialect, ReadsTheEndAsALine), TIMEOUT, None, dialect):
        violation = direct.violation_of(outcome)
        told[outcome[0]] = violation.clause_id if violation else told.get(outcome[0], "")
    assert {clause: what for clause, what in told.items() if what} == {
        "ECHO-1": "ECHO-3",  # without it, it holds
        "ECHO-2": "ECHO-2",
        "ECHO-3": "ECHO-3",
        "ECHO-6": "ECHO-3",
        "ECHO-7": "ECHO-3",
        "ECHO-8": "ECHO-3",
        "ECHO-9": "ECHO-3",
        "ECHO-12": "ECHO-3",
    }


@pytest.mark.parametrize(
    ("bug", "name"),
    [
        (bug, name)
        for bug, handler in DATAGRAM_BUGS.items()
        for name, dialect in DATAGRAMS.items()
        if handler.breaks not in effects.not_applicable(dialect)
    ],
)
def test_each_clause_about_datagrams_can_be_seen_broken(bug: str, name: str) -> None:
    handler = DATAGRAM_BUGS[bug]
    assert found("datagram", DATAGRAMS[name], handler, handler.breaks) == {handler.breaks}


def test_every_clause_about_echoes_has_a_bug() -> None:
    bugs = {bug.breaks for bug in BUGS.values()} | {bug.breaks for bug in DATAGRAM_BUGS.values()}
    clauses = {clause for protocol in ("echo", "datagram") for clause, _ in direct.checks(SUITES[protocol])}
    told_by_the_system = {"ECHO-10", "ECHO-11", "ECHO-12"}  # in any dialect
    assert bugs == clauses - told_by_the_system - {"UDP-5"}  # they share no state by which one could harm another
