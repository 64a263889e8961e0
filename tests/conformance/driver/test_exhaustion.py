"""A server that survives to be without descriptors passes, however it does; one that does not is told so."""

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.driver import measurements, port_reuse, scenario_runner
from socketserver_reference.conformance.driver.exhaustion import _Attempt
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles.measured import exhaustion
from socketserver_reference.conformance.oracles.measured.exhaustion import Exhaustion
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.runner.direct import open_session, outcomes, play_all
from socketserver_reference.conformance.scenario.steps import Close, Connect, HalfClose, Say, Step
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.launched import Launched, LaunchedSite
from socketserver_reference.conformance.targets.processes import processes_below
from tests.servers.dialect_echoes import DIALECTS
from tests.support.checking import BARE_PYTHON
from tests.support.known_failures import seen
from tests.support.planted import Bug
from tests.support.serving import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors cannot be limited")

SERVER = ROOT / "tests" / "servers" / "exhausted_server.py"
TIMEOUT = 10.0


def without_descriptors(what: str) -> Launched:
    return Launched(f"{BARE_PYTHON} {SERVER} {{port}} {what}")


def judged(session: Session) -> Exception | None:
    ((_, _, raised),) = play_all(session, "echo", "ECHO-10")
    return raised


@pytest.mark.parametrize("what", ["waits", "hangs-up", "pairs"])
def test_a_server_that_waits_or_hangs_up_on_further_clients_passes(what: str) -> None:
    with closing(open_session("echo", without_descriptors(what), TIMEOUT)) as session:
        assert judged(session) is None


@pytest.mark.parametrize(
    ("what", "when", "observed"),
    [
        ("spins", exhaustion.MEANWHILE, ""),  # on a busy machine it may look as if it did not reply
        ("ends", exhaustion.MEANWHILE, "the server ended with exit status 3"),
        ("queues-one", exhaustion.MEANWHILE, "the server ended with exit status 3"),
        ("drops", exhaustion.MEANWHILE, "ann reads end of stream"),
        pytest.param("deaf", exhaustion.AFTERWARDS, "ben reads nothing", marks=pytest.mark.slow),
        ("closes", exhaustion.AFTERWARDS, "ben cannot connect: connection refused"),
    ],
)
def test_a_server_that_fails_is_told_what_it_does_and_when(what: str, when: str, observed: str) -> None:
    with closing(open_session("echo", without_descriptors(what), TIMEOUT)) as session:
        violation = judged(session)
        assert isinstance(violation, Violation)
        assert session.masking.known == {"ECHO-10"}
    assert (violation.clause_id, violation.shape) == ("ECHO-10", "starves")
    assert violation.expected.startswith(when)
    assert observed in violation.observed
    assert violation.replays is not None
    assert violation.replays.shown == 1
    assert violation.unscripted == exhaustion.UNSCRIPTED


def test_a_server_that_has_a_hoard_of_earlier_clients_is_tried_when_it_is_fresh() -> None:
    with closing(open_session("echo", without_descriptors("hoards"), TIMEOUT)) as session:
        for number in range(40):
            session.play(Connect(f"ann{number}"), Say(f"ann{number}", b"hello"), about="ECHO-2")
        violation = judged(session)
    assert isinstance(violation, Violation)
    assert "the server ended with exit status 3" in violation.observed


def test_a_server_that_silent_clients_alone_end_is_not_told_to_lack_descriptors() -> None:
    with closing(open_session("echo", without_descriptors("frail"), TIMEOUT)) as session:
        raised = judged(session)
        assert isinstance(raised, NotChecked)
        assert str(raised).startswith("silent clients disturb the server even where descriptors are left: ")
        assert not session.masking.known


