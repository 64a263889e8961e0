"""The state machines: they pass on the reference, and name and shrink what is wrong with other servers."""

import socket
import threading
from collections.abc import Set
from contextlib import closing
from typing import Any

import pytest
from hypothesis.errors import HypothesisException

from socketserver_reference.address import Address, server_address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.clauses import Profile
from socketserver_reference.conformance.driver import stage
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.exploration import campaign, chat_machines
from socketserver_reference.conformance.exploration import explore as exploration
from socketserver_reference.conformance.exploration.explore import MACHINES, explore
from socketserver_reference.conformance.oracles.segmentation import Ambiguous, SegmentationParser
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import join
from socketserver_reference.conformance.scenario.violation import Finding, Replays, Violation
from socketserver_reference.conformance.targets.base import Target
from socketserver_reference.conformance.targets.external import Running
from tests.support.planted import Bug, Planted
from tests.support.serving import serving

TIMEOUT = 3.0


@pytest.fixture(autouse=True)
def _be_brief_once_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "SHRINK_TIMEOUT", 0.1)
    monkeypatch.setattr(stage, "EVIDENCE_TIMEOUT", 0.05)


def explored(
    target: Target,
    protocol: str,
    profile: Profile,
    record: Record,
    *,
    examples: int = 50,
    with_seed: int = 0,
    timeout: float = TIMEOUT,
    known: Set[str] = frozenset(),
) -> Violation | None:
    """Explore; return what was found."""
    with closing(open_session(protocol, target, timeout)) as session:
        session.masking.known |= known
        try:
            explore(session, record, protocol, profile, examples=examples, with_seed=with_seed)
        except Violation as violation:
            return violation
    return None


def found(bug: Bug | Planted, profile: Profile, with_seed: int = 0) -> Violation:
    violation = explored(bug.target(), bug.protocol, profile, Record(["CHAT", "ECHO", "UDP"]), with_seed=with_seed)
    assert violation is not None
    return violation


def steps(violation: Violation) -> int:
    return sum(not line.startswith(" " * 6) for line in violation.exchange)


@pytest.mark.parametrize(("protocol", "profile"), MACHINES)
@pytest.mark.parametrize("with_seed", [1, *(pytest.param(seed, marks=pytest.mark.sweep) for seed in (2, 3))])
def test_the_reference_passes_whatever_the_seed(protocol: str, profile: Profile, with_seed: int) -> None:
    record = Record(["CHAT"])
    assert explored(Bug(protocol).target(), protocol, profile, record, examples=8, with_seed=with_seed) is None
    (line,) = record.explored
    assert line.startswith(f"{protocol}, {profile}: ")
    assert line.endswith(f"(seed {with_seed})")
    assert " of 8" not in line


class RepeatsLines(ChatHandler):
    def deliver(self, chunk: bytes) -> None:
        super().deliver(chunk)
        if b"\n" in chunk:
            super().deliver(chunk)


class ChangesBytes(ChatHandler):
    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk).replace(b"\xff", b"\xfe")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "profile", "clause", "most"),
    [
        pytest.param(Planted("delivers-quit"), "basic", "CHAT-7", 5, id="delivers quit"),
        pytest.param(
            Planted("takes-long-requests-whole"),
            "basic",
            "ECHO-4",
            4,
            id="takes too much",
            marks=pytest.mark.sweep,
        ),
        pytest.param(Planted("cuts-at-a-page"), "basic", "UDP-4", 4, id="cuts datagrams"),
        pytest.param(Planted("ignores-the-half-closed"), "hardened", "ECHO-6", 4, id="ignores who half-closed"),
    ],
)
def test_a_bug_is_named_and_shown_by_a_short_exchange_that_comes_back(
    bug: Bug | Planted, profile: Profile, clause: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "SHRINK_BUDGET", 100.0)  # a busy machine shrinks as far as an idle one
    violation = found(bug, profile)
    assert violation.clause_id == clause
    assert steps(violation) <= most
    assert violation.confirmation == "shown 1 of 1 times on fresh servers"


@pytest.mark.sweep
@pytest.mark.parametrize(("handler", "clause"), [(RepeatsLines, "CHAT-4"), (ChangesBytes, "CHAT-3")])
def test_what_is_seen_sooner_or_later_is_named_and_comes_back(
    handler: type[ChatHandler], clause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "SHRINK_BUDGET", 0.3)
    violation = found(Bug("chat", handler), "basic")
    assert violation.clause_id == clause
    assert not violation.unconfirmed


@pytest.mark.sweep
def test_a_reset_that_harms_the_next_speaker_is_put_down_to_the_reset() -> None:
    assert found(Planted("leaves-the-reset-behind"), "hardened").clause_id == "CHAT-12"


@pytest.mark.slow
def test_what_depends_on_timing_is_reported_as_a_violation_and_never_as_flaky(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "SHRINK_BUDGET", 0.3)
    violation = found(Planted("delivers-without-the-lock"), "hardened")  # which of its consequences, chance decides
    assert violation.replays is not None


