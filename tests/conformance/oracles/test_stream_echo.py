"""The oracle of echoes that answer every request of a connection."""

import pytest

from socketserver_reference.conformance.dialects.loader import read
from socketserver_reference.conformance.oracles.stream_echo import StreamEchoOracle
from socketserver_reference.conformance.scenario.steps import Stall


def test_a_persistent_echo_knows_no_stall() -> None:
    dialect = read('protocol = "echo"\n[echo]\ntransform = "identity"\nrequests = "many"', "mine", "mine.toml")
    with pytest.raises(ValueError, match="an echo server has no Stall"):
        StreamEchoOracle(dialect).begin(Stall("ann"), idle_before=True)
