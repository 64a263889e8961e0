"""How late deliveries come, and what a crowd costs: it is measured only where the server does as it should."""

from contextlib import closing

import pytest

from socketserver_reference.conformance.driver.measurements import (
    LAG_CONFIRMATIONS,
    measure_delay,
    measure_lag,
    scale,
    shows,
)
from socketserver_reference.conformance.oracles.measured import delay, delayed_ack
from socketserver_reference.conformance.oracles.measured.scaling import Departure
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Close, Connect, Quit, Say, Step, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Finding, Replays, Violation
from tests.support.planted import Bug, Planted

TIMEOUT = 10.0
"""Seconds in which whatever comes has come, on a busy machine as well."""

LAG_STEPS = [*join("ann", "ben"), *(Say("ann", b"%d" % count) for count in range(6))]


@pytest.mark.parametrize("known", ["CHAT-11", "CHAT-2"])
def test_what_a_probe_shows_is_not_what_its_clients_do_by_leaving(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object) -> None:
        raise VIOLATIONS["CHAT-11"]("the server goes on", "it ended", [])

    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.masking.known.add(known)
        monkeypatch.setattr(session, "check_alive", ended)
        assert [shows(session, join("ann", "ben")) for _ in range(2)] == [known != "CHAT-11"] * 2


def test_a_stall_has_to_be_seen_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        seen = iter([[1.0], [1.0], [0.0]])
        monkeypatch.setattr(delayed_ack, "lags", lambda *_: next(seen))
        measure_lag(session, *LAG_STEPS, about="CHAT-16", prompt="ann", late="ben")
        monkeypatch.setattr(delayed_ack, "lags", lambda *_: [1.0])
        with pytest.raises(Violation) as caught:
            measure_lag(session, *LAG_STEPS, about="CHAT-16", prompt="ann", late="ben")
    assert caught.value.clause_id == "CHAT-16"


def test_a_stall_is_measured_as_often_on_a_server_that_cannot_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = iter([[1.0]] * LAG_CONFIRMATIONS)
    monkeypatch.setattr(delayed_ack, "lags", lambda *_: next(measured))
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        address = session.address
        monkeypatch.setattr(session.site, "restartable", False)
        with pytest.raises(Violation) as caught:
            measure_lag(session, *LAG_STEPS, about="CHAT-16", prompt="ann", late="ben")
        assert session.address == address
    assert list(measured) == []
    assert caught.value.replays is None


def test_a_delay_has_to_be_seen_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    late = Finding(("ECHO-8",), "ann reads the reply", "ann reads it late", "late")
    steps: list[Step] = [Connect("silent"), Connect("ann"), Say("ann", b"hello")]
    with closing(open_session("echo", Bug("echo").target(), TIMEOUT)) as session:
        seen = iter([late, late, None])
        monkeypatch.setattr(delay, "finding", lambda *_, **__: next(seen))
        measure_delay(session, steps, "ECHO-8", ["ann"], "ann")
        monkeypatch.setattr(delay, "finding", lambda *_, **__: late)
        with pytest.raises(Violation) as caught:
            measure_delay(session, steps, "ECHO-8", ["ann"], "ann")
    assert (caught.value.clause_id, caught.value.replays) == ("ECHO-8", Replays(2, 2))


def test_another_violation_on_the_way_is_reported() -> None:
    with closing(open_session("chat", Planted("delivers-quit").target(), TIMEOUT)) as session:
        leaving = [*join("ann", "ben"), Quit("ann"), Say("ben", b"gone")]
        with pytest.raises(Violation) as caught:
            measure_lag(session, *leaving, about="CHAT-16", prompt="ann", late="ben")
    assert caught.value.clause_id == "CHAT-7"


def crowd(_: int) -> Departure:
    return Departure([*join("ann", "ben"), Say("ann", b"hi")], [Close("ben")], [Say("ann", b"ho")])


def test_a_server_that_fails_in_the_crowd_breaks_what_it_breaks_there() -> None:
    with closing(open_session("chat", Planted("delivers-twice").target(), TIMEOUT)) as session:
        session.healthy = True  # it fails in its first conversation, too
        with pytest.raises(Violation) as raised:
            scale(session, crowd, 8, "CHAT-15")
    assert raised.value.clause_id == "CHAT-4"
