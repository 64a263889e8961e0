"""`learn chat` where words are delivered only behind a command: the server gives it away, or it is a usual one."""

import pytest

from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.say_command import commands_in
from tests.servers import dialect_servers as servers
from tests.servers.command_rooms import Commands, room
from tests.servers.labelled_rooms import room_of
from tests.support.learning import proposed, reason

pytestmark = pytest.mark.usefixtures("quick_learning")

ROOMS = {
    "its error names it": (Commands(b"TALK ", unknown=b"unknown command. Usage: TALK <text>\n"), "own texts name it"),
    "its greeting names it": (
        Commands(b"speak: ", greeting=b"Welcome.\nType speak: <your text>\n"),
        "own texts name it",
    ),
    "its help names it": (Commands(b"!shout ", help=b"Commands: !who, !shout, QUIT\n"), "its help names it"),
    "it takes what one recv() returns": (Commands(b"SAY ", hear=servers.stripped_chunks), "usual commands"),
    "it names none, and tells nobody": (Commands(b"/all "), "from a list of usual commands"),
    "it hangs up on all others": (Commands(b"SEND ", unknown=b"ERR\n", hangs_up=True), "from a list of usual commands"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("commands", "how"), ROOMS.values(), ids=ROOMS)
def test_the_command_to_say_something_is_learned(commands: Commands, how: str) -> None:
    text = proposed(room(commands))
    dialect = read(text, "learned", "learned")
    assert dialect.say.text == commands.say.decode() + "{body}"
    assert dialect.template.text == "{sender}: {body}"
    assert dialect.framing_in.kind == ("line" if commands.hear is servers.lines else "chunk")
    assert not any(turn.send for turn in dialect.handshake)  # what it refuses is no answer
    assert dialect.quit == (b"quit" if commands.hangs_up else b"QUIT")
    assert how in reason(text, "say")


@pytest.mark.slow
def test_clients_come_in_by_the_command_that_the_error_names_and_speak_by_that_of_the_help() -> None:
    commands = Commands(b"MSG ", login=b"LOGIN ", unknown=b"ERR use LOGIN <name>, or help\n", help=b"MSG <text>\n")
    dialect = read(proposed(room(commands)), "learned", "learned")
    assert dialect.say.text == "MSG {body}"
    assert [turn.send.text for turn in dialect.handshake if turn.send] == ["LOGIN {name}\n"]


@pytest.mark.slow
def test_clients_join_a_room_that_an_error_tells_them_to_join_though_it_repeats_what_they_say() -> None:
    commands = Commands(b"/msg ", login=b"/join ", unknown=b"ERR: {body} is no command; join a room first\n")
    dialect = read(proposed(room(commands)), "learned", "learned")
    assert dialect.say.text == "/msg {body}"
    assert dialect.template.text == "lobby: {body}"
    assert [turn.send.text for turn in dialect.handshake if turn.send] == ["/join lobby\n"]


@pytest.mark.slow
def test_clients_join_a_room_as_the_reply_to_a_command_says_and_a_command_without_words_is_no_leaving() -> None:
    commands = Commands(
        b"/msg ",
        login=b"/join ",
        unknown=b"Unknown command. Use /msg to chat.\n",
        early=b"Join a room first with /join <room>\n",
        bare=True,
    )
    text = proposed(room(commands))
    dialect = read(text, "learned", "learned")
    assert dialect.say.text == "/msg {body}"
    assert [turn.send.text for turn in dialect.handshake if turn.send] == ["/join lobby\n"]
    assert "clients that said this were let in" in reason(text, "send")
    assert "says nothing" not in text


class Wordy(servers.Member):
    """Delivers only what has two words, as it was said."""

    def say(self, speech: servers.Speech, body: bytes) -> None:
        if b" " in body:
            super().say(speech, body)


@pytest.mark.slow
def test_what_is_delivered_with_the_words_is_no_command() -> None:
    with pytest.raises(CannotLearn, match="not all others heard b'wolverine-1' when annika said it"):
        proposed(room_of(Wordy))


@pytest.mark.parametrize(
    ("told", "commands"),
    [
        (b"Usage: MSG <text>\n", ["MSG {body}"]),
        (b"usage: /say your message\n", ["/say {body}"]),
        (b"PRIVMSG #general :{message}", ["PRIVMSG #general :{body}"]),
        (b"SEND <room> <message> | WHISPER <user> <message>", ["SEND lobby {body}"]),
        (b"unknown; known are NICK, SAY and QUIT", ["SAY {body}"]),
        (b"please type your words", []),
        (b"try msg:<anything>", ["msg:{body}", "msg {body}"]),
    ],
)
def test_the_commands_that_a_text_names_are_found(told: bytes, commands: list[str]) -> None:
    assert commands_in([told])[: len(commands)] == commands
    assert bool(commands_in([told])) == bool(commands)
