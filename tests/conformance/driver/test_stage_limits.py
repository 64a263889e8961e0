"""The limits of a dialect change how a scenario is laid out, not what it can find."""

from dataclasses import replace

import pytest

from socketserver_reference.address import Address, server_address
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.driver.rate_limit import RateLimiter
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import Connect, Reset, Say, Send, Settle, Step, join
from tests.support.serving import serving

TURNOVER: list[Step] = [*join("ann", "ben"), Send("ann", b"x"), Settle(), Reset("ben"), Connect("cal")]


@pytest.mark.parametrize(("members", "rests"), [(250, 0), (3, 0), (2, 1)])
def test_a_server_is_waited_for_between_a_reset_and_a_connect_only_where_the_room_may_be_full(
    members: int, rests: int
) -> None:
    rested: list[str] = []
    dialect = replace(NOTE, limits=Limits(members=members))
    with (
        serving("chat", Address("tcp", "127.0.0.1")) as server,
        Stage(
            server_address(server),
            StreamChatOracle(dialect),
            timeout=5.0,
            wait_idle=lambda: rested.append("."),
            politeness="abrupt",
            dialect=dialect,
        ) as stage,
    ):
        stage.play(TURNOVER)
        assert len(rested) == rests


def test_a_gap_between_two_connects_is_kept_before_a_client_leaves_and_not_after_it() -> None:
    happened: list[str] = []

    class Noted(RateLimiter):
        def wait_to_connect(self) -> None:
            happened.append("gap")

    with (
        serving("chat", Address("tcp", "127.0.0.1")) as server,
        Stage(
            server_address(server),
            StreamChatOracle(NOTE),
            timeout=5.0,
            politeness="abrupt",
            rate_limiter=Noted(Limits(join_gap=0.1)),
        ) as stage,
    ):
        perform = stage.perform

        def noted(step: Step) -> None:
            happened.append(str(step))
            perform(step)

        vars(stage)["perform"] = noted
        stage.play([*TURNOVER, Say("ann", b"y")])
    assert happened[-6:] == [
        "all clients read what is due",
        "gap",
        "ben resets its connection",
        "cal connects",
        "gap",
        "ann says b'y'",
    ]
