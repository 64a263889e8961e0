"""The simulation and the world: the rows of the closed-request demo on virtual and on real sockets."""

import pytest

from socketserver_faults.demo.play import play
from socketserver_faults.demo.rows import ROWS, DemoRow, PlayedConnection, PlayedRow
from socketserver_faults.schedule.core.run import Choose
from socketserver_faults.schedule.exploration.search import levels
from socketserver_faults.schedule.world.world import ScheduleResult
from tests.support.scheduling.rehearsal import Rehearsal


def lanes(talk: PlayedConnection) -> dict[str, list[str]]:
    return {lane: talk.lane(lane) for lane in ("handler", "worker", "client")}


def transcript(played: PlayedRow) -> tuple[object, ...]:
    """Return what the gates determine: the events of each side, and the result; not the order of other threads."""
    first, following = played.first, played.next
    return (
        *(lanes(first), first.error, first.heard, played.closed),
        *(lanes(following), following.error, following.heard, played.closed_then),
    )


@pytest.mark.slow
@pytest.mark.parametrize("joined", [False, True], ids=["without the join", "with the join"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)
def test_a_row_has_one_transcript_on_real_sockets_and_on_virtual_ones_whatever_the_schedule(
    row: DemoRow, joined: bool
) -> None:
    real = transcript(play(row, joined))
    schedules = 0
    with Rehearsal() as rehearsal:

        def rehearsed(choose: Choose) -> ScheduleResult:
            virtual, story = rehearsal.play(row, joined, choose)
            assert transcript(virtual) == real
            return ScheduleResult(story)

        for _ in levels(rehearsed, 1):
            schedules += 1
    assert schedules > 20
