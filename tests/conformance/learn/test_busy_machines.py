"""What comes late on a busy machine: nothing is concluded from a silence that is not there when it is asked again."""

from dataclasses import replace

import pytest

from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.questions import limits
from socketserver_reference.conformance.learn.questions.byte_handling import UNUSUAL, ask_bytes
from socketserver_reference.conformance.learn.questions.limits import (
    SAME_COUNTS,
    Transmission,
    ask_longest,
    ask_members,
)
from tests.support.rehearsed_rooms import RehearsedConversation, room


class Lossy(RehearsedConversation):
    """Loses the first utterances with invalid UTF-8 in them, so many."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost = lost

    def say(self, who: str, data: bytes) -> None:
        if UNUSUAL["invalid UTF-8"] in data and self.lost:
            self.lost -= 1
            return
        super().say(who, data)


@pytest.mark.parametrize(("lost", "suspected"), [(1, 0), (2, 1)])
def test_bytes_that_did_not_come_are_asked_for_again(lost: int, suspected: int) -> None:
    found, learned = room(Lossy(lost)), LearnedDialect()
    found.begin()
    ask_bytes(found, learned)
    assert len(learned.suspicions) == suspected
    assert learned.knows("bytes", "handling", "refused" if suspected else "verbatim")


class Fragile(RehearsedConversation):
    """Delivers nothing any more once it has been told invalid UTF-8, until it is started afresh."""

    broken = False

    def fresh(self) -> None:
        super().fresh()
        self.broken = False

    def say(self, who: str, data: bytes) -> None:
        self.broken = self.broken or UNUSUAL["invalid UTF-8"] in data
        if not self.broken:
            super().say(who, data)


def test_bytes_are_asked_for_again_in_a_room_that_the_others_did_not_break() -> None:
    found, learned = room(Fragile()), LearnedDialect()
    found.begin()
    with pytest.raises(CannotLearn, match="invalid UTF-8 was the last that it heard"):
        ask_bytes(found, learned)
    (suspicion,) = learned.suspicions
    assert suspicion.what.startswith("Invalid UTF-8: ")
    assert "punctuation" not in suspicion.what
    assert learned.knows("bytes", "handling", "refused")


@pytest.mark.parametrize(("late", "limit"), [(1, 0), (2, 992)])
def test_a_long_utterance_that_did_not_come_whole_is_said_again(
    late: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Transmission("cut", 992, None)
    answers = [first] * late
    monkeypatch.setattr(limits, "_ask", lambda _, size: answers.pop() if answers else Transmission("whole", size, None))
    learned = LearnedDialect(accepted=frozenset({"limits.utterance"}))
    found = room(RehearsedConversation())
    found.framed = replace(found.framed, heads=(b"",), tails=(b"",))
    ask_longest(found, learned)
    assert learned.knows("limits", "utterance", limit)


class Sleepy(RehearsedConversation):
    """Tells guests nothing before so many utterances."""

    awake = 0

    def say(self, who: str, data: bytes) -> None:
        self.awake -= 1
        everybody = self.present
        if self.awake >= 0:
            self.present = [one for one in everybody if not one.startswith("guest")]
        super().say(who, data)
        self.present = everybody


@pytest.mark.parametrize(("late", "members"), [(SAME_COUNTS, 0), (SAME_COUNTS + 1, 3)])
def test_members_are_counted_again_before_some_are_missed(
    late: int, members: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CROWD_MEMBERS", 8)
    conversation = Sleepy()
    found, learned = room(conversation), LearnedDialect()
    found.begin()
    conversation.awake = late
    ask_members(found, learned)
    assert learned.knows("limits", "members", 0)
    assert bool(learned.suspicions) == bool(members)
