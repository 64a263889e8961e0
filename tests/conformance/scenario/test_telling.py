"""How scenarios and exchanges are told: a line for each step, cut where they are long, nothing unprintable."""

import pytest

from socketserver_reference.conformance.scenario.steps import Abandon, Close, Crowd, Reset, Say, Step, WaitUntilHeard
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Heard, Transcript, Waited


def test_a_long_exchange_is_cut_in_the_middle_and_silences_are_told() -> None:
    told = Transcript([Did(Say("ann", b"%d" % count)) for count in range(100)]).lines()
    assert len(told) == 61
    assert told[29:32] == ["  30  ann says b'29'", "      ... 40 lines left out ...", "  71  ann says b'70'"]
    assert Transcript(
        [Waited("ann", 0.3), Heard("ann", b"a", 0), Heard("ann", b"b", 1), Ended("ann", "reset")]
    ).lines() == [
        "      ann reads nothing for 0.3 s",
        "      ann reads b'ab'",
        "      ann reads connection reset",
    ]


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Crowd(("m1", "m2", "m3")), "3 clients, m1 to m3, connect in one instant"),
        (WaitUntilHeard("lou", "ann"), "ann speaks until lou hears it"),
        (Close("ann"), "ann closes"),
        (Abandon("ann"), "ann closes without reading"),
        (Reset("ann"), "ann resets its connection"),
        (Say("ann", b"x" * 50), f"ann says {b'x' * 48!r}... (50 bytes)"),
    ],
)
def test_a_step_reads_as_what_a_client_does(step: Step, line: str) -> None:
    assert str(step) == line


def test_bytes_are_shown_as_printable_ascii_whatever_they_are() -> None:
    assert show(b"\x1b[2J\xff\n") == r"b'\x1b[2J\xff\n'"
