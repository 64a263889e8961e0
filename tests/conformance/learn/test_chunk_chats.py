"""`learn chat` of rooms that take what one recv() returns, and of rooms at an address that break."""

import re
import socket
from collections.abc import Sequence
from contextlib import closing

import pytest

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.dialect import HandshakeTurn
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import chat as asking
from socketserver_reference.conformance.learn import propose as proposing
from socketserver_reference.conformance.learn.conversation import CannotLearn
from socketserver_reference.conformance.learn.propose import propose
from socketserver_reference.conformance.learn.verification import Mismatch
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.parting import ABORT
from tests.servers import dialect_servers as servers
from tests.servers.dialect_servers import chat, served
from tests.servers.labelled_rooms import LABELLED, Ghost, TellsLater, room_of
from tests.support.learning import learned, proposed, reason, unfit

pytestmark = pytest.mark.usefixtures("quick_learning")


def until_bye(member: servers.Member) -> bytes | None:
    chunk = servers.chunks(member)
    return None if chunk == b"/bye" else chunk


@pytest.mark.slow
def test_names_notices_and_quit_words_without_a_line_end() -> None:
    asks = b"Say '/bye' to leave. Name: "
    text = proposed(
        chat(
            hear=until_bye, asks=asks, joined=b"{name} came.", deliver=b"[{name}] {body}", to_sender=b"[{name}] {body}"
        )
    )
    dialect = loader.read(text, "learned", "learned")
    assert dialect.handshake[0] == HandshakeTurn(wait=Template(asks.decode()), send=Template("{name}"))
    assert dialect.prompts == (Template("{any} came."),)
    assert (dialect.quit, dialect.quit_framed) == (b"/bye", False)
    assert "the server names it itself" in text


def test_notices_that_vary_where_nothing_has_an_end() -> None:
    dialect = learned(
        chat(
            hear=servers.stripped_chunks,
            deliver=b"<{number}> {body}",
            to_sender=None,
            joined=b"{name}:{number} has come.",
            left=b"{name}:{number} has gone.",
        )
    )
    assert (dialect.framing_in.kind, dialect.framing_out.kind) == ("chunk", "none")
    assert {prompt.text for prompt in dialect.prompts} == {"{word}:{word} has come.", "{word}:{word} has gone."}
    assert dialect.notices == ()


@pytest.mark.parametrize("went", [b"{name} went.", b"{name} went.\n"])
def test_a_notice_that_comes_only_when_somebody_speaks(went: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    leaving = [one for one in asking.QUESTIONS if one.subject == "who leaves"]
    monkeypatch.setattr(asking, "QUESTIONS", leaving)
    dialect = learned(room_of(TellsLater, joined=went.replace(b"went", b"came"), left=went))
    told = {one.text for one in (*dialect.prompts, *dialect.notices)}
    assert told == {"{any} came.", "{any} went."}
    assert bool(dialect.notices) == went.endswith(b"\n")


@pytest.mark.slow
def test_a_name_that_is_stripped_is_sent_with_a_line_end_and_may_be_without() -> None:
    deliver = b"{name}: {body}\n"
    text = proposed(chat(hear=servers.stripped_chunks, asks=b"Name? ", deliver=deliver, to_sender=deliver))
    dialect = loader.read(text, "learned", "learned")
    assert dialect.handshake == (HandshakeTurn(wait=Template("Name? "), send=Template("{name}\n")),)
    assert reason(text, "send").endswith(
        "the server may take it without the line's end as well, which comes to the same"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("speech", "told"),
    [
        ({"deliver": b"<{name}> {body}"}, ()),
        ({"deliver": b"{body}", "joined": b"{name} came!\n"}, ("{any} came!",)),
    ],
)
def test_a_name_of_which_a_line_end_would_become_a_part_is_sent_without_one(
    speech: dict[str, bytes], told: Sequence[str]
) -> None:
    dialect = learned(chat(hear=servers.chunks, asks=b"Name? ", to_sender=None, **speech))
    assert dialect.handshake == (HandshakeTurn(wait=Template("Name? "), send=Template("{name}")),)
    assert dialect.template.text == speech["deliver"].decode().replace("{name}", "{sender}")
    assert [notice.text for notice in dialect.notices] == [*told]


def test_a_name_on_a_line_of_its_own_ends_in_a_line_end_all_the_same() -> None:
    dialect = learned(chat(asks=b"Name? ", deliver=b"from {name}\n{body}\n", to_sender=None))
    assert dialect.handshake == (HandshakeTurn(wait=Template("Name? "), send=Template("{name}\n")),)


@pytest.mark.slow
def test_a_room_that_falls_silent_after_a_byte_is_told() -> None:
    def hear(member: servers.Member) -> bytes | None:
        line = servers.lines(member)
        member.server.utterances += 2_000_000 * (line is not None and b"\xff" in line)
        return line

    text = proposed(chat(deliver=LABELLED, hear=hear))
    assert "May be a bug: After unusual bytes the room did not work any more" in re.sub(r"\n#\s+", " ", text)


def test_a_room_that_breaks_at_an_address_is_told() -> None:
    with closing(room_of(Ghost).start(1)) as site:
        proposal = propose("chat", Running(site.address), 0.3)
    assert any("did not work any more" in remark or "had closed" in remark for remark in proposal.remarks)


def test_a_room_for_one_is_told() -> None:
    with pytest.raises(CannotLearn, match="a client that had not said anything got end of stream"):
        learned(chat(seats=1))


def test_a_conversation_that_was_not_judged_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposing, "verify", lambda *_: Mismatch(None, "it was too long", leaving=False))
    proposal = unfit(chat(deliver=LABELLED))
    assert proposal.trouble.endswith("it was too long")
    assert "# template = " in proposal.text


def test_an_echo_that_resets_is_told() -> None:
    def once(client: socket.socket) -> None:
        client.sendall(client.recv(100))
        client.recv(100)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        client.close()

    assert "May be a bug: After one answer the client got connection reset." in proposed(served(once), "echo")
