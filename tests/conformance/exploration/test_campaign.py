"""What exploration has seen is confirmed by replays, and forgotten if the data that was missing was only late."""

import contextlib
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.exploration.campaign import Campaign, ExplorationFinding
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.scene import Scene
from socketserver_reference.conformance.scenario.steps import Quit, Say, Step, join
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation
from socketserver_reference.conformance.targets.external import Running
from tests.support.planted import Planted

TIMEOUT = 5.0

CRIME: list[Step] = [*join("ann", "ben"), Quit("ann"), Say("ben", b"gone")]
"""Steps that break CHAT-7 on a server that delivers what quits."""


@pytest.fixture(params=[True, False], ids=["launched", "running"])
def campaign(request: pytest.FixtureRequest) -> Iterator[Campaign]:
    """Explore a server that can be restarted, and one that cannot."""
    target = Planted("delivers-quit").target()
    with contextlib.closing(target.start(1.0)) as site:
        where = target if request.param else Running(site.address)
        with contextlib.closing(open_session("chat", where, TIMEOUT)) as session:
            yield Campaign(session, "basic", examples=1)


def seen(clause: str, steps: Sequence[Step]) -> Violation:
    violation = VIOLATIONS[clause]("something", "something else", [])
    violation.scenes = (Scene(list(steps)),)
    return violation


def confirmed(campaign: Campaign, clause: str, steps: Sequence[Step], *, premature: bool) -> Violation | None:
    """Have a finding of a clause confirmed by these steps."""
    violation = seen(clause, steps)
    violation.absent = premature
    return campaign.confirm(clause, ExplorationFinding([violation], premature))


def test_what_shows_again_is_reported(campaign: Campaign) -> None:
    violation = confirmed(campaign, "CHAT-7", CRIME, premature=True)
    assert violation is not None
    assert (violation.clause_id, violation.note) == ("CHAT-7", "found by exploration")
    assert not violation.unconfirmed


@pytest.mark.parametrize("steps", [CRIME, join("ann")], ids=["another clause", "nothing"])
def test_missing_data_that_comes_later_is_forgotten(campaign: Campaign, steps: list[Step]) -> None:
    assert confirmed(campaign, "CHAT-5", steps, premature=True) is None


def test_what_does_not_show_again_is_reported_as_that(campaign: Campaign) -> None:
    violation = confirmed(campaign, "CHAT-5", join("ann"), premature=False)
    assert violation is not None
    assert violation.unconfirmed == campaign.session.site.restartable


def test_what_cannot_be_judged_when_it_is_played_again_is_forgotten(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ambiguous(*_: object, **__: object) -> None:
        raise Ambiguous

    campaign.session.prepare()
    monkeypatch.setattr(campaign.session, "stage_of", ambiguous)
    assert confirmed(campaign, "CHAT-7", CRIME, premature=True) is None


def test_a_violation_of_a_clause_that_nobody_asked_for_is_kept_and_fails_nothing() -> None:
    budget = Budget()
    session: Any = SimpleNamespace(note_violation=lambda _: None, explanation_of=lambda _: None, budget=budget)
    campaign = Campaign(session, "basic", examples=1, chosen=["CHAT-2"])
    assert campaign.note_violation(VIOLATIONS["CHAT-7"]("something", "something else", [])) is None
    assert [*campaign.known] == ["CHAT-7"]
    assert not campaign.found


def test_a_run_that_only_seemed_to_show_it_hides_none_that_does() -> None:
    longer, shorter, shortest = seen("CHAT-7", [*CRIME, Say("ben", b"on")]), seen("CHAT-7", CRIME), join("ann")
    with contextlib.closing(open_session("chat", Planted("delivers-quit").target(), TIMEOUT)) as session:
        finding = ExplorationFinding([longer], premature=False)
        finding.note(shorter)
        finding.note(seen("CHAT-1", shortest))
        told = Campaign(session, "basic", examples=1).confirm("CHAT-7", finding)
    assert told is not None
    assert (told.clause_id, told.unconfirmed) == ("CHAT-7", False)


def test_the_two_shortest_runs_and_the_first_are_likely() -> None:
    runs = [seen("CHAT-7", join("ann")[:1] * length) for length in (9, 10, 6, 5, 3, 3, 4)]
    finding = ExplorationFinding(runs[:1], premature=False)
    assert finding.likely == [runs[0]]
    for run in runs[1:]:
        finding.note(run)
    assert finding.likely == [runs[5], runs[3], runs[0]]
