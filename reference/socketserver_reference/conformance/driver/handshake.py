"""What a client says in some dialects before it is a member: a name, for example."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.scenario.steps import Answer, Approach
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Did, Heard, Transcript
from socketserver_reference.conformance.targets.client import Client

MAX_HANDSHAKE_BYTES = 256 * 1024
"""Most bytes that a server may send in one exchange of its handshake."""


class NotGreeted(Exception):
    """The server has not sent its part of the handshake; the message says what came instead."""


@dataclass(frozen=True)
class Turn:
    """A part of a handshake: what a client waits for, if for anything, and what it answers then, if anything."""

    wait: Template | None
    answer: bytes
    framing: Framing | None = None
    """What marks the end of what it waits for, if that is a frame."""

    def after(self, read: bytes) -> int | None:
        """Return where what it waits for ends; None while that has not come."""
        assert self.wait is not None
        if self.framing is None:
            return self.wait.after(read)
        begin = 0
        while (cut := self.framing.cut(read, begin)) is not None and cut[1]:
            begin += cut[1]
            if self.wait.matches(cut[0]):
                return begin
        return None


def whole(dialect: Dialect, name: bytes) -> list[Turn]:
    """Return the dialect's handshake under this name."""
    turns = []
    for turn in dialect.handshake:
        answer = turn.send.fill(name=name) if turn.send else b""
        turns.append(
            Turn(
                turn.wait.named(name) if turn.wait else None,
                dialect.framing_in.put(answer) if turn.framed and answer else answer,
                dialect.framing_out if turn.framed else None,
            )
        )
    return turns


def without_last_answer(turns: list[Turn]) -> tuple[list[Turn], bytes, list[Turn]]:
    """Return a handshake as far as its last answer, that answer, and what is waited for after it."""
    last = max(count for count, turn in enumerate(turns) if turn.answer)
    asked = [replace(turns[last], answer=b"")] if turns[last].wait is not None else []
    return [*turns[:last], *asked], turns[last].answer, turns[last + 1 :]


def part(dialect: Dialect, name: bytes, step: Approach) -> list[Turn]:
    """Return the part of the dialect's handshake that a client goes through which does not become a member."""
    turns = whole(dialect, name)
    answering = [count for count, turn in enumerate(turns) if turn.answer]
    if step.answers >= len(answering):
        return turns[: answering[-1] + 1] if answering else []
    last = answering[step.answers]
    answer = turns[last].answer
    return [*turns[:last], replace(turns[last], answer=answer[: len(answer) // 2] if step.half else b"")]


def shake_hands(
    client: Client, who: str, turns: Iterable[Turn], transcript: Transcript, timeout: float, *, refusable: bool = False
) -> bytes:
    """Go through a handshake; return the bytes that came after it. Raises NotGreeted.

    The server may refuse the answer of a client that is `refusable`: then the handshake ends there.
    """
    rest, answered = b"", False
    for turn in turns:
        if turn.wait is not None:
            try:
                rest = _await(client, who, turn, rest, transcript, timeout)
            except NotGreeted:
                if refusable and answered:
                    return b""
                raise
        if turn.answer:
            answered = True
            transcript.entries.append(Did(Answer(who, turn.answer), turn.answer))
            client.send(turn.answer)
    return rest


def _await(client: Client, who: str, wanted: Turn, read: bytes, transcript: Transcript, timeout: float) -> bytes:
    """Read until a match of `wanted` has come; return the bytes after it."""
    assert wanted.wait is not None
    until = time.monotonic() + timeout
    late = False
    while (end := wanted.after(read)) is None:
        got = None if late else client.receive()
        if isinstance(got, bytes):
            transcript.entries.append(Heard(who, got, time.monotonic()))
            read += got
            late = time.monotonic() > until  # what came in time counts, even if it is looked at late
        if not isinstance(got, bytes) or len(read) > MAX_HANDSHAKE_BYTES:
            then = ENDINGS[got] if isinstance(got, str) else "more" if got else "nothing in time" if late else "nothing"
            raise NotGreeted(f"reads {show(read)}, then {then}, where {wanted.wait.text.encode()!r} is due first")
    return read[end:]
