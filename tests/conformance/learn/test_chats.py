"""`learn chat`: the dialect that is proposed for a server is the one that it speaks, and every line has its reason."""

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from socketserver_faults.catalogue.index import find
from socketserver_faults.matrix import runner
from socketserver_reference.address import Address
from socketserver_reference.chat import Room
from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.dialect import HandshakeTurn
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import make_server
from tests.servers import dialect_servers as servers
from tests.servers.dialect_servers import chat
from tests.servers.dialects_served import served
from tests.support.learning import differences, learned, proposed, reason, unfit
from tests.support.planted import Planted

LINES = Framing("line")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_learning")]  # whole conversations of learn


# The reference and its faults


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_the_reference_speaks_the_notes_dialect(transport: str, tmp_path: Any) -> None:
    address = Address(transport, "127.0.0.1") if transport == "tcp" else Address(transport, path=str(tmp_path / "room"))
    target = InProcess(partial(make_server, "chat", address))
    assert differences(learned(target)) == {}


def test_the_reference_echoes_in_the_notes_dialect() -> None:
    for transport in ("tcp", "udp"):
        target = InProcess(partial(make_server, "echo", Address(transport, "127.0.0.1")))
        dialect = learned(target, "echo")
        assert differences(dialect) == {}
        assert dialect.protocols == ("datagram" if transport == "udp" else "echo",)


@pytest.mark.parametrize(
    ("fault", "difference"),
    [
        ("skips-the-sender", {"to_sender": "nothing"}),
        ("greets", {"handshake": (HandshakeTurn(wait=Template("welcome\n")),)}),
        ("announces-who-joins", {"notices": (Template("*** somebody has joined"),)}),
        ("strips-white-space", {"strips": True, "framing_out": Framing("none")}),
        ("delivers-long-chunks", {"chunk": 4096}),
    ],
)
def test_what_is_no_bug_is_proposed(fault: str, difference: dict[str, Any]) -> None:
    assert differences(learned(Planted(fault).target())) == difference


@pytest.mark.parametrize(
    ("fault", "handling"),
    [
        ("replaces-invalid-utf-8", "replaced"),
        ("dies-of-invalid-utf-8", "refused"),
        ("cuts-at-nul", "cut-at-nul"),
    ],
)
def test_what_a_server_does_to_bytes_is_told_and_proposed_only_if_it_is_accepted(fault: str, handling: str) -> None:
    text = proposed(Planted(fault).target())
    assert f'# handling = "{handling}"' in text
    assert "with `--accept bytes.handling`" in re.sub(r"\n#\s+", " ", text)
    assert differences(loader.read(text, "learned", "learned")) == {}
    assert learned(Planted(fault).target(), accepted=["bytes.handling"]).handling == handling


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("delivers-twice", "May be a bug: Everything was delivered twice."),
        ("delivers-quit", "end of stream, though it was delivered as well"),
        ("resets-who-leaves", "A client that said 'quit' got a reset, not end of stream"),
        ("quits-without-newline-only", "The quit word 'quit' with the end of a line was delivered, and nobody left"),
        ("quits-in-any-case", "so did those that said QUIT"),
        ("cuts-at-255-bytes", "255 came and the rest was lost"),
        ("leaves-the-quitter-behind", "After a client had said 'quit' the room did not work any more"),
        ("joins-when-it-speaks", "May be a bug: 5 clients that had said nothing heard nothing."),
    ],
)
def test_a_bug_is_said_and_not_made_a_dialect(fault: str, said: str) -> None:
    text = proposed(Planted(fault).target())
    assert said in re.sub(r"\n#\s+", " ", text)
    assert differences(loader.read(text, "learned", "learned")) == {}


class ClosedLast(set[socket.socket]):
    """Members in an order in which a delivery reaches all of them before it comes to one that is closed."""

    def __iter__(self) -> Iterator[socket.socket]:
        return iter(sorted(super().__iter__(), key=lambda member: member.fileno() == -1))


class Orderly(Room):
    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.members = ClosedLast()


def test_a_room_that_throws_out_whoever_speaks_does_not_work_though_all_hear_it() -> None:
    fault = find("leaves-the-quitter-behind")
    text = proposed(runner.target(replace(fault, mix_ins=(*fault.mix_ins, Orderly))))
    assert "After a client had said 'quit' the room did not work any more" in re.sub(r"\n#\s+", " ", text)


@pytest.mark.parametrize("fault", ["members-on-the-handler", "delivers-to-the-sender-only"])
def test_who_is_heard_by_oneself_alone_is_told_to_learn_an_echo(fault: str) -> None:
    with pytest.raises(CannotLearn, match=r"comes back to annika alone: try `learn echo`$"):
        learned(Planted(fault).target())


# Chats of other dialects


