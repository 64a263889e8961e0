"""Servers that take few members, or only patient ones: who keeps to their dialect's limits finds that they conform."""

from contextlib import closing
from pathlib import Path

import pytest

from socketserver_reference.conformance.dialects import effects, limits, rewrite_limits
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.limits import Limits, Rate
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.rewrite import EchoRewriter, StreamRewriter
from socketserver_reference.conformance.dialects.rewrite_limits import CapacityLimit, RateLimited
from socketserver_reference.conformance.driver import rate_limit
from socketserver_reference.conformance.driver.rate_limit import RateLimiter
from socketserver_reference.conformance.exploration import campaign
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Close,
    Crowd,
    HalfClose,
    Quit,
    Reset,
    Say,
    Send,
    Settle,
    Step,
    WaitUntilHeard,
    join,
)
from tests.servers import dialects_served
from tests.support.checking import BARE_PYTHON, Checker
from tests.support.serving import TIMEOUT

LINES = 'protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "{body}"\n'

QUICK = ("--timeout", 2, "--examples", 3)
WITHOUT_FLOODS = ("--", "-k", "not slow_reader and not delays_nobody and not mixed and not acknowledgements")
OTHERS = '[framing]\nin = "line"\n[delivery]\ntemplate = "{body}"\nto_sender = "nothing"\n[quit]\nword = ""\n'


def strict(name: str, *limits: object) -> str:
    """Return the command that launches one of the strict servers."""
    return " ".join(map(str, [BARE_PYTHON, "-m", "tests.servers.strict_servers", name, "{port}", *limits]))


def written(directory: Path, limits: str, rest: str = "") -> Path:
    """Return a file with a dialect that has these limits."""
    file = directory / "limited.toml"
    file.write_text(f'protocol = "chat"\n{rest}[limits]\n{limits}\n')
    return file


def test_who_plays_scenarios_keeps_all_limits_of_a_dialect() -> None:
    dialect = read(LINES + 'history = 2\n[limits]\nmembers = 4\nrate = "2/1"', "limited", "limited.toml")
    rewriter, capacity = rewrite_limits.within_limits(StreamRewriter(dialect), dialect, sees_idle=True, mark="m1")
    assert capacity is not None
    steps = [*join("ann", "ben", "cal", "dan", "eve"), *(Send("ann", word) for word in (b"one", b"two", b"three"))]
    told = [str(one) for step in steps for one in rewriter.rewrite(step)]
    assert not any("eve" in line for line in told)
    assert told[-4:] == [
        "ann sends b'm1 one' without waiting",
        str(Settle()),
        "ann sends b'm1 two' without waiting",
        "ann sends b'm1 three' without waiting",
    ]


# Members


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("name", "members", "rest"),
    [
        ("few", 5, ""),
        ("refuses", 5, ""),
        ("others", 6, OTHERS),
    ],
)
def test_nothing_asks_for_more_seats_than_there_are(
    check: Checker, tmp_path: Path, name: str, members: int, rest: str
) -> None:
    limited = written(tmp_path, f"members = {members}", rest)
    outcome = check("chat", "--launch", strict(name, members), *QUICK, "--dialect", limited, *WITHOUT_FLOODS)
    assert outcome.clauses_that("violated") == [], outcome.out
    assert {"CHAT-2", "CHAT-9", "CHAT-11", "CHAT-12", "CHAT-13"} <= {*outcome.clauses_that("holds")}
    assert outcome.clause("CHAT-17")["why"] == f"the dialect allows at most {members} members"


@pytest.mark.sweep
def test_where_the_dialect_says_nothing_of_it_one_too_many_is_told(check: Checker) -> None:
    outcome = check("chat", "--launch", strict("few", 5), *QUICK, "--only", "CHAT-2", "--only", "CHAT-12")
    assert outcome.code == 1
    assert "the server ended with exit status 5" in outcome.out


@pytest.mark.slow
def test_what_the_member_limit_leaves_out_of_a_clause_is_told(check: Checker, tmp_path: Path) -> None:
    limited = written(tmp_path, "members = 4", OTHERS)
    outcome = check("chat", "--launch", strict("others", 4), *QUICK, "--dialect", limited, "--only", "CHAT-11")
    assert (outcome.code, outcome.verdicts) == (0, {"CHAT-11": "holds"})
    assert outcome.clause("CHAT-11")["why"] == (
        "in part: the scenario had no wait-until-heard and no close: the dialect allows at most 4 members"
    )


