"""What a client says in some dialects before it is a member: a name, for example."""

import time
from collections.abc import Iterable

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.scenario.steps import Answer, Approach
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Did, Heard, Transcript
from socketserver_reference.conformance.targets.client import Client

MAX_HANDSHAKE_BYTES = 16 * 1024
"""Most bytes that a server may send in one exchange of its handshake."""


class NotGreeted(Exception):
    """The server has not sent its part of the handshake; the message says what came instead."""


Turn = tuple[Template | None, bytes]
"""A part of a handshake: what a client waits for, if for anything, and what it answers then, if anything."""


def whole(dialect: Dialect, name: bytes) -> list[Turn]:
    """Return the dialect's handshake under this name."""
    return [(turn.wait, turn.send.fill(name=name) if turn.send else b"") for turn in dialect.handshake]


def part(dialect: Dialect, name: bytes, step: Approach) -> list[Turn]:
    """Return the part of the dialect's handshake that a client goes through which does not become a member."""
    turns = whole(dialect, name)
    answering = [count for count, (_, answer) in enumerate(turns) if answer]
    if step.answers >= len(answering):
        return turns[: answering[-1] + 1] if answering else []
    last = answering[step.answers]
    wait, answer = turns[last]
    return [*turns[:last], (wait, answer[: len(answer) // 2] if step.half else b"")]


def shake_hands(client: Client, who: str, turns: Iterable[Turn], transcript: Transcript, timeout: float) -> bytes:
    """Go through a handshake; return the bytes that came after it. Raises NotGreeted."""
    rest = b""
    for wait, answer in turns:
        if wait is not None:
            rest = _await(client, who, wait, rest, transcript, timeout)
        if answer:
            transcript.entries.append(Did(Answer(who, answer), answer))
            client.send(answer)
    return rest


def _await(client: Client, who: str, wanted: Template, read: bytes, transcript: Transcript, timeout: float) -> bytes:
    """Read until a match of `wanted` has come; return the bytes after it."""
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
            raise NotGreeted(f"reads {show(read)}, then {then}, where {wanted.text.encode()!r} is due first")
    return read[end:]
