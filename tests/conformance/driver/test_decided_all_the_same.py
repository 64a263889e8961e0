"""What a known broken clause would hide is decided in another way: what slow readers are sent, what several say, and
all where something comes that no member said.
"""

import itertools
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.conformance.checks import chat_basic, chat_hardened
from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.driver import rewritings
from socketserver_reference.conformance.driver.conditions import long_utterance, several_under_way
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import open_session, outcomes, play_all, violations_of
from socketserver_reference.conformance.scenario.steps import Connect, Dawdle, Say, Send, Settle, Stall, Step, join
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.echo import DISCONNECT_ERRORS
from tests.servers.dialect_bugs import LosesLastWords, PanicsAtAReset, Waits
from tests.servers.dialects_served import DIALECTS, Speaker, served
from tests.support.dialects.played_checks import broken, checks_in, undecided
from tests.support.scripts import BRIEF_TIMEOUT, play, reproduce

TIMEOUT = 5.0

NAMED = replace(DIALECTS["named"], handshake=(), notices=(), to_sender="same")


@pytest.fixture(autouse=True)
def _less(monkeypatch: pytest.MonkeyPatch) -> None:
    """These servers keep little for a member that does not read, so that a little fills it."""
    monkeypatch.setattr(chat_hardened, "FLOOD_BYTES", 512 * 1024)


class WaitsAndTears(Waits):
    """Waits for those who do not read, and tears what it delivers to a member once it has delivered much."""

    def write(self, member: Any, data: bytes) -> None:
        self.written_so_far = getattr(self, "written_so_far", 0) + len(data)
        super().write(member, data[: len(data) // 2] + data if self.written_so_far > 900_000 else data)


class HasNoOneOrder(Speaker):
    """Delivers what two say at once to its members from both ends."""

    def deliver(self, chunk: bytes) -> None:
        for member in sorted(self.server.members, key=id, reverse=b"b0" in chunk):
            with self.server.lock:
                self.deliver_to(member, self.written(member, self.body(chunk)))
            time.sleep(0.0002)


class MixesThem(HasNoOneOrder):
    """Says the beginning of one delivery within another, besides."""

    def written(self, member: object, body: bytes) -> bytes:
        written = super().written(member, body)
        return written[:40] + written[:9] + written[40:] if b"b00001" in body else written


def told(dialect: Dialect, bug: type[Speaker], scenario: str) -> Violation:
    """Return what a scenario about CHAT-14 shows."""
    found = [
        raised
        for _, name, raised in outcomes("chat", served(dialect, bug), TIMEOUT, "CHAT-14", dialect)
        if name == scenario
    ]
    (violation,) = found
    assert isinstance(violation, Violation)
    return violation


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "clause"), [(Waits, "CHAT-15"), (WaitsAndTears, "CHAT-14")])
def test_what_a_slow_reader_is_sent_is_judged_though_the_server_waits_for_it(bug: type[Speaker], clause: str) -> None:
    violation = told(NAMED, bug, "test_a_delivery_to_a_slow_reader_is_whole")
    assert violation.clause_id == clause
    assert violation.spares == (clause == "CHAT-15"), "CHAT-14 is not decided"
    assert [one.clause_id for one in violation.before] == ["CHAT-15"] * (clause == "CHAT-14")


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "clause"), [(HasNoOneOrder, "CHAT-13"), (MixesThem, "CHAT-14")])
def test_whether_deliveries_are_mixed_is_judged_though_members_hear_two_orders(bug: type[Speaker], clause: str) -> None:
    violation = told(NAMED, bug, "test_deliveries_of_two_long_speakers_are_not_mixed")
    assert violation.clause_id == clause
    assert violation.spares == (clause == "CHAT-13"), "CHAT-14 is not decided"


SPEAKING: list[Step] = [Send("ann", b"1"), Send("ben", b"2")]


def test_one_of_those_who_hear_the_same_reads() -> None:
    here = join("ann", "ben", "cal")
    alike, without = replace(NAMED, to_sender="same"), replace(NAMED, to_sender="nothing")
    found = rewritings.one_listener([*here, *SPEAKING], alike)
    assert found[:10] == [*here, Stall("ann"), Stall("ben"), *SPEAKING]
    briefly = found[10 : 11 + 2 * rewritings.SHORT_ROUNDS_AT_ONCE]
    assert (briefly[0], briefly[-2], briefly[-1]) == (Send("ann", b"a0 "), Send("ben", b"b9 "), Settle())
    assert rewritings.one_listener([*here, *SPEAKING], without)[6:9] == [Stall("ann"), Stall("ben"), Stall("cal")]


def test_where_some_come_meanwhile_all_read() -> None:
    steps = [*join("ann", "ben"), *SPEAKING, Connect("cal")]
    assert rewritings.one_listener(steps, NAMED) == steps


def test_a_slow_reader_gives_way() -> None:
    assert rewritings.giving_way([Stall("ann"), Send("ben", b"1")], NAMED) == [Dawdle("ann"), Send("ben", b"1")]
    assert str(Dawdle("ann")) == "ann reads only when others wait"


# What no member said is told once, and passes then, as a notice does


class SaysThatNothingCame(Speaker):
    """Delivers what it has of a client that has left: nothing, in the words of its language."""

    def finish(self) -> None:
        self.deliver(self.nothing())
        super().finish()

    def nothing(self) -> bytes:
        return b"null"


