"""Whose clause it is: the tables, and the facts that oracles look up in them."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketserver_reference.conformance.dialects.dialect import NOTE, HandshakeTurn
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.attribution import (
    CHAT_ROWS,
    CLAUSE_SUBJECTS,
    Circumstance,
    Disruption,
    Kind,
    Row,
)
from socketserver_reference.conformance.oracles.datagram import DatagramOracle
from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import (
    Close,
    Connect,
    HalfClose,
    Quit,
    Reset,
    Say,
    Send,
    Stall,
    Step,
)
from socketserver_reference.conformance.scenario.violation import Finding, Shape
from tests.support.exchanges import knowing

SHAPES: tuple[Shape, ...] = get_args(Shape)
KINDS: tuple[Kind, ...] = get_args(Kind)
DISRUPTIONS: tuple[Disruption, ...] = get_args(Disruption)
ROLES: tuple[Circumstance, ...] = ("lurks", "quits", "half-closes", "was slow", "last words", "unspoken to")

IMPLIED = {
    "quit delivered": ["CHAT-7"],
    "two orders": ["CHAT-13"],
    "empty": ["CHAT-10", "CHAT-14", "CHAT-6"],
    "extra": ["CHAT-14"],  # a delivery that is torn while several speak may look like one
    "mixed": ["CHAT-14"],
    "torn": ["CHAT-14", "CHAT-3"],
    "altered": ["CHAT-3", "CHAT-14"],
    "cut": ["CHAT-3"],
    "merged": ["CHAT-6"],
    "split": ["CHAT-6"],
    "refused": ["CHAT-17"],
}
"""Shape -> the clauses whose circumstance it implies."""


@given(
    shape=st.sampled_from(SHAPES),
    disruptions=st.lists(st.sampled_from(DISRUPTIONS), unique=True),
    roles=st.lists(st.sampled_from(ROLES), unique=True),
    special=st.lists(st.sampled_from(KINDS), unique=True),
)
def test_no_clause_of_a_chat_is_blamed_for_a_circumstance_that_was_absent(
    shape: Shape, disruptions: list[Circumstance], roles: list[Circumstance], special: list[Kind]
) -> None:
    facts = [*disruptions, *roles, *special]
    if shape == "no end":  # that is of a client that leaves
        facts.append("quits")
    found = attribution.clauses(CHAT_ROWS, shape, facts)
    assert found
    assert len(set(found)) == len(found)
    for clause in (clause for clause in found if clause in CLAUSE_SUBJECTS):
        assert clause in IMPLIED.get(shape, ()) or {*CLAUSE_SUBJECTS[clause]} & {*facts}, clause


@pytest.mark.parametrize(
    ("shape", "facts", "clauses"),
    [
        ("missing", [], "CHAT-2 CHAT-5"),
        ("missing", ["reset", "left"], "CHAT-12 CHAT-11 CHAT-2 CHAT-5"),
        ("missing", ["left", "reset"], "CHAT-11 CHAT-12 CHAT-2 CHAT-5"),
        ("missing", ["stalled", "lurks"], "CHAT-9 CHAT-15 CHAT-2"),
        ("missing", ["crowded", "lurks"], "CHAT-17 CHAT-9 CHAT-2"),
        ("early end", ["at once", "lurks"], "CHAT-11"),
        ("early end", ["crowded"], "CHAT-17 CHAT-13 CHAT-2 CHAT-5"),
        ("early end", ["crowded", "at once"], "CHAT-17 CHAT-13 CHAT-11"),
        ("early end", ["left", "lurks"], "CHAT-11 CHAT-9 CHAT-2"),
        ("missing", ["was slow"], "CHAT-15 CHAT-14 CHAT-2 CHAT-5"),
        ("missing", ["concurrent", "half-closes"], "CHAT-13 CHAT-10 CHAT-11"),
        ("early end", ["reset", "quits"], "CHAT-7 CHAT-11"),
        ("missing", ["like quit", "unusual"], "CHAT-8 CHAT-3 CHAT-2 CHAT-5"),
        ("cut", ["reset", "long"], "CHAT-12 CHAT-6 CHAT-3"),
        ("torn", ["stalled", "was slow", "long"], "CHAT-14 CHAT-15 CHAT-2"),
        ("torn", ["concurrent", "long"], "CHAT-14 CHAT-13 CHAT-3"),
        ("extra", ["unspoken to"], "CHAT-1 CHAT-4"),
        ("extra", ["reset"], "CHAT-4"),
        ("two orders", ["left", "quits"], "CHAT-13"),
        ("misdirected", ["left", "unspoken to"], "CHAT-2"),
        ("altered", ["reset", "unusual"], "CHAT-3"),
        ("refused", ["left", "reset"], "CHAT-11 CHAT-12 CHAT-17"),
        ("died", [], "CHAT-11"),
    ],
)
def test_the_row_that_fits_first_decides(shape: Shape, facts: list[Circumstance | Kind], clauses: str) -> None:
    assert attribution.clauses(CHAT_ROWS, shape, facts) == tuple(clauses.split())


def test_a_row_is_about_several_shapes_and_any_circumstance_unless_it_says_so() -> None:
    row = Row("split | merged", "left", "", "CHAT-2")
    assert row.fits("merged", ["reset", "left"])
    assert not row.fits("merged", ["reset"])
    assert not row.fits("mixed", ["left"])
    assert not Row("mixed", "", "long", "CHAT-14").fits("mixed", [])


@pytest.mark.parametrize(
    ("utterance", "kinds"),
    [
        (b"hello\n", []),
        (b"Quit now", ["like quit"]),
        (b"quit\0", ["like quit", "unusual"]),
        (b" x", ["unusual"]),
        (b"\n", ["unusual"]),
        (b"", []),
        (b"x" * 1024, []),
        (b"x" * 1025, ["long"]),
    ],
)
def test_what_is_special_about_an_utterance(utterance: bytes, kinds: list[Kind]) -> None:
    assert attribution.kinds(utterance, NOTE) == kinds


# The echo servers


def asked(*steps: Step) -> EchoOracle:
    return knowing(EchoOracle(NOTE), *steps)


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
        ([Send("ann", b"hi"), HalfClose("ann")], b"HI", "ECHO-3"),
        ([Send("ann", b"\xff"), HalfClose("ann")], b"", "ECHO-2"),
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


def test_only_a_server_that_greets_may_refuse_a_client_because_it_is_delayed() -> None:
    greets = replace(NOTE, handshake=(HandshakeTurn(),))
    for dialect, why, clause in (
        (NOTE, "timed out", "CHAT-17"),
        (NOTE, "connection refused", "CHAT-15"),  # it has ended
        (greets, "timed out", "CHAT-15"),
    ):
        oracle = knowing(StreamChatOracle(dialect), Connect("ann"), Connect("ben"), Stall("ben"), Connect("cal"))
        finding = oracle.explain_refusal("cal", why)
        assert clause_of(finding) == clause
        assert finding.absent


@pytest.mark.parametrize(("fresh", "clause"), [(True, "CHAT-2"), (False, "CHAT-11")])
def test_only_clients_that_were_there_before_can_cost_the_first_client_its_connection(fresh: bool, clause: str) -> None:
    oracle = StreamChatOracle(NOTE)
    oracle.fresh = fresh
    oracle.begin(Connect("ann"), idle_before=True)
    ended = oracle.feed_end("ann", "eof")
    assert ended is not None
    assert clause_of(ended) == clause
    refused = StreamChatOracle(NOTE)
    refused.fresh = fresh
    refused.begin(Connect("ann"), idle_before=True)
    assert clause_of(refused.explain_refusal("ann", "connection refused")) == ("CHAT-2" if fresh else "CHAT-17")


def test_what_an_echo_does_not_know_is_a_mistake_in_the_scenario() -> None:
    with pytest.raises(ValueError, match="an echo server has no Stall"):
        asked(Stall("ann"))
    with pytest.raises(ValueError, match="datagrams know no Quit"):
        DatagramOracle(NOTE).begin(Quit("ann"), idle_before=True)


def corresponding(*steps: Step) -> DatagramOracle:
    return knowing(DatagramOracle(NOTE), *steps)


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


@pytest.mark.parametrize(("clause", "keeps"), [("CHAT-19", "CHAT-18"), ("ECHO-10", "ECHO-9")])
def test_what_is_measured_counts_against_the_protocol_of_its_scenario(clause: str, keeps: str) -> None:
    assert attribution.clauses(attribution.rows_about(clause), "grows", []) == (keeps,)