def within_capacity(members: int, *steps: Step, sees_idle: bool = True, echo: bool = False) -> list[Step]:
    dialect = Dialect(protocols=("echo",) if echo else ("chat",), limits=Limits(members=members))
    capacity_limit = CapacityLimit(
        EchoRewriter(dialect) if echo else StreamRewriter(dialect), dialect, sees_idle=sees_idle
    )
    return [rewritten for step in steps for rewritten in capacity_limit.rewrite(step)]


def test_a_client_beyond_the_limit_neither_connects_nor_speaks_nor_is_spoken_to() -> None:
    assert within_capacity(2, *join("ann", "ben", "cal"), WaitUntilHeard("cal", "ann"), Settle(), Reset("cal")) == [
        *join("ann", "ben"),
        Settle(),
    ]
    assert within_capacity(3, *join("ann"), Crowd(("ben", "cal", "dan"))) == [*join("ann"), Crowd(("ben", "cal"))]
    assert within_capacity(1, *join("ann"), Crowd(("ben",))) == join("ann")


@pytest.mark.parametrize("way", [Quit, HalfClose])
def test_who_leaves_in_order_leaves_a_seat(way: type[Quit] | type[HalfClose]) -> None:
    steps = [*join("ann"), way("ann"), *join("ben")]
    assert within_capacity(1, *steps, sees_idle=False) == steps


@pytest.mark.parametrize("way", [Close, Abandon, Reset])
def test_the_seat_of_who_leaves_abruptly_is_free_where_one_can_see_that(
    way: type[Close] | type[Abandon] | type[Reset],
) -> None:
    steps = [*join("ann"), way("ann"), *join("ben")]
    assert within_capacity(1, *steps) == steps
    assert within_capacity(1, *steps, sees_idle=False) == steps[:3]


def test_who_has_been_answered_by_an_echo_leaves_a_seat() -> None:
    steps = [*join("ann"), *join("ben")]
    assert within_capacity(1, *steps, echo=True) == steps


# Gaps


