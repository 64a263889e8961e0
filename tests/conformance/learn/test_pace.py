"""How fast clients may come and speak: what the server demands is learned, or it is said what to look at."""

from typing import Any

import pytest

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import UNLIMITED, Limits, Rate
from socketserver_reference.conformance.learn import chat
from socketserver_reference.conformance.learn.answers import AnswerText
from socketserver_reference.conformance.learn.command_search import CommandSearch
from socketserver_reference.conformance.learn.conversation import CannotLearn, OutOfTime
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.first_contact import Search
from socketserver_reference.conformance.learn.meeting import MeetingUtterance
from socketserver_reference.conformance.learn.pace import APART, MAX_PAUSE_SECONDS, ask_rate, conclude_pauses, shortest
from socketserver_reference.conformance.learn.propose import Again
from socketserver_reference.conformance.learn.questions import limits as crowds
from socketserver_reference.conformance.learn.questions.limits import ask_members
from socketserver_reference.conformance.learn.room import OTHER
from tests.support.rehearsed_rooms import RehearsedConversation, room, understood


class Hasty(RehearsedConversation):
    """A server that demands pauses; whether clients keep them is known from the limits of the conversation."""

    def __init__(self, name: str, pause: float = 0.4) -> None:
        super().__init__()
        self.demanded = name
        self.pause = pause
        self.spoke: set[str] = set()
        self.attempts = 0
        self.slowest = 0.0

    def keep_to(self, limits: Limits) -> None:
        super().keep_to(limits)
        self.slowest = max(self.slowest, limits.gap)

    @property
    def patient(self) -> bool:
        return bool(getattr(self.limits, self.demanded) >= self.pause)

    def fresh(self) -> None:
        super().fresh()
        self.spoke.clear()
        self.attempts += 1

    def origin(self, who: str) -> tuple[str, str]:  # noqa: ARG002  # as of a server that has no addresses
        return ("", "")

    def join(self, who: str) -> None:
        if self.demanded == "join_gap" and self.present and not self.patient:
            raise CannotLearn("too early")
        super().join(who)

    def say(self, who: str, data: bytes) -> None:
        early = self.demanded == "join_delay" or (self.demanded == "gap" and who in self.spoke)
        self.spoke.add(who)
        if self.patient or not early:
            super().say(who, data)


@pytest.mark.parametrize("name", ["join_gap", "join_delay", "gap"])
def test_clients_that_were_too_hasty_meet_again_slowly(name: str) -> None:
    conversation, learned = Hasty(name), LearnedDialect()
    Search(conversation, lambda _: "").meet()
    assert conversation.limits == Limits(**{name: 0.5})  # type: ignore[arg-type]  # it is a pause
    conclude_pauses(conversation, learned)
    (why,) = [one.why for one in learned.findings if one.value]
    assert "0.5 s" in why


def test_clients_that_are_not_heard_even_slowly_are_in_no_hurry_with_the_next_answers() -> None:
    conversation = Hasty("join_delay", 100.0)
    with pytest.raises(CannotLearn, match="neither lines nor"):
        Search(conversation, lambda _: "").meet()
    assert conversation.limits == UNLIMITED


def test_clients_that_all_heard_each_other_need_not_be_slower_if_their_dialect_would_be_refused() -> None:
    conversation = Hasty("gap", 0.0)
    Search(conversation, lambda _: "it cannot be written down").meet()
    assert conversation.attempts
    assert conversation.slowest == 0.0


def test_only_the_pause_that_is_demanded_remains() -> None:
    demanded = Limits(gap=0.4)
    assert shortest(APART, lambda tried: tried.gap >= demanded.gap) == Limits(gap=0.5)
    assert shortest(APART, lambda tried: tried.gap == MAX_PAUSE_SECONDS) == Limits(gap=MAX_PAUSE_SECONDS)


def test_when_the_time_is_over_the_pauses_that_were_not_tried_stay() -> None:
    tried: list[Limits] = []

    def works(limits: Limits) -> bool:
        tried.append(limits)
        if len(tried) == 2:
            raise OutOfTime
        return True

    assert shortest(APART, works) == Limits(gap=MAX_PAUSE_SECONDS, join_delay=MAX_PAUSE_SECONDS)


