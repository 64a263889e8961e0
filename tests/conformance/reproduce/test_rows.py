"""The table of a script: what a transcript becomes."""

import re
from dataclasses import replace
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.limits import Limits, Rate
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.reproduce.rows import rows_of
from socketserver_reference.conformance.reproduce.table import EVERYTHING
from socketserver_reference.conformance.scenario.steps import (
    Answer,
    Close,
    Connect,
    HalfClose,
    Quit,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    pieces,
)
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Entry, Heard, Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.servers.dialects_served import DIALECTS

ECHO = read('protocol = "echo"\n[echo]\ntransform = "identity"\nrequests = "many"\n', "persistent", "persistent")

NAMED = replace(DIALECTS["named"], handshake=())


def did(step: Any) -> Did:
    return Did(step, step.said)


def heard(who: str, data: bytes) -> Heard:
    return Heard(who, data, 0.0)


def table(
    *entries: Entry,
    clause: str = "CHAT-2",
    failing: str = "ann",
    due: bytes = b"",
    dialect: Dialect = NOTE,
    **rest: Any,
) -> list[Any]:
    """Return the rows of a violation that these entries show, without the connects."""
    violation = VIOLATIONS[clause](rest.get("expected", "this"), "that", [])
    violation.transcript = Transcript(list(entries), before=rest.get("before", []))
    violation.failing, violation.due, violation.shape = failing, due, rest.get("shape")
    protocol = {"CHAT": "chat", "ECHO": "echo", "UDP": "datagram"}[clause.partition("-")[0]]
    return [row for row in rows_of(violation, protocol, dialect)[0] if row[1] != "connects"]


def test_what_happened_before_on_the_same_server_comes_first_and_then_all_leave() -> None:
    before = Transcript([did(Connect("ben")), did(Connect("cal")), did(Close("cal"))])
    rows = table(did(Connect("ann")), did(Say("ann", b"x")), due=b"ackx", before=[before])
    assert rows == [
        ("cal", "closes", b""),
        ("ben", "closes", b""),
        ("ann", "sends", b"x"),
        ("ann", "reads", b"ackx"),
    ]


def test_a_client_that_leaves_reads_to_the_end() -> None:
    rows = table(
        did(Connect("ann")),
        did(Connect("ben")),
        did(Quit("ben", b"quit")),
        Ended("ben", "eof"),
        did(Say("ann", b"x")),
        heard("ann", b"ackx"),
        did(HalfClose("ann")),
    )
    assert rows == [
        ("ben", "sends", b"quit"),
        ("ben", "reads to the end", b""),
        ("ann", "sends", b"x"),
        ("ann", "reads", b"ackx"),
        ("ann", "half-closes", b""),
        ("ann", "reads to the end", b""),
    ]


def test_clients_that_come_and_go_while_others_speak_at_once_need_not_hear_them() -> None:
    rows = table(
        did(Connect("ann")),
        did(Send("ann", b"1")),
        did(Connect("guest")),
        did(HalfClose("guest")),
        heard("guest", b"ack1"),
        Ended("guest", "eof"),
        did(Settle()),
        heard("ann", b"ack1"),
        did(Say("ann", b"x")),
        due=b"ackx",
    )
    assert rows == [
        ("ann", "sends", b"1"),
        ("guest", "half-closes", b""),
        ("guest", "closes", b""),
        ("ann", "reads all", ({"ann": b"1"}, False)),
        ("ann", "sends", b"x"),
        ("ann", "reads", b"ackx"),
    ]


@pytest.mark.parametrize("leaves", [HalfClose("ben"), Quit("ben", b"quit")])
def test_a_client_that_did_not_read_reads_what_it_missed(leaves: Any) -> None:
    rows = table(
        did(Connect("ann")),
        did(Connect("ben")),
        did(Stall("ben")),
        did(Say("ann", b"x")),
        heard("ann", b"ackx"),
        did(leaves),
        heard("ben", b"ackx"),
        Ended("ben", "eof"),
        did(Say("ann", b"y")),
        failing="",
    )
    assert ("ben", "reads all", ({"ann": b"x"}, False)) in rows
    assert ("ben", "reads to the end", b"") in rows


