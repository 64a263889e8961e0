"""Clients that come to a room and leave it, and the words that they say: what is kept when the server breaks."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn.answers import AnswerText
from socketserver_reference.conformance.learn.chat import ask_leaving
from socketserver_reference.conformance.learn.conversation import CannotLearn, SendsWithoutEnd, TooFewSeats
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect
from socketserver_reference.conformance.learn.meeting import MEETING_NAMES
from socketserver_reference.conformance.learn.questions.history import ask_history
from socketserver_reference.conformance.learn.questions.quit_word import QuitTrial, _try, ask_quit
from socketserver_reference.conformance.learn.room import MAX_LINES
from tests.support.rehearsed_rooms import RehearsedConversation, room, understood

NAME = AnswerText("{name}", b"\n")


def test_one_client_that_hears_no_greeting_says_nothing_about_several() -> None:
    conversation = RehearsedConversation()
    found = room(conversation, understood(conversation, [b"Name? "] * 3, answers=[NAME]))
    assert found.newcomer() == "guest1"
    assert not found.one_by_one
    assert found.newcomers(3) == ["guest5", "guest6", "guest7"]
    assert found.one_by_one
    assert found.newcomers(2) == ["guest8", "guest9"]


def test_a_line_that_comes_with_deliveries_is_no_news_for_a_newcomer() -> None:
    found = understood(RehearsedConversation())
    found = replace(found, framed=replace(found.framed, beside=(Template("-- {any}"),)))
    assert room(RehearsedConversation(), found).news(b"-- 2 words\nwelcome\n") == [b"welcome\n"]


class Porch(RehearsedConversation):
    """A server that greets the next client when the one before has answered, or has gone."""

    def __init__(self) -> None:
        super().__init__(greeting=b"Name? ")
        self.waiting: list[str] = []
        """Clients that have not answered; the first of them was greeted."""
        self.early: list[str] = []
        """Clients that answered before they were asked."""

    def join(self, who: str) -> None:
        super().join(who)
        self.waiting.append(who)
        self._unheard[who] = self.greeting if len(self.waiting) == 1 else b""

    def say(self, who: str, data: bytes) -> None:
        if who in self.waiting[1:]:
            self.early.append(who)
        if who in self.waiting:
            self.waiting.remove(who)
        super().say(who, data)

    def leave(self, *whom: str, rudely: bool = False) -> None:  # noqa: ARG002  # the others see no difference
        super().leave(*whom)
        self.waiting = [who for who in self.waiting if who not in whom]


def test_clients_that_were_not_greeted_together_come_again_one_by_one_and_answer_what_they_are_asked() -> None:
    conversation = Porch()
    found = room(conversation, understood(conversation, [b"Name? "] * 3, answers=[NAME]))
    assert found.newcomers(3) == ["guest4", "guest5", "guest6"]
    assert conversation.early == []


def test_one_by_one_nobody_comes_after_a_client_that_the_server_sends_away() -> None:
    conversation = RehearsedConversation(seats=5)
    found = room(conversation, understood(conversation, answers=[NAME]))
    found.one_by_one = True
    found.begin()
    assert found.newcomers(4) == ["guest1", "guest2"]
    assert conversation.joined[3:] == ["guest1", "guest2"]


def test_a_server_with_three_seats_has_too_few_and_one_that_let_in_more_before_is_full() -> None:
    conversation = RehearsedConversation(seats=3)
    found = room(conversation)
    found.begin()
    with pytest.raises(TooFewSeats, match="a fresh server lets in 3 clients, and no more"):
        found.newcomer()
    conversation.seats = 4
    found.newcomer()
    with pytest.raises(CannotLearn, match="lets no more clients in") as full:
        found.newcomer()
    assert not isinstance(full.value, TooFewSeats)


def test_of_more_lines_than_are_kept_the_last_ones_are() -> None:
    found = room(RehearsedConversation())
    told = [b"guest%d has left" % number for number in range(MAX_LINES + 3)]
    found.keep("leaving", told)
    assert list(found.lines["leaving"]) == told[3:]


def test_a_crowd_of_lines_of_one_kind_leaves_what_came_once() -> None:
    found = room(RehearsedConversation())
    found.keep("joining", [b"you are alone", *(b"* guest%d has come" % number for number in range(2 * MAX_LINES))])
    assert len(found.lines["joining"]) == MAX_LINES
    assert found.notices()["joining"] == ["you are alone", "* {any} has come"]


def test_the_labels_of_those_who_spoke_vary_in_notices() -> None:
    found = room(RehearsedConversation(), understood(RehearsedConversation(), template="<guest{sender}> {body}"))
    assert found.delivers(b"<guest7> mink-1", b"mink-1")
    found.keep("leaving", [b"guest7 has left", b"number 7 is free"])
    assert found.notices()["leaving"] == ["{any} has left", "number {any} is free"]


def test_the_names_of_those_who_came_vary_in_notices_of_leaving() -> None:
    found = room(RehearsedConversation())
    found.keep("joining", [b"* Xq joined, 12 are here", b"* Lpo joined, 13 are here"])
    found.keep("leaving", [b"* Lpo has left, 12 are here"])
    assert found.notices()["leaving"] == ["* {any} has left, 12 are here"]


def test_a_notice_that_came_on_several_occasions_belongs_to_the_first() -> None:
    found = room(RehearsedConversation())
    found.keep("leaving", [b"the bell rings", b"the door closes"])
    found.keep("joining", [b"the bell rings", b"the door opens"])
    told = found.notices()
    assert (told["joining"], told["leaving"]) == (["the bell rings", "the door opens"], ["the door closes"])


@pytest.mark.parametrize("template", ["<user{sender}> {body}", "<{sender}> {body}"])
def test_what_a_client_said_is_no_notice_though_it_was_altered(template: str) -> None:
    conversation = RehearsedConversation()
    found = room(conversation, understood(conversation, template=template))
    conversation.names.add("guest7")
    said, altered = [b"\\q"], b"<userguest7> \\x5cq\n<userguest8> is gone\n"
    found.gone(heard=dict.fromkeys(MEETING_NAMES, altered), said=said)
    assert found.notices()["leaving"] == ["<userguest8> is gone"]
    found.gone(heard=dict.fromkeys(MEETING_NAMES, altered))
    assert len(found.notices()["leaving"]) == 2


def test_a_line_belongs_to_the_occasion_on_which_lines_came_that_are_like_it() -> None:
    found = room(RehearsedConversation())
    found.keep("joining", [b"<--- No Name12 joined the room"])
    found.keep("leaving", [b"---> No Name35 left the room"])
    assert found.occasion_of(b"---> No Name left the room") == "leaving"
    assert found.occasion_of(b"<--- No Name joined the room") == "joining"
    assert found.occasion_of(b"it rains") == "joining"


def test_a_room_that_sends_one_of_the_three_away_is_told() -> None:
    found = room(RehearsedConversation(seats=2))
    with pytest.raises(CannotLearn, match="the server sends clients away that it let in before"):
        found.begin()


def test_where_all_stay_a_full_room_is_begun_again() -> None:
    conversation = RehearsedConversation(seats=4)
    found = room(conversation)
    found.begin()
    found.fragile = True
    assert [found.newcomer(), found.newcomer()] == ["guest1", "guest3"]
    assert conversation.present == [*MEETING_NAMES, "guest3"]


def test_where_all_stay_no_newcomer_takes_another_s_place() -> None:
    conversation = RehearsedConversation(greeting=b"mink-1\n")
    conversation.texts.append(b"mink-1")
    found = room(conversation)
    found.begin()
    found.fragile = True
    ask_history(found, LearnedDialect())
    assert len(set(conversation.joined)) == len(conversation.joined) == 5


class Hall(RehearsedConversation):
    """A chat in which some words end their speaker's stream, some are not delivered, and some end the server."""

    def __init__(self, quits: Collection[str] = (), silent: Collection[str] = (), deadly: Collection[str] = ()) -> None:
        super().__init__()
        self.quits, self.silent, self.deadly = quits, silent, deadly
        self.breaks: Collection[str] = ()
        """Words after which nobody hears anything."""
        self.broken = False
        self.fills = ""
        """The word after which nobody else comes in."""
        self.deaths = 1000
        """How often the server lets clients in again after it has died."""

    def fresh(self) -> None:
        self.deaths -= bool(self.exit_report)
        self.seats = self.seats if self.deaths >= 0 else 0
        self.exit_report = ""
        super().fresh()

    def say(self, who: str, data: bytes) -> None:
        word = data.decode().strip()
        if word in self.deadly:
            self.exit_report = "the server ended"
        self.broken = self.broken or word in self.breaks
        self.seats = 0 if word == self.fills else self.seats
        if word in self.quits:
            self.ended[who] = "eof"
        elif word not in self.silent and not self.broken:
            super().say(who, data)


