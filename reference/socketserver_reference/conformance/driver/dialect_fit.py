"""Whether a server speaks a dialect at all: asked once a fresh server fails its first conversation.

A server that speaks the dialect and has a bug still delivers something in the dialect's form. So two clients connect,
one speaks, and what they read is searched for one delivery of the right form, even if other bytes stand around it or
its letters were altered. One is enough: then the server speaks the dialect, and has broken a clause. An echo has no
form but its bytes: it speaks another dialect if its reply holds one that another dialect describes.

A server that sends nothing may wait for the end of a line: it gets one. If it answers only then, or never, it speaks
another dialect; likewise if it answers that alone: it has taken the first words for a name. If it hangs up without a
byte before it gets that, it shows none, and the broken clause stands.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.dialects.dialect import TRANSFORMS, Dialect
from socketserver_reference.conformance.driver.handshake import NotGreeted, shake_hands, whole
from socketserver_reference.conformance.driver.rate_limit import RateLimiter
from socketserver_reference.conformance.oracles.frame_reader import FrameReader, stripped
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import Did, Ending, Heard, Transcript
from socketserver_reference.conformance.targets.base import CannotCheck, Site
from socketserver_reference.conformance.targets.client import Client, Unreachable

ANSWER_TIMEOUT = 1.0
"""Most seconds to wait for each answer."""

MAX_ANSWER_BYTES = 64 * 1024
"""Bytes after which an answer counts as whole."""

FIT_REQUEST = b" Does it fit? "
"""White space and both cases: each transformation of an echo gives another reply."""

LINE_END = b"\r\n"

FIT_CLIENTS = ("fitann", "fitben")
"""The two that talk in a chat."""


@dataclass(frozen=True)
class Misfit:
    """How a server shows that it does not speak a dialect, in words for a reader."""

    dialect: str
    said: str
    expected: str
    read: str

    def lines(self) -> list[str]:
        """Return what was said, expected and read, side by side."""
        return [f"said:      {self.said}", f"expected:  {self.expected}", f"read:      {self.read}"]

    def __str__(self) -> str:
        return f"the server does not speak the dialect {self.dialect}"


def misfit(site: Site, dialect: Dialect, protocol: str, timeout: float) -> Misfit | None:
    """Talk to a server; return how it shows that it does not speak the dialect, or None if it does not show that."""
    timeout = min(timeout, ANSWER_TIMEOUT)
    if site.exit_report():
        return None
    with contextlib.ExitStack() as stack:
        try:
            site.restart()
            clients = [
                stack.enter_context(Client(site.address, timeout)) for _ in range(2 if protocol == "chat" else 1)
            ]
        except (CannotCheck, Unreachable):
            return None
        site.wait_idle()  # all are members
        if protocol == "chat":
            return _chat(clients, dialect, timeout)
        return _echo(clients[0], dialect, timeout, LINE_END if protocol == "echo" else b"")


def _chat(clients: Sequence[Client], dialect: Dialect, timeout: float) -> Misfit | None:
    read: list[bytes] = []
    limiter = RateLimiter(dialect.limits)
    for client, name in zip(clients, FIT_CLIENTS, strict=True):
        transcript = Transcript()
        try:
            read.append(shake_hands(client, name, whole(dialect, name.encode()), transcript, timeout))
        except NotGreeted as error:
            return _ungreeted(client, transcript, dialect, str(error), timeout)
        limiter.joined(name)
    body = dialect.sayable(b"does it fit") or b"x"
    limiter.wait_to_send(FIT_CLIENTS[0])
    clients[0].send(dialect.sent(body))
    nudged, hung_up = b"", False
    until = time.monotonic() + timeout
    while True:
        for number, client in enumerate(clients):
            got = _answer(client, 0.05)
            read[number] += got if isinstance(got, bytes) else b""
            hung_up = hung_up or not (nudged or got is None or isinstance(got, bytes))
            late = nudged and not (dialect.stream and dialect.prefix + body in read[number])
            if not late and any(_in_form(frame, body, dialect) for frame in _frames(read[number], body, dialect)):
                return None
        if time.monotonic() > until or max(map(len, read)) > MAX_ANSWER_BYTES:
            if nudged or hung_up or any(read):
                break
            nudged, until = LINE_END, time.monotonic() + timeout
            clients[0].send(nudged)
    longest = max(read, key=len)
    if not longest and hung_up:
        return None
    then = f", then {show(nudged)}" if nudged else ""
    return Misfit(dialect.name, f"{show(dialect.sent(body))}{then}", show(dialect.delivery(body), 200), _read(longest))


def _ungreeted(client: Client, transcript: Transcript, dialect: Dialect, why: str, timeout: float) -> Misfit | None:
    """Return how a server that has not sent its part of the handshake shows that it speaks another dialect."""
    said = b"".join(entry.sent for entry in transcript.entries if isinstance(entry, Did))
    nudged = b""
    if not any(isinstance(entry, Heard) for entry in transcript.entries):
        client.send(nudged := LINE_END)
        got = _answer(client, timeout)
        if got is not None and not isinstance(got, bytes):
            return None
        why = f"{why}; reads {_read(got or b'')}"
    return Misfit(dialect.name, show(said + nudged), "the server's part of the handshake", why)


def _read(read: bytes) -> str:
    return show(read, 200) if read else "nothing"


def _answer(client: Client, timeout: float) -> bytes | Ending | None:
    """Return what comes within the timeout, in seconds: bytes, the end of the stream, or None."""
    client.set_timeout(timeout)
    return client.receive()


def _frames(read: bytes, body: bytes, dialect: Dialect) -> Iterator[bytes]:
    """Yield what may be deliveries: in a stream all bytes, otherwise each whole frame, with and without prompts."""
    if dialect.stream:
        yield read
        return
    frames = FrameReader(dialect)
    frames.add(read)
    while (frame := frames.next([(form, body) for form in dialect.forms])) is not None:
        yield from stripped(frame, dialect)


def _in_form(frame: bytes, body: bytes, dialect: Dialect) -> bool:
    """Whether a frame is a delivery of the body, or of what a bug made of it."""
    if dialect.stream:
        return dialect.prefix + body.lower() in frame.lower() or frame.startswith(dialect.prefix)
    lower, words = frame.lower(), body.lower()
    return any(
        form.label(lower, words) is not None
        or (any(form.parts) and form.matches(frame) and (form.constant or words in lower))
        for form in dialect.forms
    )


def _echo(client: Client, dialect: Dialect, timeout: float, nudge: bytes) -> Misfit | None:
    request = dialect.sayable(FIT_REQUEST) or b"x"
    sent, expected = dialect.sent(request), dialect.reply(request)
    client.send(sent)
    got, nudged = _answer(client, timeout), b""
    if got is None and nudge:
        nudged = nudge
        client.send(nudged)
        got = _answer(client, timeout)
    read = got if isinstance(got, bytes) else b""
    if nudged and not read:
        return Misfit(dialect.name, f"{show(sent)}, then {show(nudged)}", show(expected), _read(read))
    replies = {change(said) for change in TRANSFORMS.values() for said in (request, sent, sent + nudged)}
    form = dialect.reply_template
    fits = expected in read if form.constant else any(form.place(read, TRANSFORMS[dialect.transform](request), None))
    if fits or not any(reply in read for reply in replies):
        return None
    then = f", then {show(nudged)}" if nudged else ""
    return Misfit(dialect.name, f"{show(sent)}{then}", show(expected), show(read, 200))
