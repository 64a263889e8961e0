"""The model is small enough to be read; these are its corners, and its laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socketserver_reference import model
from socketserver_reference.model import Joins, Leaves, Speaks, step

ROOM = frozenset({"ann", "ben"})

CHUNKS = st.binary(min_size=1, max_size=model.CHUNK_BYTES)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [(b" hi \r\n", b"HI"), (b"\xe9t\xe9", b"\xe9T\xe9"), (b" \t\n\r\x0b\x0c", b""), (b"\xa0x", b"\xa0X"), (b"", b"")],
)
def test_echo_strips_and_upper_cases_ascii_alone(request_: bytes, reply: bytes) -> None:
    assert model.echo(request_) == reply


def test_joining_and_leaving_deliver_nothing() -> None:
    assert step(ROOM, Joins("cal")) == model.StepResult(ROOM | {"cal"})
    assert step(ROOM, Leaves("ben")) == model.StepResult(frozenset({"ann"}))


@pytest.mark.parametrize("chunk", [b"quit", b"quit\n", b" \tquit\r\n"])
def test_quit_is_delivered_to_no_member(chunk: bytes) -> None:
    assert step(ROOM, Speaks("ann", chunk)) == model.StepResult(frozenset({"ben"}))


@pytest.mark.parametrize("chunk", [b"QUIT", b"quit now", b"xquit", b"hi\nquit\n", b"quit\0", b"\xa0quit"])
def test_what_only_looks_like_quit_is_heard_by_all(chunk: bytes) -> None:
    assert step(ROOM, Speaks("ann", chunk)) == model.StepResult(ROOM, b"ack" + chunk, ROOM)


@given(CHUNKS)
@settings(deadline=None)
def test_a_chunk_reaches_all_members_or_ends_its_sender(chunk: bytes) -> None:
    outcome = step(ROOM, Speaks("ann", chunk))
    if model.is_quit(chunk):
        assert (outcome.members, outcome.heard_by) == (ROOM - {"ann"}, model.NOBODY)
    else:
        assert (outcome.members, outcome.delivery, outcome.heard_by) == (ROOM, model.ACK + chunk, ROOM)


@given(CHUNKS)
@settings(deadline=None)
def test_the_reference_decides_as_the_model_does(chunk: bytes) -> None:
    from socketserver_reference.chat import ChatHandler
    from socketserver_reference.echo import transform

    assert ChatHandler.leaves(None, chunk) == model.is_quit(chunk)  # type: ignore[arg-type]  # it asks nothing of self
    assert ChatHandler.delivery(None, chunk) == model.delivery(chunk)  # type: ignore[arg-type]  # likewise
    assert transform(chunk) == model.echo(chunk)
