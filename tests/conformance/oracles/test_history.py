"""What a newcomer hears first may have been said before it came, and several utterances may be one delivery of it."""

from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.scenario.steps import Connect, Say, Send

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
