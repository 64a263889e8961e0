"""One broken clause hides no other: what explains a violation, and how a scenario is played without that."""

from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import replace

import pytest

from socketserver_faults.catalogue.delivery import CutsAt255Bytes, CutsAtNul, DeliversTwice
from socketserver_faults.catalogue.leaving import DeliversQuit
from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.driver import rewritings
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.conditions import unusual_bytes
from socketserver_reference.conformance.driver.masking import Masking
from socketserver_reference.conformance.driver.measurements import shows
from socketserver_reference.conformance.results.known import Known
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.runner.direct import expect_failures, open_session
from socketserver_reference.conformance.scenario.scene import Politeness, Scene
from socketserver_reference.conformance.scenario.steps import (
    Dawdle,
    HalfClose,
    Quit,
    Reset,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    join,
)
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.known_failures import knowing, playing, seen
from tests.support.planted import Bug

pytestmark = pytest.mark.usefixtures("_quietly")

TIMEOUT = 10.0


@pytest.fixture
def _quietly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


COMING_AND_GOING = [*join("ann", "ben"), Quit("ben"), Say("ann", b"once"), Say("ann", b"twice")]


# What explains a violation


def test_a_known_clause_explains_only_what_comes_after_its_trigger() -> None:
    masking = knowing("CHAT-7")
    assert masking.explanation_of(seen("CHAT-2", "CHAT-7", after=COMING_AND_GOING)) == "CHAT-7"
    assert masking.explanation_of(seen("CHAT-2", "CHAT-7", after=join("ann", "ben"))) == ""


def test_it_explains_nothing_that_it_does_not_fit() -> None:
    assert knowing("CHAT-7").explanation_of(seen("CHAT-2", after=COMING_AND_GOING)) == ""


@pytest.mark.parametrize(("politeness", "explained"), [("abrupt", "CHAT-13"), ("polite", "")])
def test_where_no_step_waits_for_the_server_all_that_come_or_leave_may_do_so_while_it_delivers(
    politeness: Politeness, explained: str
) -> None:
    violation = seen("CHAT-11", "CHAT-11", "CHAT-13", after=[*join("ann", "ben"), HalfClose("ben"), Say("ann", b"1")])
    violation.scenes = (Scene([], politeness=politeness),)
    assert knowing("CHAT-13").explanation_of(violation) == explained


def test_altered_bytes_may_look_like_anything_but_silence() -> None:
    masking = knowing("CHAT-3")
    altered = seen("CHAT-4", after=[Say("ann", b"\xff")])
    assert masking.explanation_of(altered) == "CHAT-3"
    altered.absent = True
    assert masking.explanation_of(altered) == ""


@pytest.mark.parametrize("failed", [True, False])
def test_the_server_is_asked_once_which_of_several_triggers_it_fails_on(failed: bool) -> None:
    asked: list[Sequence[Step]] = []

    def failing(steps: Sequence[Step]) -> bool:
        asked.append(steps)
        return failed and not unusual_bytes(steps, NOTE)

    masking = knowing("CHAT-3", fails=failing)
    long = seen("CHAT-15", "CHAT-3", after=[Say("ann", b"x" * 100)])
    assert [masking.explanation_of(long) for _ in range(2)] == ["CHAT-3" if failed else ""] * 2
    assert len(asked) == len({*map(tuple, asked)})


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "clause"), [(CutsAtNul, "CHAT-6"), (CutsAt255Bytes, "CHAT-3")])
def test_a_server_that_alters_some_bytes_takes_long_utterances_as_well_as_any(
    bug: type[ChatHandler], clause: str
) -> None:
    with closing(open_session("chat", Bug("chat", bug).target(), TIMEOUT)) as session:
        session.masking.known.add("CHAT-3")
        assert session.explanation_of(seen("CHAT-6", "CHAT-3", after=[Say("ann", b"x" * 100)])) == (
            "CHAT-3" if clause == "CHAT-3" else ""
        )


