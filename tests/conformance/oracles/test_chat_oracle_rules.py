"""Single rules of the oracle of a chat without frames, with steps and reads fed by hand."""

from unittest import mock

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.oracles import chat_room as room_module
from socketserver_reference.conformance.oracles import segmentation, stream_chat
from socketserver_reference.conformance.oracles.segmentation import Ambiguous
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Connect,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Stall,
    Step,
    join,
)
from socketserver_reference.conformance.scenario.violation import Finding
from tests.support.exchanges import knowing

SMALL = 3000
"""Bytes that a server must keep for a member that does not read, in place of 64 KiB."""


def fed(*steps: Step) -> StreamChatOracle:
    """Return an oracle that knows of these steps."""
    return knowing(StreamChatOracle(NOTE), *steps)


def clauses(finding: Finding | None) -> tuple[str, ...]:
    assert finding is not None
    return finding.clauses


def test_a_lurker_who_hears_a_part_may_not_hear_its_rest_twice() -> None:
    oracle = fed(Connect("lou"), Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"ackhello")
    assert oracle.feed("lou", b"ackhe")
    assert oracle.feed("lou", b"llo")
    assert not oracle.feed("lou", b"llo")


def test_what_ends_in_a_part_of_a_delivery_is_no_farewell() -> None:
    oracle = fed(Connect("ann"), Connect("ben"), Say("ann", b"hello"), HalfClose("ben"))
    assert oracle.feed("ann", b"ackhello")
    assert oracle.feed("ben", b"ackhe")
    assert clauses(oracle.feed_end("ben", "eof"))[0] == "CHAT-10"


def test_who_half_closed_reads_what_it_said_before_the_end() -> None:
    oracle = fed(Connect("ann"), Send("ann", b"hello"), HalfClose("ann"))
    assert clauses(oracle.feed_end("ann", "eof"))[0] == "CHAT-10"


def test_who_quits_reads_all_that_was_delivered_before() -> None:
    oracle = fed(*join("ann")[:1], Say("ann", b"one"))
    assert oracle.feed("ann", b"ackone")
    oracle.begin(Connect("ben"), idle_before=True)
    oracle.begin(Say("ben", b"two"), idle_before=True)
    assert oracle.feed("ann", b"acktwo")
    assert oracle.feed("ben", b"acktwo")
    assert not oracle.due("ann")
    oracle.begin(Stall("ben"), idle_before=True)
    oracle.begin(Say("ann", b"three"), idle_before=True)
    assert oracle.feed("ann", b"ackthree")
    assert not oracle.due("ann")
    assert not oracle.due("ben")
    oracle.begin(Quit("ben"), idle_before=True)
    assert clauses(oracle.feed_end("ben", "eof"))[0] == "CHAT-7"


def test_a_farewell_in_an_order_of_leaving_by_reset_is_an_abrupt_one() -> None:
    oracle = fed(*join("ann"), Quit("ann"))
    assert "CHAT-7" in clauses(oracle.feed_end("ann", "reset"))


def test_what_only_newcomers_heard_of_who_has_gone_is_not_judged() -> None:
    oracle = fed(Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"ackhello")
    for step in (Connect("ben"), Connect("cal"), Send("ann", b"last words"), Reset("ann")):
        oracle.begin(step, idle_before=False)
    with pytest.raises(Ambiguous):
        oracle.feed("ben", b"acklast words")


def test_who_speaks_without_waiting_may_have_joined_after_what_another_said_later() -> None:
    oracle = fed(Connect("zoe"), Say("zoe", b"first"))
    assert oracle.feed("zoe", b"ackfirst")
    for step in (Connect("ann"), Send("ann", b"hello"), Connect("ben"), Say("ben", b"hi")):
        oracle.begin(step, idle_before=False)
    assert oracle.feed("zoe", b"ackhiackhello")
    assert oracle.feed("ben", b"ackhiackhello")
    assert oracle.feed("ann", b"ackhello")
    assert not any(map(oracle.due, ("zoe", "ann", "ben")))


def test_what_everybody_has_read_long_ago_is_forgotten_and_what_somebody_has_to_read_is_not() -> None:
    def says(word: bytes, *hearers: str) -> None:
        oracle.begin(step := Say("ann", word), idle_before=True)
        assert all(oracle.feed(who, b"ack" + word) for who in hearers)
        oracle.settled(step)

    oracle = fed(Connect("ann"), Connect("ben"))
    with mock.patch.object(stream_chat, "KEPT_LOG_BYTES", 20):
        says(b"one of ten", "ann", "ben")
        assert oracle.parser.boundaries(0, oracle.parser.end) == [0, 13]
        says(b"two of ten", "ann", "ben")
        assert oracle.parser.boundaries(0, oracle.parser.end) == [26]
        oracle.begin(Stall("ben"), idle_before=True)
        for word in (b"something", b"more"):
            says(word, "ann")
        assert oracle.parser.boundaries(0, oracle.parser.end) == [26, 38, 45]
        oracle.begin(Resume("ben"), idle_before=True)
        assert oracle.due("ben")
        assert oracle.feed("ben", b"acksomethingackmore")
        assert not oracle.due("ben")


