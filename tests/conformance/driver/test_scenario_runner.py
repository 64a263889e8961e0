"""What a scenario shows is confirmed; what the first conversation with the server shows does not stand in for it."""

import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver.masking import Masking
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Say, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Replays, Violation
from socketserver_reference.conformance.targets.external import Running
from tests.servers.dialect_servers import served
from tests.support.planted import Planted

TIMEOUT = 10.0


def shown(clause: str, *, again: bool = True) -> Violation:
    violation = VIOLATIONS[clause]("", "", ())
    violation.replays = Replays(int(again), 1)
    return violation


class FakeSession:
    """A session of which only the memory of violations is real."""

    address = None
    dialect = NOTE
    not_applicable = not_checked = staticmethod(lambda _: None)

    def __init__(self, *, healthy: bool = True) -> None:
        self.healthy = healthy
        self.masking = Masking(NOTE)

    def confirm(self, violation: Violation) -> Violation | None:
        return violation

    def acquit(self, violation: Violation) -> None:
        self.masking.known.discard(violation.clause_id)


def playing(*results: object, healthy: bool = True) -> Callable[[], object]:
    """Return a function that confirms what plays raise, one after the other, or returns what the last returns."""
    session: Any = FakeSession(healthy=healthy)
    left = iter(results)

    def play() -> object:
        result = next(left)
        if isinstance(result, Violation | NotChecked):
            seen = result if isinstance(result, Violation) else result.violation
            if seen is not None:
                session.masking.attributed(seen)
            raise result
        return result

    return lambda: ScenarioRunner(session, "CHAT-2")._confirmed(play)


def at_first(violation: Violation) -> NotChecked:
    return NotChecked("a fresh server breaks it in its first conversation", violation)


def test_a_scenario_is_played_after_the_first_conversation_showed_a_violation() -> None:
    first = shown("CHAT-10")
    with pytest.raises(VIOLATIONS["CHAT-10"]) as caught:
        playing(at_first(first), "played")()
    assert caught.value is first
    assert first.spares, "the scenario held"


@pytest.mark.parametrize("own", [shown("CHAT-3"), shown("CHAT-10"), shown("CHAT-3", again=False)])
def test_what_it_shows_itself_is_told_with_what_the_first_conversation_showed(own: Violation) -> None:
    first = shown("CHAT-10")
    with pytest.raises(type(own)) as caught:
        playing(at_first(first), own, "played")()
    assert caught.value is own
    assert own.before == (first,)


def test_where_nothing_else_can_be_checked_it_is_what_the_first_conversation_showed() -> None:
    first = shown("CHAT-10")
    with pytest.raises(VIOLATIONS["CHAT-10"]) as caught:
        playing(at_first(first), NotChecked("no time is left"))()
    assert (caught.value, first.spares) == (first, False)
    with pytest.raises(NotChecked) as not_checked:
        playing(at_first(first), healthy=False)()
    assert not_checked.value.violation is first


def test_what_shows_in_no_replay_is_told_if_the_scenario_shows_nothing_else() -> None:
    doubtful = shown("CHAT-3", again=False)
    with pytest.raises(VIOLATIONS["CHAT-3"]) as caught:
        playing(doubtful, "played")()
    assert caught.value is doubtful
    with pytest.raises(VIOLATIONS["CHAT-3"]):
        playing(doubtful, NotChecked("no time is left"))()
    with pytest.raises(NotChecked, match="something else each time"):
        playing(doubtful, shown("CHAT-4", again=False), shown("CHAT-5", again=False))()
    assert playing("played")() == "played"


def test_an_echo_that_nobody_can_restart_is_asked_without_the_client_that_it_answers_wrongly() -> None:
    """It says something to a client that has said nothing, and is checked for all else."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(connection.recv(1024).strip().upper() or b"well?")

    with (
        closing(served(answer).start(TIMEOUT)) as site,
        closing(open_session("echo", Running(site.address), TIMEOUT)) as session,
    ):
        assert ScenarioRunner(session, "ECHO-2")(Connect("ann"), Say("ann", b"hello"))
        with pytest.raises(VIOLATIONS["ECHO-1"]):
            ScenarioRunner(session, "ECHO-1")(Connect("ann"), HalfClose("ann"))


def test_a_server_that_resets_those_who_leave_is_asked_for_all_else_at_once() -> None:
    with closing(open_session("chat", Planted("resets-who-leaves").target(), TIMEOUT)) as session:
        with pytest.raises(VIOLATIONS["CHAT-10"]) as caught:
            ScenarioRunner(session, "CHAT-2")(*join("ann", "ben"), Say("ann", b"hello"), Say("ben", b"hi"))
        assert caught.value.spares
