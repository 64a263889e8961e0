"""Frames as they come out of a stream."""

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.frame_reader import MAX_PROMPT_BYTES, FrameReader, unprompted
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


def test_a_notice_with_a_word_in_it_is_told_from_deliveries_though_neither_has_an_end() -> None:
    unmarked = chat(
        '[framing]\nin = "line"\nout = "none"\n'
        '[delivery]\ntemplate = "{sender}> {body}"\nprompts = ["{word}:{word} came."]'
    )
    deliveries = [b"a:1> one", b"a:1> two"]
    assert frames(unmarked, b"b:2 came.a:1> onec:3 came.a:1> two", bodies=(b"one", b"two")) == (deliveries, b"")
    extra = b"a:1> threec:3 came."  # no notice has white space where the word is
    assert frames(unmarked, b"b:2 came." + extra, bodies=(b"one",)) == ([], b"b:2 came." + extra)
    assert unprompted(extra, unmarked) == extra


def test_prompts_that_are_never_followed_by_anything_are_forgotten() -> None:
    dialect = chat(LINES + '[delivery]\nprompts = ["> "]')
    assert frames(dialect, *[b"> "] * MAX_PROMPT_BYTES)[1] in (b"> " * count for count in range(MAX_PROMPT_BYTES))
    assert len(frames(dialect, *[b"> "] * MAX_PROMPT_BYTES)[1]) <= MAX_PROMPT_BYTES
