"""A server that can be started again at its port at once passes; why another one cannot is told."""

import sys
from contextlib import closing
from pathlib import Path

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles.measured import port_reuse
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.runner.direct import open_session, play_all
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets import launched, time_wait
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.launched import Launched
from socketserver_reference.conformance.targets.parting import PORTS_TO_FREE
from socketserver_reference.conformance.targets.ports import free_port
from tests.support.checking import BARE_PYTHON
from tests.support.planted import Bug
from tests.support.serving import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TIME_WAIT cannot be seen")

SERVER = ROOT / "tests" / "servers" / "restarted_server.py"
TIMEOUT = 10.0


def restarted(what: str, *more: object) -> Launched:
    return Launched(" ".join(map(str, [BARE_PYTHON, SERVER, "{port}", what, *more])))


def at_a_fixed_port(what: str) -> Launched:
    port = free_port()
    return Launched(f"{BARE_PYTHON} {SERVER} {port} {what}", at=Address("tcp", "127.0.0.1", port))


def judged(session: Session) -> Exception | None:
    ((_, _, raised),) = play_all(session, "echo", "ECHO-11")
    return raised


@pytest.mark.parametrize("target", [restarted("reuses"), at_a_fixed_port("reuses")], ids=["any port", "fixed port"])
def test_a_server_that_reuses_its_address_passes_and_serves_on(target: Launched) -> None:
    with closing(open_session("echo", target, TIMEOUT)) as session:
        before = session.address
        assert judged(session) is None
        assert session.site.address == before
        ((_, _, raised),) = play_all(session, "echo", "ECHO-1")
        assert raised is None
        assert (before.port in PORTS_TO_FREE) == (target.at is not None)
    assert before.port not in PORTS_TO_FREE


@pytest.mark.parametrize(
    ("target", "observed"),
    [
        (restarted("no-reuse"), "Address already in use"),
        (at_a_fixed_port("no-reuse"), "Address already in use"),
        pytest.param(restarted("moves"), "does not listen", marks=pytest.mark.slow),
    ],
    ids=["any port", "fixed port", "moves"],
)
def test_a_server_that_finds_its_port_taken_is_told_so(
    target: Launched, observed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_session("echo", target, TIMEOUT)) as session:
        monkeypatch.setattr(session.site, "_timeout", 3.0)
        violation = judged(session)
    assert isinstance(violation, Violation)
    assert (violation.clause_id, violation.shape) == ("ECHO-11", "no restart")
    assert observed in violation.observed
    assert "cannot be checked" not in violation.observed
    assert "give that as the target" not in violation.observed
    assert violation.replays is not None
    assert violation.replays.shown == 1
    assert violation.unscripted == port_reuse.UNSCRIPTED


def test_a_server_that_cannot_be_started_again_for_another_reason_is_not_blamed(tmp_path: Path) -> None:
    with closing(open_session("echo", restarted("locks", tmp_path / "lock"), TIMEOUT)) as session:
        raised = judged(session)
    assert isinstance(raised, NotChecked)
    assert "FileExistsError" in str(raised)


def test_what_does_not_show_again_is_no_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = iter(["it did not start", ""])
    monkeypatch.setattr(launched.LaunchedSite, "come_back", lambda *_: next(failed))
    with closing(open_session("echo", restarted("reuses"), TIMEOUT)) as session:
        assert judged(session) is None
        assert not session.masking.known
    assert next(failed, None) is None


def test_a_server_whose_connections_leave_nothing_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_wait, "await_held", lambda _: False)
    with closing(open_session("echo", restarted("no-reuse"), TIMEOUT)) as session:
        raised = judged(session)
    assert isinstance(raised, NotApplicable)
    assert str(raised) == port_reuse.UNSEEN


def test_only_launched_servers_of_tcp_are_ended() -> None:
    site = restarted("no-reuse").start(TIMEOUT)
    with closing(site), closing(open_session("echo", Running(site.address), TIMEOUT)) as running:
        assert str(judged(running)) == port_reuse.UNSEEN
    for target in (
        Bug("echo").target(),
        Launched(f"{sys.executable} -m socketserver_reference serve echo --transport unix --path {{path}}"),
    ):
        with closing(open_session("echo", target, TIMEOUT)) as session:
            assert str(judged(session)) == port_reuse.UNSEEN
