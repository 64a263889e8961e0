"""Framing: where a frame ends, and what fits into one."""

import pytest

from socketserver_reference.conformance.dialects.framing import MAX_FRAME_BYTES, Framing


@pytest.mark.parametrize(
    ("framing", "frame", "wire"),
    [
        (Framing("line"), b"hello", b"hello\n"),
        (Framing("line", newline=b"\r\n"), b"hel\nlo", b"hel\nlo\r\n"),
        (Framing("chunk"), b"hello", b"hello\n"),
        (Framing("fixed", size=8), b"hello", b"hello   "),
        (Framing("length", header="%4d"), b"hello", b"   5hello"),
        (Framing("length", header="%02d"), b"", b"00"),
        (Framing("length", header="%-4d"), b"hello", b"5   hello"),
        (Framing("length", header="%-10d"), b"hello", b"5         hello"),
        (Framing("length", header="%020d", header_counted=True), b"hello", b"0" * 18 + b"25hello"),
        (Framing("length", header="%4d", header_counted=True), b"hello", b"   9hello"),
        (Framing("length", header="u8"), b"hello", b"\x05hello"),
        (Framing("length", header="u16be"), b"hello", b"\0\x05hello"),
        (Framing("length", header="u16le"), b"hello", b"\x05\0hello"),
        (Framing("length", header="u32be"), b"", b"\0\0\0\0"),
        (Framing("length", header="u32le", header_counted=True), b"hello", b"\x09\0\0\0hello"),
        (Framing("length", header="u64be"), b"\n" * 10, b"\0" * 7 + b"\n" * 11),
        (Framing("length", header="%-4d", parts=2), b"ann\nhello", b"3   ann5   hello"),
        (Framing("length", header="u8", parts=2), b"\nhello", b"\0\x05hello"),
        (Framing("length", header="u8", parts=3), b"1\nann\nhello", b"\x011\x03ann\x05hello"),
        (Framing("length", header="u64le"), b"hello", b"\x05" + b"\0" * 7 + b"hello"),
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
    assert Framing("length", header="%3d", parts=2).cut(b"  3annabchello") == (b"ann\nabchello", 14)
    counted = Framing("length", header="u16be", header_counted=True)
    assert counted.cut(b"\0\x01hello") == (b"\0\x01hello", 7)
    assert counted.cut(b"\0\x02hello") == (b"", 2)
    assert Framing("none").cut(b"hello\n") is None


def test_what_fits_into_a_frame() -> None:
    assert Framing("length", header="%2d").longest == 99
    assert Framing("length", header="u8", header_counted=True).longest == 254
    assert Framing("length", header="%64d").longest == MAX_FRAME_BYTES
    assert Framing("length", header="u64be").longest == MAX_FRAME_BYTES
    assert Framing("fixed", size=100).longest == 100
    assert not Framing("line").holds(10)
    assert Framing("length").holds(10)
    assert not Framing("length", parts=2).holds(10)


def test_a_frame_is_begun_without_its_end_or_with_a_length_that_is_none() -> None:
    assert Framing("line").begin(b"half", bad=False) == b"half"
    assert Framing("length", header="%4d").begin(b"half", bad=False) == b"   8half"
    assert Framing("length", header="u16be").begin(b"half", bad=False) == b"\0\x08half"
    assert Framing("length", header="u8").begin(b"x" * 200, bad=False)[:1] == b"\xff"
    assert Framing("length", header="%4d").begin(b"half", bad=True) == b"????"
    assert Framing("length", header="u32le").begin(b"half", bad=True) == b"\xff" * 4
