"""What is concluded from the meeting of three clients, and which meetings a dialect cannot describe."""

from collections.abc import Callable

import pytest

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import propose as proposing
from socketserver_reference.conformance.learn.conclusions import conclude_handshake, conclude_notices, refusal
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, LearnedKey
from socketserver_reference.conformance.learn.meeting import MAX_FRAMES, MEETING_NAMES, MeetingUtterance
from socketserver_reference.conformance.learn.propose import MAX_REPAIRS, Proposal
from socketserver_reference.conformance.learn.questions import limits as crowds
from socketserver_reference.conformance.learn.questions.limits import ask_members
from socketserver_reference.conformance.learn.room import MAX_LINES, MAX_NOTICE_BYTES, RoomConversation
from socketserver_reference.conformance.learn.verification import Mismatch
from socketserver_reference.conformance.results.outcomes import NotApplicable
from tests.support.rehearsed_rooms import RehearsedConversation, room, understood

CONVERSATION = RehearsedConversation()
SPOKEN = MeetingUtterance(MEETING_NAMES[0], b"mink-1", dict.fromkeys(MEETING_NAMES, b"mink-1\n"))

LENGTHS = Framing("length", header="%4d")
FRAMES = Framing("fixed", size=8)


def values(learned: LearnedDialect, *keys: str) -> list[object]:
    return [one.value for one in learned.findings if one.key in keys]


def handshake(*greetings: bytes, framing: Framing) -> tuple[list[tuple[LearnedKey, ...]], list[bytes]]:
    """Return what is concluded from these greetings: the handshake, and the notices."""
    found = room(CONVERSATION, understood(CONVERSATION, greetings, said=framing, heard_in=framing))
    learned = LearnedDialect()
    conclude_handshake(found, learned)
    return learned.handshake, [*found.lines["joining"]]


@pytest.mark.parametrize(
    ("template", "framing", "why"),
    [
        ("{sender}\n{body}", Framing("line"), "deliveries have a line's end within"),
        ("{body}", Framing("fixed", size=20), "framing and limits leave 19 bytes for an utterance"),
    ],
)
def test_a_meeting_that_no_dialect_describes_is_refused(template: str, framing: Framing, why: str) -> None:
    found = understood(CONVERSATION, heard_in=framing, template=template)
    found.meeting.utterances = [SPOKEN]
    assert why in refusal(found)


def test_frames_with_an_end_of_their_own_may_hold_a_line_s_end() -> None:
    for framing in (Framing("fixed", size=64, pad=b"\0"), Framing("length", header="u16be")):
        found = understood(CONVERSATION, heard_in=framing, template="{sender}: {body}\n")
        found.meeting.utterances = [SPOKEN]
        assert refusal(found) == ""


@pytest.mark.parametrize("framing", [LENGTHS, FRAMES])
def test_a_greeting_of_two_frames_is_cut_once(framing: Framing) -> None:
    greeting = framing.put(b"Hello") + framing.put(b"Name?")
    (exchange,), _ = handshake(greeting, greeting, greeting, framing=framing)
    assert ("wait", "Name?") in [(key.key, key.value) for key in exchange]


def test_a_greeting_s_last_line_is_awaited_however_many_come_before() -> None:
    greeting = b"".join(b"%x\n" % number for number in range(20_000)) + b"Name: "
    (exchange,), _ = handshake(greeting, greeting, greeting, framing=Framing("line"))
    assert exchange[0].value == "Name: "
    assert len(room(CONVERSATION).news(greeting)) == MAX_FRAMES


def test_greetings_that_only_some_get_are_notices_as_far_as_they_are_few_and_short() -> None:
    told = b"x" * (MAX_NOTICE_BYTES + 1) + b"\nyou are first\r\n"
    assert handshake(told, b"", b"", framing=Framing("line")) == ([], [b"you are first\r"])
    many = b"".join(b"%x\n" % number for number in range(MAX_FRAMES))
    assert len(handshake(many, b"", b"", framing=Framing("line"))[1]) == MAX_LINES


def test_lines_of_greetings_that_differ_are_notices_as_far_as_they_are_few() -> None:
    told = [b"".join(b"%s%d\n" % (word, number) for number in range(MAX_FRAMES)) for word in (b"a", b"b", b"c")]
    exchanges, notices = handshake(*told, framing=Framing("line"))
    assert not exchanges
    assert len(notices) == MAX_LINES