def test_a_server_that_needs_no_pause_is_said_to_need_none() -> None:
    learned = LearnedDialect()
    conclude_pauses(RehearsedConversation(), learned)
    assert {(one.key, one.value, one.sure) for one in learned.findings} == {
        ("gap", 0.0, True),
        ("join_gap", 0.0, True),
        ("join_delay", 0.0, True),
    }


class Tiring(RehearsedConversation):
    """Delivers so many utterances of the third client, one number for each attempt; then no more."""

    def __init__(self, *most: int) -> None:
        super().__init__()
        self.most = list(most)
        self.restartable = True

    @property
    def restarts(self) -> bool:
        return self.restartable

    def join(self, who: str) -> None:
        super().join(who)
        self.left = self.most.pop(0) if who == OTHER and self.most else self.left_at_first

    left_at_first = left = 1000
    rest = 1000
    """Seconds after which it delivers again."""

    def say(self, who: str, data: bytes) -> None:
        if who == OTHER:
            self.left -= 1
        if who != OTHER or self.left >= 0 or self.limits.rate.seconds >= self.rest:
            super().say(who, data)


@pytest.mark.parametrize(
    ("patience", "said"),
    [((7, 9), "only 7 and 9 were delivered"), ((20, 1), "only 20 and 1 were delivered")],
)
def test_a_server_that_falls_silent_now_here_now_there_has_a_bug_and_no_limit(
    patience: tuple[int, int], said: str
) -> None:
    found, learned = room(Tiring(*patience)), LearnedDialect()
    found.begin()
    ask_rate(found, learned)
    (suspicion,) = learned.suspicions
    assert said in str(suspicion)
    assert not learned.findings


def test_a_room_in_which_nobody_is_heard_any_more_has_no_limit_of_one_client() -> None:
    class Deaf(Tiring):
        def say(self, who: str, data: bytes) -> None:
            self.left -= who == OTHER
            if self.left > 0:
                RehearsedConversation.say(self, who, data)

    found, learned = room(Deaf(7, 7)), LearnedDialect()
    found.begin()
    ask_rate(found, learned)
    assert not learned.findings
    assert not learned.suspicions


def test_a_time_that_is_too_long_to_be_measured_is_left_to_the_reader() -> None:
    found, learned = room(Tiring(*[7] * 10)), LearnedDialect()
    found.begin()
    ask_rate(found, learned)
    (finding,) = learned.findings
    assert (finding.value, finding.sure) == ("7/60", False)
    assert "measure in which time it may say so many" in finding.why
    assert learned.remarks[-1].startswith("Look at limits.rate: of 60 utterances of one client")


def test_a_limit_of_utterances_in_a_time_is_learned_and_kept_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = Tiring(*[7] * 10)
    monkeypatch.setattr(conversation, "rest", 2)
    found, learned = room(conversation), LearnedDialect()
    found.begin()
    ask_rate(found, learned)
    (finding,) = learned.findings
    assert (finding.value, finding.sure) == ("7/2", True)
    assert "of 60 utterances of one client, one after the other, only 7 were delivered" in finding.why
    assert conversation.limits == Limits(rate=Rate(7, 2))


def test_who_must_rest_between_utterances_is_not_asked_how_many_it_may_say() -> None:
    conversation = Tiring(7)
    conversation.keep_to(Limits(gap=0.5))
    found, learned = room(conversation), LearnedDialect()
    found.begin()
    said = len(conversation.texts)
    ask_rate(found, learned)
    assert len(conversation.texts) == said
    assert not learned.findings


def test_where_each_utterance_takes_long_fewer_are_said() -> None:
    conversation = Tiring()
    conversation.restartable = False
    found, learned = room(conversation), LearnedDialect()
    found.begin()
    ask_rate(found, learned)
    assert learned.findings[0].why.startswith("20 utterances of one client")


EACH_TIME = -1


class Thronged(RehearsedConversation):
    """Lets six in at once, and others only if they come no faster than that; or six, and no more the first time, or
    one more each time.
    """

    def __init__(self, *, by_rate: bool, more: int) -> None:
        super().__init__()
        self.by_rate = by_rate
        self.more = more
        self.attempts = 0

    def fresh(self) -> None:
        super().fresh()
        self.attempts += 1

    def join(self, who: str) -> None:
        most = 6 + (self.attempts if self.more == EACH_TIME else self.more if self.attempts > 1 else 0)
        if len(self.present) >= most and not (self.by_rate and self.limits.join_rate == Rate(6, 1)):
            raise CannotLearn("full")
        super().join(who)


