"""`schedule --dialect`: in dialects of every kind the right program passes, and the same with a bug does not."""

import pytest

from tests.support.scheduling.programs import Write, searched
from tests.support.served_dialects import DIALECTS

PROGRAM = """
    from dataclasses import replace
    from socketserver_reference.address import Address
    from socketserver_reference.family import PROGRAMS, make_server
    from tests.servers.dialect_bugs import TakesAnotherAlong
    from tests.servers.dialects_served import DIALECTS, Speaker

    def server(handler):
        made = type("Handler", (handler,), {"dialect": DIALECTS[NAME]})
        return make_server(replace(PROGRAMS["chat"], connection_handler=made), Address("tcp", "127.0.0.1"))

    def right():
        return server(Speaker)

    def wrong():
        return server(TakesAnotherAlong)
"""


@pytest.mark.parametrize("name", ["binary", "fixed", "recv", "returns", "two ends", "unmarked"])
def test_a_program_is_judged_in_its_dialect(name: str, write: Write) -> None:
    module = f"speaks_{name.replace(' ', '_')}"
    write(**{module: PROGRAM.replace("NAME", repr(name))})
    assert searched(f"{module}:right", "turnover", 0, DIALECTS[name]).outcome is None
    outcome = searched(f"{module}:wrong", "turnover", 0, DIALECTS[name]).outcome
    assert outcome is not None
    assert outcome.clause == "CHAT-11"
