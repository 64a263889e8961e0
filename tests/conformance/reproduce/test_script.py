"""How a script writes long utterances and finds many of them, and what comes with an answer."""

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.reproduce import patterns
from socketserver_reference.conformance.reproduce.rows import rows_of
from socketserver_reference.conformance.reproduce.script import _literal
from socketserver_reference.conformance.scenario.steps import Connect, Send
from socketserver_reference.conformance.scenario.text import numbered
from socketserver_reference.conformance.scenario.transcript import Did, Heard, Transcript
from tests.servers.dialects_served import DIALECTS
from tests.support.dialects.dialect_files import chat
from tests.support.scripts import seen

SEVERAL = b"".join(numbered(40_000) + b"~%06d" % count for count in range(20))


@pytest.mark.parametrize(
    ("said", "most"),
    [
        (numbered(3000, b"b%06d "), 30),
        (numbered(9000)[777:1773], 30),  # a part of an utterance, as it comes in frames
        (b"x" + numbered(900), 30),
        (b"ab" * 100, 12),
        (SEVERAL, 20 * 50),
        (SEVERAL * 3, 20 * 50),
        (bytes(range(256)), 1000),
        (b"a short one", 20),
    ],
)
def test_what_is_counted_or_repeated_is_written_shortly(said: bytes, most: int) -> None:
    written = _literal(said)
    assert eval(written, {"numbered": numbered}) == said
    assert len(written) <= most


def lines(template: str) -> Dialect:
    return chat(f'[framing]\nin = "line"\n[delivery]\ntemplate = {template}')


def test_a_pattern_of_thousands_of_utterances_is_short_and_finds_each() -> None:
    said = [b"%04d+(a) line" % count for count in range(patterns.MANY_BODIES + 1)]
    for dialect in (lines('"{sender}: {body}"'), lines('"{body}"')):
        found = patterns.pieces(dialect, said)
        assert len(found.pattern) < 200
        assert found.findall(b"".join(dialect.delivery(one) for one in said)) == said
    assert patterns.pieces(NOTE, said).findall(b"ack0001+(a) line") == [said[1]]


def test_a_client_that_speaks_with_its_last_answer_reads_the_greeting_behind_its_words() -> None:
    violation = seen("CHAT-6")
    violation.transcript = Transcript(
        [
            *(Did(Connect("ann", with_words=True)), Heard("ann", b"Name? ", 0.0)),
            *(Did(Send("ann", b"hello"), b"ann\nhello\n"), Heard("ann", b"Hello 1\n", 0.0)),
        ]
    )
    rows, _ = rows_of(violation, "chat", DIALECTS["named"])
    assert [action for _, action, _ in rows] == ["connects", "reads", "sends", "reads"]
    _, asked, sent, greeted = (what for _, _, what in rows)
    assert (bool(asked.fullmatch(b"Name? ")), sent) == (True, b"ann\nhello\n")
    assert greeted.fullmatch(b"Hello 1\n")
