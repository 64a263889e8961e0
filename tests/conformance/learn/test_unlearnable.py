"""`learn chat` where there is little or nothing to learn: what was seen is told, harmlessly, and in bounded time."""

import re
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.learn import conversation
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.echo.stream import NothingAnswers
from socketserver_reference.conformance.learn.propose import propose
from socketserver_reference.conformance.targets.base import CannotCheck, DirectSite
from socketserver_reference.conformance.targets.external import Running, RunningSite
from tests.servers import dialect_servers
from tests.servers.bad_servers import HOSTILE
from tests.servers.dialect_servers import chat
from tests.servers.dialects_served import DIALECTS, served
from tests.support.learning import learned, proposed, unfit
from tests.support.serving import unserved

pytestmark = pytest.mark.usefixtures("quick_learning")


def knows_no_word(client: socket.socket) -> None:
    """Answer each line that ends in CR LF."""
    heard = b""
    while part := client.recv(1024):
        *lines, heard = (heard + part).split(b"\r\n")
        client.sendall(b"what?\r\n" * len(lines))


def reads_json(client: socket.socket) -> None:
    with client.makefile("rb") as lines:
        for _ in lines:
            client.sendall(b'{"error": "that is no JSON"}\n')


def refuse(client: socket.socket) -> None:
    with client.makefile("rb") as lines:
        for line in lines:
            client.sendall(b"err: unknown command: " + line)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (knows_no_word, "annika heard b'what?\\r\\n'; "),
        (lambda client: client.recv(1), "not all others heard b'wolverine-1' when annika said it"),
        (lambda client: client.close(), "a client that had not said anything got end of stream"),
        (
            lambda client: (client.sendall(HOSTILE), client.close()),
            "a client that had not said anything got end of stream, after b'\\x1b[31mred",
        ),
        (lambda client: [client.sendall(b"more " * 5000) for _ in range(1000)], "the server sends without end"),
        (lambda client: [client.recv(1024) for _ in range(100)], "neither lines nor frames of a fixed size nor length"),
        (refuse, "annika heard b'err: unknown command: wolverine-"),
        (reads_json, "it seems to read JSON, and what stands in it is not guessed: write a dialect with what a client"),
        (
            lambda client: (client.sendall(b"Password: "), [client.recv(1024) for _ in range(100)]),
            "it had been greeted by b'Password: '",
        ),
    ],
)
def test_what_is_no_chat_is_told_in_one_printable_line(answer: Callable[[socket.socket], object], why: str) -> None:
    with pytest.raises(CannotLearn) as told:
        learned(dialect_servers.served(answer))
    assert why in str(told.value)
    assert str(told.value).isprintable()
    assert str(told.value).isascii()


@pytest.mark.parametrize("protocol", ["chat", "echo"])
def test_the_error_that_a_server_prints_is_told_where_nothing_comes(
    protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DirectSite, "last_error", lambda _: "TypeError: no text")
    with pytest.raises(CannotLearn, match="; the server printed 'TypeError: no text'"):
        learned(dialect_servers.served(lambda client: [client.recv(100) for _ in range(100)]), protocol)


def test_an_echo_that_may_take_longer_is_told_from_what_cannot_be_learned() -> None:
    with pytest.raises(NothingAnswers, match=r"nothing answers .* nor with a blank line$"):
        learned(dialect_servers.served(lambda client: [client.recv(100) for _ in range(100)]), "echo")


def test_a_server_that_always_has_something_to_say_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "ENDLESS_TIMEOUT_FACTOR", 0.0)
    with pytest.raises(CannotLearn, match="sends without end"):
        learned(chat(greeting=b"welcome\n"))


def test_a_server_that_does_not_listen_any_more_is_told() -> None:
    with (
        unserved() as address,
        conversation.Conversation(RunningSite(address), 0.1) as clients,
        pytest.raises(CannotCheck, match="nothing to check at tcp:"),
    ):
        clients.join("annika")


