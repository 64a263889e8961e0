"""A short conversation in a dialect, as bytes: so that a person sees at once whether a server speaks it."""

from collections.abc import Iterator

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.template import Template

UNKNOWN_FIELD = b"..."
"""What stands for a field that only the server knows."""

EXAMPLE_BODY = b"Hello"

MAX_PADDING_BYTES = 20
"""Most bytes of padding that are written out."""


def conversation(dialect: Dialect) -> Iterator[str]:
    """Yield it line by line: in a chat two clients join, one speaks, and leaves; in an echo one asks."""
    if "chat" in dialect.protocols:
        yield from _chat(dialect)
    if "echo" in dialect.protocols and dialect.name != NOTE.name:
        yield from _echo(dialect)
    if "datagram" in dialect.protocols and dialect.name != NOTE.name:
        yield f"a client sends the datagram {EXAMPLE_BODY!r}"
        yield f"    and receives {dialect.reply(EXAMPLE_BODY)!r}"


def _filled(template: Template, name: str, *, sender: bytes = UNKNOWN_FIELD) -> bytes:
    written = template.named(name.encode()).fill(body=EXAMPLE_BODY, sender=sender)
    return written.replace(b"{any}", UNKNOWN_FIELD).replace(b"{word}", UNKNOWN_FIELD)


def _shown(data: bytes) -> str:
    """Return bytes as Python writes them, but for long padding."""
    bare = data.rstrip(data[-1:])
    padding = len(data) - len(bare)
    return repr(data) if padding <= MAX_PADDING_BYTES else f"{bare!r} and {padding} times {data[-1:]!r}"


def _chat(dialect: Dialect) -> Iterator[str]:
    yield from _joins(dialect, "ann")
    yield from _joins(dialect, "ben")
    yield from (f"    ann may read {_shown(_notice(dialect, notice))}" for notice in dialect.notices[:1])
    yield f"ben sends {_shown(dialect.sent(EXAMPLE_BODY))}"
    named = any(turn.send and "{name}" in turn.send.text for turn in dialect.handshake)
    label = b"ben" if named else UNKNOWN_FIELD
    own = dialect.template if dialect.to_sender == "same" else dialect.to_sender
    for who, form in (("ann", dialect.template), ("ben", own)):
        if isinstance(form, Template):
            said = _filled(form, who, sender=label)
            yield f"    {who} reads {_shown(said if dialect.stream else dialect.framing_out.put(said))}"
        yield from (f"    {who} may read {_filled(prompt, who)!r}" for prompt in dialect.prompts[:1])
    if dialect.quit:
        yield f"ben sends {_shown(dialect.sent_quit(dialect.quit))}"
    else:
        yield "ben ends its side"
    yield "    ben reads end of stream"
    yield from (f"    ann may read {_shown(_notice(dialect, notice))}" for notice in dialect.notices[1:2])


def _notice(dialect: Dialect, notice: Template) -> bytes:
    return dialect.framing_out.put(_filled(notice, "ben"))


def _joins(dialect: Dialect, name: str) -> Iterator[str]:
    yield f"{name} connects"
    for turn in dialect.handshake:
        if turn.wait is not None:
            wait = _filled(turn.wait, name)
            yield f"    {name} reads {_shown(dialect.framing_out.put(wait) if turn.framed else wait)}"
        if turn.send is not None:
            send = _filled(turn.send, name)
            yield f"{name} sends {_shown(dialect.framing_in.put(send) if turn.framed else send)}"


def _echo(dialect: Dialect) -> Iterator[str]:
    yield from _joins(dialect, "ann")
    yield f"ann sends {_shown(dialect.sent(EXAMPLE_BODY))}"
    yield f"    ann reads {_shown(dialect.reply(EXAMPLE_BODY))}"
    if dialect.persistent and dialect.quit:
        yield f"ann sends {_shown(dialect.sent_quit(dialect.quit))}"
    elif dialect.persistent:
        yield "ann ends its side"
    farewell = f"{dialect.farewell!r}, then " if dialect.farewell and dialect.quit else ""
    yield f"    ann reads {farewell}end of stream"
