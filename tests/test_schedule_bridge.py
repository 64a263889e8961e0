"""The simulation and the world: the rows of the closed-request demo on virtual and on real sockets."""

import pytest

from socketserver_faults.demo.play import play
from socketserver_faults.demo.rows import ROWS, Play, Row, Talk
from socketserver_faults.schedule.core.run import Choose
from socketserver_faults.schedule.exploration.search import levels
from socketserver_faults.schedule.world.world import Outcome
from tests.rehearsal import Rehearsal


def lanes(talk: Talk) -> dict[str, list[str]]:
    return {lane: talk.lane(lane) for lane in ("handler", "worker", "client")}


def transcript(played: Play) -> tuple[object, ...]:
    """Return what the gates determine: what each side did, and what came of it; not who was faster where none wait."""
    first, following = played.first, played.next
    return (
        *(lanes(first), first.error, first.heard, played.closed),
        *(lanes(following), following.error, following.heard, played.closed_then),
    )


@pytest.mark.parametrize("joined", [False, True], ids=["without the join", "with the join"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)
def test_a_row_has_one_transcript_on_real_sockets_and_on_virtual_ones_whatever_the_schedule(
    row: Row, joined: bool
) -> None:
    real = transcript(play(row, joined))
    schedules = 0
    with Rehearsal() as rehearsal:

        def rehearsed(choose: Choose) -> Outcome:
            virtual, story = rehearsal.play(row, joined, choose)
            assert transcript(virtual) == real
            return Outcome(story)

        for _ in levels(rehearsed, 1):
            schedules += 1
    assert schedules > 20