class NeverSaysTheSame(SaysThatNothingCame):
    numbers = itertools.count()

    def nothing(self) -> bytes:
        number = next(self.numbers)
        return bytes(97 + number // power % 26 for power in (26, 1))


def session_with(*bugs: type[Speaker]) -> Session:
    """Return a session with a chat that has these bugs, which is known to break CHAT-4 and nothing else."""
    session = open_session("chat", served(NAMED, type("Both", bugs, {})), TIMEOUT, NAMED)
    seen = [one.clause_id for outcome in play_all(session, "chat", "CHAT-4") for one in violations_of(outcome)]
    assert {*seen} == {"CHAT-4"}
    return session


def broken_in(session: Session, clause: str) -> set[str]:
    """Return what is broken in the scenarios about a clause, and whether that hides the clause."""
    found: set[str] = set()
    for outcome in play_all(session, "chat", clause):
        found.update(one.clause_id for one in violations_of(outcome))
        hidden = [one for one in violations_of(outcome)[-1:] if one.clause_id != clause and not one.spares]
        found.update(["not checked"] if hidden or isinstance(outcome[2], NotChecked) else [])
    return found


@pytest.mark.parametrize(
    ("clause", "bugs", "found"),
    [
        ("CHAT-10", [], set()),
        ("CHAT-10", [LosesLastWords], {"CHAT-10"}),
        ("CHAT-12", [PanicsAtAReset], {"CHAT-12"}),
    ],
)
def test_what_no_member_said_hides_nothing(clause: str, bugs: list[type[Speaker]], found: set[str]) -> None:
    with closing(session_with(SaysThatNothingCame, *bugs)) as session:
        assert broken_in(session, clause) - {"CHAT-4"} == found
        assert broken_in(session, "CHAT-4") == {"CHAT-4"}  # there, it does not pass
        remark = "b'{any}: null' breaks CHAT-4; to see what else is wrong, it passes elsewhere"
        assert session.remarks.count(remark) == 1


def test_a_script_about_another_clause_lets_it_pass(tmp_path: Path) -> None:
    with closing(session_with(SaysThatNothingCame, LosesLastWords)) as session:
        script = reproduce(session, "chat", "CHAT-10", tmp_path)
        assert script.remark == "it shows"
    with closing(session_with(SaysThatNothingCame)) as session:
        assert script.file is not None
        assert play(script.file, session.address.host, session.address.port, timeout=BRIEF_TIMEOUT)[0] == 0


def test_a_server_that_says_ever_new_things_has_no_pattern() -> None:
    with closing(session_with(NeverSaysTheSame)) as session:
        assert "not checked" in broken_in(session, "CHAT-10")
        assert len(session.judged_by(None).notices) == 8


class KeepsGhosts(Speaker):
    """Keeps those who have left: a later delivery fails on the first of them, and reaches nobody."""

    def deliver(self, chunk: bytes) -> None:
        if "ghosts" not in vars(self.server):
            super().deliver(chunk)

    def finish(self) -> None:
        super().finish()
        vars(self.server)["ghosts"] = True


@pytest.mark.slow
def test_whether_last_words_are_delivered_is_judged_though_the_room_does_not_go_on() -> None:
    played = [one for one in checks_in(chat_basic.BasicChat) if one[0] in ("CHAT-10", "CHAT-11")]
    assert set(broken(played[::-1], NAMED, KeepsGhosts)) == {"CHAT-11"}
    assert undecided(played[::-1], NAMED, KeepsGhosts) == []


class CutsAndPanics(Speaker):
    """Cuts what it reads at once, and ends all when somebody leaves who has said nothing.

    Not at a reset alone: whether it sees that or an end, where a client closes while others speak, is chance.
    """

    has_spoken = False

    def body(self, chunk: bytes) -> bytes:
        return super().body(chunk)[:200]

    def receive(self) -> bytes:
        try:
            data: bytes = self.request.recv(self.chunk_size)
        except DISCONNECT_ERRORS:
            data = b""
        self.has_spoken = self.has_spoken or bool(data)
        if not self.has_spoken:
            with self.server.lock:
                for member in list(self.server.members):
                    self.server.cut_off(member)
        return data


def test_that_long_utterances_are_cut_explains_no_end_where_all_are_short() -> None:
    long = [one for one in checks_in(chat_basic.BasicChat) if "long_utterance" in one[1]]
    closing = [one for one in checks_in(chat_hardened.HardenedChat) if "closes_while_several" in one[1]]
    assert set(broken([*long, *closing], DIALECTS["chunks"], CutsAndPanics)) == {"CHAT-6", "CHAT-12"}


def test_what_has_been_heard_is_not_under_way() -> None:
    assert not several_under_way([Say("ann", b"one"), Send("ann", b"two")], NOTE)
    assert several_under_way([Send("ann", b"one"), Send("ann", b"two")], NOTE)


def test_what_is_made_short_is_short_with_what_the_dialect_adds_to_it() -> None:
    rewriter = rewrite.FramedRewriter(NAMED)
    steps = [*join("ann"), *rewritings.short([Send("ann", b"x" * 500)], NAMED)]
    assert not long_utterance([one for step in steps for one in rewriter.rewrite(step)], NAMED)
