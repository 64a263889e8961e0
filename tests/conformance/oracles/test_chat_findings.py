"""What is said where a client of a chat reads nothing."""

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import Connect, Say, Step


@pytest.mark.parametrize(("words", "shape"), [(b" \n", "altered"), (b" a\n", "missing")])
def test_white_space_alone_of_which_nothing_comes_was_altered(words: bytes, shape: str) -> None:
    oracle = StreamChatOracle(NOTE)
    steps: list[Step] = [Connect("ann"), Connect("ben"), Say("ann", words)]
    for step in steps:
        oracle.begin(step, idle_before=True)
    assert oracle.explain_silence("ben").shape == shape
