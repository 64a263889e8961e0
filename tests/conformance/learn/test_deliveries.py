"""Deliveries that come with something else: a frame with the name before them, a receipt behind them, and what members
are told when a connection is reset.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn.answers import NAME_FIELD, AnswerText
from socketserver_reference.conformance.learn.chat import ask_resetting
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.framing import ObservedDelivery, understand
from socketserver_reference.conformance.learn.meeting import Meeting
from socketserver_reference.conformance.learn.meeting import understand as understood_meeting
from socketserver_reference.conformance.learn.propose import propose
from socketserver_reference.conformance.targets.in_process import InProcess
from tests.servers import dialect_servers as servers
from tests.servers.dialect_servers import chat
from tests.servers.dialects_served import DIALECTS, served
from tests.support.learning import differences, learned, proposed, reason
from tests.support.rehearsed_rooms import RehearsedConversation, room

pytestmark = pytest.mark.usefixtures("quick_learning")


@pytest.mark.slow
def test_a_name_in_a_frame_before_the_words() -> None:
    dialect, said = learned(served(DIALECTS["name first"])), DIALECTS["name first"]
    assert dialect.framing_out.parts == 2
    assert differences(dialect) == differences(said) | {"framing_in": dialect.framing_in}


def test_a_text_may_fill_a_frame_to_its_end() -> None:
    said = {b"otter": b"ann: otter   ", b"polecats": b"ann: polecats", b"stoats": b"ann: stoats  "}
    found = [ObservedDelivery("ann", "ben", text, data) for text, data in said.items()]
    framed = understand(found, Framing("line"))
    assert framed.framing == Framing("fixed", size=13, pad=b" ")
    assert (set(framed.heads), set(framed.tails)) == ({b"ann: "}, {b""})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frame", "framing"),
    [
        (lambda said: said.ljust(64, b"\0"), Framing("fixed", size=64, pad=b"\0")),
        (Framing("length", header="u16be").put, Framing("length", header="u16be")),
    ],
)
def test_a_frame_may_hold_the_end_of_the_line_that_was_said(frame: Callable[[bytes], bytes], framing: Framing) -> None:
    dialect = learned(chat(hear=servers.chunks, deliver=b"member{number}: {body}", frame=frame, to_sender=None))
    assert dialect.framing_out == framing
    assert (dialect.template, dialect.handshake) == (Template("member{sender}: {body}\n"), ())


def test_a_receipt_besides_the_delivery_is_a_notice() -> None:
    text = proposed(chat(deliver=b"{number}: {body}\n", to_sender=b"MESSAGE RECEIVED\n{number}: {body}\n"))
    dialect = loader.read(text, "learned", "learned")
    assert dialect.to_sender == "same"
    assert dialect.notices == (Template("MESSAGE RECEIVED"),)
    assert "when a client spoke, it heard 1 kind of lines" in reason(text, "notices")


def test_a_receipt_that_counts_is_a_notice_too() -> None:
    dialect = learned(chat(deliver=b"{number}: {body}\n", to_sender=b"you: {body}\nthat was number {count} here\n"))
    assert dialect.to_sender == Template("you: {body}")
    assert dialect.notices == (Template("that was number {any} here"),)


@pytest.mark.parametrize(
    ("deliver", "template", "notice"),
    [
        (b"\nmember{number}: {body}\n", "member{sender}: {body}", ""),
        (b"member{number} said at {clock}:\n{body}\n", "{body}", "{any} said at {any}:"),
        (b"{body}\n-- member{number}, word {count}\n> ", "{body}", "-- {any}, word {any}"),
    ],
)
def test_other_lines_of_a_delivery_are_notices(deliver: bytes, template: str, notice: str) -> None:
    text = proposed(chat(deliver=deliver, to_sender=None))
    dialect = loader.read(text, "learned", "learned")
    assert (dialect.framing_out.kind, dialect.template, dialect.notices) == (
        "line",
        Template(template),
        (Template(notice),),
    )
    assert "lines like this come with each delivery" in reason(text, "notices")


def test_other_lines_of_a_delivery_end_as_it_does_where_notices_end_otherwise() -> None:
    dialect = learned(chat(deliver=b"from member{number}:\r\n{body}\r\n", to_sender=None, joined=b"* one more\n"))
    assert (dialect.framing_out.newline, dialect.template) == (b"\n", Template("{body}\r"))
    assert set(dialect.notices) == {Template("* one more"), Template("from member{any}:\r")}


def test_a_line_before_a_delivery_that_nothing_marks_is_not_understood() -> None:
    with pytest.raises(CannotLearn) as told:
        propose("chat", chat(deliver=b"{count}\n{body}\n", to_sender=None), 0.1, 10)
    assert "a line comes with each delivery that no word of its own marks, such as b'" in str(told.value)


@pytest.mark.slow
def test_where_nothing_ends_a_delivery_a_line_may_end_before_it() -> None:
    dialect = learned(chat(deliver=b"\n[{number}] {body}", to_sender=None))
    assert (dialect.framing_out.kind, dialect.template) == ("none", Template("\n[{sender}] {body}"))


def test_a_notice_that_begins_with_a_line_s_end_and_has_none_comes_after_an_empty_line() -> None:
    text = proposed(
        chat(hear=servers.chunks, asks=b"name? ", deliver=b"{body}", to_sender=None, joined=b"\n{name} came.")
    )
    dialect = loader.read(text, "learned", "learned")
    assert Template("") in dialect.notices
    assert dialect.prompts == (Template("{any} came."),)
    assert "which says nothing" not in text


@pytest.mark.slow
def test_an_empty_delivery_when_a_client_comes_may_be_a_bug() -> None:
    text = proposed(chat(hear=servers.chunks, asks=b"name? ", deliver=b"{body}", to_sender=None, joined=b"\n"))
    assert loader.read(text, "learned", "learned").notices == ()
    assert "others heard b'', which says nothing" in re.sub(r"\n#\s+", " ", text)


@pytest.mark.slow
@pytest.mark.parametrize("change", [lambda body: body.rpartition(b": ")[2], lambda body: body.partition(b", ")[0]])
def test_a_part_of_some_words_may_be_a_bug(change: Callable[[bytes], bytes]) -> None:
    text = proposed(chat(deliver=b"{number}> {body}\n", change=change))
    assert 'template = "{sender}> {body}"' in text
    told = r"May be a bug: In a conversation .* observed ann reads .* `check` will ask for it \(CHAT-3"
    assert re.search(told, re.sub(r"\n#\s+", " ", text))


class Noticing(servers.Member):
    """Tells the others of a member whose connection fails, and of no other."""

    def stay(self, speech: servers.Speech) -> None:
        try:
            super().stay(speech)
        except ConnectionResetError:
            with self.server.lock:
                self.tell_others(self.fill(b"* {name} was lost\n"))


class Listing(servers.Member):
    """Tells all who is there, when a member comes or goes."""

    def stay(self, speech: servers.Speech) -> None:
        with self.server.lock:
            self.tell_all([*self.server.members, self])
        super().stay(speech)
        with self.server.lock:
            self.tell_all(self.server.members)

    def tell_all(self, members: Sequence[servers.Member]) -> None:
        for member in members:
            with suppress(OSError):
                member.wfile.write(b"THERE " + b",".join(one.name for one in members) + b"\n")


def test_a_list_of_all_that_are_there_is_a_notice_also_of_one_alone() -> None:
    def make() -> servers.Chat:
        server = servers.Chat(servers.Speech(asks=b"name? ", deliver=b"{name}: {body}\n", to_sender=None))
        server.RequestHandlerClass = Listing
        return server

    assert learned(InProcess(make)).notices == (Template("THERE {any}"),)


class FailsBy(servers.Chat):
    """A room that notices resets."""

    def __init__(self) -> None:
        super().__init__(servers.Speech(hear=servers.chunks, deliver=b"{body}", to_sender=None))
        self.RequestHandlerClass = Noticing


def test_what_members_are_told_of_a_reset_is_a_notice() -> None:
    assert learned(InProcess(FailsBy)).notices == (Template("* {any} was lost"),)


@pytest.mark.parametrize("restarts", [True, False])
def test_where_the_server_cannot_be_started_again_nobody_resets(
    restarts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = RehearsedConversation()
    monkeypatch.setattr(conversation, "_restarts", restarts)
    found = room(conversation)
    found.begin()
    ask_resetting(found, LearnedDialect())
    assert found.received == int(restarts)


class Filled(RehearsedConversation):
    """Delivers all that is said, filled up to a frame of one size."""

    def say(self, who: str, data: bytes) -> None:
        super().say(who, data.ljust(64, b"\0"))

    def origin(self, _: str) -> tuple[str, str]:
        return "", ""


@pytest.mark.parametrize("end", [b"\n", b""])
def test_first_words_that_come_without_a_line_s_end_as_they_were_said_are_no_name(end: bytes) -> None:
    meeting = Meeting(Filled(), Framing(), (AnswerText(NAME_FIELD, end),))
    meeting.arrive()
    assert meeting.talk()
    found = understood_meeting(meeting)
    assert (found.template, found.answers) == (Template("{body}\n"), ())
