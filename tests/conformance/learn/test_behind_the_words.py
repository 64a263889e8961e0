"""Deliveries in which something varies behind the words, as in JSON: who said them, when, and how many there were."""

import json
from collections.abc import Callable

import pytest

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn.framing import ObservedDelivery, understand
from socketserver_reference.conformance.learn.patterns import beside, template
from socketserver_reference.conformance.learn.propose import propose
from socketserver_reference.conformance.learn.questions.byte_handling import UNUSUAL, compare
from tests.servers import dialect_servers as servers
from tests.servers.dialect_servers import chat
from tests.support.learning import learned, proposed, reason

pytestmark = pytest.mark.usefixtures("quick_learning")


def in_json(body: bytes) -> bytes:
    return json.dumps(body.decode(errors="replace"))[1:-1].encode()


@pytest.mark.parametrize(
    ("deliver", "form"),
    [
        (b"<member{number}> {body} ({clock})\n", "<member{sender}> {body} ({any})"),
        (b"{body} 2026-11-30 {clock}\n", "{body} {any} {any}"),
        (b"{body}, says member{number} at {clock}\n", "{body}, says {sender} at {any}"),
        (b"member{number}: {body} (number {count})\n", "member{sender}: {body} (number {any})"),
        (b"[{clock}] {body} #{count} {number} {count} {clock}\n", "[{any}] {body} #{any}"),
    ],
)
def test_a_label_and_what_varies_are_found_behind_the_words(deliver: bytes, form: str) -> None:
    dialect = learned(chat(deliver=deliver, to_sender=b"you: {body} (at {clock})\n"))
    assert (dialect.template, dialect.to_sender) == (Template(form), Template("you: {body} (at {any})"))


@pytest.mark.parametrize("hear", [servers.lines, servers.stripped_chunks])
def test_a_chat_that_answers_in_json_is_learned_with_how_it_writes_what_was_said(
    hear: Callable[[servers.Member], bytes | None],
) -> None:
    dialect = learned(
        chat(
            hear=hear,
            asks=b"name?\n",
            deliver=b'{"message": "{body}", "id": {count}, "sender": "{name}", "time": "2026-11-30T{clock}.5+01:00"}\n',
            to_sender=None,
            joined=b'{"event": "join", "who": "{name}"}\n',
            change=in_json,
        )
    )
    form = Template('{"message": "{body}", "id": {any}, "sender": "{sender}", "time": "{any}"}')
    assert (dialect.template, dialect.framing_out.kind, dialect.handling) == (form, "line", "escaped")
    assert dialect.notices == (Template('{"event": "join", "who": "{any}"}'),)


def test_json_that_nothing_ends_is_learned() -> None:
    text = proposed(chat(deliver=b'{"message": "{body}", "sender": "member{number}"}', to_sender=None, change=in_json))
    dialect = loader.read(text, "learned", "learned")
    form = Template('{"message": "{body}", "sender": "member{sender}"}')
    assert (dialect.template, dialect.framing_out.kind) == (form, "none")
    assert "punctuation: b'&<>" in reason(text, "handling")
    assert "May be a bug" not in text


def test_where_nothing_ends_a_notice_either_no_word_in_it_holds_a_date_and_a_time() -> None:
    dialect = learned(
        chat(
            asks=b"name?\n",
            deliver=b'{"said": "{body}", "by": "{name}", "at": "30/11/2026 {clock}"}',
            to_sender=None,
            joined=b'{"here": "{name}", "at": "30/11/2026 {clock}"}',
        )
    )
    assert dialect.template == Template('{"said": "{body}", "by": "{sender}", "at": "{any}"}')
    assert dialect.prompts == (Template('{"here": "{word}", "at": "30/11/2026 {word}"}'),)


def test_where_nothing_ends_what_varies_the_proposal_is_no_valid_dialect() -> None:
    proposal = propose("chat", chat(deliver=b"{body} #{count}", to_sender=None), 0.1, 10)
    assert 'has "{body} #{any}", and nothing says where its last field ends' in proposal.trouble


def test_a_label_behind_the_words_that_is_another_than_the_one_before_them_is_any_text() -> None:
    def formed(*tails: bytes) -> str:
        return template(beside({"ann": tails[:1] * 2, "ben": tails[1:] * 2}, "", behind=True))

    assert formed(b" (ann)", b" (ben)") == " ({sender})"
    dialect = learned(chat(asks=b"name? ", deliver=b"{name}: {body} ({number})\n", to_sender=None))
    assert dialect.template == Template("{sender}: {body} ({any})")


def test_frames_of_one_size_may_hold_a_label_behind_the_words() -> None:
    said = {"ann": b"mink", "ben": b"wolverine"}
    found = [
        ObservedDelivery(who, "cal", text, (text + b" by " + who.encode()).ljust(30)) for who, text in said.items()
    ]
    framed = understand(found, Framing())
    assert (framed.framing.kind, framed.tails) == ("fixed", (b" by ann", b" by ben"))


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_json_writes_otherwise_is_told_from_what_was_changed(name: str) -> None:
    said = UNUSUAL[name].decode(errors="replace")
    for ascii_only in (True, False):
        written = json.dumps(said, ensure_ascii=ascii_only)[1:-1].encode()
        seen = compare(b"otter" + written + b"mink", b"otter", said.encode(), b"mink", None)
        assert seen.what == ("intact" if written == said.encode() else "escaped")
    assert compare(b"otter" + said.encode() + b"!mink", b"otter", said.encode(), b"mink", None).what == "changed"