def test_a_server_that_lets_no_more_clients_in_is_told() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        conversation.Conversation(RunningSite(Address("tcp", *listener.getsockname())), 0.1) as clients,
    ):
        clients.join("annika")
        listener.close()
        with pytest.raises(CannotLearn, match="no client can connect to tcp:"):
            clients.join("bertil")


@pytest.mark.slow
def test_a_room_that_dies_leaves_what_was_learned() -> None:
    text = proposed(chat(deliver=b"{number}: {body}\n", lasts=13))
    assert re.search("May be a bug: After .* the room did not work any more", text)
    assert loader.read(text, "learned", "learned").framing_in == Framing("line")


@pytest.mark.slow
def test_a_room_that_is_closed_in_between_leaves_what_was_learned() -> None:
    with closing(chat(deliver=b"{number}: {body}\n", admits=20).start(1)) as site:
        proposal = propose("chat", Running(site.address), 0.3)
    text = re.sub(r"\n#\s+", " ", proposal.text)
    assert re.search("May be a bug: After .* the room did not work any more: the server", text)
    assert proposal.trouble
    assert 'template = "{sender}: {body}"' in proposal.text


@pytest.mark.sweep
def test_who_is_told_very_much_when_somebody_comes_tells_thirty_kinds_of_it_at_most() -> None:
    much = b"".join(b"%x\n" % (number * 7919) for number in range(10_000))
    text = unfit(chat(joined=much, deliver=b"{number}: {body}\n")).text
    assert len(loader.read(text, "learned", "learned").notices) <= 30
    assert len(text) < 10_000


@pytest.mark.slow
def test_a_label_without_end_is_told() -> None:
    with pytest.raises(CannotLearn, match="10003 bytes came with a text, too many to be a label"):
        learned(chat(deliver=b"x" * 10_000 + b"{number} {body}\n"))


@pytest.mark.slow
def test_labels_full_of_escapes_and_markup_and_fields_are_written_down_harmlessly() -> None:
    text = proposed(chat(deliver=HOSTILE[:-2] + b"{number}{sender}{any}: {body}\n", joined=HOSTILE + b'"\n\\"""\n'))
    assert "\x1b" not in text
    assert loader.read(text, "learned", "learned").template.has_body


@pytest.mark.slow
def test_deliveries_that_end_differently_each_time_are_told() -> None:
    with pytest.raises(CannotLearn, match="what follows a text differs from one to the next"):
        learned(chat(deliver=b"{number}: {body}\n({count})"))


@pytest.mark.slow
def test_what_follows_a_delivery_and_is_no_text_is_told() -> None:
    with pytest.raises(CannotLearn, match=r"heard, but .* not understood: nothing says where {body} ends"):
        learned(chat(deliver=b"{number}: {body}\xff\n"))


@pytest.mark.slow
def test_what_makes_a_dialect_invalid_is_a_comment_and_the_rest_is_valid() -> None:
    small = replace(DIALECTS["fixed"].framing_in, size=24)
    proposal = unfit(served(replace(DIALECTS["fixed"], framing_in=small, framing_out=small)))
    assert "framing and limits leave 3 bytes for an utterance" in proposal.trouble
    assert "This is not a valid dialect yet: learned: framing and limits" in proposal.text
    assert "\n# size = 24\n" in proposal.text
    assert '\nprotocol = "chat"\n' in proposal.text


@pytest.mark.slow
def test_frames_that_are_too_small_are_told_and_the_rest_is_valid() -> None:
    def hear(member: dialect_servers.Member) -> bytes | None:
        frame: bytes = member.rfile.read(24)
        return frame.rstrip(b" ") if len(frame) == 24 else None

    proposal = unfit(chat(hear=hear, deliver=b"{body}", to_sender=b"{body}", frame=lambda frame: frame.ljust(24)))
    assert "framing and limits leave 24 bytes for an utterance" in proposal.trouble
    assert "\n# size = 24" in proposal.text
    assert '\ntemplate = "{body}"' in proposal.text
    assert not any("limits.gap" in line for line in proposal.evidence)
