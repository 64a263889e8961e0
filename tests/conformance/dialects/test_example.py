"""A conversation in a dialect, as a person reads it."""

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.example import conversation
from socketserver_reference.conformance.dialects.loader import find, read
from tests.servers.dialects_served import DIALECTS


def test_a_chat_shows_who_joins_what_each_reads_and_how_to_leave() -> None:
    assert list(conversation(DIALECTS["named"])) == [
        "ann connects",
        "    ann reads b'Name? '",
        "ann sends b'ann\\n'",
        "    ann reads b'Hello ...\\n'",
        "ben connects",
        "    ben reads b'Name? '",
        "ben sends b'ben\\n'",
        "    ben reads b'Hello ...\\n'",
        "    ann may read b'* ... has come\\n'",
        "ben sends b'Hello\\n'",
        "    ann reads b'ben: Hello\\n'",
        "ben sends b'/quit\\n'",
        "    ben reads end of stream",
        "    ann may read b'* ... has gone\\n'",
    ]


def test_frames_prompts_and_own_deliveries_are_shown_as_they_are_on_the_wire() -> None:
    binary = list(conversation(DIALECTS["binary"]))
    assert binary[1:3] == ["    ann reads b'\\x07\\x00\\x00\\x00who'", "ann sends b'\\x07\\x00\\x00\\x00ann'"]
    prompting = list(conversation(DIALECTS["prompting"]))
    assert prompting[3:7] == [
        "    ann reads b'[...] <...> Hello\\r\\n'",
        "    ann may read b'> '",
        "    ben reads b'you: Hello\\r\\n'",
        "    ben may read b'> '",
    ]
    assert "ben sends b'/bye'" in list(conversation(DIALECTS["recv"]))
    fixed = list(conversation(DIALECTS["fixed"]))
    assert fixed[2:4] == ["ben sends b'Hello' and 395 times b' '", "    ann reads b'...>Hello' and 391 times b' '"]
    assert fixed[-2] == "ben ends its side"
    assert list(conversation(NOTE))[-2:] == ["ben sends b'quit'", "    ben reads end of stream"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            '[quit]\nword = "exit"\nfarewell = "bye"\n[echo]\ntransform = "identity"\nrequests = "many"\n'
            'reply = "> {body}"\ngreeting = "hi"',
            [
                "ann connects",
                "    ann reads b'hi'",
                "ann sends b'Hello'",
                "    ann reads b'> Hello'",
                "ann sends b'exit'",
                "    ann reads b'bye', then end of stream",
            ],
        ),
        ("", ["ann connects", "ann sends b'Hello'", "    ann reads b'HELLO'", "    ann reads end of stream"]),
    ],
)
def test_an_echo_shows_a_request_and_the_end(text: str, lines: list[str]) -> None:
    assert list(conversation(read('protocol = "echo"\n' + text, "mine", "mine"))) == lines


def test_both_transports_of_an_echo_are_shown() -> None:
    assert list(conversation(find("rfc862")))[-4:] == [
        "ann ends its side",
        "    ann reads end of stream",
        "a client sends the datagram b'Hello'",
        "    and receives b'Hello'",
    ]


def test_an_irc_like_chat_shows_the_commands_of_its_clients() -> None:
    lines = list(conversation(find("irc-like")))
    assert lines[:3] == [
        "ann connects",
        "ann sends b'NICK ann\\r\\nUSER ann 0 * :ann\\r\\n'",
        "    ann reads b' 001 ann :...\\r\\n'",
    ]
    assert lines[-4:-1] == [
        "    ann reads b':ben PRIVMSG #room :Hello\\r\\n'",
        "ben sends b'QUIT\\r\\n'",
        "    ben reads end of stream",
    ]
