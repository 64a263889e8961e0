"""Which clause a mismatch breaks: disruptions first, then what is special about the utterance, then the general."""

from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.attribution import Mismatch, MissingDelivery
from socketserver_reference.conformance.oracles.datagram import DatagramOracle
from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    HalfClose,
    Quit,
    Reset,
    Say,
    Send,
    Settle,
    Step,
)
from socketserver_reference.conformance.scenario.violation import Finding

MISMATCH = Mismatch(
    who="ann",
    expected=[b"ackhello"],
    observed=b"",
    before=b"ackearlier",
    first=False,
    utterance=b"hello",
    said=[b"hello"],
    lagged=False,
    stalled_once=False,
    quits=[b"ackquit\n"],
    disruptions=[],
    speakers=1,
)

LONG = replace(MISMATCH, utterance=b"x" * 2000, expected=[b"ack" + b"x" * 1024])
TOGETHER = replace(MISMATCH, speakers=2, said=[b"aaaa", b"bbbb"], expected=[b"ackaaaa", b"ackbbbb"])


@pytest.mark.parametrize(
    ("mismatch", "observed", "clause"),
    [
        (MISMATCH, b"ackquit\nackhello", "CHAT-7"),
        (MISMATCH, b"ackackhello", "CHAT-10"),
        (MISMATCH, b"ackhelloack", "CHAT-10"),
        (MISMATCH, b"ackack", "CHAT-10"),
        (LONG, b"ackack", "CHAT-6"),
        (replace(MISMATCH, expected=[]), b"hi", "CHAT-4"),
        (replace(MISMATCH, expected=[], first=True), b"hi", "CHAT-1"),
        (replace(MISMATCH, expected=[], disruptions=["left"]), b"bye", "CHAT-4"),
        (replace(MISMATCH, first=True), b"welcome\nackhello", "CHAT-1"),
        (replace(MISMATCH, first=True), b"ackhelloackhello", "CHAT-4"),
        (replace(MISMATCH, first=True), b"ackearlierackhello", "CHAT-4"),
        (MISMATCH, b"noticeackhello", "CHAT-4"),
        (MISMATCH, b"hello", "CHAT-2"),
        (MISMATCH, b"hallo", "CHAT-2"),
        (MISMATCH, b"ackearlier", "CHAT-4"),
        (MISMATCH, b"arlierackhello", "CHAT-14"),
        (MISMATCH, b"ackHELLO", "CHAT-3"),
        (replace(MISMATCH, stalled_once=True), b"ackhelack", "CHAT-14"),
        (LONG, b"ack" + b"x" * 1025, "CHAT-6"),
        (LONG, b"x" * 1025, "CHAT-2"),
        (LONG, b"y" * 1025, "CHAT-6"),
        (LONG, b"acky", "CHAT-6"),
        (TOGETHER, b"ackbbackaackbbackaaa", "CHAT-13"),
        (TOGETHER, b"ackaaackbbaaackbb", "CHAT-14"),
        (TOGETHER, b"aaackbb", "CHAT-14"),
        (replace(MISMATCH, disruptions=["concurrent"]), b"ackhelp", "CHAT-13"),
        (replace(MISMATCH, disruptions=["concurrent", "stalled"], lagged=True), b"ackhelack", "CHAT-14"),
    ],
)
def test_bytes_that_were_not_due_break_the_likeliest_clause(mismatch: Mismatch, observed: bytes, clause: str) -> None:
    finding = attribution.explain_mismatch(replace(mismatch, observed=observed), NOTE)
    assert finding.clauses[0] == clause
    assert len(set(finding.clauses)) == len(finding.clauses)
    assert finding.expected == ("nothing is sent" if not mismatch.expected else finding.expected)


def test_what_is_torn_for_one_who_was_too_slow_is_not_put_down_to_anything_else() -> None:
    torn = replace(MISMATCH, observed=b"ackhelack", disruptions=["concurrent", "stalled"], lagged=True)
    assert attribution.explain_mismatch(torn, NOTE).clause("CHAT-15") == "CHAT-14"


ABSENCE = MissingDelivery(
    who="ann",
    expected="ann reads b'ackhello'",
    leaving=None,
    lurker=False,
    begun=False,
    stalled_once=False,
    utterance=b"hello",
    disruptions=[],
)