def test_lines_with_labels_and_notices_that_speakers_do_not_hear() -> None:
    target = chat(
        deliver=b"('127.0.0.1', {name}): {body}\n",
        to_sender=None,
        joined=b"('127.0.0.1', {name}) joined\n",
        left=b"('127.0.0.1', {name}) left\n",
        quit=b"/quit",
        bye=b"See you\n",
    )
    text = proposed(target)
    assert differences(loader.read(text, "learned", "learned")) == {
        "framing_in": LINES,
        "framing_out": LINES,
        "template": Template("('{sender}): {body}"),
        "to_sender": "nothing",
        "notices": tuple(map(Template, ("('{any}', {any}) joined", "('{any}', {any}) left", "See you"))),
        "quit": b"/quit",
    }
    assert "was not delivered while another was heard" in reason(text, "in")
    assert "70000 bytes arrived whole" in reason(text, "utterance")


def test_a_room_that_asks_for_a_name() -> None:
    target = chat(
        greeting=b"Welcome!\nThe rules are long.\n",
        asks=b"Your name? ",
        answer=b"Hello, {name}, number {number}\n",
        deliver=b"<{name}> {body}\n",
        to_sender=b"> ",
        joined=b"* {name} is here\n",
    )
    text = proposed(target)
    dialect = loader.read(text, "learned", "learned")
    assert dialect.handshake == (
        HandshakeTurn(wait=Template("Your name? "), send=Template("{name}\n")),
        HandshakeTurn(wait=Template("Hello, {name}, number {any}\n")),
    )
    assert dialect.template == Template("<{sender}> {body}")
    assert dialect.to_sender == Template("> ")
    assert dialect.notices == (Template("* {any} is here"),)
    assert "stood in front of them: it is taken for a name" in reason(text, "send")


def test_a_first_word_that_is_lost_may_be_a_name() -> None:
    text = proposed(chat(asks=b"", deliver=b"someone: {body}\n", to_sender=b"you: {body}\n"))
    dialect = loader.read(text, "learned", "learned")
    assert dialect.handshake == (HandshakeTurn(send=Template("{name}\n")),)
    assert dialect.to_sender == Template("you: {body}")
    assert "this is a guess" in reason(text, "send")


def test_a_name_in_frames_is_an_answer() -> None:
    def in_frames(frame: bytes) -> bytes:
        return b"%4d" % len(frame) + frame

    target = chat(hear=servers.counted, asks=b"", deliver=b"{name}: {body}", to_sender=None, frame=in_frames)
    assert learned(target).handshake == (HandshakeTurn(send=Template("{name}"), framed=True),)


def test_a_name_in_a_frame_may_come_back_alone() -> None:
    binary = loader.bundled()["binary-length"]
    assert learned(served(binary)).handshake == binary.handshake


def test_times_of_day_and_counts_are_anything() -> None:
    dialect = learned(chat(deliver=b"{clock} #{count} [{number}] {body}\n", to_sender=b"{clock} #{count} sent\n"))
    assert dialect.template == Template("{any} #{any} [{sender}] {body}")
    assert dialect.to_sender == Template("{any} #{any} sent")


def test_a_label_behind_which_something_varies_cannot_be_told() -> None:
    dialect = learned(chat(deliver=b"{number} {count} of {number}: {body}\n", to_sender=None))
    assert dialect.template == Template("{any}: {body}")


def test_carriage_returns_are_said_where_they_are_heard() -> None:
    dialect = learned(chat(hear=servers.crlf_lines, deliver=b"{number}: {body}\r\n", to_sender=b"{number}: {body}\r\n"))
    assert dialect.framing_in == dialect.framing_out == Framing("line", newline=b"\r\n")
    assert dialect.to_sender == "same"


def test_carriage_returns_that_the_server_adds_end_its_own_lines() -> None:
    dialect = learned(
        chat(hear=servers.chunks, deliver=b"{number}: {body}", to_sender=None, change=lambda body: body[:-1] + b"\r\n")
    )
    assert dialect.template == Template("{sender}: {body}")
    assert (dialect.framing_in.newline, dialect.framing_out.newline) == (b"\n", b"\r\n")


def test_deliveries_that_end_nowhere() -> None:
    dialect = learned(chat(hear=servers.lines, deliver=b"[{number}] {body}", to_sender=None, quit=b"bye"))
    assert (dialect.framing_in.kind, dialect.framing_out.kind) == ("line", "none")
    assert dialect.template == Template("[{sender}] {body}")
    assert dialect.quit == b"bye"


def test_prompts_behind_deliveries() -> None:
    dialect = learned(chat(deliver=b"{number}: {body}\n> ", to_sender=b"{number}: {body}\n> "))
    assert dialect.prompts == (Template("> "),)
    assert dialect.template == Template("{sender}: {body}")
    assert dialect.to_sender == "same"


def test_a_prompt_behind_what_a_speaker_hears_of_itself_alone() -> None:
    dialect = learned(chat(deliver=b"{number}: {body}\n", to_sender=b"{number}: {body}\n> "))
    assert (dialect.prompts, dialect.notices) == ((Template("> "),), ())
    assert dialect.framing_out.kind == "line"
    assert dialect.to_sender == "same"


