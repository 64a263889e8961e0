"""A crowd that speaks in frames and leaves at once, and what becomes of those who stay."""

import pytest

from socketserver_reference.conformance.checks.chat_crowds import LeavingCrowdChat
from tests.servers.dialect_bugs import TakesAnotherAlong
from tests.servers.dialects_served import DIALECTS, Speaker
from tests.support.dialects.played_checks import broken, checks_in


@pytest.mark.slow
@pytest.mark.parametrize(("server", "clauses"), [(Speaker, []), (TakesAnotherAlong, ["CHAT-15"])])
def test_a_crowd_that_leaves_takes_nobody_along(server: type[Speaker], clauses: list[str]) -> None:
    assert broken(checks_in(LeavingCrowdChat)[:1], DIALECTS["lengths"], server) == clauses
