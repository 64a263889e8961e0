"""The attacks on a handshake, on servers that ask for more than a name, or for nothing."""

from contextlib import closing, suppress
from dataclasses import replace

import pytest

from socketserver_reference.clauses import Profile
from socketserver_reference.conformance.checks.chat_handshake import HandshakeChat, RudeHandshakeChat, stages
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.loader import bundled, read
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner.direct import open_session, play_all, violations_of
from socketserver_reference.conformance.scenario.violation import Violation
from tests.servers.dialect_bugs import (
    KeepsTheNameless,
    PanicsAtAReset,
    PanicsAtAResetBeforeTheName,
)
from tests.servers.dialects_served import DIALECTS, Speaker, served
from tests.servers.name_bugs import (
    AsksOneAfterAnother,
    LeavesByName,
    LosesWhatFollowsTheName,
    ReplacesByName,
    TakesWhatFollowsForTheName,
)
from tests.support.dialects.played_checks import TIMEOUT, assert_not_applicable, broken, checks_in

ASKING = read(
    """
    protocol = "chat"
    [framing]
    in = "line"
    [[handshake]]
    wait = "NICK\\n"
    send = "{name}\\n"
    [[handshake]]
    wait = "ROOM\\n"
    send = "main\\n"
    [delivery]
    template = "{sender}: {body}"
    [quit]
    word = ""
    """,
    "asking",
    "asking",
)

ATTACKS = checks_in(HandshakeChat, RudeHandshakeChat)
TOGETHER = [one for one in ATTACKS if "one_segment" in one[1]]
"""The checks that need an answer whose end is marked."""


@pytest.mark.parametrize("dialect", [ASKING, bundled()["trio-chat"], bundled()["node-chat"]], ids=lambda one: one.name)
def test_a_sound_server_survives_all_attacks_on_its_handshake(dialect: Dialect) -> None:
    assert len(ATTACKS) == 7
    assert broken([one for one in ATTACKS if dialect.answers_in_frames or one not in TOGETHER], dialect, Speaker) == []


ALSO: dict[type[Speaker], list[str]] = {KeepsTheNameless: ["CHAT-10", "CHAT-12"]}
"""Bug -> what it breaks besides, since clients leave in other ways, too."""


@pytest.mark.parametrize(
    "bug",
    [AsksOneAfterAnother, KeepsTheNameless, LeavesByName, LosesWhatFollowsTheName, PanicsAtAResetBeforeTheName],
)
def test_a_server_that_fails_in_its_handshake_breaks_the_clause_about_that(bug: type[Speaker]) -> None:
    assert {bug.breaks} <= set(broken(ATTACKS, ASKING, bug)) <= {bug.breaks, *ALSO.get(bug, ())}


def test_a_name_that_takes_in_what_follows_breaks_the_clause_about_several_utterances() -> None:
    notices = (Template("* {name} has come"), Template("* {name} has gone"))
    greeted = replace(ASKING, handshake=ASKING.handshake[:1], notices=notices)
    assert broken(ATTACKS, greeted, Speaker) == []
    assert set(broken(ATTACKS, greeted, TakesWhatFollowsForTheName)) == {"CHAT-6"}


class ReplacesByNameAndPanicsAtAReset(ReplacesByName, PanicsAtAReset):
    """A server with both bugs."""


def test_a_name_that_is_taken_hides_no_reset() -> None:
    with closing(open_session("chat", served(ASKING, ReplacesByNameAndPanicsAtAReset), TIMEOUT, ASKING)) as session:
        seen = [
            violation.clause_id
            for clause in ("CHAT-2", "CHAT-12")
            for outcome in play_all(session, "chat", clause)
            for violation in violations_of(outcome)
        ]
    assert set(seen) == {"CHAT-2", "CHAT-12"}


def test_without_a_handshake_there_is_nothing_to_attack() -> None:
    assert_not_applicable(ATTACKS, DIALECTS["fixed"], "the dialect has no handshake")


def test_where_nothing_marks_the_end_of_an_answer_words_do_not_come_with_it() -> None:
    unmarked = replace(ASKING, handshake=(HandshakeTurn(Template("NICK\n"), Template("{name}")),))
    for dialect in (bundled()["trio-chat"], unmarked):
        assert_not_applicable(TOGETHER, dialect, "no mark tells the last answer")
    delayed = replace(ASKING, limits=Limits(join_delay=0.1))
    assert_not_applicable(TOGETHER, delayed, "the server may take no words from one that has just come")


def test_clients_stop_before_each_answer_and_after_half_of_it_and_after_the_last() -> None:
    assert stages(ASKING) == [(0, False), (0, True), (1, False), (1, True), (2, False)]
    assert stages(NOTE) == [(0, False)]


def explored(bug: type[Speaker], dialect: Dialect, profile: Profile) -> list[str]:
    record = Record(("CHAT",))
    with closing(open_session("chat", served(dialect, bug), TIMEOUT, dialect)) as session, suppress(Violation):
        explore(session, record, "chat", profile, examples=6, with_seed=4)
    return record.broken


@pytest.mark.slow
def test_exploring_finds_what_fails_in_a_handshake_and_nothing_in_a_sound_one() -> None:
    assert explored(Speaker, ASKING, "hardened") == []
    assert "CHAT-9" in explored(AsksOneAfterAnother, ASKING, "basic")
