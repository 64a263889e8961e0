"""What is missing because a client left before counts against the clause about leaving."""

import math
import socket
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest

from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.confirm import confirmer
from socketserver_reference.conformance.confirm.cause import cause_before, cause_of, is_doubtful
from socketserver_reference.conformance.confirm.confirmer import Confirmer, Effort
from socketserver_reference.conformance.confirm.replay import Exchange
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.loader import bundled
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.scene import Scene
from socketserver_reference.conformance.scenario.steps import (
    Approach,
    Connect,
    HalfClose,
    Reset,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    join,
)
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Shape
from tests.support.confirming import checked, violation
from tests.support.dialects import dialect_files
from tests.support.planted import Bug

UNUSUAL = Say("ann", b"  kept  ")


class Avenges(ChatHandler):
    """Ends the connection of whoever says the third utterance after somebody has left."""

    def handle(self) -> None:
        super().handle()
        vars(self.server)["since"] = 0

    def deliver(self, chunk: bytes) -> None:
        memory = vars(self.server)
        super().deliver(chunk)
        if "since" in memory:
            memory["since"] += 1
            if memory["since"] == 3:
                self.request.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(("often", "replays", "cause"), [(3, 3, "CHAT-11"), (3, 2, "CHAT-2"), (2, 3, "CHAT-2")])
