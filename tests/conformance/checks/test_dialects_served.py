"""Servers that speak a dialect, on real sockets: every clause holds or says nothing, and each can be seen broken.

What takes long for its size (a flood of six megabytes, two hundred members) is said once, in one dialect.
"""

import re
from dataclasses import replace
from itertools import cycle

import pytest

from socketserver_reference.conformance.checks import chat_hardened
from socketserver_reference.conformance.checks.chat import ChatConformance
from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.oracles.measured import exhaustion, growth, port_reuse
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.runner.direct import CheckResult, open_session, outcomes
from tests.servers.dialect_bugs import BUGS
from tests.servers.dialects_served import DIALECTS, served
from tests.support.dialects.drawn_dialects import drawn_by_seed

TIMEOUT = 5.0

LEFT_OUT = (
    "the dialect has no (handshake|frames)|in the dialect the server may take|no mark tells|nobody is silent for long"
)
"""Beginnings of the reasons why a check, of several for its clause, does not apply."""

LONG = ("CHAT-12", "CHAT-13", "CHAT-15", "CHAT-16", "CHAT-17", "CHAT-18", "CHAT-19", "CHAT-20", "CHAT-21", "CHAT-22")
"""Clauses whose checks take most of the time."""


@pytest.fixture(autouse=True)
def _less(monkeypatch: pytest.MonkeyPatch) -> None:
    """These servers keep little for a member that does not read, so that a little fills it; few clients show growth."""
    monkeypatch.setattr(chat_hardened, "FLOOD_BYTES", 512 * 1024)
    monkeypatch.setattr(growth, "ROUNDS", (1, 1, 2))
    monkeypatch.setattr(growth, "RELEASE_TIMEOUT", 0.1)


def clauses_that(outcomes: list[CheckResult], kind: type[BaseException] | None) -> set[str]:
    return {clause for clause, _, raised in outcomes if type(raised) is (kind or type(None))}


@pytest.mark.sweep
@pytest.mark.parametrize(
    "name",
    DIALECTS,
)
def test_a_server_that_speaks_its_dialect_keeps_every_clause_that_says_something(name: str) -> None:
    dialect = DIALECTS[name]
    seen: list[CheckResult] = []
    for clause in {clause for clause, _ in direct.checks(ChatConformance)}:
        if name == "named" or clause not in LONG:
            seen += outcomes("chat", served(dialect), TIMEOUT, clause, dialect)
    seen = [outcome for outcome in seen if not re.match(LEFT_OUT, str(outcome[2]))]
    seen = [outcome for outcome in seen if str(outcome[2]) not in (exhaustion.UNSEEN, port_reuse.UNSEEN)]
    told = {clause: str(raised) for clause, _, raised in seen if raised is not None}
    assert told == {clause: why for clause, why in effects.not_applicable(dialect).items() if clause in told}
    assert set(told) == clauses_that(seen, NotApplicable)
    assert clauses_that(seen, None) | set(told) >= {clause for clause, _ in direct.checks(ChatConformance)} - {*LONG}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prompting", "chunks"])
def test_exploring_a_server_that_speaks_its_dialect_finds_nothing(name: str) -> None:
    dialect, record = DIALECTS[name], Record(("CHAT",))
    session = open_session("chat", served(dialect), TIMEOUT, dialect)
    try:
        explore(session, record, "chat", "basic", examples=3, with_seed=1)
        explore(session, record, "chat", "hardened", examples=3, with_seed=1)
    finally:
        session.close()
    assert len(record.explored) == 2
    assert not any("broken" in line for line in record.explored)


