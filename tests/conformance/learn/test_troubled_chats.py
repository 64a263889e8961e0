"""`learn chat` of rooms that break: what may be a bug is told, and the rest is learned all the same."""

import math
import re
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.learn import conversation, verification
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.first_contact import _further
from socketserver_reference.conformance.learn.framing import NotUnderstood, ObservedDelivery, understand
from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.learn.meeting import Meeting
from socketserver_reference.conformance.learn.patterns import beside, template
from socketserver_reference.conformance.learn.propose import _at_fault, _refused, propose
from socketserver_reference.conformance.learn.questions.quit_word import QuitTrial, _hangs_up
from socketserver_reference.conformance.learn.room import RoomConversation
from socketserver_reference.conformance.learn.verification import Mismatch
from socketserver_reference.conformance.results.outcomes import NotChecked
from socketserver_reference.conformance.scenario.steps import Say
from socketserver_reference.conformance.scenario.transcript import Did, Entry, Heard, Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Shape
from socketserver_reference.conformance.targets import in_process
from socketserver_reference.conformance.targets.base import CannotCheck
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.in_process import InProcess, InProcessSite
from tests.servers import dialect_servers as servers
from tests.servers.dialect_servers import chat
from tests.servers.dialects_served import DIALECTS, served
from tests.servers.labelled_rooms import LABELLED, Ghost, room_of
from tests.support.learning import learned, proposed, reason, unfit

pytestmark = pytest.mark.usefixtures("quick_learning")


class EarlierOnly(servers.Member):
    """Is heard by those who came before it alone."""

    def stay(self, speech: servers.Speech) -> None:
        known = [*self.server.members, self]
        self.server.members.append(self)
        while (body := speech.hear(self)) is not None:
            for member in known:
                member.wfile.write(body + b"\n")


def ending(word: bytes, then: Callable[[servers.Member], object] = lambda _: None) -> Callable[[servers.Member], Any]:
    """Return how lines are heard by a server that does something at a word, and ends the connection."""

    def hear(member: servers.Member) -> bytes | None:
        line = servers.lines(member)
        if line is not None and line.startswith(word):
            then(member)
            return None
        return line

    return hear


def plain(text: str) -> str:
    return re.sub(r"\n#\s+", " ", text)


@pytest.mark.slow
@pytest.mark.parametrize("most", [1000, pytest.param(math.inf, marks=pytest.mark.sweep)])
def test_a_room_that_takes_the_end_of_a_stream_for_an_utterance_is_learned_and_told(most: float) -> None:
    """Whoever leaves floods the room with empty deliveries, so many, or for ever."""
    ends: Counter[servers.Member] = Counter()

    def hear(member: servers.Member) -> bytes | None:
        line = servers.lines(member)
        ends[member] += line is None
        return line if ends[member] > most else line or b""

    text = proposed(chat(hear=hear, deliver=LABELLED, to_sender=LABELLED))
    dialect = loader.read(text, "learned", "learned")
    assert dialect.template == Template("{sender}: {body}")
    assert dialect.notices == ()
    assert dialect.quit == b""
    heard = r"When a client went, others heard b'\d+: ', which says nothing, and \d+ like it"
    flooded = r"When guest1 had closed its connection, the server sends without end: \d+ bytes to one client, and on"
    told = re.findall(rf"May be a bug: (?:{heard}|{flooded})\. `check` will ask for it \((CHAT-10)\b", plain(text))
    assert told == ["CHAT-10"]


@pytest.mark.slow
def test_the_name_of_a_client_is_no_word_to_quit_by() -> None:
    text = proposed(chat(asks=b"name? ", answer=b"[{name}] has come\n", deliver=b"{name}: {body}\n", to_sender=None))
    tried = re.search(r"Tried: ([^.]*)\.", plain(text))
    assert tried is not None
    assert "annika" not in tried[1]


