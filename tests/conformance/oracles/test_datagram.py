"""The oracle of an echo over datagrams."""

from socketserver_reference.conformance.oracles.datagram import DatagramOracle
from tests.support import dialect_files


def test_the_end_of_the_server_breaks_the_clauses_of_its_life() -> None:
    found = DatagramOracle(dialect_files.echo(protocol="datagram")).explain_death("the server goes on")
    assert (found.shape, found.expected, found.observed) == ("died", "the server goes on", "it ended")
    assert found.clauses == ("UDP-5", "UDP-1")