@pytest.mark.parametrize(
    ("other", "excuses"),
    [
        (VIOLATIONS["ECHO-3"]("end of stream", "more", []), False),
        (VIOLATIONS["ECHO-7"]("end of stream", "more", []), True),
        (NotChecked("this machine is too busy"), True),
    ],
)
def test_only_the_harm_of_clients_that_leave_and_doubt_excuse_a_lack_of_descriptors(
    other: Exception, excuses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = _Attempt.play

    def playing(attempt: _Attempt, *arguments: Any) -> object:
        if attempt._spare == exhaustion.AMPLE_DESCRIPTORS:
            raise other
        return play(attempt, *arguments)

    monkeypatch.setattr(_Attempt, "play", playing)
    with closing(open_session("echo", without_descriptors("ends"), TIMEOUT)) as session:
        raised = judged(session)
    assert isinstance(raised, NotChecked if excuses else Violation)
    assert excuses or session.masking.known == {"ECHO-10"}


@pytest.mark.parametrize(
    ("clause", "owner", "name"),
    [("ECHO-10", _Attempt, "play"), ("ECHO-11", port_reuse, "_attempt"), ("ECHO-12", measurements, "_rest")],
)
def test_what_else_goes_wrong_in_the_scenario_is_told_once(
    clause: str, owner: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Violation] = []

    def fail(*_: object) -> None:
        told.append(VIOLATIONS["ECHO-1"]("nothing", "HELLO", []))
        raise told[-1]

    monkeypatch.setattr(owner, name, fail)
    with closing(open_session("echo", without_descriptors("waits"), TIMEOUT)) as session:
        ((_, _, raised),) = play_all(session, "echo", clause)
    assert [raised] == told


@pytest.mark.parametrize("clause", ["ECHO-10", "ECHO-11", "ECHO-12"])
def test_it_is_decided_without_what_shows_another_clause(clause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dialect = DIALECTS["lines"]
    played: list[Sequence[Step]] = []

    def perform(session: Session, what: Exhaustion | Sequence[Step], _: str) -> Transcript:
        played.append(what.steps if isinstance(what, Exhaustion) else what)
        if len(played) == 1:
            raise session.attributed(seen("ECHO-3", after=[Connect("ann"), HalfClose("ann")]))
        return Transcript()

    for name in ("exhaust", "come_back", "rest"):
        monkeypatch.setattr(scenario_runner, name, perform)
    with closing(open_session("echo", without_descriptors("waits"), TIMEOUT, dialect)) as session:
        ((_, _, raised),) = play_all(session, "echo", clause)
    assert isinstance(raised, Violation)
    assert (raised.clause_id, raised.spares) == ("ECHO-3", True)
    assert [any(isinstance(step, Close) for step in steps) for steps in played] == [False, True]


def test_what_does_not_show_again_is_no_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [0]

    def cpu_time(_: LaunchedSite) -> float:
        looks[0] += 1
        return min(looks[0], 3)  # it grows on the first server

    monkeypatch.setattr(LaunchedSite, "cpu_time", cpu_time)
    with closing(open_session("echo", without_descriptors("waits"), TIMEOUT)) as session:
        assert judged(session) is None
        assert looks[0] > 3
        assert not session.masking.known


def test_a_server_that_comes_to_rest_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter([0.0, 0.1, 0.3, 0.3])
    monkeypatch.setattr(LaunchedSite, "cpu_time", lambda _: next(used))
    with closing(open_session("echo", without_descriptors("waits"), TIMEOUT)) as session:
        assert judged(session) is None
    assert next(used, None) is None


def test_the_limit_is_lifted_afterwards() -> None:
    import resource

    def limits() -> list[tuple[int, int]]:
        below = processes_below(os.getpid())
        return [resource.prlimit(int(process), resource.RLIMIT_NOFILE) for process in below]

    site = without_descriptors("waits").start(TIMEOUT)
    with closing(site):
        before = limits()
        limit = site.few_descriptors(3)
        assert limit is not None
        with limit as left:
            assert {*left()} == {3}
            assert limits() != before
        assert limits() == before


def test_one_request_at_a_time_leaves_descriptors() -> None:
    one_by_one = Launched(f"{BARE_PYTHON} {SERVER.with_name('keeping_server.py')} {{port}} nothing")
    with closing(open_session("echo", one_by_one, TIMEOUT)) as session:
        raised = judged(session)
    assert isinstance(raised, NotApplicable)
    assert str(raised) == exhaustion.UNUSED


def test_only_launched_servers_can_be_limited() -> None:
    site = without_descriptors("ends").start(TIMEOUT)
    with closing(site), closing(open_session("echo", Running(site.address), TIMEOUT)) as session:
        assert str(judged(session)) == exhaustion.UNSEEN
    ((_, _, raised),) = outcomes("chat", Bug("chat").target(), TIMEOUT, "CHAT-19")
    assert str(raised) == exhaustion.UNSEEN


def test_a_dialect_with_gaps_lets_no_crowd_in() -> None:
    dialect = read('protocol = "echo"\n[limits]\njoin_gap = 0.001', "limited", "limited")
    ((_, _, raised),) = outcomes("echo", without_descriptors("ends"), TIMEOUT, "ECHO-10", dialect)
    assert isinstance(raised, NotApplicable)
