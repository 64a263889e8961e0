"""Oracles that remember: what they answer is what an oracle answers that is made anew."""

import pytest

from socketserver_faults.schedule.exploration.search import levels
from socketserver_faults.schedule.world import remembered
from socketserver_faults.schedule.world.remembered import Memory
from socketserver_faults.schedule.world.scenarios import SCENARIOS
from socketserver_faults.schedule.world.subject import read
from socketserver_faults.schedule.world.worlds import world_of
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.oracles.chat_room import ChatOracle
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import Connect, Say, Send


class Made:
    """Makes oracles, and counts them."""

    def __init__(self) -> None:
        self.oracles: list[StreamChatOracle] = []

    def __call__(self) -> Oracle:
        self.oracles.append(StreamChatOracle(NOTE))
        return self.oracles[-1]


def hear(oracle: Oracle, *words: bytes) -> bool:
    """Let ann say hi, and read these bytes; return whether all of them are right."""
    oracle.begin(Connect("ann"), idle_before=True)
    oracle.begin(Say("ann", b"hi"), idle_before=True)
    assert oracle.required_readers(Say("ann", b"hi")) == ["ann"]
    assert oracle.due("ann")
    return all(oracle.feed("ann", word) for word in words)


def test_what_was_asked_before_is_answered_without_an_oracle() -> None:
    memory = Memory(made := Made())
    before = len(made.oracles)
    for _ in range(3):
        oracle = memory.oracle()
        assert isinstance(oracle, ChatOracle)
        assert hear(oracle, b"ackhi")
        assert not oracle.due("ann")
    assert len(made.oracles) == before + 1


def test_an_oracle_is_told_what_came_before_where_a_run_is_new() -> None:
    memory = Memory(Made())
    assert hear(memory.oracle(), b"ackhi")
    oracle = memory.oracle()
    assert not hear(oracle, b"ack", b"ho")
    finding = oracle.explain_mismatch("ann", b"ho")
    assert finding.observed == "ann reads b'ackho'"
    again = memory.oracle()
    assert not hear(again, b"ack", b"ho")
    assert again.explain_mismatch("ann", b"ho") == finding


def test_what_raises_is_not_remembered() -> None:
    memory = Memory(Made())
    for _ in range(2):
        oracle = memory.oracle()
        for step in (Connect("ann"), Connect("ben"), Send("ann", b"hi")):
            oracle.begin(step, idle_before=True)
        with pytest.raises(Ambiguous):
            oracle.feed("ben", b"ackhi")


def test_all_is_forgotten_when_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MAX_REMEMBERED_BYTES", 3 * remembered.PLACE_BYTES)
    memory = Memory(made := Made())
    before = len(made.oracles)
    for _ in range(3):
        assert hear(memory.oracle(), b"ackhi")
    assert len(made.oracles) == before + 3


@pytest.mark.parametrize(("name", "scenario"), [("delivers-without-the-lock", "speak"), ("chat", "reset")])
def test_every_schedule_has_the_outcome_that_it_has_alone(name: str, scenario: str) -> None:
    def outcomes(*, forgets: bool) -> list[tuple[str, list[str], bool]]:
        with world_of(read(name)) as world:
            found = []
            for _, _, outcome in levels(lambda choose: world.play(SCENARIOS[scenario], choose), 1):
                told = [f"{event.who} {event.what}" for event in outcome.story.events]
                found.append((str(outcome.failure), told, outcome.judged))
                if forgets:
                    world._players._memories.clear()
            return found

    assert outcomes(forgets=False) == outcomes(forgets=True)
