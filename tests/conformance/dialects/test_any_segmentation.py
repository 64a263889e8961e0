"""Where the path may split segments: every way is accepted, and what is about whole chunks is not applicable."""

import re
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from socketserver_faults.network import Conditions, Through
from socketserver_reference.address import Address
from socketserver_reference.chat import ChatHandler
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.exploration.explore import explore
from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.results.verdicts import Record
from socketserver_reference.conformance.runner.direct import open_session, outcomes, play_all, violation_of
from socketserver_reference.conformance.scenario.steps import Connect, Reset, Say, join
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import make_server
from tests.support.checking import Checker
from tests.support.exchanges import knowing
from tests.support.planted import Bug

SPLIT = Conditions(split=1)
ANY_SEGMENTATION = replace(NOTE, exact=False)
EXACT = {"CHAT-7", "CHAT-8"}
"""The clauses about whole chunks."""

LONG = {"CHAT-12", "CHAT-14", "CHAT-15"}
"""The clauses whose checks say much: megabytes take minutes, byte by byte."""


def split(protocol: str) -> Through:
    """Return the reference behind a network that splits every byte."""
    return Through(InProcess(partial(make_server, protocol, Address("tcp", "127.0.0.1"))), SPLIT)


@pytest.mark.sweep
@pytest.mark.parametrize(
    "clause", [f"CHAT-{number}" for number in range(1, 18) if f"CHAT-{number}" not in LONG] + ["ECHO-2", "ECHO-7"]
)
def test_the_reference_behind_a_network_that_splits_every_byte_keeps_each_clause(clause: str) -> None:
    protocol = "echo" if clause.startswith("ECHO") else "chat"
    with closing(open_session(protocol, split(protocol), 5.0, ANY_SEGMENTATION)) as session:
        found = [raised for _, _, raised in play_all(session, protocol, clause)]
        found = [
            raised
            for raised in found
            if not re.match(
                "the dialect has no (handshake|frames)|in the dialect the server may take what comes in one",
                str(raised),
            )
        ]
        if clause in EXACT or clause in session.site.unobservable:
            assert all(isinstance(raised, NotApplicable) for raised in found)
        else:
            assert found == [None] * len(found)


def test_a_reset_behind_such_a_network_disturbs_nobody() -> None:
    with closing(open_session("chat", split("chat"), 5.0, ANY_SEGMENTATION)) as session:
        session.play(*join("ann", "ben", "cal"), Reset("cal"), Say("ann", b"who was that?"), about="CHAT-12")


def test_without_the_option_the_same_path_looks_like_the_servers_fault() -> None:
    outcome, _ = outcomes("chat", split("chat"), 5.0, "CHAT-2", NOTE)
    assert violation_of(outcome) is not None


@pytest.mark.parametrize("protocol", ["chat", "echo"])
def test_exploration_accepts_it_too(protocol: str) -> None:
    record = Record(["CHAT", "ECHO"])
    with closing(open_session(protocol, split(protocol), 5.0, ANY_SEGMENTATION)) as session:
        explore(session, record, protocol, "basic", examples=3, with_seed=0)
    assert " steps (seed 0)" in record.explored[0]


def test_a_server_that_changes_bytes_is_found_out_all_the_same() -> None:
    class Shouts(ChatHandler):
        def delivery(self, chunk: bytes) -> bytes:
            return super().delivery(chunk.upper())

    through = Through(Bug("chat", Shouts).target(), SPLIT)
    (outcome,) = outcomes("chat", through, 1.0, "CHAT-3", ANY_SEGMENTATION)
    assert violation_of(outcome) is not None


@pytest.mark.slow
def test_the_option_of_check_leaves_the_clauses_about_whole_chunks_out(check: Checker) -> None:
    outcome = check("chat", "--any-segmentation", "--profile", "basic", "--examples", 3)
    assert outcome.code == 0
    assert set(outcome.clauses_that("not-applicable")) == EXACT
    assert "the path may split" in outcome.clause("CHAT-7")["why"]


# What the oracles accept


def test_a_settled_utterance_may_come_in_pieces() -> None:
    for dialect, accepted in ((NOTE, False), (ANY_SEGMENTATION, True)):
        room = knowing(StreamChatOracle(dialect), Connect("ann"), Say("ann", b"hello"))
        assert room.feed("ann", b"ackheacklacklo") is accepted


def test_an_echo_of_any_part_from_the_beginning_is_right_and_of_another_is_not() -> None:
    for reply, accepted in ((b"HEL", True), (b"HELLO", True), (b"ELLO", False)):
        echo = knowing(EchoOracle(ANY_SEGMENTATION), Connect("ann"), Say("ann", b" hello"))
        assert echo.feed("ann", reply) is accepted
