"""One scenario after the other: none suffers from the one before, and nothing is attributed that cannot be known."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.results.outcomes import NotApplicable, NotChecked
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner.direct import checks, open_session
from socketserver_reference.conformance.scenario.steps import Quit, Say, Step, join
from socketserver_reference.conformance.scenario.transcript import Did, Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets.external import Running
from tests.support.known_failures import seen
from tests.support.planted import Bug, Planted
from tests.support.troubled_targets import FragileSite, Meddling, fragile

TIMEOUT = 10.0
"""Seconds in which whatever comes has come, on a busy machine as well."""

KNOWN_BROKEN_TIMEOUT = 1.0
"""Seconds of silence that are enough where nothing is to come."""


@pytest.fixture
def _quietly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


@pytest.fixture
def quits_wrongly() -> Iterator[Session]:
    with closing(open_session("chat", Planted("delivers-quit").target(), TIMEOUT)) as session:
        yield session


BREAKING = [*join("ann", "ben"), Quit("ann"), Say("ben", b"gone")]


def test_a_server_that_broke_a_clause_is_replaced_before_the_next_scenario(quits_wrongly: Session) -> None:
    before = quits_wrongly.address
    with pytest.raises(Violation) as caught:
        quits_wrongly.play(*BREAKING, about="CHAT-7")
    assert caught.value.clause_id == "CHAT-7"
    assert not caught.value.spares
    transcript = quits_wrongly.play(*join("ann"), about="CHAT-2")
    assert quits_wrongly.address != before
    assert transcript.scenario[:2] == join("ann")


def test_all_that_a_server_has_seen_is_kept_until_it_is_replaced(quits_wrongly: Session) -> None:
    assert quits_wrongly.seen == []
    first = quits_wrongly.play(*join("ann"), about="CHAT-2")
    health_check = quits_wrongly.seen[0].steps
    assert health_check[: len(ChatConformance.health_check)] == list(ChatConformance.health_check)
    assert [scene.steps for scene in quits_wrongly.seen] == [health_check, first.scenario]
    with pytest.raises(Violation) as caught:
        quits_wrongly.play(*BREAKING, about="CHAT-7")
    assert len(quits_wrongly.seen) == 3
    assert caught.value.transcript is not None
    assert caught.value.scenes == tuple(quits_wrongly.seen)
    assert quits_wrongly.seen[2].steps is caught.value.transcript.scenario
    last = quits_wrongly.play(*join("ann"), about="CHAT-2")
    assert [scene.steps for scene in quits_wrongly.seen] == [last.scenario]


def test_what_is_seen_only_at_the_farewell_is_marked() -> None:
    class DiesAfterwards(ChatHandler):
        def leaves(self, chunk: bytes) -> bool:
            return super().leaves(chunk) or chunk.startswith(b"ann is still")

    with closing(open_session("chat", Bug("chat", DiesAfterwards).target(), TIMEOUT)) as session:
        with pytest.raises(Violation) as caught:
            session.play(*join("ann"), about="CHAT-1")
        assert caught.value.spares


def test_a_server_that_cannot_be_replaced_is_asked_whether_it_has_recovered() -> None:
    site = Planted("delivers-quit").target().start(TIMEOUT)
    with closing(site), closing(open_session("chat", str(site.address), TIMEOUT)) as session:
        for _ in range(2):
            with pytest.raises(Violation):
                session.play(*BREAKING, about="CHAT-7")


def test_after_a_server_that_does_not_recover_nothing_is_checked() -> None:
    class Mute(ChatHandler):
        mute = False

        def deliver(self, chunk: bytes) -> None:
            if chunk == b"gone":
                type(self).mute = True
            if not self.mute:
                super().deliver(chunk)

    site = Bug("chat", Mute).target().start(KNOWN_BROKEN_TIMEOUT)
    with closing(site), closing(open_session("chat", Running(site.address), KNOWN_BROKEN_TIMEOUT)) as session:
        with pytest.raises(Violation):
            session.play(*join("ann"), Say("ann", b"gone"), about="CHAT-2")
        for _ in range(2):
            with pytest.raises(NotChecked, match="has not recovered from the violation of CHAT-2"):
                session.play(*join("ann"), about="CHAT-3")


def test_after_a_server_that_cannot_be_restarted_nothing_is_checked() -> None:
    with closing(open_session("chat", fragile(Planted("delivers-quit")), TIMEOUT)) as session:
        with pytest.raises(Violation):
            session.play(*BREAKING, about="CHAT-7")
        with pytest.raises(NotChecked, match="could not be restarted after the violation of CHAT-7: no more of them"):
            session.play(*join("ann"), about="CHAT-2")


def test_a_server_that_breaks_a_clause_at_once_is_told_with_its_story() -> None:
    with (
        closing(open_session("chat", Planted("greets").target(), TIMEOUT)) as session,
        pytest.raises(NotChecked, match="a fresh server breaks CHAT-1 in its first conversation") as caught,
    ):
        session.play(*join("ann"), about="CHAT-2")
    assert caught.value.violation is not None
    assert caught.value.violation.clause_id == "CHAT-1"


@pytest.mark.parametrize("when", ["at the end of a scenario", "between two scenarios"])
def test_a_server_that_dies_though_nobody_was_harmed_breaks_a_clause(when: str) -> None:
    with closing(open_session("chat", fragile(Bug("chat")), TIMEOUT)) as session:
        site = session.site
        assert isinstance(site, FragileSite)
        session.play(*join("ann"), about="CHAT-2")
        site.death = "it died"
        if when == "at the end of a scenario":
            session._last = None
        with pytest.raises(Violation) as caught:
            session.play(*join("ann"), about="CHAT-2")
        assert caught.value.clause_id == "CHAT-11"
        assert caught.value.observed == "it ended; it died"
        assert caught.value.server_ended
        assert caught.value.expected == "the server goes on when its clients have gone"


@pytest.mark.parametrize("when", ["when it breaks a clause", "when all have left"])
def test_a_server_has_ended_by_what_its_clients_did_before_they_left(when: str) -> None:
    with closing(open_session("chat", Planted("delivers-twice").target(), TIMEOUT)) as session:
        members = session.site.server.members  # type: ignore[attr-defined]
        session.site.exit_report = lambda: "it died" if bool(members) == (when == "when it breaks a clause") else ""  # type: ignore[method-assign]
        session.healthy = True
        with pytest.raises(VIOLATIONS["CHAT-4"]) as caught:
            session.play(*join("ann"), about="CHAT-4")
    assert caught.value.observed.endswith("; it died") == (when == "when it breaks a clause")


def test_a_check_may_end_itself() -> None:
    with pytest.raises(NotApplicable, match="no such thing"):
        ScenarioRunner.not_applicable("no such thing")
    with pytest.raises(NotChecked, match="not here"):
        ScenarioRunner.not_checked("not here")


def test_a_violation_of_what_is_not_asked_leaves_the_check_undecided() -> None:
    dialect = replace(NOTE, waived={"CHAT-12": "not asked"})
    with (
        closing(open_session("chat", Bug("chat").target(), TIMEOUT, dialect)) as session,
        pytest.raises(NotChecked, match="CHAT-12, which does not apply in the dialect note: not asked"),
    ):
        session.attributed(VIOLATIONS["CHAT-12"]("this", "that", []))


# The one question for a clock


class Recorded:
    """A `play` that only says how a check ended itself."""

    def __init__(self, transport: str) -> None:
        self.address = Address(transport)

    def not_applicable(self, why: str) -> None:
        raise NotApplicable(why)

    def not_checked(self, why: str) -> None:
        raise NotChecked(why)


def test_delayed_acknowledgements_are_a_matter_of_tcp_and_of_what_the_system_can_choose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ((_, name),) = checks(ChatConformance, "CHAT-16")
    check = getattr(ChatConformance(), name)
    with pytest.raises(NotApplicable, match="unix knows no delayed acknowledgements"):
        check(Recorded("unix"))
    monkeypatch.setattr("socketserver_reference.conformance.checks.chat_hardened.QUICKACK", 0)
    with pytest.raises(NotChecked, match="TCP_QUICKACK"):
        check(Recorded("tcp"))


LAUNCHED_ALONE = {
    "it can be tried of launched servers of TCP alone, on Linux, whose connections are in TIME_WAIT when they end",
    "descriptors can be limited of launched servers alone, on Linux",
}

NOT_APPLICABLE = {
    "chat": {
        *LAUNCHED_ALONE,
        "nobody is silent for long: --idle SECONDS says how long members are to be",
        "the dialect has no handshake",
        "the dialect has no frames in which clients speak",
        "in the dialect the server may take what comes in one segment for one utterance",
    },
    "echo": {*LAUNCHED_ALONE, "the dialect's echo is not an unlimited stream"},
    "datagram": set(),
}
"""Protocol -> why some checks do not apply to the reference."""


@pytest.mark.sweep
@pytest.mark.parametrize("protocol", ["chat", "echo", "datagram"])
def test_the_reference_passes_every_directed_check(protocol: str) -> None:
    from socketserver_reference.conformance.runner.direct import outcomes

    found = [(clause, outcome) for clause, _, outcome in outcomes(protocol, Bug(protocol).target(), 5.0)]
    told = {str(outcome) for _, outcome in found if outcome is not None}
    assert told == NOT_APPLICABLE[protocol]
    group = {"chat": "CHAT", "echo": "ECHO", "datagram": "UDP"}[protocol]
    assert {clause for clause, _ in found} == {clause.id for clause in CLAUSES.values() if clause.group == group}


# One bug is told once


def test_what_a_known_violation_explains_is_told_as_that_one_and_the_clause_is_not_blamed() -> None:
    with closing(open_session("chat", Planted("cuts-at-nul").target(), TIMEOUT)) as session:
        session.masking.known.add("CHAT-3")
        with pytest.raises(Violation) as caught:
            session.play(*join("ann"), Say("ann", b"quit\0"), about="CHAT-8")
        assert caught.value.clause_id == "CHAT-3"
        assert session.masking.known == {"CHAT-3"}


def test_what_no_known_violation_explains_is_news() -> None:
    with closing(open_session("chat", Planted("cuts-at-nul").target(), KNOWN_BROKEN_TIMEOUT)) as session:
        session.masking.known.add("CHAT-9")
        with pytest.raises(Violation) as caught:
            session.play(*join("ann"), Say("ann", b"a\0b"), about="CHAT-3")
        assert caught.value.clause_id == "CHAT-3"
        assert session.masking.known == {"CHAT-3", "CHAT-9"}


def test_with_a_broken_server_silence_is_believed_early_only_if_it_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socketserver_reference.conformance.driver.session.KNOWN_BROKEN_TIMEOUT", 0.01)
    monkeypatch.setattr("socketserver_reference.conformance.driver.session.SLOWNESS_FACTOR", 0)
    granted: list[float] = []
    play = Session.play_once

    def noting(self: Session, steps: Sequence[Step], about: str, timeout: float, **how: Any) -> Transcript:
        granted.append(timeout)
        return play(self, steps, about, timeout, **how)

    class Slow(ChatHandler):
        """Has nothing to say to whoever does not wait long."""

        def deliver(self, chunk: bytes) -> None:
            if chunk == b"slowly" and granted[-1] < TIMEOUT:
                self.request.recv(1, socket.MSG_PEEK)  # which comes back when the client has gone
            super().deliver(chunk)

    monkeypatch.setattr(Session, "play_once", noting)
    with closing(open_session("chat", Bug("chat", Slow).target(), TIMEOUT)) as session:
        session.masking.known.add("CHAT-9")
        session.play(*join("ann"), Say("ann", b"slowly"), about="CHAT-2")
        session.masking.known.add("CHAT-2")
        with pytest.raises(Violation) as caught:
            session.play(*join("ann"), Say("ann", b"slowly"), about="CHAT-4")
        assert caught.value.observed == "ann reads nothing"
        assert granted == [0.01, TIMEOUT, 0.01]


def test_a_clause_that_is_said_to_be_broken_explains_nothing_before_it_is_confirmed() -> None:
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        found = VIOLATIONS["CHAT-8"]("this", "that", [])
        found.candidates = ("CHAT-8", "CHAT-3")
        found.transcript = Transcript([Did(Say("ann", b"\xff"))])
        for broken, explains, known in ((True, "CHAT-3", {"CHAT-3"}), (False, "", set())):
            asked: list[str] = []
            session.masking.known, session.masking.unconfirmed = {"CHAT-3"}, {"CHAT-3"}
            session.masking.confirm_broken = lambda clause, asked=asked, broken=broken: asked.append(clause) or broken  # type: ignore[misc]
            assert [session.explanation_of(found) for _ in range(2)] == [explains] * 2
            assert (asked, session.masking.known) == (["CHAT-3"], known)


# What others do


def test_a_server_is_not_blamed_for_what_somebody_else_may_have_done() -> None:
    target = Meddling(Planted("delivers-quit").target().make)
    with closing(open_session("chat", target, TIMEOUT)) as session:
        for _ in range(2):  # nor is it known to break anything then
            with pytest.raises(NotChecked, match="the network did it, so it may not be the server that breaks CHAT-7"):
                session.play(*BREAKING, about="CHAT-7")
        assert session.masking.known == set()
        explore(session, record := Record(["CHAT"]), "chat", "basic", examples=10, with_seed=0)
        assert record.verdict(CLAUSES["CHAT-7"]).outcome == "not-checked"


def test_what_nobody_can_see_from_here_is_not_applicable() -> None:
    with closing(open_session("chat", Meddling(Bug("chat").target().make), TIMEOUT)) as session:
        hidden = ScenarioRunner(session, "CHAT-16")
        with pytest.raises(NotApplicable, match="nobody can see it"):
            hidden(*join("ann"))
        with pytest.raises(NotApplicable, match="nobody can see it"):
            hidden.measure_lag(*join("ann"), prompt="ann", late="ann")
        ScenarioRunner(session, "CHAT-2")(*join("ann"))


def test_what_is_too_early_and_cannot_be_played_again_is_not_checked() -> None:
    def play(timeout: float) -> Transcript:
        if timeout == TIMEOUT:
            raise NotChecked("no time is left")
        violation = seen("CHAT-2", "CHAT-2", after=[*join("ann", "ben"), Say("ann", b"hm")])
        violation.absent = True
        raise violation

    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.masking.known.add("CHAT-10")
        assert session.timeout < TIMEOUT
        with pytest.raises(NotChecked, match="no time is left"):
            session.play_with_both_timeouts(play)