def test_a_client_that_fails_to_read_what_it_missed_is_the_last_row() -> None:
    entries = [did(Connect("ann")), did(Connect("ben")), did(Stall("ben")), did(Say("ann", b"x"))]
    rows = table(*entries, did(Resume("ben")), failing="ben", due=b"ackx")
    assert rows[-1] == ("ben", "reads all", ({"ann": b"x"}, False))
    rows = table(*entries, did(HalfClose("ben")), failing="ben", due=b"ackx")
    assert rows[-2:] == [("ben", "reads all", ({"ann": b"x"}, False)), ("ben", "reads to the end", b"")]


def test_bytes_that_come_though_nothing_was_said_are_asked_for_as_they_are() -> None:
    assert table(did(Connect("ann")), due=b"ackold")[-1] == ("ann", "reads", b"ackold")
    ((who, action, pattern),) = table(did(Connect("ann")))
    assert (who, action) == ("ann", "hears nothing")
    assert pattern.search(b"x")


def test_where_no_client_fails_the_last_row_is_the_last_step_or_the_end_of_the_server() -> None:
    assert table(did(Connect("ann")), did(Say("ann", b"x")), failing="") == [("ann", "sends", b"x")]
    rows = table(did(Connect("ann")), failing="", expected="the server goes on when its clients have gone")
    assert rows[-1][:2] == ("visitor", "hears nothing")
    assert table(did(Connect("ann")), failing="", clause="CHAT-16")[-1] == ("cal", "keeps up with", "ben")


def test_in_lines_a_client_reads_up_to_each_delivery() -> None:
    turns = [did(Connect(who)) for who in ("ann", "ben")]
    said = Did(Say("ann", b"hello"), b"hello\n")
    read_by_ben = NAMED.delivery(b"hello", b"7")
    rows = table(*turns, said, heard("ben", read_by_ben), did(Settle()), failing="ben", dialect=NAMED)
    assert rows[-1][:2] == ("ben", "hears nothing")
    found = [row for row in rows if row[0] == "ben" and row[1] == "reads"]
    assert all(isinstance(row[2], re.Pattern) for row in found)
    left = table(*turns, said, did(HalfClose("ben")), failing="ben", dialect=NAMED)
    assert left[-1] == ("ben", "reads to the end", EVERYTHING)


def test_in_lines_a_client_does_not_read_what_has_not_come() -> None:
    turns = [did(Connect(who)) for who in ("ann", "ben")]
    said = Did(Say("ann", b"hello"), b"hello\n")
    rows = table(*turns, said, heard("ben", b"another line\n"), failing="ann", dialect=NAMED)
    assert [row for row in rows if row[0] == "ben"] == []


def test_an_echo_is_asked_for_each_reply_and_the_end() -> None:
    entries: list[Entry] = [did(Connect("ann")), did(Say("ann", b"x")), heard("ann", b"X"), Ended("ann", "eof")]
    ben = [did(Connect("ben")), did(Say("ben", b"y"))]
    assert table(*entries, *ben, clause="ECHO-2", failing="ben") == [
        ("ann", "sends", b"x"),
        ("ann", "reads to the end", b"X"),
        ("ben", "sends", b"y"),
        ("ben", "reads to the end", b"Y"),
    ]
    assert table(*entries, clause="ECHO-2", failing="")[-1] == ("ann", "sends", b"x")


def test_an_echo_that_answers_everything_is_asked_for_no_more_than_that() -> None:
    said: list[Entry] = [did(Connect("ann")), did(Say("ann", b"x")), heard("ann", b"x"), did(Say("ann", b"y"))]
    rows = table(*said, heard("ann", b"yy"), clause="ECHO-3", dialect=ECHO)
    assert [row[1] for row in rows] == ["sends", "reads", "sends", "reads", "hears nothing"]
    rows = table(*said, did(HalfClose("ann")), clause="ECHO-3", dialect=ECHO)
    assert rows[-1] == ("ann", "reads to the end", b"y")


def test_a_client_of_an_echo_that_is_not_greeted_waits_for_the_greeting() -> None:
    greeting = replace(ECHO, handshake=(turn("hello\n"),))
    (row,) = table(did(Connect("ann")), clause="ECHO-7", dialect=greeting)
    assert row[:2] == ("ann", "reads")
    assert row[2].match(b"hello\n")
    assert not row[2].match(b"")


def test_a_datagram_that_is_not_answered_is_the_last_row() -> None:
    entries: list[Entry] = [did(Connect("ann")), did(Say("ann", b"x")), heard("ann", b"X"), did(Say("ann", b""))]
    assert table(*entries, clause="UDP-3") == [
        ("ann", "sends", b"x"),
        ("ann", "reads", b"X"),
        ("ann", "sends", b""),
        ("ann", "reads", b""),
    ]


