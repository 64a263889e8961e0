"""The oracle of echoes that answer every request of a connection."""

import pytest

from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.oracles.stream_echo import StreamEchoOracle
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Say, Stall
from tests.support.dialects.echo_dialects import DIALECTS
from tests.support.exchanges import knowing

PERSISTENT = read('protocol = "echo"\n[echo]\ntransform = "identity"\nrequests = "many"', "mine", "mine.toml")


def test_a_persistent_echo_knows_no_stall() -> None:
    with pytest.raises(ValueError, match="an echo server has no Stall"):
        StreamEchoOracle(PERSISTENT).begin(Stall("ann"), idle_before=True)


def test_the_stream_of_a_client_that_asks_nothing_and_half_closes_must_end() -> None:
    oracle = knowing(StreamEchoOracle(PERSISTENT), Connect("ann"), HalfClose("ann"))
    found = oracle.explain_silence("ann")
    assert (found.shape, found.clauses) == ("no end", ("ECHO-3",))


def test_what_may_be_the_beginning_of_an_unknown_text_is_told_if_no_more_comes() -> None:
    oracle = knowing(StreamEchoOracle(DIALECTS["counted lines"]), Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"1 (2)")
    assert oracle.explain_silence("ann").observed == "ann reads b'1 (2)', then nothing"
    assert oracle.feed("ann", b": hello\n")
    assert not oracle.due("ann")
