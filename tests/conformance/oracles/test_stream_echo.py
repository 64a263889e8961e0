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


@pytest.mark.parametrize(
    ("came", "clauses"),
    [
        (b"[12:00:01] " * 1000, ("ECHO-3",)),
        (b"[12:00:01] [12:00:02] [12:", ("ECHO-3",)),
        (b"[12:00:01] hello", ("ECHO-1", "ECHO-2")),
        (b"[12:", ("ECHO-1", "ECHO-2")),
    ],
)
def test_replies_to_nothing_at_the_end_of_a_stream_are_what_a_server_makes_of_it(
    came: bytes, clauses: tuple[str, ...]
) -> None:
    timed = read(
        'protocol = "echo"\n[echo]\ntransform = "identity"\nreply = "[{any}] {body}"\nrequests = "many"',
        "timed",
        "timed",
    )
    oracle = knowing(StreamEchoOracle(timed), Connect("ann"), HalfClose("ann"))
    assert not oracle.feed("ann", came)
    assert oracle.explain_mismatch("ann", came).clauses == clauses


def test_what_may_be_the_beginning_of_an_unknown_text_is_told_if_no_more_comes() -> None:
    oracle = knowing(StreamEchoOracle(DIALECTS["counted lines"]), Connect("ann"), Say("ann", b"hello"))
    assert oracle.feed("ann", b"1 (2)")
    assert oracle.explain_silence("ann").observed == "ann reads b'1 (2)', then nothing"
    assert oracle.feed("ann", b": hello\n")
    assert not oracle.due("ann")
