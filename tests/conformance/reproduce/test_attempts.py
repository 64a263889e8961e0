"""Which steps are tried as a script, and in which order."""

from contextlib import closing
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.reproduce import shrink, write
from socketserver_reference.conformance.reproduce.shrink import condensed
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Crowd, Reset, Say, Send, Settle, Stall, Step, join
from socketserver_reference.conformance.scenario.violation import Violation
from tests.servers.dialects_served import DIALECTS, served
from tests.support.planted import Bug, Planted
from tests.support.scripts import seen
from tests.support.troubled_targets import Meddling

KNOWN_BROKEN_TIMEOUT = 1.0
"""Seconds of silence that are enough where little is said."""


def tried(violation: Violation, target: Any, dialect: Dialect = NOTE) -> list[list[Step]]:
    """Return the steps that are tried as a script, the first first, where there is no time to make them shorter."""
    with closing(open_session("chat", target, KNOWN_BROKEN_TIMEOUT, dialect)) as session:
        found = list(write._scenarios(session, "chat", violation, until=0.0))
    assert all(shown is violation for shown, _ in found)
    return [steps for _, steps in found]


BURST: list[Step] = [*join("ann", "ben", "cal", "dan"), Send("ann", b"1"), Send("ben", b"2"), Settle()]


def test_what_asks_its_own_question_is_tried_as_it_is() -> None:
    crowd: list[Step] = [*join("ann"), Crowd(("ben", "cal"))]
    for clause, steps in (("CHAT-16", BURST), ("CHAT-17", crowd)):
        assert tried(seen(clause, *steps), Bug("chat").target()) == [steps]


def test_a_race_is_tried_by_its_last_burst_among_ever_fewer() -> None:
    assert tried(seen("CHAT-13", *BURST), Bug("chat").target()) == [
        condensed(BURST, 2),
        condensed(BURST, 1),
        BURST,
    ]
    dialect = DIALECTS["named"]  # whose speakers hear others alone
    assert tried(seen("CHAT-13", *BURST), served(dialect), dialect) == [condensed(BURST, 1), condensed(BURST, 0), BURST]


def test_what_is_held_back_is_tried_with_more_of_the_same() -> None:
    steps: list[Step] = [*join("ann", "ben"), Stall("ben"), Send("ann", b"x"), Settle()]
    assert tried(seen("CHAT-15", *steps), Bug("chat").target()) == [
        steps,
        [*steps, *(write.EXTRA_BURSTS * [Send("ann", b"x"), Settle()])],
    ]
    steps.append(Say("ann", b"y"))
    assert tried(seen("CHAT-15", *steps), Bug("chat").target()) == [steps]


def test_what_was_made_shorter_is_tried_before_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    long, short = seen("CHAT-2", *join("ann", "ben")), seen("CHAT-2", *join("ann"))
    monkeypatch.setattr(write, "shorten", lambda *_: short)
    with closing(open_session("chat", Bug("chat").target(), KNOWN_BROKEN_TIMEOUT)) as session:
        found = list(write._scenarios(session, "chat", long, until=0.0))
    assert found == [(short, join("ann")), (long, join("ann", "ben"))]


def test_steps_that_no_script_can_tell_are_of_no_use() -> None:
    untold: list[Step] = [*join("ann"), Send("ann", b"1"), Reset("ann")]
    with closing(open_session("chat", Bug("chat").target(), KNOWN_BROKEN_TIMEOUT)) as session:
        assert write._can_be_told(session, "chat", join("ann"))
        assert not write._can_be_told(session, "chat", untold)


def test_what_others_did_meanwhile_is_no_shorter_scenario() -> None:
    with closing(open_session("chat", Meddling(Bug("chat").target().make), KNOWN_BROKEN_TIMEOUT)) as session:
        found = seen("CHAT-2", *join("ann"))
        assert shrink.shows(session, [*join("ann"), Say("ann", b"x")], found) is None
        bug = Planted("delivers-to-the-sender-only").target()
    with closing(open_session("chat", Meddling(bug.make), KNOWN_BROKEN_TIMEOUT)) as session:
        session.prepare()
        assert shrink.shows(session, join("ann", "ben"), found) is None
