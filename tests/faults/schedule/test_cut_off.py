"""A member that is cut off while it is still speaking, and is met again by the deliveries of others."""

import pytest

from socketserver_faults.schedule.exploration.explore import scenarios_for, search_schedules
from socketserver_faults.schedule.exploration.search import Bounds
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of

WRONG_ROOMS = (
    "ignores-short-sends",
    "waits-for-the-slow",
    "closes-who-is-slow",
    "tests.servers.cutting_off:cuts_off_in_the_loop",
    "tests.servers.cutting_off:takes_out_and_leaves_connected",
)


@pytest.mark.parametrize("name", WRONG_ROOMS)
def test_a_wrong_room_shows_at_once(name: str) -> None:
    subject = read(name)
    with world_of(subject) as world:
        found = search_schedules(world, scenarios_for(subject, "cut-off"), Bounds(0))
    assert found.outcome is not None
    assert found.outcome.clause == "CHAT-15"


def test_a_room_that_keeps_it_listed_shows_in_the_story_and_to_no_client() -> None:
    """The room meets a connection on which it has hung up; what it sends then fails, and no client sees that."""
    met = {}
    for name in ("chat", "keeps-who-is-cut-off"):
        with world_of(read(name)) as world:
            outcome = world.play(SCENARIOS["cut-off"])
        assert outcome.failure is None
        met[name] = [event.who for event in outcome.story.events if event.what == "hangs up on ann"]
    assert len(met["chat"]) == 1
    assert len(met["keeps-who-is-cut-off"]) > 1
