"""What is said where a client of a chat reads nothing."""

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import (
    Approach,
    Close,
    Connect,
    Reset,
    Say,
    Send,
    Settle,
    Step,
    join,
)
from tests.support.exchanges import knowing


@pytest.mark.parametrize(
    ("steps", "clause"),
    [
        ([Approach("cal"), Approach("dan")], "CHAT-11"),
        ([Approach("cal"), Approach("dan"), Close("cal")], "CHAT-11"),
        ([Connect("ann"), Approach("cal"), Reset("cal")], "CHAT-12"),
        ([*join("ann", "ben"), Send("ann", b"one"), Send("ben", b"two"), Settle()], "CHAT-11"),
    ],
)
def test_a_server_that_has_died_when_all_had_left_survived_what_they_did_before(steps: list[Step], clause: str) -> None:
    oracle = knowing(StreamChatOracle(NOTE), *steps)
    assert oracle.explain_death("the server goes on").clauses[0] == clause


@pytest.mark.parametrize(("words", "shape"), [(b" \n", "altered"), (b" a\n", "missing")])
def test_white_space_alone_of_which_nothing_comes_was_altered(words: bytes, shape: str) -> None:
    oracle = knowing(StreamChatOracle(NOTE), Connect("ann"), Connect("ben"), Say("ann", words))
    assert oracle.explain_silence("ben").shape == shape


@pytest.mark.parametrize(("words", "also"), [(b"ackack", True), (b"one more", False)])
def test_what_looks_empty_may_be_words_in_another_order_where_somebody_says_what_begins_a_delivery(
    words: bytes, also: bool
) -> None:
    oracle = knowing(StreamChatOracle(NOTE), Connect("ann"), Send("ann", b"long"), Send("ann", words))
    finding = oracle.explain_mismatch("ann", b"ackacklong")
    assert finding.shape == "empty"
    assert ("CHAT-5" in finding.also) == also
    assert "CHAT-5" not in finding.clauses