def test_a_word_that_is_tried_again_is_noted_once() -> None:
    found, learned = room(Hall(silent=["/q", ":q"], deadly=["QUIT"])), LearnedDialect()
    found.begin()
    ask_quit(found, learned)
    (finding,) = learned.findings
    assert finding.value == ""
    assert finding.why.endswith("these were not delivered: /q, :q")
    (suspicion,) = learned.suspicions
    assert str(suspicion) == "The server died when a client said 'QUIT': the server ended. No clause is about that."
    assert "If 'QUIT' is the quit word, write it as quit.word: `check` says it then." in learned.remarks


@pytest.mark.parametrize(("deadly", "asked"), [("QUIT", True), ("/exit", False)])
def test_check_says_no_word_that_kills_the_server_but_the_quit_word(deadly: str, asked: bool) -> None:
    found, learned = room(Hall(quits=["quit"], deadly=[deadly])), LearnedDialect()
    found.begin()
    ask_quit(found, learned)
    (suspicion,) = learned.suspicions
    assert ("CHAT-8" in suspicion.clauses) is asked
    assert not learned.remarks


def test_a_quit_word_counts_though_nobody_is_let_in_after_another_word() -> None:
    hall = Hall(quits=["quit"], deadly=["bye"])
    hall.deaths = 1
    found, learned = room(hall), LearnedDialect()
    found.begin()
    with pytest.raises(CannotLearn, match="sends clients away"):
        ask_quit(found, learned)
    (finding,) = learned.findings
    assert (finding.key, finding.value) == ("word", "quit")
    assert "'bye'" in learned.suspicions[0].what


