"""The oracle of an echo over datagrams."""

from socketserver_reference.conformance.oracles.datagram import DatagramOracle
from socketserver_reference.conformance.scenario.steps import Close, Connect, Say, Send, Settle, Stall, Step
from tests.support.dialects import dialect_files
from tests.support.exchanges import knowing


def test_the_end_of_the_server_breaks_the_clauses_of_its_life() -> None:
    found = DatagramOracle(dialect_files.echo(protocol="datagram")).explain_death("the server goes on")
    assert (found.shape, found.expected, found.observed) == ("died", "the server goes on", "it ended")
    assert found.clauses == ("UDP-5", "UDP-1")


def test_a_server_may_die_of_a_request_that_it_has_answered() -> None:
    oracle = DatagramOracle(dialect_files.echo(protocol="datagram"))
    steps: list[Step] = [Connect("ann"), Say("ann", b"a" * 2000), Say("ann", b""), Say("ann", b"hello")]
    for step in steps:
        oracle.begin(step, idle_before=True)
        if isinstance(step, Say):
            assert oracle.feed("ann", oracle.dialect.reply(step.data))
    assert oracle.explain_death("the server goes on").clauses == ("UDP-3", "UDP-1")
    assert "UDP-3" in oracle.explain_silence("ann").also


def test_nobody_is_read_while_clients_send_and_all_who_read_when_all_is_due() -> None:
    steps: list[Step] = [*map(Connect, ("ann", "ben", "cal", "dan")), Close("cal"), Stall("dan")]
    steps += [Send("dan", b"0"), Send("ann", b"1"), Send("ben", b"2")]
    oracle = knowing(DatagramOracle(dialect_files.echo(protocol="datagram")), *steps)
    assert oracle.optional_readers() == []
    oracle.begin(Settle(), idle_before=True)
    assert oracle.required_readers(Settle()) == oracle.optional_readers() == ["ann", "ben"]


def test_replies_come_in_any_order_and_each_once() -> None:
    steps: list[Step] = [Connect("ann"), Send("ann", b"one"), Send("ann", b"two"), Settle()]
    oracle = knowing(DatagramOracle(dialect_files.echo(protocol="datagram")), *steps)
    replies = [oracle.dialect.reply(word) for word in (b"two", b"one")]
    assert [oracle.feed("ann", reply) for reply in (replies[0], *replies)] == [True, False, True]
    assert not oracle.due("ann")