def test_words_after_which_a_server_hangs_up_whatever_they_are_are_no_quit_words() -> None:
    many = QuitTrial(quits=dict.fromkeys(["quit", "exit", "bye"], "end of stream"))
    assert _hangs_up(["quit", "exit", "bye", "leave"], many)
    assert not _hangs_up(["quit", "exit", "bye", "leave", "logout", ":q"], many)
    assert not _hangs_up(["quit"], QuitTrial(quits={"quit": "end of stream"}))


def test_a_room_that_breaks_when_somebody_leaves_is_learned_and_told() -> None:
    text = proposed(room_of(Ghost))
    assert "May be a bug: When guest1 had closed its connection and annika spoke, not all others heard it" in plain(
        text
    )
    assert text.count("did not work any more") == 0
    dialect = loader.read(text, "learned", "learned")
    assert (dialect.template, dialect.quit) == (Template("{sender}: {body}"), b"")


def test_a_room_in_which_only_those_who_came_earlier_hear_is_told() -> None:
    with pytest.raises(
        CannotLearn, match="carola, who came last, is heard by annika, who came first, but does not hear"
    ):
        propose("chat", room_of(EarlierOnly), 0.1)


@pytest.mark.slow
def test_a_word_of_which_the_server_dies_is_no_quit_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "IDLE_POLL_INTERVAL", 0.005)  # it dies at once
    text = proposed(chat(deliver=LABELLED, hear=ending(b"/q", lambda member: member.server.shutdown())))
    assert "May be a bug: The server died when a client said '/quit'" in plain(text)
    assert loader.read(text, "learned", "learned").quit == b""


@pytest.mark.slow
def test_a_mark_after_which_the_server_hangs_up_begins_a_command() -> None:
    assert learned(chat(deliver=LABELLED, hear=ending(b"@"))).commands == (b"@",)


@pytest.mark.slow
def test_a_quit_word_that_the_server_names_needs_no_line_end() -> None:
    def hear(member: servers.Member) -> bytes | None:
        chunk = servers.chunks(member)
        return None if chunk == b"so long" else chunk

    target = chat(greeting=b"Type 'over' to leave\n", deliver=b"{number}: {body}", to_sender=None, hear=hear, quit=b"")
    assert "No quit word was found" in proposed(target)


@pytest.mark.slow
def test_a_notice_that_says_nothing_is_no_notice() -> None:
    text = proposed(chat(deliver=b"{number}: {body}\n", left=b"{number}: null\n"))
    suspected = "others heard b'4: null', which says nothing, and 15 like it. `check` will ask for it (CHAT-4)"
    assert suspected in plain(text)
    assert loader.read(text, "learned", "learned").notices == ()


@pytest.mark.slow
def test_greetings_that_have_nothing_in_common_are_notices() -> None:
    class Greeted(servers.Member):
        def stay(self, speech: servers.Speech) -> None:
            self.wfile.write(b"%d\n" % (7 ** (self.number % 3)))
            super().stay(speech)

    assert learned(room_of(Greeted)).handshake == ()


def test_lines_that_are_lost_may_be_a_bug() -> None:
    """They are too long, or come in one segment with another."""

    def hear(member: servers.Member) -> bytes | None:
        while (chunk := servers.chunks(member)) is not None and len(chunk) > 500:
            pass
        return chunk and chunk.split(b"\n")[0]

    text = proposed(chat(deliver=LABELLED, hear=hear))
    assert "1000 bytes were not delivered; 496 were: this may be a bug" in reason(text, "utterance")
    assert re.search(r"two utterances in one segment, .{20,60} was not delivered: each recv\(\) may be", plain(text))


@pytest.mark.slow
def test_a_history_without_an_end_is_as_long_as_a_dialect_allows() -> None:
    assert learned(served(replace(DIALECTS["lengths"], history=1000))).history == 1000