class AppendsBang(ChatHandler):
    """Delivers one byte more than was said."""

    def delivery(self, chunk: bytes) -> bytes:
        return super().delivery(chunk) + b"!"


@pytest.mark.parametrize("untrue", ["CHAT-2", "CHAT-6"])
def test_an_untrue_entry_of_a_list_explains_nothing(untrue: str) -> None:
    with closing(open_session("chat", Bug("chat", AppendsBang).target(), TIMEOUT)) as session:
        expect_failures(session, "chat", [Known(untrue, "not so")])
        with pytest.raises(NotChecked) as caught:
            session.play(*join("ann", "ben"), about="CHAT-9")
        assert caught.value.violation is not None
        assert caught.value.violation.clause_id == "CHAT-4"


# How a scenario is decided all the same


def test_a_scenario_that_a_known_clause_broke_is_played_without_its_trigger() -> None:
    play, asked = playing(seen("CHAT-7"), None)
    with pytest.raises(VIOLATIONS["CHAT-7"]) as caught:
        knowing().decide(play, COMING_AND_GOING, "CHAT-4")
    assert caught.value.spares
    assert asked == [[], [rewritings.half_closing]]


def test_what_it_shows_then_is_told_with_what_it_showed_before() -> None:
    first, second, third, met, again = map(seen, ("CHAT-7", "CHAT-10", "CHAT-4", "CHAT-2", "CHAT-7"))
    third.before = (met,)  # in the first conversation with the server, which was a fresh one
    first.before = (again,)  # in the one before that
    play, asked = playing(first, second, third)
    with pytest.raises(VIOLATIONS["CHAT-4"]) as caught:
        knowing().decide(play, COMING_AND_GOING, "CHAT-4")
    assert caught.value.before == (again, first, second, met)
    assert asked[-1] == [rewritings.half_closing, rewritings.quitting]


def test_what_another_known_clause_fits_as_well_is_taken_out_too() -> None:
    dialect = replace(NOTE, framing_in=Framing("line"), framing_out=Framing("line"))
    slow = [*join("ann", "ben"), Stall("ben"), *(Send("ann", b"x" * 900) for _ in range(9)), Settle()]
    play, asked = playing(*(seen("CHAT-15", "CHAT-6") for _ in range(2)), None)
    with pytest.raises(VIOLATIONS["CHAT-15"]) as caught:
        knowing("CHAT-6", dialect=dialect).decide(play, slow, "CHAT-14")
    assert caught.value.spares
    assert asked[1:] == [[rewritings.giving_way], [rewritings.giving_way, rewritings.one_each]]


@pytest.mark.parametrize(
    ("known", "absent", "told"),
    [(("CHAT-6",), False, "CHAT-6"), ((), False, "CHAT-15"), (("CHAT-6",), True, "CHAT-15")],
)
def test_a_reader_that_gives_way_explains_only_what_does_not_come_unless_nothing_else_does(
    known: tuple[str, ...], absent: bool, told: str
) -> None:
    dialect = replace(NOTE, framing_in=Framing("line"), framing_out=Framing("line"))
    late = [*join("ann", "ben"), Dawdle("ben"), *(Send("ann", b"x" * 900) for _ in range(9))]
    violation = seen("CHAT-15", "CHAT-6", after=late)
    violation.absent = absent
    assert knowing("CHAT-15", *known, dialect=dialect).explanation_of(violation) == told


def test_each_rewriting_is_tried_once() -> None:
    play, asked = playing(*(seen(clause) for clause in ("CHAT-7", "CHAT-10", "CHAT-7", "CHAT-10")))
    with pytest.raises(VIOLATIONS["CHAT-10"]) as caught:
        knowing().decide(play, COMING_AND_GOING, "CHAT-4")
    assert not caught.value.spares
    assert asked[-1] == [rewritings.half_closing, rewritings.quitting, rewritings.staying]