def test_no_prompt_ends_in_what_varies() -> None:
    found, learned = room(CONVERSATION), LearnedDialect()
    found.unended = {b"now 7": False, b"now 12": False, b"> ": False, b"> > ": False}
    conclude_notices(found, learned)
    conclude_notices(found, learned)
    assert values(learned, "prompts") == [["> "]]
    assert learned.remarks == ["These came without an end, and what they end in varies: now {any}."]


def test_a_delivery_that_says_nothing_is_no_prompt() -> None:
    found, learned = room(RehearsedConversation()), LearnedDialect()
    found.template = Template.parse("{sender} > {body}", "sender", "body")
    found.conversation.names.update(MEETING_NAMES)
    found.unended = {b"annika > ": False, b"bertil > ": False, b"carola > ": False, b"you> ": False}
    conclude_notices(found, learned)
    assert values(learned, "prompts") == [["you> "]]
    (suspicion,) = learned.suspicions
    assert "which says nothing" in suspicion.what
    assert suspicion.clauses == ("CHAT-10",)


def verified(found: RoomConversation, verify: Callable[[Dialect], Mismatch | None]) -> Proposal:
    """Return the proposal of a dialect without notices, when this is what its verification says."""
    learned = LearnedDialect()
    learned.learn("", "protocol", "chat", "they heard each other")
    return proposing._verified(verify, learned, [], found)


def test_a_proposal_whose_limits_allow_no_conversation_says_that_it_was_not_verified() -> None:
    def verify(*_: object) -> None:
        raise NotApplicable("that takes an hour with limits.gap")

    proposal = verified(room(CONVERSATION), verify)
    assert "# Not verified in a conversation: that takes an hour with limits.gap." in proposal.text
    assert not proposal.trouble


@pytest.mark.parametrize("kinds", [2, MAX_REPAIRS + 1])
def test_what_came_unexpectedly_is_a_notice_unless_something_else_comes_each_time(kinds: int) -> None:
    words = iter([b"otter has come", b"mink went away", b"it rains", b"no news", b"good morning everybody"][:kinds])

    def verify(*_: object) -> Mismatch | None:
        return Mismatch(None, "something came", False, (word,)) if (word := next(words, None)) else None

    proposal = verified(room(CONVERSATION), verify)
    assert 'notices = ["otter has come", "mink went away"' in proposal.text
    assert bool(proposal.trouble) == (kinds > MAX_REPAIRS)


def test_what_came_unexpectedly_and_is_too_long_for_a_notice_does_not_fit() -> None:
    misfit = Mismatch(None, "something came", leaving=False, unexpected=(b"x" * (MAX_NOTICE_BYTES + 1),))
    assert verified(room(CONVERSATION), lambda _: misfit).trouble


class HeardBySome(RehearsedConversation):
    """Lets all in, and delivers to six of them; with each further attempt to `more` of them."""

    def __init__(self, more: int) -> None:
        super().__init__()
        self.more, self.most = more, 6

    def fresh(self) -> None:
        super().fresh()
        self.most += self.more

    def say(self, who: str, data: bytes) -> None:
        everybody, self.present = self.present, self.present[: self.most]
        super().say(who, data)
        self.present = everybody


class PassesSomeOver(RehearsedConversation):
    """Every fifth client is no member."""

    def say(self, who: str, data: bytes) -> None:
        everybody, self.present = self.present, [one for one in self.present if not one.endswith(("5", "0"))]
        super().say(who, data)
        self.present = everybody


def test_that_clients_are_passed_over_that_did_not_come_last_is_no_lack_of_seats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowds, "CROWD_MEMBERS", 20)
    found, learned = room(PassesSomeOver()), LearnedDialect()
    found.begin()
    ask_members(found, learned)
    (finding,) = learned.findings
    assert (finding.value, finding.sure) == (0, False)
    assert [one.clauses for one in learned.suspicions] == [("CHAT-9", "CHAT-17")]
    assert "3 of 20 clients that connected at once heard nothing, and the last one did" in str(learned.suspicions[0])


@pytest.mark.parametrize(("more", "sure"), [(0, True), (1, False)])
def test_only_a_number_of_members_that_comes_back_is_a_limit(
    more: int, sure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowds, "CROWD_MEMBERS", 20)
    found, learned = room(HeardBySome(more)), LearnedDialect()
    found.begin()
    ask_members(found, learned)
    (finding,) = learned.findings
    assert (finding.value, finding.sure) == (6 if sure else 0, sure)