def test_a_server_that_cannot_be_started_again_leaves_what_was_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(_: RoomConversation) -> None:
        raise CannotCheck("it is gone")

    monkeypatch.setattr(RoomConversation, "begin", begin)
    text = proposed(chat(deliver=LABELLED))
    assert "words to quit by could not be asked for: it is gone" in text


@pytest.mark.parametrize(
    ("raised", "why"),
    [
        (NotChecked("too many segmentations"), "too many segmentations"),
        (NotChecked("at first", VIOLATIONS["CHAT-2"]("much", "little", ())), "little"),
        (VIOLATIONS["CHAT-2"]("much", "little", ()), "little"),
    ],
)
def test_a_conversation_that_cannot_be_judged(raised: Exception, why: str, monkeypatch: Any) -> None:
    def play_once(*_: object) -> None:
        raise raised

    monkeypatch.setattr(Session, "play_once", play_once)
    with closing(chat().start(1.0)) as site:
        found = verification.verify(
            Running(site.address), "chat", DIALECTS["named"], 0.1, Budget(), ConversationJournal()
        )
    assert found is not None
    assert found.why == why
    assert why in "".join(found.lines())


@pytest.mark.parametrize(
    ("clause", "shape", "key"),
    [
        ("CHAT-4", "extra", "delivery.notices"),
        ("CHAT-7", "quit delivered", "quit.word"),
        ("CHAT-2", "missing", "delivery.to_sender"),
        ("CHAT-2", "other form", "delivery.template"),
        ("ECHO-2", "altered", "echo.transform"),
    ],
)
def test_the_keys_to_look_at_follow_from_what_happened(clause: str, shape: Any, key: str) -> None:
    violation = VIOLATIONS[clause]("much", "little", ())
    violation.shape = shape
    assert _at_fault(Mismatch(violation, "why", leaving=False))[0] == key
    assert _at_fault(Mismatch(None, "why", leaving=False)) == ("delivery.template",)


@pytest.mark.parametrize("wrong", [1, 2, 3])
def test_the_keys_without_which_a_dialect_is_valid_are_comments_in_it(wrong: int) -> None:
    learned = LearnedDialect()
    learned.learn("", "protocol", "chat", "three clients heard each other")
    learned.learn("quit", "word", "bye", "so it is")
    learned.exchange(wait=("{mood}", "so it seemed"))
    for table, key, value in [("delivery", "template", "no field"), ("framing", "in", "smoke")][: wrong - 1]:
        learned.learn(table, key, value, "so it seemed")
    proposal = _refused(learned, [], "it is not valid")
    dialect = loader.read(proposal.text, "learned", "learned")
    assert (dialect.template, dialect.framing_in, dialect.handshake) == (NOTE.template, NOTE.framing_in, ())
    assert (dialect.quit == b"bye") is (wrong < 3)  # of more than two, all keys are
    assert '# [[handshake]]\n# so it seemed\n# wait = "{mood}"' in proposal.text
    seemed = [one for one in proposal.evidence if one.endswith(": so it seemed")]
    assert seemed == [f"Look at {name}: so it seemed" for name in ("delivery.template", "framing.in")[: wrong - 1]]


@pytest.mark.parametrize(("read", "leaving", "bug"), [(201, True, True), (200, True, False), (201, False, False)])
def test_more_than_any_notice_when_a_client_leaves_may_be_a_bug(read: int, leaving: bool, bug: bool) -> None:
    violation = VIOLATIONS["CHAT-4"]("nothing is sent", "ann reads more", ())
    violation.shape, violation.failing = "extra", "ann"
    late = [Heard("ann", b"x" * size, 0.0) for size in (100, read - 100)]  # it may come in small parts
    violation.transcript = Transcript(
        [Heard("ann", b"x" * 500, 0.0), Did(Say("ben", b"bye")), *late, Heard("ben", b"", 0.0)]
    )
    assert Mismatch(violation, "ann reads more", leaving).may_be_a_bug is bug
    assert not Mismatch(None, "it cannot be tried", leaving).may_be_a_bug


