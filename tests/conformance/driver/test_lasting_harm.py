"""Servers that go on being broken once clients have left: fresh ones, and less waiting for those that never rest."""

import contextlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.reading import OPEN_STREAM_TIMEOUT
from socketserver_reference.conformance.driver.rewritings import letting_go
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import LAST_READ_TIMEOUT
from socketserver_reference.conformance.driver.triggers import TRIGGERS, still_decides
from socketserver_reference.conformance.runner.direct import open_session, play_all, violation_of
from socketserver_reference.conformance.scenario.steps import Close, HalfClose, Quit, Say, join
from socketserver_reference.conformance.scenario.transcript import Did
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets.client import Client
from socketserver_reference.conformance.targets.launched import Launched
from tests.servers.dialect_echoes import DIALECTS
from tests.support.checking import BARE_PYTHON, bad
from tests.support.planted import Bug

TIMEOUT = 10.0


@pytest.mark.parametrize(
    ("absent", "known", "noted"),
    [(False, False, 1), (True, False, 0), (True, True, 1)],
    ids=["sent", "absent", "known"],
)
def test_a_server_is_said_to_flood_if_it_sends_too_much_or_fails_as_it_is_known_to(
    absent: bool, known: bool, noted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    floods: list[None] = []
    violation = VIOLATIONS["CHAT-10"]("this", "that", ())
    violation.absent = absent
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        monkeypatch.setattr(session.site, "note_flood", lambda: floods.append(None))
        session.masking.known.update(["CHAT-10"] if known else [])
        session.note_violation(violation)
    assert len(floods) == noted


@pytest.mark.parametrize(("known", "same"), [("CHAT-7", True), ("CHAT-12", False)])
def test_a_server_that_clients_harm_by_leaving_is_replaced_before_every_scenario(known: str, same: bool) -> None:
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.play(*join("ann"), about="CHAT-2")
        session.masking.known.add(known)
        before = session.address
        session.play(*join("ann"), about="CHAT-2")
        assert (session.address == before) == same


def test_a_check_gets_more_time_only_once_a_violation_by_leaving_is_confirmed() -> None:
    """A replay that confirms it may tell that it is a limit of the server instead."""
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.keep(Budget(60.0, fixed=False))
        session.masking.known.add("CHAT-11")
        session.renew("CHAT-11")
        assert session.remarks == []
        ScenarioRunner(session, "CHAT-2")(*join("ann"))
        assert ["clients that leave harm the server" in one for one in session.remarks] == [True]


def test_that_a_server_limits_its_clients_is_told_once() -> None:
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.serve_afresh("20 clients within 0.1 s")
        session.serve_afresh("20 clients within 0.2 s")
        assert len(session.remarks) == 1


@pytest.fixture
def endless() -> Iterator[Session]:
    """A session with a chat that never ends the streams of clients that have left, and is known for it."""
    with closing(open_session("chat", Launched(bad("never-hangs-up")), TIMEOUT)) as session:
        session.healthy = True
        session.masking.known.add("CHAT-10")
        yield session


def test_no_scenario_waits_in_the_end_for_streams_that_are_known_not_to_end(
    endless: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(Client, "leave", lambda _, timeout: waits.append(timeout))
    played = endless.play(*join("ann", "ben"), Say("ann", b"hello"), about="CHAT-2")
    assert not any(isinstance(entry, Did) and entry.step.leaves for entry in played.entries)
    assert waits
    assert max(waits) == LAST_READ_TIMEOUT


def test_a_client_that_closes_does_not_wait_long_for_an_end_that_is_known_not_to_come(
    endless: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(Client, "leave", lambda _, timeout: waits.append(timeout))
    with contextlib.suppress(Violation):
        endless.play(*join("ann", "ben"), Close("ben"), Say("ann", b"still here"), about="CHAT-11")
    assert waits[0] == OPEN_STREAM_TIMEOUT


def test_a_client_that_closes_shows_what_leaving_does_to_others_where_no_stream_ends(endless: Session) -> None:
    with pytest.raises(VIOLATIONS["CHAT-10"]) as caught:
        endless.play(*join("ann", "ben"), HalfClose("ben"), Say("ann", b"still here"), about="CHAT-11")
    assert caught.value.spares


def test_so_does_one_that_would_quit_where_there_is_no_word_for_it() -> None:
    wordless = replace(NOTE, quit=b"")
    assert not any(one.present([Quit("ben")], wordless) for one in TRIGGERS["CHAT-7"])
    before = [*join("ann", "ben"), Quit("ben"), Say("ann", b"still here")]
    after = letting_go(before, wordless)
    assert after == [Close("ben") if isinstance(step, Quit) else step for step in before]
    assert still_decides("CHAT-11", before, after, wordless)
    assert letting_go(before, NOTE) == before


@pytest.mark.slow
def test_an_echo_that_stops_at_the_end_of_a_stream_harms_others_when_clients_close() -> None:
    echo = Launched(f"{BARE_PYTHON} -m tests.servers.stuck_echo {{port}}")
    told: dict[str, set[str]] = {}
    with closing(open_session("echo", echo, 0.5, DIALECTS["everything"])) as session:
        for clause in ("ECHO-3", "ECHO-7"):
            shown = [violation_of(outcome) for outcome in play_all(session, "echo", clause)]
            told[clause] = {violation.clause_id for violation in shown if violation}
    assert told == {"ECHO-3": {"ECHO-3"}, "ECHO-7": {"ECHO-7"}}
