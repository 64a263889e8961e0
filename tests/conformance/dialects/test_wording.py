"""The clauses in a dialect's words: nothing of the reference's own dialect is left in them."""

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.wording import REWORDED, in_dialect
from socketserver_reference.conformance.reports import text
from socketserver_reference.conformance.results.report import Report
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.scenario.violation import VIOLATIONS

BUNDLED = loader.bundled()

FRAMED = """
protocol = "chat"
[framing]
in = "fixed"
size = 96
[delivery]
template = "{sender}: {body}"
to_sender = "you: {body}"
notices = ["* {any} came"]
history = 5
[bytes]
white_space = "stripped"
handling = "escaped"
"""


def asked(dialect: Dialect) -> dict[str, str]:
    return {clause.id: in_dialect(clause, dialect).sentence for clause in CLAUSES.values()}


@pytest.mark.parametrize(("clause", "phrase"), [(clause, phrase) for clause, phrase, _ in REWORDED])
def test_every_phrase_is_in_its_sentence_and_the_reference_says_the_same(clause: str, phrase: str) -> None:
    assert phrase in CLAUSES[clause].sentence
    assert in_dialect(CLAUSES[clause], NOTE) == CLAUSES[clause]


@pytest.mark.parametrize("name", [name for name in BUNDLED if name != "note"])
def test_nothing_that_a_bundled_dialect_changes_is_left_in_the_note_s_words(name: str) -> None:
    dialect, sentences = BUNDLED[name], asked(BUNDLED[name])
    own = [
        ("CHAT-2", "`ack`", dialect.template != NOTE.template),
        ("CHAT-2", "including the sender", dialect.to_sender != "same"),
        ("CHAT-2", "chunk", dialect.framing_in.kind != "chunk"),
        ("CHAT-6", "1024", not dialect.stream),
        ("CHAT-7", "`quit`", dialect.quit != NOTE.quit),
        ("CHAT-8", "`QUIT`", dialect.quit != NOTE.quit),
        ("ECHO-2", "white space", dialect.transform != NOTE.transform),
        ("ECHO-3", "once", dialect.persistent),
        ("UDP-1", "ECHO-2", dialect.transform != NOTE.transform),
        ("UDP-4", "8192", dialect.datagram != NOTE.datagram),
    ]
    assert [(clause, words) for clause, words, changed in own if changed and words in sentences[clause]] == []
    assert all("  " not in sentence and " ," not in sentence for sentence in sentences.values())


def test_the_sentences_of_some_dialects() -> None:
    node = asked(BUNDLED["node-chat"])
    assert node["CHAT-1"] == (
        "send nothing but its part of the handshake, notices and prompts to a client before a member has spoken"
    ) or node["CHAT-1"] == (
        "send nothing but its part of the handshake and notices to a client before a member has spoken"
    )
    assert node["CHAT-2"] == "deliver every line of a member, as `{sender}> {body}`, to every other member"
    assert node["CHAT-7"].startswith("remove a member whose line is `exit`: no member receives that line, and")
    rfc862 = asked(BUNDLED["rfc862"])
    assert rfc862["ECHO-2"] == "reply with the request unchanged"
    assert rfc862["UDP-4"] == "reply to a datagram of up to 65507 bytes as a whole"
    assert rfc862["UDP-1"].endswith("to its source address, unchanged")
    framed = asked(read(FRAMED, "framed", "framed.toml"))
    assert framed["CHAT-2"] == (
        "deliver every frame of a member, as `{sender}: {body}`, to every other member, and to the sender `you: {body}`"
    )
    assert framed["CHAT-3"] == (
        "leave the bytes of a frame unchanged, except bytes that it escapes and white space around it"
    )
    assert framed["CHAT-4"].startswith("deliver nothing else but notices and earlier deliveries: no frame twice")


def test_a_report_prints_a_clause_as_it_was_asked() -> None:
    record = Record(["CHAT"])
    record.dialect = BUNDLED["node-chat"]
    record.note_violation(VIOLATIONS["CHAT-2"]("this", "that", []))
    told = text.write(Report("chat", "it", record.verdicts()))
    assert (
        told[1]
        == "CHAT-2: the server MUST deliver every line of a member, as `{sender}> {body}`, to every other member"
    )
