"""The last row of a script about a client that waits for a silent one."""

from socketserver_reference.conformance.reproduce.rows import rows_of
from socketserver_reference.conformance.scenario.steps import Connect, Say
from socketserver_reference.conformance.scenario.transcript import Did, Heard, Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.dialects.echo_dialects import DIALECTS


def test_it_asks_whether_the_silent_client_was_dropped_before_the_other_was_served() -> None:
    late = VIOLATIONS["ECHO-8"]("at once", "after 5.0 s", [])
    late.shape = "late"
    arrivals = [Did(Connect("silent")), Did(Connect("ann"))]
    late.transcript = Transcript([*arrivals, Did(Say("ann", b"x"), b"x"), Heard("ann", b"x", 5.0)])
    rows, _ = rows_of(late, "echo", DIALECTS["everything"])
    assert [row[:2] for row in rows[2:]] == [("ann", "sends"), ("ann", "reads"), ("silent", "hears nothing")]