TRIED_IN = {
    "Greets": ["named", "lengths"],
    "LeavesOneOut": ["chunks", "json", "objects", "binary", "small"],
    "TakesZeroForNothing": ["named", "chunks"],
    "Shouts": ["json", "fixed", "unmarked", "recv"],
    "Repeats": ["objects", "prompting", "unmarked", "two ends"],
    "RepeatsLater": ["two ends"],
    "TurnsRound": ["timed", "named", "small"],
    "DropsLongUtterances": ["named", "prompting"],
    "CutsShort": ["timed", "prompting", "lengths", "binary"],
    "TellsTheOthers": ["prompting", "unmarked"],
    "Stays": ["named", "two ends", "recv"],
    "QuitsAtAnyMention": ["named", "recv"],
    "WaitsForAWord": ["named", "fixed"],
    "LosesLastWords": ["named", "lengths"],
    "TakesAnotherAlong": ["chunks"],
    "PanicsAtAReset": ["lengths"],
    "HasNoOneOrder": ["chunks", "json"],
    "SendsInPieces": ["prompting", "json", "timed"],
    "Waits": ["named"],
    "IsImpatient": ["lengths"],
    "SendsInTwo": ["fixed", "small"],
    "IsFull": ["fixed"],
    "KeepsAThread": ["named", "unmarked"],
    "AsksOneAfterAnother": ["named"],
    "KeepsTheNameless": ["named"],
    "LeavesByName": ["named"],
    "ReplacesByName": ["named"],
    "LosesWhatFollowsTheName": ["named"],
    "TakesWhatFollowsForTheName": ["named"],
    "TakesEachRecvForAnUtterance": ["named", "binary"],
    "DropsTheSecondOfTwo": ["named", "binary", "chunks"],
    "ReadsLengthsAtOnce": ["binary"],
    "WaitsForTheRest": ["named", "binary", "fixed"],
    "FailsOverAnUnfinishedFrame": ["prompting", "binary", "fixed"],
    "PanicsAtAResetBeforeTheName": ["named"],
}
"""Bug -> dialects in which it is tried here; a clause that says something in one is broken in another just so. All but
the first are for `make sweep`.
"""


SAYS_MUCH = ("IsImpatient", "SendsInPieces", "Waits")
"""Bugs that only much can show."""


def test_every_bug_is_tried() -> None:
    assert set(TRIED_IN) == set(BUGS)


@pytest.mark.parametrize(
    ("bug", "name"),
    [
        pytest.param(bug, name, marks=[pytest.mark.sweep] if bug in SAYS_MUCH or name != names[0] else [])
        for bug, names in TRIED_IN.items()
        for name in names
    ],
)
def test_each_clause_can_be_seen_broken_and_nothing_else_is_blamed(bug: str, name: str) -> None:
    dialect, clause = DIALECTS[name], BUGS[bug].breaks
    assert clause not in effects.not_applicable(dialect)
    seen = {
        violation.clause_id
        for outcome in outcomes("chat", served(dialect, BUGS[bug]), 1.0, clause, dialect)
        if (violation := direct.violation_of(outcome))
    }
    assert seen == {clause}


SHOWN_EVERYWHERE = ("LeavesOneOut", "PanicsAtAReset", "Repeats", "Shouts", "TakesAnotherAlong", "TurnsRound")
"""Bugs that every dialect can show; others need a handshake, a length, a long utterance."""


@pytest.mark.parametrize(
    ("seed", "bug"),
    [
        *((seed, SHOWN_EVERYWHERE[seed % len(SHOWN_EVERYWHERE)]) for seed in range(2000, 2003)),
        *(pytest.param(*each, marks=pytest.mark.sweep) for each in zip(range(2003, 2100), cycle(sorted(BUGS)))),
    ],
)
def test_in_a_drawn_dialect_a_bug_is_seen_and_no_other_clause_is_blamed(seed: int, bug: str) -> None:
    """Where nothing marks the end of a delivery, or a prompt looks like its beginning, it may look like another bug."""
    dialect, clause = drawn_by_seed(seed), BUGS[bug].breaks
    if dialect.framing_out.kind == "none" or any(dialect.template.head == one.head for one in dialect.prompts):
        dialect = replace(dialect, framing_out=dialect.framing_in, prompts=())
    if clause in effects.not_applicable(dialect) or (bug == "ReadsLengthsAtOnce") > (
        dialect.framing_in.kind == "length"
    ):
        return
    seen = {
        violation.clause_id
        for outcome in outcomes("chat", served(dialect, BUGS[bug]), 1.0, clause, dialect)
        if (violation := direct.violation_of(outcome))
    }
    assert seen <= {clause}
    assert seen or bug not in SHOWN_EVERYWHERE