@pytest.mark.parametrize(
    ("known", "about"),
    [("CHAT-1", "CHAT-4"), ("CHAT-11", "CHAT-7"), ("CHAT-3", "CHAT-4")],
    ids=["anything triggers it", "nothing would be left", "it is not there"],
)
def test_where_no_scenario_is_left_the_clause_is_not_decided(known: str, about: str) -> None:
    play, asked = playing(seen(known))
    with pytest.raises(VIOLATIONS[known]) as caught:
        knowing().decide(play, [*join("ann", "ben"), Quit("ben", b"quit")], about)
    assert not caught.value.spares
    assert asked == [[]]


def test_a_scenario_that_cannot_be_played_again_is_not_decided() -> None:
    play, _ = playing(seen("CHAT-7"), NotChecked("no more servers"))
    with pytest.raises(VIOLATIONS["CHAT-7"]) as caught:
        knowing().decide(play, COMING_AND_GOING, "CHAT-4")
    assert not caught.value.spares
    play, _ = playing(NotChecked("no server"))
    with pytest.raises(NotChecked, match="no server"):
        knowing().decide(play, COMING_AND_GOING, "CHAT-4")


WAIVING = replace(NOTE, waived={"CHAT-7": "not asked"})


def test_what_the_dialect_waives_goes_through_the_same_gate() -> None:
    play, asked = playing(seen("CHAT-7"), None)
    assert knowing(dialect=WAIVING).decide(play, COMING_AND_GOING, "CHAT-4") == Transcript()
    assert len(asked) == 2
    play, _ = playing(seen("CHAT-7"))
    with pytest.raises(NotChecked, match="CHAT-7, which does not apply in the dialect note: not asked"):
        knowing(dialect=WAIVING).decide(play, join("ann"), "CHAT-4")
    play, _ = playing(seen("CHAT-7"), seen("CHAT-4"))
    with pytest.raises(VIOLATIONS["CHAT-4"]) as caught:
        knowing(dialect=WAIVING).decide(play, COMING_AND_GOING, "CHAT-4")
    assert caught.value.before == ()


def test_with_one_of_two_bugs_known_the_other_is_found() -> None:
    class Both(DeliversQuit, DeliversTwice):
        """Delivers quit, and everything else twice: the first hides nothing of the second."""

        def deliver(self, chunk: bytes) -> None:
            ChatHandler.deliver(self, chunk)
            if chunk == b"twice":
                ChatHandler.deliver(self, chunk)

    with closing(open_session("chat", Bug("chat", Both).target(), TIMEOUT)) as session:
        session.masking.known.add("CHAT-7")
        with pytest.raises(VIOLATIONS["CHAT-4"]) as caught:
            session.play(*COMING_AND_GOING, about="CHAT-4")
        assert [violation.clause_id for violation in caught.value.before] == ["CHAT-7"]


# What an earlier scenario left behind


class MuteOnceLeft(ChatHandler):
    """Delivers nothing any more once a client that has spoken has left."""

    spoke = False

    def deliver(self, chunk: bytes) -> None:
        self.spoke = True
        if not getattr(self.server, "mute", False):
            super().deliver(chunk)

    def finish(self) -> None:
        super().finish()
        if self.spoke:
            self.server.mute = True  # type: ignore[attr-defined]  # the room has no such thing: that is the bug


@pytest.mark.parametrize("restarts", [True, False])
def test_what_a_known_clause_left_behind_is_told_from_news_by_a_fresh_server(restarts: bool) -> None:
    target = Bug("chat", MuteOnceLeft).target()
    with (
        closing(target.start(TIMEOUT)) as site,
        closing(open_session("chat", target if restarts else str(site.address), 1.0)) as session,
    ):
        session.healthy = True
        session.masking.known.add("CHAT-11")
        with session.stage() as stage:
            stage.play([*join("ann"), HalfClose("ann")])
        with nullcontext() if restarts else pytest.raises(VIOLATIONS["CHAT-11"]):
            session.play(*join("ben"), about="CHAT-2")