def test_what_shows_at_times_alone_counts_against_no_other_clause(
    often: int, replays: int, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the three replays without the leaving so many do not show it, after it has shown so often in three."""
    found = VIOLATIONS["CHAT-2"]("", "", ())
    found.shape = "missing"
    seen = iter([*([None] * replays), *([found] * 3)])
    monkeypatch.setattr(confirmer, "play_again", lambda *_: next(seen))
    session: Any = SimpleNamespace(dialect=NOTE, brief_timeout=1.0)
    steps: list[Step] = [*join("ann", "ben"), HalfClose("ben"), Say("ann", b"1")]
    one = Confirmer(session, Effort())
    one._until = -math.inf  # the time for violations is over, and it would be told on the wrong clause
    exchange = Exchange([Scene(steps)], found, shown=often, of=3, last=found)
    assert one._attributed(exchange).told.clause_id == cause


@pytest.mark.parametrize(
    ("clause", "shape", "often", "cause"),
    [
        ("CHAT-9", "missing", 3, "CHAT-11"),
        ("CHAT-2", "early end", 3, "CHAT-11"),
        ("CHAT-2", "missing", 3, "CHAT-2"),
        ("ECHO-8", "missing", 2, "ECHO-7"),
        ("ECHO-8", "missing", 1, "ECHO-8"),
    ],
)
def test_what_shows_only_after_other_scenarios_is_the_work_of_those_who_left(
    clause: str, shape: Shape, often: int, cause: str
) -> None:
    found = VIOLATIONS[clause]("", "", ())
    found.shape = shape
    one = Confirmer(cast(Any, SimpleNamespace(masking=SimpleNamespace(known=set()))), Effort())
    one._until = -math.inf  # it needs no time
    scenes = [Scene([*join("ann")]), Scene([*join("ben")])]
    assert one._attributed(Exchange(scenes, found, shown=often, of=3, last=found)).told.clause_id == cause


def test_without_time_to_ask_what_it_depends_on_a_violation_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = VIOLATIONS["CHAT-2"]("", "", ())
    found.shape = "missing"
    monkeypatch.setattr(confirmer, "play_again", Mock(side_effect=NotChecked("no time is left")))
    one = Confirmer(cast(Any, SimpleNamespace(dialect=NOTE, brief_timeout=1.0)), Effort())
    one._until = math.inf
    exchange = Exchange([Scene([*join("ann", "ben"), HalfClose("ben"), Say("ann", b"1")])], found, 3, 3, found)
    assert one._attributed(exchange).told.clause_id == "CHAT-2"


def test_what_does_not_happen_unless_somebody_left_counts_against_that() -> None:
    with checked(Bug("chat", Avenges)) as session:
        steps = (*join("ann", "ben"), HalfClose("ben"), Say("ann", b"1"), Say("ann", b"2"), UNUSUAL)
        found = violation(session, "CHAT-3", *steps)
        assert found.clause_id == "CHAT-11"
        assert session.masking.known == {"CHAT-11"}
    assert found.confirmation == "shown 3 of 3 times on fresh servers"


@pytest.mark.parametrize(
    ("clients", "seats", "ended", "cause"),
    [
        (20, 15, False, "CHAT-17"),
        (20, 15, True, "CHAT-13"),
        (20, 99, False, "CHAT-13"),
        (5, 6, False, "CHAT-17"),
        (1, 2, False, "CHAT-13"),
    ],
)
def test_a_client_for_whom_there_is_no_seat_is_refused_whatever_others_say(
    clients: int, seats: int, ended: bool, cause: str
) -> None:
    found = VIOLATIONS["CHAT-13"]("", "", ())
    found.shape, found.server_ended = "refused", ended
    guests = [step for count in range(clients) for step in (Send("ann", b"hm"), Connect(f"guest{count}"))]

    def shows(others: Sequence[Step]) -> bool:
        return any(not step.comes for step in others) or len(others) > seats

    assert cause_of(found, [*join("ann", "ben"), *guests], NOTE, shows) == cause


@pytest.mark.parametrize(
    ("clients", "most", "ended", "cause"),
    [
        (10, 8, True, "CHAT-17"),
        (10, 8, False, "CHAT-2"),
        (10, 12, True, "CHAT-2"),  # it ends of something else
        (10, 2, True, "CHAT-2"),  # whatever clients do ends it
        (3, 2, True, "CHAT-2"),
    ],
)
def test_a_server_that_ends_of_the_number_of_its_clients_does_not_end_of_what_they_say(
    clients: int, most: int, ended: bool, cause: str
) -> None:
    found = VIOLATIONS["CHAT-2"]("", "", ())
    found.shape, found.server_ended = "duplicated", ended
    assert is_doubtful(found) is ended
    gone: list[Step] = [*join("early"), HalfClose("early")]  # it was not there at the same time
    steps = [*gone, *join(*(f"cal{count}" for count in range(clients))), UNUSUAL]

    def shows(others: Sequence[Step]) -> bool:
        return sum(step.comes for step in others) > most or UNUSUAL in others

    assert cause_of(found, steps, NOTE, shows) == cause


@pytest.mark.parametrize(("seats", "cause"), [(5, "CHAT-17"), (9, "CHAT-9")])
def test_a_silent_client_takes_a_seat_as_a_member_does(seats: int, cause: str) -> None:
    found = VIOLATIONS["CHAT-9"]("", "", ())
    found.shape = "refused"
    silent = [step for count in range(2) for step in (Approach(f"silent{count}"), *join(f"cal{count}"))]

    def shows(others: Sequence[Step]) -> bool:
        return any(isinstance(step, Approach) for step in others) or sum(step.comes for step in others) > seats

    assert cause_of(found, [*join("ann", "ben"), *silent], NOTE, shows) == cause


@pytest.mark.parametrize(
    ("needed", "steps", "cause"),
    [
        ("leaving", [HalfClose("ben"), UNUSUAL], "CHAT-11"),
        ("a reset", [Reset("ben"), UNUSUAL], "CHAT-12"),
        ("leaving", [Reset("ben"), UNUSUAL], "CHAT-3"),  # it cannot be taken out: its client half-closes instead
        ("both", [HalfClose("ben"), UNUSUAL], "CHAT-3"),
        ("nothing", [HalfClose("ben"), UNUSUAL], "CHAT-3"),
        ("nothing", [UNUSUAL], "CHAT-3"),
    ],
)
def test_the_own_clause_is_told_unless_it_shows_without_it_and_not_without_a_departure(
    needed: str, steps: Sequence[Step], cause: str
) -> None:
    def shows(others: Sequence[Step]) -> bool:
        leaves, resets = any(step.leaves for step in others), any(isinstance(step, Reset) for step in others)
        return {
            "leaving": leaves,
            "a reset": resets,
            "both": leaves and UNUSUAL in others,
            "nothing": True,
        }[needed]

    found = VIOLATIONS["CHAT-3"]("", "", ())
    assert cause_of(found, [*join("ann", "ben"), *steps], NOTE, shows) == cause


@pytest.mark.parametrize(
    ("needed", "speaks", "cause"),
    [
        ("coming", Send("ann", b"1"), "CHAT-13"),
        ("a reset", Send("ann", b"1"), "CHAT-12"),
        ("coming", Say("ann", b"1"), "CHAT-12"),  # nobody comes while others speak
    ],
)
def test_harm_by_those_who_come_while_others_speak_is_not_put_down_to_those_who_go(
    needed: str, speaks: Step, cause: str
) -> None:
    def shows(others: Sequence[Step]) -> bool:
        return needed == "coming" or any(isinstance(step, Reset) for step in others)

    found = VIOLATIONS["CHAT-12"]("", "", ())
    found.shape = "refused"
    steps = [*join("ann"), speaks, Connect("ben"), Reset("ben"), Connect("cal")]
    assert is_doubtful(found)
    assert cause_of(found, steps, NOTE, shows) == cause


@pytest.mark.parametrize(
    ("needed", "always", "cause"),
    [
        ("coming", True, "CHAT-13"),
        ("coming", False, "CHAT-13"),
        ("a slow reader", True, "CHAT-15"),
        ("a slow reader", False, "CHAT-15"),
        ("leaving", True, "CHAT-11"),
    ],
)
def test_harm_by_those_who_come_while_much_is_said_is_not_put_down_to_those_who_do_not_read(
    needed: str, always: bool, cause: str
) -> None:
    def shows(others: Sequence[Step]) -> bool:
        leaves, stalls = any(step.leaves for step in others), any(isinstance(step, Stall) for step in others)
        return {"coming": True, "a slow reader": stalls, "leaving": leaves}[needed]

    found = VIOLATIONS["CHAT-15"]("", "", ())
    found.shape = "early end"
    steps = [*join("ann", "ben", "cal"), Stall("ben"), Send("ann", b"1"), Settle(), Connect("dan"), HalfClose("cal")]
    assert is_doubtful(found)
    assert cause_of(found, steps, NOTE, shows, always=always) == cause


def test_what_does_not_always_show_is_put_down_to_nothing_for_not_showing() -> None:
    found = VIOLATIONS["CHAT-2"]("", "", ())
    steps: list[Step] = [*join("ann", "ben"), HalfClose("ben"), Say("ann", b"1")]
    causes = [cause_of(found, steps, NOTE, lambda _: False, always=always) for always in (True, False)]
    assert causes == ["CHAT-11", "CHAT-2"]


@pytest.mark.parametrize(("hurried", "cause"), [(True, "ECHO-6"), (False, "ECHO-2")])
def test_a_reply_lost_by_a_half_close_straight_after_its_request_is_not_put_down_to_its_bytes(
    hurried: bool, cause: str
) -> None:
    def shows(others: Sequence[Step]) -> bool:
        return not hurried or any(isinstance(step, HalfClose) for step in others)

    found = VIOLATIONS["ECHO-2"]("", "", ())
    assert cause_of(found, [Connect("ann"), Send("ann", b"\0"), HalfClose("ann")], NOTE, shows) == cause


@pytest.mark.parametrize(("waits", "cause"), [(True, "ECHO-8"), (False, "ECHO-2")])
def test_a_reply_that_waits_for_a_silent_client_is_not_put_down_to_its_bytes(waits: bool, cause: str) -> None:
    def shows(others: Sequence[Step]) -> bool:
        return not waits or any(step.comes and "silent" in step.clients for step in others)

    found = VIOLATIONS["ECHO-2"]("", "", ())
    assert cause_of(found, [Connect("silent"), Connect("ann"), Say("ann", b"\0")], NOTE, shows) == cause


@pytest.mark.parametrize(("waits", "cause"), [(True, "ECHO-8"), (False, "ECHO-2")])
def test_a_reply_that_waits_for_a_client_to_leave_that_was_answered_is_not_either(waits: bool, cause: str) -> None:
    def shows(others: Sequence[Step]) -> bool:
        return not waits or not any(isinstance(step, HalfClose) for step in others)

    found = VIOLATIONS["ECHO-2"]("", "", ())
    steps: list[Step] = [Connect("ann"), Connect("ben"), Say("ann", b"a"), Say("ben", b"b")]
    assert cause_of(found, steps, bundled()["rfc862"], shows) == cause
    assert cause_of(found, steps, NOTE, shows) == "ECHO-2"  # its server has ended ann's stream


@pytest.mark.parametrize(
    ("clause", "shape", "doubtful"),
    [("CHAT-3", "early end", True), ("CHAT-3", "altered", False), ("CHAT-10", "early end", False)],
)
def test_a_clause_about_leaving_and_what_comes_altered_are_never_doubtful(
    clause: str, shape: Shape, doubtful: bool
) -> None:
    found = VIOLATIONS[clause]("", "", ())
    found.shape = shape
    assert is_doubtful(found) is doubtful


@pytest.mark.parametrize(
    ("own", "shape", "cause"),
    [
        ("ECHO-2", "missing", "ECHO-7"),
        ("ECHO-8", "refused", "ECHO-7"),
        ("CHAT-9", "missing", "CHAT-11"),
        ("CHAT-2", "early end", "CHAT-11"),
        ("CHAT-2", "missing", "CHAT-2"),
        ("CHAT-13", "missing", "CHAT-13"),
    ],
)
def test_what_shows_only_after_clients_of_earlier_scenarios_is_put_down_to_their_leaving(
    own: str, shape: Shape, cause: str
) -> None:
    found = VIOLATIONS[own]("something", "something else", [])
    found.shape = shape
    assert cause_before(found) == cause


@pytest.mark.parametrize(("own", "cause"), [("CHAT-2", "CHAT-12"), ("CHAT-10", "CHAT-10"), ("ECHO-2", "ECHO-7")])
def test_where_those_who_leave_are_known_to_do_harm_it_is_theirs_what_shows_only_after_them(
    own: str, cause: str
) -> None:
    found = VIOLATIONS[own]("", "", ())
    found.shape = "missing"
    assert cause_before(found, {"CHAT-15", "CHAT-12"}) == cause


@pytest.mark.parametrize(
    ("died", "of", "cause"),
    [(True, b"", "UDP-3"), (True, b"a" * 9000, "UDP-4"), (True, b"hello", "UDP-1"), (False, b"", "UDP-1")],
)
def test_the_end_of_a_server_that_shows_later_is_put_down_to_the_datagram_of_which_it_died(
    died: bool, of: bytes, cause: str
) -> None:
    def shows(others: Sequence[Step]) -> bool:
        return Say("ann", of) in others

    found = VIOLATIONS["UDP-1"]("", "", ())
    found.shape, found.server_ended = "missing", died
    steps: list[Step] = [Connect("ann"), Say("ann", of), Say("ann", b"hello")]
    assert cause_of(found, steps, dialect_files.echo(protocol="datagram"), shows) == cause
