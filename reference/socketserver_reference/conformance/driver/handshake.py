"""What a client says in some dialects before it is a member: a name, for example."""

import time

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.scenario.steps import Answer
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Did, Heard, Transcript
from socketserver_reference.conformance.targets.client import Client

MAX_HANDSHAKE_BYTES = 16 * 1024
"""Most bytes that a server may send in one exchange of its handshake."""


class NotGreeted(Exception):
    """The server has not sent its part of the handshake; the message says what came instead."""


def shake_hands(
    client: Client, who: str, named: bytes, dialect: Dialect, transcript: Transcript, timeout: float
) -> bytes:
    """Go through the dialect's handshake under this name; return the bytes that came after it. Raises NotGreeted."""
    rest = b""
    for exchange in dialect.handshake:
        if exchange.wait is not None:
            rest = _await(client, who, exchange.wait, rest, transcript, timeout)
        if exchange.send is not None:
            answer = exchange.send.fill(name=named)
            transcript.entries.append(Did(Answer(who, answer), answer))
            client.send(answer)
    return rest


def _await(client: Client, who: str, wanted: Template, read: bytes, transcript: Transcript, timeout: float) -> bytes:
    """Read until a match of `wanted` has come; return the bytes after it."""
    until = time.monotonic() + timeout
    while (end := wanted.after(read)) is None:
        got = client.receive()
        if isinstance(got, bytes):
            transcript.entries.append(Heard(who, got, time.monotonic()))
            read += got
        if not isinstance(got, bytes) or len(read) > MAX_HANDSHAKE_BYTES or time.monotonic() > until:
            then = ENDINGS[got] if isinstance(got, str) else "more" if got else "nothing"
            raise NotGreeted(f"reads {show(read)}, then {then}, where {wanted.text.encode()!r} is due first")
    return read[end:]