@pytest.mark.parametrize(
    ("absence", "clause"),
    [
        (ABSENCE, "CHAT-2"),
        (replace(ABSENCE, leaving="quit"), "CHAT-7"),
        (replace(ABSENCE, leaving="half-close"), "CHAT-10"),
        (replace(ABSENCE, lurker=True), "CHAT-9"),
        (replace(ABSENCE, lurker=True, disruptions=["crowded"]), "CHAT-17"),
        (replace(ABSENCE, begun=True), "CHAT-3"),
        (replace(ABSENCE, begun=True, utterance=b"x" * 1025), "CHAT-6"),
        (replace(ABSENCE, begun=True, disruptions=["reset"]), "CHAT-12"),
        (replace(ABSENCE, stalled_once=True), "CHAT-15"),
        (replace(ABSENCE, disruptions=["left", "stalled"]), "CHAT-15"),
        (replace(ABSENCE, disruptions=["stalled", "left"]), "CHAT-11"),
        (replace(ABSENCE, disruptions=["concurrent"]), "CHAT-13"),
        (replace(ABSENCE, utterance=b"Quit now"), "CHAT-8"),
        (replace(ABSENCE, utterance=b"\xff"), "CHAT-3"),
        (replace(ABSENCE, utterance=b"a\0b"), "CHAT-3"),
        (replace(ABSENCE, utterance=b"x" * 1025), "CHAT-6"),
    ],
)
def test_what_did_not_come_breaks_the_likeliest_clause(absence: MissingDelivery, clause: str) -> None:
    assert attribution.explain_missing(absence).clauses[0] == clause
    assert attribution.explain_cut_off(absence, "reset").clauses == attribution.explain_missing(absence).clauses
    assert attribution.explain_missing(absence).observed == "ann reads nothing"
    assert attribution.explain_cut_off(absence, "eof").observed == "ann reads end of stream"


def test_who_has_gone_and_is_not_let_go_explains_silence() -> None:
    for gone in ("reset", "left"):
        assert "CHAT-10" in attribution.explain_missing(replace(ABSENCE, disruptions=[gone, "stalled"])).also
        assert "CHAT-10" not in attribution.explain_missing(replace(ABSENCE, disruptions=[gone], leaving="quit")).also
    assert "CHAT-10" not in attribution.explain_missing(replace(ABSENCE, disruptions=["stalled"])).also


@pytest.mark.parametrize(("leaving", "expected"), [(None, "ann stays connected"), ("quit", "ann reads end of stream")])
def test_where_no_delivery_was_due_the_connection_itself_was(leaving: str | None, expected: str) -> None:
    assert attribution.explain_missing(replace(ABSENCE, expected="", leaving=leaving)).expected == expected


def test_a_refused_client_is_put_down_to_what_happened_last() -> None:
    assert attribution.explain_refusal("ann", "timed out", ["left", "reset"]).clauses[:2] == ("CHAT-12", "CHAT-11")
    assert attribution.explain_refusal("ann", "timed out", []).observed == "ann cannot connect: timed out"


# The echo servers


def asked(*steps: Step) -> EchoOracle:
    oracle = EchoOracle(NOTE)
    for step in steps:
        oracle.begin(step, idle_before=True)
    return oracle


def heard(request: bytes | None, reply: bytes) -> tuple[str, ...]:
    """Return the clauses that a reply breaks."""
    oracle = asked(Connect("ann"), *([Say("ann", request)] if request is not None else []))
    assert not oracle.feed("ann", reply)
    return oracle.explain_mismatch("ann", reply).clauses


@pytest.mark.parametrize(
    ("request_", "reply", "clause"),
    [
        (None, b"welcome", "ECHO-1"),
        (b"hi", b"welcomeHI", "ECHO-1"),
        (b"hi", b"HI\n", "ECHO-2"),
        (b"hi", b"HI, too", "ECHO-3"),
        (b"hi", b"hi", "ECHO-2"),
        (b" \n", b"\n", "ECHO-5"),
        (b"a" * 1025, b"A" * 1025, "ECHO-4"),
    ],
)
def test_a_wrong_reply_breaks_the_likeliest_clause(request_: bytes | None, reply: bytes, clause: str) -> None:
    assert heard(request_, reply)[0] == clause


