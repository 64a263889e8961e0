"""Rows of what comes late: to a client that waits for a silent one, and to one that hears what another waited for."""

from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.reproduce.rows import rows_of
from socketserver_reference.conformance.scenario.steps import Connect, Say
from socketserver_reference.conformance.scenario.transcript import Did, Entry, Heard, Transcript
from socketserver_reference.conformance.scenario.violation import VIOLATIONS
from tests.support.dialects.echo_dialects import DIALECTS


def test_it_asks_whether_the_silent_client_was_dropped_before_the_other_was_served() -> None:
    late = VIOLATIONS["ECHO-8"]("at once", "after 5.0 s", [])
    late.shape = "late"
    arrivals = [Did(Connect("silent")), Did(Connect("ann"))]
    late.transcript = Transcript([*arrivals, Did(Say("ann", b"x"), b"x"), Heard("ann", b"x", 5.0)])
    rows, _ = rows_of(late, "echo", DIALECTS["everything"])
    assert [row[:2] for row in rows[2:]] == [("ann", "sends"), ("ann", "reads"), ("silent", "hears nothing")]


def test_what_was_said_until_others_heard_it_is_not_read_once_more_by_who_reads_it_late() -> None:
    late = VIOLATIONS["CHAT-17"]("this", "that", [])
    probe, word = Say("ann", b"probe 1"), Say("ann", b"hello")
    arrivals: list[Entry] = [Did(Connect(who)) for who in ("ann", "ben", "cal")]
    found: list[Entry] = [Did(probe, b"probe 1", "cal"), Heard("cal", b"ackprobe 1", 0.0), Did(Connect("dan"))]
    rest: list[Entry] = [
        Heard("ben", b"ackprobe 1", 0.0),
        Did(word, b"hello"),
        Heard("ben", b"ackhello", 0.0),
        Did(Connect("eve")),
    ]
    late.transcript = Transcript([*arrivals, *found, *rest])
    rows, _ = rows_of(late, "chat", NOTE)
    assert [row for row in rows if row[1] == "reads"] == [("ben", "reads", b"ackhello")]