def turn(wait: str = "", send: str = "") -> HandshakeTurn:
    return HandshakeTurn(Template(wait) if wait else None, Template(send) if send else None)


ASKING = replace(NAMED, handshake=(turn("hello\n"), turn("name? ", "{name}\n"), turn(send="room\n"), turn("welcome\n")))


def test_a_handshake_is_read_up_to_what_each_answer_waits_for() -> None:
    asked: list[Entry] = [did(Connect("ann")), heard("ann", b"hel"), heard("ann", b"lo\nname? ")]
    answers: list[Entry] = [did(Answer("ann", b"ann\n")), did(Answer("ann", b"room\n"))]
    rows = table(*asked, *answers, heard("ann", b"welcome\n* you"), did(Say("ann", b"x")), failing="", dialect=ASKING)
    assert [(row[1], getattr(row[2], "pattern", row[2])) for row in rows] == [
        ("reads", rb"(?s).*?hello\n".replace(rb"\n", b"\\\n")),
        ("reads", b"(?s).*?name\\?\\ "),
        ("sends", b"ann\n"),
        ("sends", b"room\n"),
        ("reads", b"(?s).*?welcome\\\n"),
        ("sends", b"x"),
    ]
    rows = table(*asked, failing="ann", dialect=ASKING)
    assert rows[-1][1] == "reads"
    assert rows[-1][2].pattern == b"(?s).*?name\\?\\ "


def test_in_lines_a_client_that_leaves_may_read_anything_before_the_end() -> None:
    rows = table(
        did(Connect("ann")),
        did(Quit("ann", b"/quit")),
        Ended("ann", "eof"),
        did(Connect("ben")),
        failing="",
        dialect=NAMED,
    )
    assert rows[-1] == ("ann", "reads to the end", EVERYTHING)


def test_a_silent_client_that_hears_nothing_is_spoken_to_until_it_does() -> None:
    probe = Did(Say("ann", b"probe 1"), b"probe 1", "lou")
    turns = [did(Connect("ann")), did(Connect("lou"))]
    for entries in ([*turns, probe, probe], [*turns, probe, heard("lou", b"ackprobe 1"), did(Settle())]):
        rows = table(*entries, failing="lou", due=b"ackprobe 1")
        assert rows[-1][:2] == ("ann", "speaks until heard")
        assert rows[-1][2][2] == "lou ann"


def test_an_echo_of_lines_is_asked_for_each_line() -> None:
    lines = read(
        'protocol = "echo"\n[framing]\nin = "line"\n[echo]\ntransform = "identity"\nrequests = "many"\n', "l", "l"
    )
    said: list[Entry] = [did(Connect("ann")), Did(Say("ann", b"x"), b"x\n"), Did(Say("ann", b"y"), b"y\n")]
    assert table(*said, clause="ECHO-2", dialect=lines)[-1] == ("ann", "reads", b"x\ny\n")


def test_nothing_is_due_before_the_end_to_a_client_of_an_echo_that_has_asked_nothing() -> None:
    form = replace(NOTE, reply_template=Template("you said: {body}"))
    entries = (did(Connect("ann")), did(HalfClose("ann")), heard("ann", b"you said: "), Ended("ann", "eof"))
    assert table(*entries, clause="ECHO-3", dialect=form)[-1] == ("ann", "reads to the end", b"")


def test_a_script_waits_as_long_as_the_dialect_demands() -> None:
    limits = Limits(gap=0.2, join_gap=0.3, join_delay=0.5, rate=Rate(2, 10))
    paced = replace(NAMED, limits=limits)
    said: list[Entry] = [Did(Say("ann", b"x"), b"x\n")] * 3
    rows = table(did(Connect("ann")), did(Connect("ben")), *said, failing="", dialect=paced)
    assert [row for row in rows if row[1] == "waits"] == [
        ("ben", "waits", 0.3),
        ("ann", "waits", 0.5),
        ("ann", "waits", 0.2),
        ("ann", "waits", 10.2),
    ]


