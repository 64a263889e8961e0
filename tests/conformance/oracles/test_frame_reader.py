"""Frames as they come out of a stream."""

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.frame_reader import MAX_PROMPT_BYTES, FrameReader
from tests.support.dialects.dialect_files import LINES, chat


def frames(dialect: Dialect, *pieces: bytes, bodies: tuple[bytes, ...] = ()) -> tuple[list[bytes], bytes]:
    """Return the frames in what was read, piece by piece, and what is left."""
    cutting, found = FrameReader(dialect), []
    for piece in pieces:
        cutting.add(piece)
        while (frame := cutting.next([(dialect.template, body) for body in bodies])) is not None:
            found.append(frame)
    return found, cutting.rest


def test_frames_come_out_whole_however_they_came_in() -> None:
    assert frames(chat(LINES), b"one\ntw", b"o\nthr") == ([b"one", b"two"], b"thr")
    assert frames(chat(LINES + '[delivery]\nprompts = ["> "]'), b"> > one\n> ") == ([b"> > one"], b"> ")


def test_unmarked_frames_end_where_a_known_body_does() -> None:
    unmarked = chat('[framing]\nin = "line"\nout = "none"\n[delivery]\ntemplate = "{sender}: {body}"\nprompts = ["> "]')
    assert frames(unmarked, b"> bob: on", b"e> ann: two", bodies=(b"one", b"two")) == ([b"bob: one", b"ann: two"], b"")
    assert frames(unmarked, b"> bob: three", bodies=(b"one",)) == ([], b"> bob: three")


def test_prompts_that_are_never_followed_by_anything_are_forgotten() -> None:
    dialect = chat(LINES + '[delivery]\nprompts = ["> "]')
    assert frames(dialect, *[b"> "] * MAX_PROMPT_BYTES)[1] in (b"> " * count for count in range(MAX_PROMPT_BYTES))
    assert len(frames(dialect, *[b"> "] * MAX_PROMPT_BYTES)[1]) <= MAX_PROMPT_BYTES
