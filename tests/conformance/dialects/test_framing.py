"""Framing: where a frame ends, and what fits into one."""

import pytest

from socketserver_reference.conformance.dialects.framing import Framing


@pytest.mark.parametrize(
    ("framing", "frame", "wire"),
    [
        (Framing("line"), b"hello", b"hello\n"),
        (Framing("line", newline=b"\r\n"), b"hel\nlo", b"hel\nlo\r\n"),
        (Framing("chunk"), b"hello", b"hello\n"),
        (Framing("fixed", size=8), b"hello", b"hello   "),
        (Framing("length", header="%4d"), b"hello", b"   5hello"),
        (Framing("length", header="%02d"), b"", b"00"),
    ],
)
def test_a_frame_is_cut_out_as_it_was_put(framing: Framing, frame: bytes, wire: bytes) -> None:
    assert framing.put(frame) == wire
    assert framing.cut(b"before" + wire + b"more", len(b"before")) == (frame, len(wire))
    assert framing.cut(wire[:-1]) is None
    assert framing.cut(b"") is None


def test_what_is_no_length_is_no_frame_however_long_it_is() -> None:
    framing = Framing("length", header="%3d")
    for lie in (b"-12", b"abc", b"1 2", b"+12", "\u0663\u0663".encode()[:3]):
        assert framing.cut(lie + b"hello") == (lie + b"hello", 8)
    assert framing.cut(b"999hello") is None
    assert Framing("none").cut(b"hello\n") is None


def test_what_fits_into_a_frame() -> None:
    assert Framing("length", header="%2d").longest == 99
    assert Framing("fixed", size=100).longest == 100
    assert not Framing("line").holds(10)
    assert Framing("length").holds(10)