def test_no_speaker_reads_its_own_words_where_it_does_not_hear_itself() -> None:
    said = [did(Connect("ann")), did(Connect("ben")), did(Send("ann", b"x")), did(Send("ben", b"y")), did(Settle())]
    rows = table(*said, heard("ann", b"y"), heard("ben", b"x"), dialect=replace(NAMED, to_sender="nothing"))
    assert [row[2][0] for row in rows if row[1] == "reads all"] == [{"ben": b"y"}, {"ann": b"x"}]


def test_a_step_of_a_probe_in_which_nobody_speaks_is_no_row() -> None:
    come = [did(Connect("ann")), did(Connect("lou"))]
    rows = table(*come, Did(Send("ann", b"x"), b"x", "lou"), Did(Settle(), b"", "lou"), failing="", dialect=NAMED)
    assert [who for who, *_ in rows] == ["ann"]


def test_what_is_said_in_pieces_or_in_one_segment_is_sent_so() -> None:
    rows = table(did(Connect("ann")), Did(Say("ann", b"hello", in_pieces=True), b"hello\n"), failing="", dialect=NAMED)
    assert [row[2] for row in rows if row[1] in ("sends", "waits")] == [b"h", 0.1, b"el", 0.1, b"lo", 0.1, b"\n"]
    assert str(Say("ann", b"hello", in_pieces=True)) == "ann says b'hello' in pieces"
    assert pieces(b"x") == [b"x"]
    together = Send("ann", b"one", with_next=True)
    steps = [did(Connect("ann")), Did(together, b"one\n"), Did(Send("ann", b"two"), b"two\n")]
    rows = table(*steps, Did(together, b"one\n"), did(Close("ann")), failing="", dialect=NAMED)
    assert [row[2] for row in rows if row[1] == "sends"] == [b"one\ntwo\n", b"one\n"]
    assert str(together) == "ann sends b'one' in one segment with what comes next"


def test_a_greeting_that_ends_the_handshake_leaves_nothing_to_read() -> None:
    greeting = Template("Hello {any}\n")
    greeted = replace(NAMED, handshake=(HandshakeTurn(wait=greeting),))
    rows = table(did(Connect("ann")), heard("ann", b"Hello 7\n"), dialect=greeted, failing="")
    assert [(who, action) for who, action, _ in rows] == [("ann", "reads")]


def test_a_client_that_has_just_come_need_not_have_heard_what_others_say_at_that_moment() -> None:
    rows = table(
        *(did(Connect("ann")), did(Connect("ben")), did(Say("ann", b"hi"))),
        *(heard("ann", b"1: hi\n"), heard("ben", b"1: hi\n")),
        *(did(Say("ann", b"once more")), heard("ann", b"1: once more\n"), heard("ben", b"1: once more\n")),
        did(Say("ann", b"now")),
        dialect=replace(NAMED, to_sender="same"),
        due=b"1: now\n",
    )
    assert [row[:2] for row in rows if row[1] == "reads"] == [("ann", "reads"), ("ann ben", "reads"), ("ann", "reads")]


@pytest.mark.parametrize("header", ["%10d", "%-10d", "%020d", "u32be"])
def test_no_label_holds_the_length_of_another_frame(header: str) -> None:
    labelled = '[delivery]\ntemplate = "{sender}: {body}"\n'
    counted = read(f'protocol = "chat"\n[framing]\nin = "length"\nheader = "{header}"\n{labelled}', "mine", "mine")
    right = counted.framing_out.put(b"1: hi")
    more = counted.framing_out.put(b"good evening") + right
    said = (did(Connect("ann")), did(Say("ann", b"hi")), heard("ann", more))
    *_, reads, _ = table(*said, dialect=counted, shape="extra")
    assert reads[2].match(right)
    assert not reads[2].match(more)


def test_where_nothing_marks_an_end_no_label_holds_the_word_by_which_a_client_left() -> None:
    written = 'protocol = "chat"\n[framing]\nout = "none"\n[delivery]\ntemplate = "<{sender}> {body} *"\n'
    unmarked = read(written, "mine", "mine")
    *_, reads, nothing = table(
        *(did(Connect("ann")), did(Connect("ben")), did(Quit("ben", b"quit")), did(Say("ann", b"who is left?"))),
        heard("ann", b"<2> quit *<1> who is left? *"),
        dialect=unmarked,
        shape="quit delivered",
    )
    assert not reads[2].match(b"<2> quit *<1> who is left? *")
    assert reads[2].match(b"<1> who is left? *")
    assert nothing[2].search(b"<1> quit *")
