"""What clients answer to a server's questions, and the words to quit by that its texts name."""

import pytest

from socketserver_reference.conformance.learn.answers import AnswerText, answers_to, joins
from socketserver_reference.conformance.learn.questions.quit_word import named_words


@pytest.mark.parametrize(
    ("question", "first", "likeliest"),
    [
        (b"Your name? ", True, ["{name}", "lobby"]),
        (b"hello\n", True, ["{name}", "lobby"]),
        (b"Which room (red or blue)?\n", True, ["red", "blue"]),
        (b"room? (red or blue)\n", False, ["red", "blue"]),
        (b"Choose: general, random | dev\n", False, ["general", "random", "dev"]),
        (b"Do you agree (y/n)? ", False, ["y", "lobby"]),
        (b"Nick name taken, another nick? ", False, ["{name}", "lobby"]),
        (b"Use /nick <name> to set your nick.\n", True, ["/nick {name}", "{name}"]),
        (b"First: /join <room>\n", True, ["/join lobby", "lobby"]),
        (b"Say 'login:<desired login>' first\n", True, ["login:{name}", "{name}"]),
        (b"\x1b[33muser:[your name]\x1b[0m\n", True, ["user:{name}", "{name}"]),
        (b"login:name\n", True, ["{name}", "lobby"]),
        (b"", False, ["lobby", "{name}"]),
        (b"(no such, thing!) ", False, ["lobby", "{name}"]),
    ],
)
def test_the_answers_come_from_the_question(question: bytes, first: bool, likeliest: list[str]) -> None:
    assert answers_to(question, first=first)[: len(likeliest)] == likeliest


def test_an_answer_has_the_name_of_its_client_and_an_end() -> None:
    assert AnswerText("/nick {name}", b"\r\n").data("ann") == b"/nick ann\r\n"
    assert AnswerText("/nick {name}", b"\r\n").template == "/nick {name}\r\n"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (b"Welcome!\nType 'logoff' to leave, or /who for names\n", ["logoff", "/who"]),
        (b"Use <bye> or [part]\n", ["bye", "part"]),
        (b"enter q to quit\n", ["q"]),
        (b"stop to end\n", ["stop"]),
        (b"to leave, type {quit} now", ["{quit}"]),
        (b"See http://example.org/path\n", []),
        (b"\x1b[32mPress \x1b[37m!q \x1b[32mto be gone.\x1b[0m", ["!q"]),
    ],
)
def test_the_words_that_a_server_names_are_tried_first(told: bytes, words: list[str]) -> None:
    assert named_words([told]) == words


@pytest.mark.parametrize(
    ("told", "commands"),
    [
        (b"ERR: you must join the room first\n", ["/join lobby", "JOIN lobby"]),
        (b"you are in no channel, join one", ["/join lobby", "JOIN lobby"]),
        (b"usage: /join <room>", []),  # which is shown
        (b"somebody joined", []),
    ],
)
def test_who_has_to_join_a_room_tries_the_usual_commands(told: bytes, commands: list[str]) -> None:
    assert joins(told) == commands
