"""How a script writes long utterances and finds many of them, what comes with an answer, and what comes without end."""

import socket
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect, HandshakeTurn
from socketserver_reference.conformance.reproduce import patterns
from socketserver_reference.conformance.reproduce.rows import rows_of
from socketserver_reference.conformance.reproduce.script import Trial, _literal, _marks, script
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Connect, Send
from socketserver_reference.conformance.scenario.text import numbered
from socketserver_reference.conformance.scenario.transcript import Did, Heard, Transcript
from tests.servers.bad_servers import floods
from tests.servers.dialect_bugs import Greets
from tests.servers.dialects_served import DIALECTS, Speaker, served
from tests.support.dialects.dialect_files import chat
from tests.support.scripts import BRIEF_TIMEOUT, first_seen, of_rows, play, seen
from tests.support.serving import TIMEOUT, server_that

SEVERAL = b"".join(numbered(40_000) + b"~%06d" % count for count in range(20))


@pytest.mark.parametrize(
    ("said", "most"),
    [
        (numbered(3000, b"b%06d-"), 30),
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


class KeepsNames(Speaker):
    """Lets nobody in who gives the name of a client before it, who may have left."""

    def answer(self, turn: HandshakeTurn) -> bytes | None:
        answer, taken = super().answer(turn), vars(self.server).setdefault("taken", set())
        if answer in taken:
            return None
        taken.add(answer)
        return answer


def test_clients_give_other_names_in_each_round_of_a_script_since_a_server_may_keep_names(tmp_path: Path) -> None:
    dialect, file = DIALECTS["named"], tmp_path / "CHAT-1.py"
    with closing(open_session("chat", served(dialect, Greets), BRIEF_TIMEOUT, dialect)) as session:
        greeted = first_seen(session, "chat", Greets.breaks)
    with closing(open_session("chat", served(dialect, KeepsNames), TIMEOUT, dialect)) as session:
        address = session.site.address
        rows, bursts = rows_of(greeted, "chat", dialect)
        file.write_text(script(greeted, rows, bursts, dialect, address, Trial(3, 0.0)))
        for _ in range(2):
            assert play(file, address.host, address.port) == (0, "Nothing is wrong in 3 rounds.\n")


@pytest.mark.parametrize(
    ("dialect", "marked"),
    [(DIALECTS["named"], True), (replace(lines('"{body}"'), history=5), True), (lines('"{body}"'), False)],
)
def test_only_names_and_what_a_server_repeats_are_marked(dialect: Dialect, marked: bool) -> None:
    violation = seen("CHAT-2", Connect("ann"))
    violation.transcript = Transcript(mark="k1m2", before=[Transcript(mark="k1m1"), Transcript()])
    assert _marks(violation, dialect) == ([b"k1m1", b"k1m2"] if marked else [])


@pytest.mark.parametrize(("row", "status"), [("'reads', re.compile(b'(?s).*?hello')", 1), ("'closes', b''", 0)])
def test_a_script_ends_though_its_server_sends_without_end(row: str, status: int, tmp_path: Path) -> None:
    file = of_rows(f"[('ann', 'connects', {{}}), ('ann', {row})]", tmp_path / "CHAT-4.py", timeout=0.2)
    with server_that(floods) as address:
        assert play(file, address.host, address.port)[0] == status


def test_of_a_server_that_sends_without_end_a_script_reads_little_before_it_closes(tmp_path: Path) -> None:
    file = of_rows("[('ann', 'connects', {}), ('ann', 'closes', b'')]", tmp_path / "CHAT-4.py", timeout=0.2)
    sent: list[int] = []

    def counts(client: socket.socket) -> None:
        with client, suppress(OSError):
            while True:
                sent.append(client.send(bytes(100_000)))

    with server_that(counts) as address:
        assert play(file, address.host, address.port)[0] == 0
    assert sum(sent) < 32 << 20  # 1 MiB was read, the rest lies in the buffers of the system
