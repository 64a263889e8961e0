"""A server that waits for its clients rests; one that computes while they do nothing is told so."""

import sys
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from socketserver_reference.conformance.driver.measurements import spins
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles.measured import resting
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.runner.direct import open_session, play_all
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.in_process import InProcessSite
from socketserver_reference.echo import EchoHandler
from tests.support.planted import Bug, Planted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="whether threads sleep cannot be seen")

TIMEOUT = 10.0


class ComputesAfterAReset(EchoHandler):
    """When a client has reset, its connection is closed, and its thread computes until the server stops."""

    def receive(self) -> bytes:
        server: Any = self.server
        try:
            request: bytes = self.request.recv(self.request_size)
        except ConnectionError:
            self.request.close()
            while not server.stopping:
                pass
            return b""
        return request

    def deliver(self, reply: bytes) -> None:
        if reply:
            super().deliver(reply)


def judged(session: Session, clause: str = "ECHO-12") -> Exception | None:
    ((_, _, raised),) = play_all(session, "echo" if clause == "ECHO-12" else "chat", clause)
    return raised


@pytest.mark.parametrize(("protocol", "clause"), [("echo", "ECHO-12"), ("chat", "CHAT-22")])
def test_the_reference_rests(protocol: str, clause: str) -> None:
    with closing(open_session(protocol, Bug(protocol).target(), TIMEOUT)) as session:
        assert judged(session, clause) is None


@pytest.fixture
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, a server that computes gets the processor at last."""
    monkeypatch.setattr(resting, "DECIDED_TIMEOUT", 600.0)


@pytest.mark.slow
@pytest.mark.usefixtures("_patience")
@pytest.mark.parametrize(
    ("target", "after"),
    [(Planted("asks-again-at-once").target(), ""), (Bug("echo", ComputesAfterAReset).target(), "reset")],
)
def test_a_server_that_does_not_rest_is_told_so(target: Any, after: str) -> None:
    with closing(open_session("echo", target, TIMEOUT)) as session:
        violation = judged(session)
    assert isinstance(violation, Violation)
    assert (violation.clause_id, violation.shape) == ("ECHO-12", "spins")
    assert "without a rest" in violation.observed
    assert violation.unscripted == resting.UNSCRIPTED
    assert violation.replays is not None
    assert any("resets" in line for line in violation.exchange) is bool(after)


@pytest.mark.slow
@pytest.mark.usefixtures("_patience")
def test_where_a_server_is_known_to_be_harmed_by_a_reset_nobody_resets() -> None:
    with closing(open_session("echo", Bug("echo", ComputesAfterAReset).target(), TIMEOUT)) as session:
        session.masking.known.add("ECHO-7")
        violation = judged(session)
    assert isinstance(violation, Violation)
    assert (violation.clause_id, violation.spares) == ("ECHO-7", True)


def rests(idle: list[bool], used: list[float]) -> bool:
    """Return what is told of a server that is found to be idle, and to have used so much, whenever it is asked."""
    looks, costs = iter(idle), iter(used)
    site: Any = SimpleNamespace(wait_idle=lambda: next(looks), cpu_time=lambda: next(costs))
    try:
        return not spins(site, 0.0)
    finally:
        assert [*looks, *costs] == []


def test_a_server_that_gets_no_processor_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "REST_SECONDS", 0.0)
    assert rests([True], [0.0])
    assert rests([False, True], [0.0, 0.0])  # it has little to do, when it gets the processor
    assert not rests([False, False, False], [0.0, 0.0, 0.0, 0.6])
    assert rests([False, False, True], [0.2, 0.2, 0.4, 0.4])
    assert not rests([True], [0.1, 0.3, 0.6])  # it pauses, but does not rest


def test_a_server_that_never_gets_the_processor_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "DECIDED_TIMEOUT", -1.0)
    with pytest.raises(NotChecked, match="this machine is too busy"):
        rests([False], [0.0])


def test_where_the_processor_time_cannot_be_seen_the_clause_is_not_applicable(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Bug("echo").target().start(TIMEOUT)
    with closing(site), closing(open_session("echo", Running(site.address), TIMEOUT)) as session:
        assert str(judged(session)) == resting.UNSEEN
    monkeypatch.setattr(InProcessSite, "cpu_time", lambda _: None)
    with closing(open_session("echo", Bug("echo").target(), TIMEOUT)) as session:
        raised = judged(session)
    assert isinstance(raised, NotApplicable)
    assert str(raised) == resting.UNSEEN
