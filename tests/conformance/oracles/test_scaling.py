"""What it costs a server that many leave at once: told where it is the square of their number, and nowhere else."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from socketserver_reference.conformance.checks import chat_crowds
from socketserver_reference.conformance.checks.chat_crowds import departure
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.driver.measurements import scale
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.measured import scaling
from socketserver_reference.conformance.oracles.measured.scaling import (
    CLOCK_SECONDS,
    MAX_COST_FACTOR,
    MAX_UNJUDGED_SECONDS,
    Costs,
)
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner.direct import open_session, outcomes
from socketserver_reference.conformance.scenario.steps import Abandon, Connect, Reset, Send
from socketserver_reference.conformance.scenario.violation import Violation
from socketserver_reference.conformance.targets import quiescence
from tests.support.planted import Bug, Planted
from tests.support.serving import TIMEOUT

MANY, FEW = 8, 2


# What is too much


def test_a_large_room_may_cost_more_than_a_small_one_but_not_the_square() -> None:
    small = 0.1
    most = MAX_COST_FACTOR * (small + CLOCK_SECONDS)
    assert not Costs(most, small).excessive
    assert Costs(most + 0.001, small).excessive
    assert scaling.ROOM_FACTOR < MAX_COST_FACTOR < scaling.ROOM_FACTOR**2


def test_what_cannot_be_measured_exactly_is_not_held_against_the_server() -> None:
    assert not Costs(MAX_COST_FACTOR * CLOCK_SECONDS - 0.001, 0.0).excessive


def test_it_has_to_show_twice_and_once_is_luck() -> None:
    much, fair = Costs(2.0, 0.1), Costs(0.4, 0.1)
    assert not scaling.decided([])
    assert not scaling.decided([much])
    assert not scaling.decided([fair, much])
    for found, excessive in (([much, much], True), ([fair, much, much], True), ([much, fair, fair], False)):
        assert scaling.decided(found)
        assert scaling.is_excessive(found) is excessive


def test_it_is_told_by_the_comparison_that_says_so_least() -> None:
    finding = scaling.finding([Costs(0.4, 0.1), Costs(3.0, 0.1), Costs(2.0, 0.1)], 96)
    assert finding.clauses == ("CHAT-15",)
    assert finding.expected == "96 clients who leave at once cost the server about 4 times as much as 24"
    assert finding.observed == "96 cost it 2.00 s of processor time, and 24 cost it 0.10 s"


# How it is found out


@pytest.fixture
def session() -> Iterator[Session]:
    with closing(open_session("chat", Bug("chat").target(), TIMEOUT)) as session:
        yield session


class Plays:
    """Notes the sizes of the rooms that are played, and has the server use as much time for them as is said."""

    def __init__(self, session: Session, costs: Sequence[float], monkeypatch: pytest.MonkeyPatch) -> None:
        self.rooms: list[int] = []
        self.restarted = 0
        self._clock = 0.0
        self._looks = 0
        self._costs = list(costs)
        self._restart = session.site.restart
        monkeypatch.setattr(session.site, "cpu_time", self.cpu_time)
        monkeypatch.setattr(quiescence, "REST_INTERVAL", 0.0)
        monkeypatch.setattr(session.site, "restart", self.restart)
        self._session = session

    def cpu_time(self) -> float:
        if self.rooms:
            self._clock += self._costs.pop(0) if self._looks == 1 else 0.0
            self._looks += 1
        return self._clock

    def restart(self) -> bool:
        self.restarted += 1
        return bool(self._restart())

    def departure(self, many: int) -> scaling.Departure:
        self.rooms.append(many)
        self._looks = 0  # the first in a room is before the crowd leaves, the second after
        return departure(NOTE, Reset, many)

    def scale(self) -> bool:
        return bool(scale(self._session, self.departure, MANY, "CHAT-15"))


@pytest.fixture
def plays(session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], Plays]:
    return lambda costs: Plays(session, costs, monkeypatch)


def test_a_server_to_which_a_crowd_costs_little_is_asked_no_further(
    plays: Callable[[Sequence[float]], Plays],
) -> None:
    played = plays([MAX_UNJUDGED_SECONDS])
    assert played.scale()
    assert played.rooms == [MANY]
    assert played.restarted == 0


@pytest.mark.parametrize(
    ("costs", "comparisons"),
    [([1.0, 0.5, 1.0, 0.5], 2), ([9.0, 0.5, 1.0, 0.5, 1.0, 0.5], 3), ([1.0, 0.5, MAX_UNJUDGED_SECONDS], 1)],
    ids=["in proportion", "too much once", "little the second time"],
)
def test_a_server_to_which_it_costs_in_proportion_holds(
    costs: list[float], comparisons: int, plays: Callable[[Sequence[float]], Plays]
) -> None:
    played = plays(costs)
    assert played.scale()
    assert played.rooms == [*([MANY, FEW] * comparisons), MANY][: len(costs)]


@pytest.mark.parametrize("costs", [[9.0, 0.5, 8.0, 0.5], [1.0, 0.5, 9.0, 0.5, 8.0, 0.5]], ids=["at once", "in the end"])
def test_a_server_to_which_it_costs_the_square_does_not(
    costs: list[float], session: Session, plays: Callable[[Sequence[float]], Plays]
) -> None:
    played = plays(costs)
    with pytest.raises(Violation) as caught:
        played.scale()
    assert caught.value.clause_id == "CHAT-15"
    assert caught.value.observed == f"{MANY} cost it 8.00 s of processor time, and {FEW} cost it 0.50 s"
    assert caught.value.unscripted == scaling.UNSCRIPTED
    assert caught.value.transcript is not None
    assert Connect(f"x{MANY - 1}") in caught.value.transcript.scenario
    assert session.masking.known == {"CHAT-15"}
    assert played.restarted == len(costs) - 1  # each room is one of a server that knows nothing of the last


@pytest.mark.parametrize(("keeps", "told"), [(True, "CHAT-10"), (False, "CHAT-15")])
def test_a_server_that_is_known_not_to_let_go_who_has_left_is_told_that_again(
    keeps: bool, told: str, session: Session, plays: Callable[[Sequence[float]], Plays]
) -> None:
    session.masking.known.add("CHAT-10")
    session.masking.shows = lambda _: keeps
    with pytest.raises(Violation) as caught:
        plays([9.0, 0.5, 9.0, 0.5]).scale()
    assert caught.value.clause_id == told


def test_what_is_measured_begins_when_all_have_come_and_ends_when_the_server_is_at_rest(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    def noting(of: object, name: str) -> None:
        done = getattr(of, name)

        def do(*arguments: Any) -> Any:
            happened.append(str(arguments[1]) if name == "perform" else name)
            return done(*arguments)

        monkeypatch.setattr(of, name, do)

    noting(session.site, "cpu_time")
    for name in ("perform", "play_at_once", "wait_idle"):
        noting(Stage, name)
    scale(session, partial(departure, NOTE, Abandon), MANY, "CHAT-15")
    begin = happened.index("cpu_time", 1)
    end = happened.index("cpu_time", begin + 1)
    assert happened[begin - 2 : begin + 2] == [f"x{MANY - 1} stops reading", "wait_idle", "cpu_time", "play_at_once"]
    assert happened[end - 2 : end] == ["ben says b'31, says ben'", "wait_idle"]


# Real servers


@pytest.mark.sweep
def test_a_server_that_goes_on_delivering_to_those_who_have_gone_is_told_by_what_a_crowd_costs() -> None:
    *others, found = [
        raised for _, _, raised in outcomes("chat", Planted("keeps-who-is-cut-off").target(), TIMEOUT, "CHAT-15")
    ]
    assert not any(others)
    assert isinstance(found, Violation)
    assert found.observed.startswith("96 cost it ")


@pytest.mark.sweep
@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_the_reference_lets_a_crowd_go_for_little(transport: str) -> None:
    target = Bug("chat").target(transport)
    results = list(outcomes("chat", target, TIMEOUT, "CHAT-15"))
    assert results
    assert not any(raised for _, _, raised in results)


# Where there is room for a crowd

LINES = Dialect(framing_in=Framing("line"), framing_out=Framing("line"), template=Template("{body}"))


class Asked:
    """A `play` that only says how a check ended itself."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def not_applicable(self, why: str) -> None:
        raise NotApplicable(why)