def test_frames_of_a_fixed_size() -> None:
    target = chat(
        hear=servers.fixed,
        deliver=b"{number}: {body}",
        to_sender=b"{number}: {body}",
        frame=lambda frame: frame.ljust(64)[:64],
    )
    dialect = learned(target)
    assert dialect.framing_in == dialect.framing_out == Framing("fixed", size=64)
    assert dialect.template == Template("{sender}: {body}")


@pytest.mark.parametrize("header", ["%4d", "%04d"])
def test_frames_behind_their_length(header: str) -> None:
    target = chat(hear=servers.counted, frame=lambda frame: (header % len(frame)).encode() + frame)
    dialect = learned(target)
    assert dialect.framing_in.kind == dialect.framing_out.kind == "length"
    assert dialect.framing_out.header == header


@pytest.mark.parametrize(("longest", "most", "too_many"), [(100, 96, 1000), (65536, 65536, 70_000)])
def test_a_chat_that_sends_away_who_says_too_much(longest: int, most: int, too_many: int) -> None:
    text = proposed(chat(hear=partial(servers.short_lines, longest=longest)))
    dialect = loader.read(text, "learned", "learned")
    assert dialect.limits.utterance == most  # in whole words of the text that was said
    assert f"{too_many} bytes were not delivered, and their speaker got end of stream" in reason(text, "utterance")


def test_a_chat_that_cuts_lines_into_pieces() -> None:
    target = chat(hear=servers.pieces, deliver=b"{number}: {body}\n", to_sender=b"ok\n")
    assert learned(target, accepted=["limits.utterance"]).limits.utterance == 200
    dialect = learned(target)
    assert dialect.limits.utterance == 0


def test_a_chat_with_few_seats() -> None:
    dialect = learned(chat(seats=6, quit=b"quit", to_sender=None))
    assert dialect.limits.members == 6
    assert dialect.quit == b"quit"


def test_commands_are_not_taken_for_words_to_quit_by() -> None:
    text = proposed(chat(swallows=b"/", quit=b"over and out"))
    assert loader.read(text, "learned", "learned").quit == b""
    said = "these were not delivered: /quit, /exit, /bye, /q, /logout, /leave, /EXIT"
    assert said in reason(text, "word")


def test_what_a_server_does_to_bytes() -> None:
    def learned_from(change: Callable[[bytes], bytes]) -> str:
        return learned(chat(change=change), accepted=["bytes.handling"]).handling

    assert learned_from(lambda body: body.replace(b"<", b"&lt;")) == "escaped"
    assert learned_from(lambda body: bytes(byte for byte in body if byte >= 32)) == "replaced"
    assert learned_from(lambda body: body.replace(b"\0", b"")) == "cut-at-nul"


def test_where_only_some_are_greeted_the_greetings_are_notices() -> None:
    class SomeGreeted(servers.Member):
        def stay(self, speech: servers.Speech) -> None:
            if self.server.members:
                self.wfile.write(b"there are %d others\r\n" % len(self.server.members))
            super().stay(speech)

    def make() -> servers.Chat:
        server = servers.Chat(servers.Speech())
        server.RequestHandlerClass = SomeGreeted
        return server

    text = proposed(InProcess(make))
    dialect = loader.read(text, "learned", "learned")
    assert dialect.handshake == ()
    assert dialect.notices == (Template("there are {any} others\r"),)
    assert "Some clients were greeted and others were not" in text


def test_what_everybody_hears_of_a_newcomer_is_a_notice_and_no_greeting() -> None:
    class Announced(servers.Member):
        def stay(self, speech: servers.Speech) -> None:
            self.wfile.write(self.fill(speech.joined))
            super().stay(speech)

    def make() -> servers.Chat:
        server = servers.Chat(servers.Speech(joined=b"{name} is here\n"))
        server.RequestHandlerClass = Announced
        return server

    dialect = learned(InProcess(make))
    assert dialect.handshake == ()
    assert dialect.notices == (Template("{any} is here"),)


def test_a_notice_that_another_covers_is_left_out() -> None:
    dialect = learned(chat(joined=b"* {number} was here\n", left=b"* 0 was here\n"))
    assert dialect.notices == (Template("* {any} was here"),)


def test_speakers_that_hear_now_this_and_now_that_cannot_be_told() -> None:
    class Fickle(servers.Member):
        def say(self, speech: servers.Speech, body: bytes) -> None:
            super().say(replace(speech, to_sender=b"said {body}\nand {body}\n" if body[-1:].isdigit() else None), body)

    def make() -> servers.Chat:
        server = servers.Chat(servers.Speech())
        server.RequestHandlerClass = Fickle
        return server

    assert "cannot tell: what speakers hear differs" in reason(unfit(InProcess(make)).text, "to_sender")