def clause_of(finding: Finding | None) -> str:
    assert finding is not None
    return finding.clauses[0]


@pytest.mark.parametrize(
    ("steps", "reply", "clause"),
    [
        ([Say("ann", b"hi")], b"", "ECHO-2"),
        ([Say("ann", b"hi")], b"HI", "ECHO-3"),
        ([Say("ann", b" ")], b"", "ECHO-5"),
        ([Say("ann", b"a" * 1025)], b"", "ECHO-4"),
        ([HalfClose("ann")], b"", "ECHO-3"),
        ([Send("ann", b"hi"), HalfClose("ann")], b"H", "ECHO-6"),
        ([Connect("ben"), Close("ben"), Say("ann", b"hi")], b"", "ECHO-7"),
        ([Connect("ben"), Reset("ben"), Say("ann", b"hi")], b"HI", "ECHO-7"),
    ],
)
def test_a_reply_that_does_not_come_or_end_breaks_the_likeliest_clause(
    steps: list[Step], reply: bytes, clause: str
) -> None:
    oracle = asked(Connect("ann"), *steps)
    if reply:
        assert oracle.feed("ann", reply)
    assert clause_of(oracle.explain_silence("ann")) == clause
    if reply == b"HI":
        assert clause_of(oracle.feed_end("ann", "reset")) == clause


def test_a_cut_reply_is_told_with_what_came() -> None:
    oracle = asked(Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"HEL")
    finding = oracle.feed_end("ann", "reset")
    assert finding is not None
    assert finding.observed == "ann reads b'HEL', then connection reset"
    assert finding.expected == "ann reads b'HELLO', then end of stream"


def test_a_reset_behind_the_reply_to_a_long_request_is_no_fault_of_the_server() -> None:
    oracle = asked(Connect("ann"), Say("ann", b"a" * 5000))
    assert oracle.feed("ann", b"A" * 512)
    assert oracle.feed_end("ann", "reset") is None
    assert not oracle.due("ann")
    assert clause_of(oracle.explain_refusal("ben", "timed out")) == "ECHO-7"


def test_what_an_echo_does_not_know_is_a_mistake_in_the_scenario() -> None:
    with pytest.raises(ValueError, match="an echo server has no Settle"):
        asked(Settle())
    with pytest.raises(ValueError, match="datagrams know no Quit"):
        DatagramOracle(NOTE).begin(Quit("ann"), idle_before=True)


def corresponding(*steps: Step) -> DatagramOracle:
    oracle = DatagramOracle(NOTE)
    for step in steps:
        oracle.begin(step, idle_before=True)
    return oracle


@pytest.mark.parametrize(
    ("request_", "clause"), [(b"hi", "UDP-1"), (b"", "UDP-3"), (b"a" * 1025, "UDP-4"), (b"a" * 9000, "UDP-4")]
)
def test_a_datagram_that_is_wrong_or_missing_breaks_the_likeliest_clause(request_: bytes, clause: str) -> None:
    oracle = corresponding(Connect("ann"), Say("ann", request_))
    assert not oracle.feed("ann", b"something")
    assert oracle.expected_bytes("ann") == b""
    assert clause_of(oracle.explain_mismatch("ann", b"something")) == clause
    assert clause_of(oracle.explain_silence("ann")) == clause


def test_a_datagram_too_many_is_nobody_s_reply() -> None:
    oracle = corresponding(Connect("ann"), Connect("ben"), Send("ben", b"x"), Close("ben"), Say("ann", b"hi"))
    assert oracle.optional_readers() == ["ann"]
    assert clause_of(oracle.explain_silence("ann")) == "UDP-5"
    assert oracle.feed("ann", b"HI")
    assert not oracle.due("ann")
    oracle.settled(Say("ann", b"hi"))
    assert not oracle.feed("ann", b"HI")
    assert oracle.explain_mismatch("ann", b"HI").expected == "ann reads no datagram"
    assert clause_of(oracle.feed_end("ann", "reset")) == "UDP-5"
    assert clause_of(oracle.explain_refusal("cal", "timed out")) == "UDP-5"