@pytest.mark.parametrize(("much", "clause"), [(False, "CHAT-4"), (True, "CHAT-10")])
def test_what_was_said_is_no_flood_however_much_it_is(much: bool, clause: str) -> None:
    oracle = fed(Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"ackhello")
    for step in (Connect("ben"), Send("ben", b"." * 8000), Abandon("ben")):
        oracle.begin(step, idle_before=False)
    came = b"ack" + b"." * 100 + b"* ben has left\n" + (b"ack" + b"." * 1000) * (40 if much else 7)
    assert not oracle.feed("ann", came)
    assert clauses(oracle.explain_mismatch("ann", came))[0] == clause


def test_who_speaks_and_does_not_read_may_be_cut_off_before_the_server_has_read_that() -> None:
    oracle = fed(Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"ackhello")
    for step in (Connect("ben"), Stall("ben"), Send("ben", b"unheard")):
        oracle.begin(step, idle_before=False)
    assert not oracle.due("ann")
    assert oracle.feed("ann", b"ackheard")
    oracle.begin(Resume("ben"), idle_before=False)
    assert oracle.feed_end("ben", "reset") is None


@pytest.mark.parametrize("stalls", [True, False])
def test_a_server_at_rest_may_still_be_delivering_while_a_member_does_not_read(stalls: bool) -> None:
    oracle = fed(Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"ackhello")
    steps: list[Step] = [*([Stall("ann")] if stalls else []), Connect("ben")]
    for step in steps:
        oracle.begin(step, idle_before=True)
    assert clauses(oracle.feed_end("ben", "eof"))[:2] == (("CHAT-15", "CHAT-13") if stalls else ("CHAT-9", "CHAT-2"))


def test_who_reads_and_was_too_slow_may_be_cut_off() -> None:
    oracle = fed(Connect("ann"), Say("ann", b"hello"))
    oracle.lags("ann")
    oracle.begin(Say("ann", b"and on"), idle_before=False)
    assert not oracle.feed("ann", b"ackand ack")
    assert oracle.explain_mismatch("ann", b"ackand ack").clauses[0] == "CHAT-14"
    assert oracle.feed_end("ann", "eof") is None
    assert not oracle.due("ann")


def test_where_much_may_be_lost_by_a_reset_nobody_knows_how_much_was_waiting() -> None:
    for size, how, rightly in (
        (room_module.MIN_BACKLOG_BYTES, "reset", True),
        (room_module.MIN_BACKLOG_BYTES, "eof", False),
        (room_module.MIN_BACKLOG_BYTES - 1, "reset", False),
    ):
        oracle = fed(Connect("ann"), Say("ann", b"hello"))
        assert oracle.feed("ann", b"ackhello")
        for step in (Connect("ben"), Send("ben", b"x" * size), Reset("ben")):
            oracle.begin(step, idle_before=False)
        assert (oracle.feed_end("ann", how) is None) is rightly  # type: ignore[arg-type]  # these are endings


def test_what_was_said_in_an_earlier_scenario_is_no_reason_to_be_cut_off() -> None:
    oracle = StreamChatOracle(NOTE)
    oracle.expect_late([b"." * room_module.MIN_BACKLOG_BYTES] * 2)
    knowing(oracle, Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"ack..ackhello")
    assert oracle.feed_end("ann", "reset") is not None
    assert oracle.parser.max_undelivered_bytes() > 2 * room_module.MIN_BACKLOG_BYTES


def test_who_did_not_read_until_too_much_was_waiting_may_be_cut_off() -> None:
    for size, rightly in ((SMALL // 4 - 1, False), (SMALL // 4, True)):  # each byte may be a delivery, of four bytes
        oracle = fed(Connect("ann"), Say("ann", b"hello"))
        assert oracle.feed("ann", b"ackhello")
        for step in (Stall("ann"), Connect("ben"), Send("ben", b"x" * size), Resume("ann")):
            oracle.begin(step, idle_before=False)
        with mock.patch.object(room_module, "MIN_BACKLOG_BYTES", SMALL):
            assert (oracle.feed_end("ann", "eof") is None) is rightly


def test_words_with_too_many_readings_are_not_judged() -> None:
    oracle = fed(*(Connect(who) for who in ("ann", "ben", "cal")))
    for who in ("ann", "ben", "cal"):
        oracle.begin(Send(who, b"ack" * 100), idle_before=False)
    with mock.patch.object(segmentation, "MAX_HYPOTHESES", 5), pytest.raises(Ambiguous):
        oracle.feed("ann", b"ack" * 60)


def test_deliveries_are_not_numbered_where_what_is_said_looks_like_their_beginning() -> None:
    oracle = fed(Connect("ann"), Say("ann", b"ackack"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"ackackack")
    finding = oracle.feed_end("ann", "eof")
    assert finding is not None
    assert "the next delivery" in str(finding)
