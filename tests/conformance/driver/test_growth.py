"""What a server keeps of clients that have left is seen; what it allocates once, or lets go of later, passes."""

import math
import os
import sys
import time
from contextlib import closing, suppress
from itertools import count, pairwise
from types import SimpleNamespace

import pytest

from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.driver import growth as driver_growth
from socketserver_reference.conformance.driver.masking import performed
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.measured import growth
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner.direct import open_session, outcomes, play_all, violations_of
from socketserver_reference.conformance.scenario.steps import Close, Reset, Say, Step, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Replays, Violation
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.launched import Launched, LaunchedSite
from socketserver_reference.conformance.targets.resources import MEMORY, WRITABLE
from tests.support.checking import BARE_PYTHON
from tests.support.planted import Bug, Planted
from tests.support.serving import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is seen of what a server holds")

SERVER = ROOT / "tests" / "servers" / "keeping_server.py"
TIMEOUT = 10.0


@pytest.fixture(autouse=True)
def _fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "ROUNDS", (1, 1, 2, 4, 8))
    monkeypatch.setattr(growth, "MEMORY_ROUNDS", (16, 32))
    monkeypatch.setattr(growth, "RELEASE_TIMEOUT", 0.1)


def keeping(what: str, most: int = 100000) -> Launched:
    return Launched(f"{BARE_PYTHON} {SERVER} {{port}} {what} {most}")


def seen(session: Session) -> tuple[Violation | None, str]:
    """Return what is found about ECHO-9, and why it was not checked, or ""."""
    ((_, _, raised),) = play_all(session, "echo", "ECHO-9")
    return (raised, "") if isinstance(raised, Violation) else (None, str(raised or ""))


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("threads", "threads"),
        ("descriptors", "open descriptors"),
        ("of-leavers", "open descriptors"),
        ("children", "processes"),
        ("memory", "KiB of memory"),
    ],
)
def test_what_is_kept_of_each_client_is_told(what: str, told: str) -> None:
    with closing(open_session("echo", keeping(what), TIMEOUT)) as session:
        violation, _ = seen(session)
    assert violation is not None
    assert (violation.clause_id, violation.shape) == ("ECHO-9", "grows")
    assert violation.observed.startswith(f"{told}: ")
    assert violation.replays is not None
    assert violation.replays.shown == 1
    assert not violation.unconfirmed
    assert violation.unscripted == growth.UNSCRIPTED


@pytest.mark.parametrize(("what", "most"), [("nothing", 0), ("threads", 20), ("descriptors", 15), ("late", 60)])
def test_what_does_not_grow_with_every_client_passes(what: str, most: int) -> None:
    with closing(open_session("echo", keeping(what, most), TIMEOUT)) as session:
        assert seen(session) == (None, "")


def test_a_server_that_fails_for_what_it_keeps_is_told_so() -> None:
    with closing(open_session("echo", keeping("dies", 50), TIMEOUT)) as session:
        violation, _ = seen(session)
    assert violation is not None
    assert violation.clause_id == "ECHO-9"
    assert violation.observed.startswith("threads: ")
    assert "the server ended with exit status 3" in violation.observed.partition("; then ")[2]


def test_a_server_that_fails_before_much_has_grown_breaks_another_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_session("echo", keeping("dies", 10), TIMEOUT)) as session:
        monkeypatch.setattr(session, "confirm", lambda violation: violation)  # many replays, which say nothing here
        violation, _ = seen(session)
    assert violation is not None
    assert violation.clause_id != "ECHO-9"


@pytest.mark.parametrize(("before", "known"), [([Say("ann", b"hello")], False), ([Reset("ann")], True)])
def test_a_server_that_dies_of_a_reset_breaks_no_other_clause(before: list[Step], known: bool) -> None:
    with closing(open_session("chat", Planted("reset-ends-the-process").target(), TIMEOUT)) as session:
        with suppress(Violation):
            session.play(*join("ann"), *before, about="CHAT-12")
        assert ("CHAT-12" in session.masking.known) == known
        ((_, _, raised),) = play_all(session, "chat", "CHAT-18")
    if known:
        assert raised is None  # nobody resets
    else:
        assert isinstance(raised, VIOLATIONS["CHAT-12"])
        assert raised.spares