@pytest.mark.sweep
def test_what_never_comes_back_is_unconfirmed() -> None:
    spent = threading.Event()

    class QuitsOnceByMistake(ChatHandler):
        def leaves(self, chunk: bytes) -> bool:
            if chunk == b"QUIT" and not spent.is_set():
                spent.set()
                return True
            return super().leaves(chunk)

    violation = found(Bug("chat", QuitsOnceByMistake), "basic")
    assert (violation.clause_id, violation.unconfirmed) == ("CHAT-8", True)


@pytest.mark.slow
def test_what_no_replay_shows_is_not_known_to_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_shown(_: object, violation: Violation) -> Violation:
        violation.replays = Replays(0, 5, "chance")
        return violation

    monkeypatch.setattr("socketserver_reference.conformance.confirm.confirmer.Confirmer.__call__", not_shown)
    with closing(open_session("echo", Planted("replies-to-white-space").target(), TIMEOUT)) as session:
        with pytest.raises(Violation) as raised:
            explore(session, Record(["ECHO"]), "echo", "basic", examples=5, with_seed=0)
        assert raised.value.unconfirmed
        assert not session.masking.known


@pytest.mark.slow
def test_a_clause_that_is_known_to_be_broken_is_not_reported_again() -> None:
    record = Record(["CHAT"])
    target = Planted("delivers-quit").target()
    assert explored(target, "chat", "basic", record, examples=10, known={"CHAT-7"}) is None
    assert record.explored[0].endswith("; saw CHAT-7 broken again")


def test_a_slow_server_ends_the_exploration_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "EXPLORATION_BUDGET", -1.0)
    record = Record(["CHAT"])
    assert explored(Bug("chat").target(), "chat", "basic", record, examples=3) is None
    assert record.explored == ["chat, basic: 0 runs of 3: the time was up, 0 steps (seed 0)"]


def is_found_dead(stage: Stage) -> None:
    """See after every run that the server has died of it."""
    raise stage.violation(Finding(("CHAT-11",), "the server goes on when its clients have gone", "it ended", "died"))


@pytest.mark.sweep
def test_a_server_that_dies_though_nobody_was_harmed_breaks_a_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "SHRINK_BUDGET", 0.3)
    record = Record(["CHAT"])
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        monkeypatch.setattr(session, "check_alive", is_found_dead)
        with pytest.raises(Violation) as caught:
            explore(session, record, "chat", "basic", examples=3, with_seed=0)
        assert caught.value.clause_id == "CHAT-11"
        assert caught.value.confirmation == "shown 1 of 1 times on fresh servers"
        explore(session, record, "chat", "basic", examples=3, with_seed=0)
    assert record.explored[1].endswith("; saw CHAT-11 broken again")


def test_a_server_that_cannot_be_restarted_and_does_not_recover_is_not_checked_further() -> None:
    class Mute(ChatHandler):
        broken = threading.Event()

        def deliver(self, chunk: bytes) -> None:
            if chunk == b"QUIT":
                self.broken.set()
            if not self.broken.is_set():
                super().deliver(chunk)

    with closing(Bug("chat", Mute).target().start(TIMEOUT)) as site:
        violation = explored(Running(site.address), "chat", "basic", Record(["CHAT"]))
    assert violation is not None
    assert violation.confirmation == "not confirmed: the server cannot be restarted"


def test_a_server_that_breaks_a_clause_at_once_is_not_explored() -> None:
    with pytest.raises(NotChecked, match="a fresh server breaks CHAT-1 in its first conversation"):
        explored(Planted("greets").target(), "chat", "basic", Record(["CHAT"]))


def test_what_cannot_be_judged_ends_its_run_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def ambiguous(*_: object) -> bool:
        raise Ambiguous

    record = Record(["CHAT"])
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.prepare()
        monkeypatch.setattr(SegmentationParser, "extend", ambiguous)
        explore(session, record, "chat", "basic", examples=3, with_seed=0)
    assert record.explored[0].endswith("(seed 0)")


@pytest.mark.sweep
def test_an_error_of_the_machine_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(chat_machines.PoliteChatMachine, "finish", broken)
    with pytest.raises(ZeroDivisionError):
        explored(Bug("chat").target(), "chat", "basic", Record(["CHAT"]), examples=3)


def test_a_server_over_a_unix_socket_passes(tmp_path: Any) -> None:
    with serving("chat", Address("unix", path=str(tmp_path / "socket"))) as server:
        target = Running(server_address(server))
        assert explored(target, "chat", "hardened", Record(["CHAT"]), examples=5) is None
    assert not hasattr(socket, "AF_UNIX") or not (tmp_path / "socket").exists()


def test_a_server_that_died_before_is_not_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record(["CHAT"])
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.play(*join("ann"), about="CHAT-2")
        monkeypatch.setattr(session.site, "exit_report", lambda: "it died")
        with pytest.raises(Violation):
            explore(session, record, "chat", "basic", examples=3, with_seed=0)
    assert record.explored == ["chat, basic: 0 runs of 3: the server broke CHAT-11 before, 0 steps (seed 0)"]


def test_an_error_of_hypothesis_that_hides_no_violation_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise HypothesisException

    monkeypatch.setattr(exploration, "run_state_machine_as_test", broken)
    with pytest.raises(HypothesisException):
        explored(Bug("chat").target(), "chat", "basic", Record(["CHAT"]), examples=3)
