"""Which clause a frame breaks that was not due."""

from collections.abc import Callable

import pytest

from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.oracles.frame_attribution import FrameMismatch


def mismatch(frame: bytes, **known: object) -> str:
    plain = Template("{sender}: {body}")
    defaults: dict[str, object] = {
        "expected": [(plain, b"hello")],
        "due": [(plain, b"hello"), (plain, b"later")],
        "heard": [(plain, b"before")],
        "misattributed": False,
        "out_of_order": False,
        "together": False,
        "resumed": False,
        "notices": [Template("* {any} has come")],
        "disruptions": [],
    }
    make: Callable[..., FrameMismatch] = FrameMismatch
    return [*make(frame, **{**defaults, **known}).clauses(), "CHAT-1"][0]


@pytest.mark.parametrize(
    ("frame", "known", "clause"),
    [
        (b"ann: before", {}, "CHAT-4"),
        (b"ann: later", {}, "CHAT-5"),
        (b"ann: later", {"disruptions": ["reset"]}, "CHAT-12"),
        (b"ann: HELLO", {}, "CHAT-3"),
        (b"ann: " + b"x" * 99, {"expected": [(Template("{body}"), b"y" * 99)]}, "CHAT-6"),
        (b"ann: " + b"x" * 99, {"expected": [(Template("{sender}: {body}"), b"x" * 999)]}, "CHAT-6"),
        (b"<ann> hello", {}, "CHAT-2"),
        (b"ann: hello", {"misattributed": True}, "CHAT-4"),
        (b"ann: hello", {"out_of_order": True}, "CHAT-13"),
        (b"ann: helben: later!", {"together": True}, "CHAT-14"),
        (b"ann: hel* ben has come", {}, "CHAT-14"),
        (b"ann: hel", {"resumed": True}, "CHAT-14"),
        (b"ann: hel", {"disruptions": ["left"]}, "CHAT-11"),
        (b"welcome", {"expected": [], "due": []}, "CHAT-1"),
    ],
)
def test_a_frame_that_was_not_due_breaks_the_likeliest_clause(
    frame: bytes, known: dict[str, object], clause: str
) -> None:
    assert mismatch(frame, **known) == clause