class ServesNobodyOnceAllHaveLeft(ChatHandler):
    """When all have left, whoever comes then is hung up on as soon as it speaks."""

    def finish(self) -> None:
        super().finish()
        if not self.server.members:
            vars(self.server)["closed"] = True

    def receive(self) -> bytes:
        chunk = super().receive()
        return b"" if "closed" in vars(self.server) else chunk


def test_where_clients_that_leave_harm_the_server_the_next_round_breaks_no_other_clause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(open_session("chat", Bug("chat", ServesNobodyOnceAllHaveLeft).target(), TIMEOUT)) as session:
        monkeypatch.setattr(session, "confirm", lambda violation: violation)  # in replays it may show in another way
        seen = [*play_all(session, "chat", "CHAT-11"), *play_all(session, "chat", "CHAT-18")]
    assert {one.clause_id for outcome in seen for one in violations_of(outcome)} == {"CHAT-11"}


@pytest.mark.parametrize(("grows_until", "holds"), [(100, False), (6, True), (5, True)])
def test_what_shows_once_or_is_gone_after_a_wait_passes(
    monkeypatch: pytest.MonkeyPatch, grows_until: int, holds: bool
) -> None:
    looks = [0]

    def resources(_: LaunchedSite) -> dict[str, int]:
        looks[0] += 1
        return {"threads": 1000 * min(looks[0], grows_until)}

    monkeypatch.setattr(LaunchedSite, "resources", resources)
    with closing(open_session("echo", keeping("nothing"), TIMEOUT)) as session:
        violation, why = seen(session)
        assert (violation is None) == holds
        assert not why
        assert ("ECHO-9" in session.masking.known) == (not holds)


def test_what_the_server_lets_go_of_during_the_wait_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [0]
    both_runs = 2 * (1 + len(growth.ROUNDS))

    def resources(_: LaunchedSite) -> dict[str, int]:
        looks[0] += 1
        return {"threads": 1000 * looks[0] if looks[0] <= both_runs else 0}

    monkeypatch.setattr(growth, "RELEASE_TIMEOUT", 1000.0)
    monkeypatch.setattr(LaunchedSite, "resources", resources)
    with closing(open_session("echo", keeping("nothing"), TIMEOUT)) as session:
        assert seen(session) == (None, "")
    assert looks[0] == both_runs + 1


def test_memory_that_grows_within_what_was_there_from_the_beginning_is_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [0]

    def resources(_: LaunchedSite) -> dict[str, int]:
        looks[0] += 1
        return {MEMORY: 100_000 * looks[0], WRITABLE: 10_000_000}

    monkeypatch.setattr(LaunchedSite, "resources", resources)
    with closing(open_session("echo", keeping("nothing"), TIMEOUT)) as session:
        assert seen(session) == (None, "")
    assert looks[0] == 1 + len(growth.ROUNDS) + 1  # it ends with the first of the later rounds


@pytest.mark.parametrize(("late_from", "told"), [(2, "not checked"), (4, "not checked"), (6, "violated")])
def test_rounds_that_take_too_long_decide_where_enough_has_grown(
    monkeypatch: pytest.MonkeyPatch, late_from: int, told: str
) -> None:
    looks = [0]

    def resources(_: LaunchedSite) -> dict[str, int]:
        looks[0] += 1
        return {"threads": 1000 * looks[0]}

    ticks = count()
    clock = SimpleNamespace(
        sleep=time.sleep, monotonic=lambda: next(ticks) / 1000 + (1000 if looks[0] >= late_from else 0)
    )
    monkeypatch.setattr(driver_growth, "time", clock)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(LaunchedSite, "resources", resources)
    with closing(open_session("echo", keeping("nothing"), TIMEOUT)) as session:
        violation, why = seen(session)
        assert session.seen
        session.prepare()  # the server may work on, so the next scenario gets a fresh one
        assert not session.seen
    assert ("violated" if violation else "not checked") == told
    assert why in ("", "a thousand clients did not come and leave in 30 s")


