"""The oracle of an echo over connections."""

from socketserver_reference.conformance.oracles.echo import EchoOracle
from socketserver_reference.conformance.scenario.steps import Connect, Settle
from tests.support.dialects import dialect_files
from tests.support.exchanges import knowing


def test_the_end_of_the_server_breaks_the_clauses_of_its_life() -> None:
    found = EchoOracle(dialect_files.echo()).explain_death("the server goes on")
    assert (found.shape, found.expected, found.observed) == ("died", "the server goes on", "it ended")
    assert found.clauses == ("ECHO-7", "ECHO-2")


def test_to_wait_for_all_replies_makes_nothing_due() -> None:
    oracle = knowing(EchoOracle(dialect_files.echo()), Connect("ann"), Settle())
    assert oracle.required_readers(Settle()) == []
