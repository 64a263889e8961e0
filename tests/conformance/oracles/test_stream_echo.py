"""The oracle of echoes that answer every request of a connection."""

import pytest

from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.oracles.stream_echo import StreamEchoOracle
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Quit, Say, Stall
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


@pytest.mark.parametrize("came", [b"quit", b"bye\n", b"bye\r\nbye\r\n"])
def test_what_comes_behind_a_quit_word_is_no_reply_and_was_not_sent_before_its_client_spoke(came: bytes) -> None:
    oracle = knowing(StreamEchoOracle(DIALECTS["greets and quits"]), Connect("ann"), Quit("ann", b"quit"))
    assert not oracle.feed("ann", came)
    assert oracle.explain_mismatch("ann", came).clauses == ("ECHO-3", "ECHO-2")


def test_a_farewell_that_does_not_come_is_no_reply_that_is_missing() -> None:
    steps = Connect("ann"), Say("ann", b"hello"), Quit("ann", b"quit")
    oracle = knowing(StreamEchoOracle(DIALECTS["greets and quits"]), *steps)
    assert oracle.explain_silence("ann").clauses[0] == "ECHO-2"
    assert oracle.feed("ann", b"hello\r\n")
    found = oracle.explain_silence("ann")
    assert (found.shape, found.clauses) == ("no end", ("ECHO-3",))