def test_what_cannot_be_asked_of_the_server_is_taken_for_what_it_fails_on_unless_it_is_gone() -> None:
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        assert not shows(session, join("ann"))
        session.keep(Budget(0))
        assert shows(session, join("ann"))
        session.unusable = "it is gone"
        assert not shows(session, join("ann"))


class EndsAllAtAReset(ChatHandler):
    """Ends all connections when a client resets its own."""

    def finish(self) -> None:
        try:
            self.request.getpeername()
        except OSError:
            for member in list(self.server.members):
                self.server.cut_off(member)
        super().finish()


def test_harm_by_a_reset_is_not_put_down_to_other_departures_if_those_do_none() -> None:
    with closing(open_session("chat", Bug("chat", EndsAllAtAReset).target(), TIMEOUT)) as session:
        session.masking.known.add("CHAT-11")
        with pytest.raises(VIOLATIONS["CHAT-12"]):
            session.play(
                *join("ann", "ben", "cal"), Reset("cal"), Say("ann", b"hm"), Say("ben", b"hm"), about="CHAT-12"
            )


@pytest.mark.parametrize(("fails", "explained"), [(True, "CHAT-10"), (False, "")])
def test_a_reset_shows_what_a_server_does_at_an_end_of_stream_if_it_fails_at_a_plain_one(
    fails: bool, explained: str
) -> None:
    masking = Masking(NOTE)
    masking.known.add("CHAT-10")
    masking.shows = lambda _: fails
    after = [*join("ann", "ben"), Reset("ben"), Say("ann", b"hm")]
    assert masking.explanation_of(seen("CHAT-14", "CHAT-14", "CHAT-10", after=after)) == explained


@pytest.mark.parametrize(("unusual_fails", "explained"), [(True, ""), (False, "CHAT-3")])
def test_unusual_bytes_explain_nothing_of_long_ones_if_the_server_fails_on_short_ones(
    unusual_fails: bool, explained: str
) -> None:
    masking = Masking(NOTE)
    masking.known.add("CHAT-3")
    masking.shows = lambda steps: unusual_fails or not unusual_bytes(steps, NOTE)
    after = [*join("ann", "ben"), Say("ann", b"x" * 500)]
    assert masking.explanation_of(seen("CHAT-6", "CHAT-6", "CHAT-3", after=after)) == explained


@pytest.mark.parametrize(("comes", "told"), [(True, ""), (False, "CHAT-11")])
def test_a_connection_that_is_not_let_go_explains_a_delay_and_nothing_that_never_comes(comes: bool, told: str) -> None:
    timeouts: list[float] = []

    def play(timeout: float) -> Transcript:
        timeouts.append(timeout)
        if comes and timeout == TIMEOUT:
            return Transcript()
        violation = seen("CHAT-11", "CHAT-11", after=[*join("ann", "ben"), HalfClose("ben"), Say("ann", b"hm")])
        violation.absent, violation.delayed_by = True, ("CHAT-10",)
        assert session.explanation_of(violation) == "CHAT-10"  # as exploration asks, which waits for nothing long
        raise violation

    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        session.masking.known.add("CHAT-10")
        with pytest.raises(VIOLATIONS[told]) if told else nullcontext():
            session.play_with_both_timeouts(play)
        assert timeouts == [session.brief_timeout, TIMEOUT]


def test_that_others_have_left_before_explains_no_delivered_quit() -> None:
    with closing(open_session("chat", Bug("chat", DeliversQuit).target(), TIMEOUT)) as session:
        session.masking.known.add("CHAT-11")
        with pytest.raises(VIOLATIONS["CHAT-7"]):
            session.play(*join("ann", "ben"), Quit("ben"), Say("ann", b"hm"), about="CHAT-7")