@pytest.mark.parametrize(
    ("dialect", "size"),
    [
        (NOTE, 96),
        (LINES, 24),
        (replace(LINES, limits=Limits(members=20)), 17),
        (replace(LINES, limits=Limits(members=11)), 8),
        (replace(NOTE, limits=Limits(join_gap=0.5)), 20),
        (replace(NOTE, handshake=(HandshakeTurn(),)), 96),
    ],
)
def test_a_crowd_is_as_large_as_the_dialect_leaves_room_for(dialect: Dialect, size: int) -> None:
    assert chat_crowds.crowd_size(Asked(dialect)) == size  # type: ignore[arg-type]  # it is asked for no more than that


@pytest.mark.parametrize(
    ("dialect", "why"),
    [
        (replace(LINES, limits=Limits(gap=0.5)), "the dialect has at least 0.5 s between two utterances"),
        (replace(LINES, limits=Limits(members=10)), "the dialect has room for 10 members"),
        (replace(NOTE, limits=Limits(join_gap=2.0)), "the dialect has at least 2 s between two connections"),
        (replace(LINES, framing_out=Framing("none")), "in this dialect a client says little before it is heard"),
        (replace(LINES, framing_in=Framing("chunk")), "in this dialect a client says little before it is heard"),
    ],
)
def test_where_there_is_none_the_check_is_not_applicable(dialect: Dialect, why: str) -> None:
    with pytest.raises(NotApplicable, match=why):
        chat_crowds.crowd_size(Asked(dialect))  # type: ignore[arg-type]


def test_where_utterances_are_judged_one_by_one_a_crowd_says_few_short_ones() -> None:
    said = chat_crowds.speaking(LINES, ["x0", "x1"], chat_crowds.dots)
    words = [b"." * chat_crowds.SPEECH_LINE_BYTES] * chat_crowds.SPEECH_LINES
    assert said == [*(Send("x0", word) for word in words), *(Send("x1", word) for word in words)]