@pytest.mark.parametrize(
    ("by_rate", "more", "learned_keys"),
    [(True, 0, ("6/1", 0)), (False, 0, (None, 6)), (False, 1, (None, 7)), (False, EACH_TIME, (None, 0))],
)
def test_a_limit_of_connections_in_a_time_is_no_lack_of_seats(
    by_rate: bool, more: int, learned_keys: tuple[str | None, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowds, "CROWD_MEMBERS", 20)
    conversation = Thronged(by_rate=by_rate, more=more)
    found, learned = room(conversation), LearnedDialect()
    found.begin()
    ask_members(found, learned)
    known = {one.key: one.value for one in learned.findings}
    assert (known.get("join_rate"), known["members"]) == learned_keys
    assert [one.name for one in learned.doubtful] == (["limits.members"] if more == EACH_TIME else [])
    assert bool(learned.remarks) == (more == EACH_TIME)
    assert conversation.limits == (Limits(join_rate=Rate(6, 1)) if by_rate else UNLIMITED)


class Felled(RehearsedConversation):
    """Delivers nothing any more once more than five have come."""

    def say(self, who: str, data: bytes) -> None:
        if len(self.present) <= 5:
            super().say(who, data)


def test_a_room_that_a_crowd_breaks_shows_no_number_of_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "CROWD_MEMBERS", 8)
    found, learned = room(Felled()), LearnedDialect()
    found.begin()
    ask_members(found, learned)
    (finding,) = learned.findings
    assert (finding.value, finding.sure) == (0, False)
    assert "those who were members heard nothing more" in finding.why


class SoonShut(Thronged):
    """Lets nobody in any more who comes slowly."""

    def join(self, who: str) -> None:
        if self.limits.join_rate.seconds:
            raise CannotLearn("closed")
        super().join(who)


class NeverRestarted(Thronged):
    restarts = False


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (SoonShut, "of 8 clients that connected at once 6 were members, also the next time"),
        (NeverRestarted, "of 8 clients that connected at once 6 were members"),
    ],
)
def test_a_crowd_that_cannot_come_again_shows_seats(
    kind: type[Thronged], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowds, "CROWD_MEMBERS", 8)
    conversation = kind(by_rate=False, more=0)
    found, learned = room(conversation), LearnedDialect()
    found.begin()
    ask_members(found, learned)
    assert [(one.key, one.value, one.why) for one in learned.findings] == [("members", 6, why)]
    assert conversation.limits == UNLIMITED


def test_a_search_for_a_command_that_is_not_answered_finds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: CommandSearch) -> None:
        raise CannotLearn("nobody answers")

    monkeypatch.setattr(CommandSearch, "find", fail)
    meeting = understood(RehearsedConversation()).meeting
    meeting.said, meeting.utterances = Framing("chunk"), [MeetingUtterance("ann", b"mink", {})]
    assert Search(meeting.conversation, lambda _: "")._by_command(meeting) == (None, b"")


def test_only_of_a_server_that_takes_chunks_the_end_of_an_answer_is_in_doubt() -> None:
    meeting = understood(RehearsedConversation()).meeting
    meeting.said, meeting.answers = Framing("line"), [AnswerText("{name}", b"\n")]
    assert Search(meeting.conversation, lambda _: "")._without_line_ends(meeting) is None


@pytest.mark.parametrize("gap", [0.0, 0.5])
def test_who_has_to_wait_between_two_utterances_says_no_two_in_one_segment(
    gap: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(chat, "_ask_one_segment", lambda *_: asked.append("two"))
    conversation, frames = RehearsedConversation(), Framing("fixed", size=64)
    conversation.keep_to(Limits(gap=gap))
    chat.ask_newline(room(conversation, understood(conversation, said=frames, heard_in=frames)), LearnedDialect())
    assert asked == ([] if gap else ["two"])


def test_a_server_that_is_started_again_has_the_name_of_its_target() -> None:
    target: Any = "python server.py"
    assert str(Again(target, target)) == "python server.py"
