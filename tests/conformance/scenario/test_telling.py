"""How scenarios and exchanges are told: a line for each step, cut where they are long, nothing unprintable."""

import pytest

from socketserver_reference.conformance.scenario.steps import Abandon, Close, Crowd, Reset, Say, Step, WaitUntilHeard
from socketserver_reference.conformance.scenario.text import show, show_against
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Heard, Transcript, Waited


def test_a_long_exchange_is_cut_in_the_middle_and_silences_are_told() -> None:
    told = Transcript([Did(Say("ann", bytes([97 + count // 10, 97 + count % 10]))) for count in range(100)]).lines()
    assert len(told) == 61
    assert told[29:32] == ["  30  ann says b'cj'", "      ... 40 lines left out ...", "  71  ann says b'ha'"]
    assert Transcript(
        [Waited("ann", 0.3), Heard("ann", b"a", 0), Heard("ann", b"b", 1), Ended("ann", "reset")]
    ).lines() == [
        "      ann reads nothing for 0.3 s",
        "      ann reads b'ab'",
        "      ann reads connection reset",
    ]


def test_repetitions_that_differ_in_numbers_are_told_by_their_first_and_last() -> None:
    steps = [Did(Say("ann", b"word %d" % count)) for count in range(40)]
    assert Transcript([*steps]).lines() == [
        "   1  ann says b'word 0'",
        "      ... 38 times more ...",
        "  40  ann says b'word 39'",
    ]
    talk = [entry for step in steps[:5] for entry in (step, Heard("ben", b"ackword", 0))]
    assert Transcript([Did(Close("cal")), *talk]).lines() == [
        "   1  cal closes",
        "   2  ann says b'word 0'",
        "      ben reads b'ackword'",
        "      ... these 2 lines 3 times more ...",
        "   6  ann says b'word 4'",
        "      ben reads b'ackword'",
    ]


@pytest.mark.parametrize(
    ("data", "other", "shown"),
    [
        (b"x" * 100, b"y", f"{b'x' * 48!r}... (100 bytes)"),
        (b"y", b"x" * 100, "b'y'"),
        (b"x" * 60 + b"y", b"x" * 60 + b"z", "48 bytes, then b'xxxxxxxxxxxxy' (61 bytes)"),
        (b"x" * 200, b"x" * 100 + b"z" * 100, f"88 bytes, then {b'x' * 48!r}... (200 bytes)"),
        (b"x" * 100, b"x" * 120, f"88 bytes, then {b'x' * 12!r} (100 bytes)"),
        (b"x" * 120, b"x" * 100, f"88 bytes, then {b'x' * 32!r} (120 bytes)"),
    ],
)
def test_nothing_is_cut_before_the_first_byte_that_differs(data: bytes, other: bytes, shown: str) -> None:
    assert show_against(data, other) == shown


def test_both_sides_begin_at_the_same_byte_whatever_their_limits() -> None:
    due, came = b"x" * 100 + b"y" * 300, b"x" * 100 + b"z" * 300
    assert {show_against(due, came, 48)[:16], show_against(came, due, 200)[:16]} == {"88 bytes, then b"}


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
