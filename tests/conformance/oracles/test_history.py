"""What a newcomer hears first may have been said before it came, and several utterances may be one delivery of it."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Connect, Say, Send
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Finding
from tests.servers.dialect_bugs import Shouts
from tests.servers.dialects_served import DIALECTS, served
from tests.support.scripts import BRIEF_TIMEOUT

REMEMBERING = replace(NOTE, name="remembering", history=3)


def told(history: bytes) -> bool:
    """Return whether a newcomer may hear this first: ann has said two lines that the server took for one chunk, and
    somebody said the first of them before this scenario.
    """
    oracle = FramedChatOracle(REMEMBERING)
    oracle.expect_late([b"one"])
    oracle.begin(Connect("ann"), idle_before=True)
    oracle.begin(Say("ann", b"here"), idle_before=True)
    assert oracle.feed("ann", b"ackhere\n")
    oracle.settled(Say("ann", b"here"))
    for said in (b"one", b"two"):
        oracle.begin(Send("ann", said), idle_before=False)
    oracle.begin(Connect("last"), idle_before=True)
    return oracle.feed("last", history)


@pytest.mark.parametrize(
    ("history", "may_be"),
    [
        (b"ackone\ntwo\n", True),
        (b"ackhere\nackone\ntwo\n", True),
        (b"ackbefore\nackhere\nackone\ntwo\n", True),
        (b"two\n", False),
        (b"acka\nackb\nackc\nackd\n", False),
    ],
)
def test_lines_that_were_one_chunk_are_one_delivery_of_the_history(history: bytes, may_be: bool) -> None:
    assert told(history) == may_be


def test_who_has_heard_what_is_said_now_hears_no_part_of_what_was_said_before() -> None:
    oracle = FramedChatOracle(REMEMBERING)
    oracle.begin(Connect("ann"), idle_before=True)
    oracle.begin(Say("ann", b"here"), idle_before=True)
    assert oracle.feed("ann", b"ackhere\n")
    assert not oracle.feed("ann", b"two\n")


LINES = read(
    'protocol = "chat"\n[framing]\nin = "line"\n[delivery]\ntemplate = "{body}"\nhistory = 5', "remembers", "remembers"
)


def told_late(*frames: bytes, rested: bool) -> Finding:
    """Return what is said if no more comes than this, once the server has been at rest, or not, and ann has spoken."""
    oracle = FramedChatOracle(LINES)
    oracle.begin(Connect("ann"), idle_before=True)
    if rested:
        oracle.rested()
    oracle.begin(Say("ann", b"hello"), idle_before=True)
    oracle.begin(Say("ann", b"and on"), idle_before=True)
    assert all(oracle.feed("ann", frame) for frame in frames)
    return oracle.explain_silence("ann")


@pytest.mark.parametrize(
    ("frames", "rested", "shape", "clause"),
    [
        ([b"HELLO\n"], True, "altered", "CHAT-3"),
        ([b"HELLO\n"], False, "missing", "CHAT-2"),
        ([b"before\n", b"hello\n"], True, "missing", "CHAT-2"),
    ],
)
def test_what_comes_after_a_rest_in_place_of_a_delivery_is_no_history(
    frames: Sequence[bytes], rested: bool, shape: str, clause: str
) -> None:
    found = told_late(*frames, rested=rested)
    assert found.shape == shape
    assert clause in found.clauses


def test_the_first_words_in_a_room_that_repeats_earlier_ones_are_told_as_altered() -> None:
    dialect = DIALECTS["two ends"]
    with closing(open_session("chat", served(dialect, Shouts), BRIEF_TIMEOUT, dialect)) as session:
        session.healthy = True  # its first conversation would show it
        with pytest.raises(VIOLATIONS["CHAT-3"]) as told:
            session.play(Connect("ann"), Say("ann", b"exactly"), about="CHAT-2")
    assert told.value.shape == "altered"