def test_what_a_known_clause_explains_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [0]

    def resources(_: LaunchedSite) -> dict[str, int]:
        looks[0] += 1
        return {"threads": 1000 * looks[0]}

    monkeypatch.setattr(LaunchedSite, "resources", resources)
    with closing(open_session("echo", keeping("nothing"), TIMEOUT)) as session:
        session.masking.known.add("ECHO-3")
        violation, _ = seen(session)
    assert violation is not None
    told = [(one.clause_id, one.replays) for one in (*violation.before, violation)]
    assert told == [("ECHO-3", None), ("ECHO-9", Replays(1, 1))]  # and without clients that half-close, it is not known


def test_what_the_server_is_harmed_by_is_left_out_from_the_beginning() -> None:
    with closing(open_session("echo", keeping("of-leavers"), TIMEOUT)) as session:
        session.masking.known.add("ECHO-7")
        violation, _ = seen(session)
        assert violation is not None
        assert not any(isinstance(step, Close | Reset) for step in performed(violation))


def test_each_client_comes_when_the_server_has_finished_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    act, wait_idle = Stage._act, Stage.wait_idle

    def note_act(self: Stage, step: Step, sent: bytes) -> None:
        done.append("comes" if step.comes else "does")
        act(self, step, sent)

    def note_wait(self: Stage) -> None:
        done.append("waits")
        wait_idle(self)

    monkeypatch.setattr(Stage, "_act", note_act)
    monkeypatch.setattr(Stage, "wait_idle", note_wait)
    with closing(open_session("echo", keeping("nothing"), TIMEOUT)) as session:
        session.prepare()
        done.clear()
        assert seen(session) == (None, "")
    before = [previous for previous, what in pairwise(done) if what == "comes"]
    assert len(before) >= 10
    assert set(before) == {"waits"}


def test_what_is_held_at_an_address_is_not_seen() -> None:
    site = keeping("threads").start(TIMEOUT)
    with closing(site), closing(open_session("echo", Running(site.address), TIMEOUT)) as session:
        assert seen(session) == (None, "what the server holds is not seen from here")


def test_where_the_system_does_not_tell_what_is_held_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LaunchedSite, "resources", lambda _: None)
    with closing(open_session("echo", keeping("threads"), TIMEOUT)) as session:
        assert seen(session) == (None, "what the server holds is not seen from here")


@pytest.mark.parametrize("limits", ["join_gap = 0.001", "gap = 0.001", "fresh = true"])
def test_limits_leave_no_time_for_a_thousand_clients(limits: str) -> None:
    dialect = read(f'protocol = "echo"\n[limits]\n{limits}', "limited", "limited")
    ((_, _, raised),) = outcomes("echo", keeping("threads"), TIMEOUT, "ECHO-9", dialect)
    assert isinstance(raised, NotApplicable)
    assert str(raised) == "the dialect's limits leave no time for so many clients on one server"


@pytest.mark.parametrize(("load", "seconds"), [(0.5, 30), (2.0, 30), (16.0, 240)])
def test_on_a_busy_machine_all_rounds_may_take_longer(
    load: float, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert driver_growth.all_rounds_timeout(60.0, harmed=False) == seconds
    assert driver_growth.all_rounds_timeout(60.0, harmed=True) == 30  # its own threads may be what is so busy


@pytest.mark.parametrize(("left", "seconds"), [(60.0, 30), (300.0, 100), (math.inf, 30)])
def test_where_much_of_the_budget_is_left_all_rounds_may_take_longer(
    left: float, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    assert driver_growth.all_rounds_timeout(left, harmed=False) == pytest.approx(seconds)