def test_at_an_address_no_word_is_tried_after_one_that_breaks_the_room() -> None:
    hall = Hall(quits=["/q"])
    hall.breaks = ["/exit"]
    found, learned = room(hall), LearnedDialect()
    found.framed = replace(found.framed, framing=Framing("none"))  # so words are said one at a time
    found.begin()
    hall.site.restartable = False
    ask_quit(found, learned)
    assert learned.suspicions[0].what == "After a client had said '/exit' the room did not work any more"
    assert learned.findings[0].why.endswith(", /exit")  # the last one that was tried


def test_at_an_address_that_lets_nobody_in_after_a_word_no_more_words_are_tried() -> None:
    hall = Hall(quits=["exit"])
    hall.fills = "exit"
    found, learned = room(hall), LearnedDialect()
    found.framed = replace(found.framed, framing=Framing("none"))
    found.begin()
    hall.site.restartable = False
    with pytest.raises(CannotLearn, match="lets no more clients in"):
        ask_quit(found, learned)
    (finding,) = learned.findings
    assert finding.value == "exit"


class Reopens(Hall):
    """A full server that lets clients in again once it was started again."""

    def fresh(self) -> None:
        super().fresh()
        self.seats = 1000


def test_a_word_at_which_nobody_comes_in_breaks_the_room_and_the_next_is_tried_on_a_fresh_server() -> None:
    hall = Reopens(quits=["QUIT"])
    hall.fills = "exit"
    found, learned = room(hall), LearnedDialect()
    found.framed = replace(found.framed, framing=Framing("none"))
    found.begin()
    ask_quit(found, learned)
    assert [one.what for one in learned.suspicions] == [
        "After a client had said 'bye' the room did not work any more",
    ]
    assert (learned.findings[0].key, learned.findings[0].value) == ("word", "QUIT")


def test_what_a_guest_said_is_no_notice_even_if_it_is_delivered_only_when_the_guest_leaves() -> None:
    class Slow(RehearsedConversation):
        def leave(self, *whom: str, rudely: bool = False) -> None:  # noqa: ARG002  # the others see no difference
            super().leave(*whom)
            self._unheard[MEETING_NAMES[1]] = b"QUIT\n* guest1 has left\n"

    found = room(Slow())
    found.begin()
    found.gone(found.newcomer(), said=[b"QUIT"])
    assert list(found.lines["leaving"]) == [b"* guest1 has left"]


def test_what_a_command_leads_to_is_neither_a_notice_nor_a_prompt() -> None:
    class Waving(Hall):
        """Some words make it tell the others something; the quit word, that somebody left."""

        def say(self, who: str, data: bytes) -> None:
            super().say(who, data)
            told = {"/q": b"guest waves ", ":q": b"* guest is now known as q\n", "quit": b"* guest has left\n"}
            before = self._unheard.get(MEETING_NAMES[1], b"")
            self._unheard[MEETING_NAMES[1]] = before + told.get(data.decode().strip(), b"")

    found = room(Waving(quits=["quit"], silent=["/q", ":q"]))
    found.begin()
    trial = QuitTrial()
    for word in ("/q", ":q", "quit"):
        _try(found, {word: word.encode() + b"\n"}, trial)
    assert found.unended == {}
    assert list(found.lines["leaving"]) == [b"* guest has left"]
    assert list(trial.quits) == ["quit"]


class Flooding(RehearsedConversation):
    """A server that sends without end when a client has left."""

    def leave(self, *whom: str, rudely: bool = False) -> None:  # noqa: ARG002  # the others see no difference
        super().leave(*whom)
        if whom:
            raise SendsWithoutEnd


def test_a_room_that_floods_when_somebody_leaves_is_told_once_and_nobody_leaves_any_more() -> None:
    conversation = Flooding()
    found, learned = room(conversation), LearnedDialect()
    found.begin()
    ask_leaving(found, learned)
    (suspicion,) = learned.suspicions
    assert suspicion.what == "When guest1 had closed its connection, the server sends without end"
    guest = found.newcomer()
    found.gone(guest)
    assert guest in conversation.present