@pytest.mark.sweep
def test_who_keeps_the_gaps_finds_that_an_impatient_server_conforms_in_bounded_time(
    check: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REPEATING_SECONDS", 0.03)
    monkeypatch.setattr(effects, "REPEATING_SECONDS", 0.03)
    monkeypatch.setattr(campaign, "EXPLORATION_BUDGET", 0.5)
    monkeypatch.setattr(rewrite_limits, "MAX_SCENARIO_SECONDS", 0.3)
    limited = written(tmp_path, "gap = 0.003\njoin_gap = 0.003")
    outcome = check("chat", "--launch", strict("impatient", 0.003, 0.003), "--timeout", 5, "--dialect", limited)
    assert outcome.clauses_that("violated") == [], outcome.out
    assert "the time was up" in outcome.out
    assert outcome.clause("CHAT-16")["why"] == "the dialect has at least 0.003 s between two utterances"
    assert outcome.clause("CHAT-17")["why"] == "the dialect has at least 0.003 s between two connections"
    for id in ("CHAT-14", "CHAT-15"):
        why = "with the gaps of the dialect limited its scenario would take more than 0.3 s"
        assert outcome.clause(id)["why"] in (why, f"in part: {why}")
    assert "CHAT-13  fewer repetitions: as many as fit into 0.03 s with the gaps" in outcome.out
    assert {"CHAT-12", "CHAT-13", *(f"CHAT-{count}" for count in range(1, 12))} <= set(outcome.clauses_that("holds"))


@pytest.mark.slow
def test_an_impatient_server_hangs_up_on_who_does_not_keep_them(check: Checker) -> None:
    outcome = check("chat", "--launch", strict("impatient", 0.5, 0), *QUICK, "--only", "CHAT-2", "--only", "CHAT-5")
    assert outcome.code == 1


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long somebody waited, each time; the clock stands still meanwhile, and is put on by hand."""
    waited: list[float] = []
    monkeypatch.setattr("time.monotonic", lambda: 100.0 + len(waited))
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def test_a_gap_is_counted_from_where_it_is_sure_that_the_server_has_read(waits: list[float]) -> None:
    keeping = RateLimiter(Limits(gap=10.0))
    keeping.wait_to_send("ann")
    assert waits == []
    waits.append(0)  # a second passes until all have heard her
    keeping.read()
    keeping.wait_to_send("ben")
    keeping.wait_to_send("ann")
    assert waits == [0, 10.0]
    keeping.begin()
    keeping.wait_to_send("ann")
    keeping.wait_to_connect()
    assert len(waits) == 2


def test_a_gap_between_two_who_come_outlives_the_scenario(waits: list[float]) -> None:
    keeping = RateLimiter(Limits(join_gap=10.0))
    keeping.wait_to_connect()
    keeping.connected()
    keeping.begin()
    keeping.wait_to_connect()
    keeping.wait_to_send("ann")
    assert waits == [pytest.approx(10.0 + rate_limit.CONNECT_GAP_MARGIN)]


def test_nobody_speaks_twice_before_the_first_is_known_to_be_read() -> None:
    paced = RateLimited(StreamRewriter(Dialect()), Limits(gap=1.0))
    steps: list[Step] = [
        Send("ann", b"1"),
        Send("ben", b"2"),
        Send("ann", b"3"),
        Send("ann", b"4"),
        Say("ben", b"5"),
        Quit("ann"),
    ]
    assert [rewritten for step in steps for rewritten in paced.rewrite(step)] == [
        Send("ann", b"1"),
        Send("ben", b"2"),
        Settle(),
        Send("ann", b"3"),
        Settle(),
        Send("ann", b"4"),
        Say("ben", b"5"),
        Quit("ann"),
    ]


@pytest.mark.parametrize(("most", "long"), [(10.9, True), (11.1, False)])
def test_how_long_a_scenario_takes_is_known_before(monkeypatch: pytest.MonkeyPatch, most: float, long: bool) -> None:
    monkeypatch.setattr(rewrite_limits, "MAX_SCENARIO_SECONDS", most)
    limits = Limits(gap=1.0, join_gap=10.0)
    steps = [*join("ann", "ben"), Say("ann", b"x"), WaitUntilHeard("ben", "ann"), Send("ben", b"y"), HalfClose("ben")]
    assert rewrite_limits.too_long(steps, limits, StreamRewriter(Dialect())) is long


def test_what_is_repeated_is_repeated_as_often_as_there_is_time_for() -> None:
    assert Limits().rounds(300, utterances=1) == 300
    assert Limits(gap=0.5).rounds(300, utterances=1) == 20
    assert Limits(gap=0.5).rounds(300, utterances=1, joins=7) == 20
    assert Limits(gap=0.5, join_gap=0.5).rounds(300, utterances=1, joins=1) == 10
    assert Limits(gap=60.0).rounds(300, utterances=1) == 3
    assert Limits(gap=60.0).rounds(2, utterances=1) == 2


def test_a_scenario_that_the_gaps_leave_no_time_for_is_not_played() -> None:
    dialect = read(LINES + "[limits]\ngap = 60", "mine", "mine.toml")
    with closing(open_session("chat", dialects_served.served(dialect), TIMEOUT, dialect)) as session:
        session._staging.check_duration([*join("ann"), Say("ann", b"hi")])
        with pytest.raises(NotApplicable, match=r"its scenario would take more than \d+ s"):
            session._staging.check_duration([*join("ann"), Say("ann", b"hi"), Say("ann", b"ho")])


def test_a_rate_lets_as_many_pass_and_then_takes_all_of_its_time(waits: list[float]) -> None:
    keeping = RateLimiter(Limits(rate=Rate(2, 10), join_rate=Rate(2, 20), join_delay=3.0))
    for _ in range(2):
        keeping.wait_to_connect()
        keeping.connected()
    keeping.joined("ann")
    keeping.wait_to_send("ann")
    assert waits == [3.0]
    keeping.wait_to_send("ann")
    keeping.read()
    keeping.wait_to_send("ann")
    assert waits[1:] == [10.0]
    keeping.wait_to_send("ann")
    assert len(waits) == 2
    keeping.wait_to_connect()
    assert waits[2:] == [pytest.approx(18.0 + rate_limit.CONNECT_GAP_MARGIN)]


def test_a_client_that_has_said_as_many_waits_until_they_are_read() -> None:
    paced = RateLimited(StreamRewriter(Dialect()), Limits(rate=Rate(2, 10)))
    steps = [one for count in range(4) for one in paced.rewrite(Send("ann", b"%d" % count))]
    assert [type(step) for step in steps] == [Send, Send, Settle, Send, Send]


def test_rounds_and_scenarios_count_the_time_that_a_rate_takes() -> None:
    limits = Limits(rate=Rate(10, 5), join_rate=Rate(100, 1))
    assert limits.rounds(300, utterances=1) == 30
    assert limits.rounds(300, utterances=1, joins=50) == 12
    assert Limits(rate=Rate(1, 60)).rounds(5, utterances=10) == 3
    assert Limits().rounds(300, utterances=3) == 300
    says: list[Step] = [*join("ann"), *(Say("ann", b"x") for _ in range(200))]
    assert rewrite_limits.too_long(says, limits, StreamRewriter(Dialect()))
    assert not rewrite_limits.too_long(says[:100], limits, StreamRewriter(Dialect()))
    assert rewrite_limits.too_long(join("ann"), Limits(join_delay=70.0), StreamRewriter(Dialect()))
