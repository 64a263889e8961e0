"""What a crowd costs is measured only where the server does as it should."""

from contextlib import closing

import pytest

from socketserver_reference.conformance.driver.measurements import scale
from socketserver_reference.conformance.oracles.scaling import Departure
from socketserver_reference.conformance.runner.direct import open_session
from socketserver_reference.conformance.scenario.steps import Close, Say, join
from socketserver_reference.conformance.scenario.violation import Violation
from tests.support.planted import Planted


def crowd(_: int) -> Departure:
    return Departure([*join("ann", "ben"), Say("ann", b"hi")], [Close("ben")], [Say("ann", b"ho")])


def test_a_server_that_fails_in_the_crowd_breaks_what_it_breaks_there() -> None:
    with closing(open_session("chat", Planted("delivers-twice").target(), 5.0)) as session:
        session.healthy = True  # it fails in its first conversation, too
        with pytest.raises(Violation) as raised:
            scale(session, crowd, 8, "CHAT-15")
    assert raised.value.clause_id == "CHAT-4"