@pytest.mark.parametrize("leaving", [True, False])
@pytest.mark.parametrize("shape", ["duplicated", "empty"])
def test_what_comes_once_a_client_has_left_may_be_a_bug(shape: Shape, leaving: bool) -> None:
    """A list of members that still has a connection of somebody who has left, and a new one of the same number, or a
    server that takes the end of a stream for an utterance.
    """
    violation = VIOLATIONS["CHAT-4"]("nothing is sent", "ann reads b'hello'", ())
    violation.shape = shape
    assert Mismatch(violation, "ann reads b'hello'", leaving).may_be_a_bug is leaving


def test_what_has_no_framing_is_not_understood() -> None:
    more = ObservedDelivery("ann", "ben", b"otter", b"otter\nand more\n")
    with pytest.raises(NotUnderstood, match="what follows a text differs from one to the next"):
        understand([ObservedDelivery("ann", "ben", b"mink", b"mink\n"), more], Framing())
    heads = {"ann": [b"ann of 5> "] * 2, "ben": [b"ben of 7> "] * 2}
    assert template(beside(heads, "")) == "{sender}> "


def test_a_meeting_to_which_nobody_came_suggests_no_answers() -> None:
    meeting: Any = Meeting.__new__(Meeting)
    meeting.answers, meeting.said, meeting.arrivals = [None], Framing(), {}
    assert list(_further(meeting)) == []


def test_frames_that_deliver_nothing_are_what_came_unexpectedly() -> None:
    violation = VIOLATIONS["CHAT-4"]("much", "more", ())
    violation.shape, violation.failing = "extra", "ann"
    entries: list[Entry] = [Did(Say("ben", b"mink"), b"mink\n"), Heard("ann", b"it rains\nsomebody: mink\n", 0.0)]
    violation.transcript = Transcript(entries)
    lines = replace(DIALECTS["named"], template=Template("{sender}: {body}"), notices=(), prompts=())
    assert verification._misfit(violation, lines, leaving=False).unexpected == (b"it rains",)


def test_a_chat_of_three_is_said_to_be_too_small_and_nothing_is_blamed_on_it() -> None:
    proposal = unfit(chat(deliver=LABELLED, seats=3))
    assert "limits.members is too low to check a chat" in proposal.trouble
    assert "\n# members = 3" in proposal.text
    assert proposal.remarks == []
    assert "quit.word" in proposal.left_out["it takes more clients than the server lets in"]


@pytest.mark.slow
@pytest.mark.parametrize(("dies", "trouble"), [(False, ""), (True, "no time was left for a conversation")])
def test_a_server_that_is_slow_to_start_again_is_verified_as_it_runs(
    dies: bool, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = chat(deliver=LABELLED, quit=b"quit")
    started: list[InProcessSite] = []

    def start(timeout: float) -> InProcessSite:
        started.append(InProcess.start(target, timeout))
        return started[-1]

    monkeypatch.setattr(conversation, "MAX_RESTART_SECONDS", 0.0)
    once = SimpleNamespace(start=start)
    if dies:
        monkeypatch.setattr(InProcessSite, "exit_report", lambda _: "it ended")
        monkeypatch.setattr(InProcessSite, "restart", lambda _: True)
    proposal = propose("chat", cast(Any, once), 0.1, 10)
    assert proposal.trouble.startswith(trouble)
    assert len(started) == 1


class NumberedAnew(servers.Member):
    """Is called by the number of those who are there, so that two may have one name once somebody has left."""

    def stay(self, speech: servers.Speech) -> None:
        with self.server.lock:
            self.number = len(self.server.members) + 1
        super().stay(speech)


def test_two_members_of_one_name_are_a_bug_and_no_other_dialect() -> None:
    proposal = propose("chat", room_of(NumberedAnew), 0.1, 10)
    assert not proposal.trouble
    assert any("CHAT-4" in one for one in proposal.remarks)
