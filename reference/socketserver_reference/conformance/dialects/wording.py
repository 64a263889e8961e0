"""The clauses in a dialect's words: each sentence as it applies to a server that speaks the dialect.

`clauses.py` has the sentences, in the words of the reference's own dialect. For each phrase that depends on the
dialect, `REWORDED` says what stands there instead. A test demands that every phrase occurs in its sentence.
"""

from collections.abc import Callable
from dataclasses import replace

from socketserver_reference.clauses import Clause
from socketserver_reference.conformance.dialects.dialect import BODY_ALONE, NOTE, Dialect
from socketserver_reference.conformance.dialects.template import Template

IN_WORDS = {
    "identity": "unchanged",
    "upper": "in upper case, and with every other byte unchanged",
    "lower": "in lower case, and with every other byte unchanged",
    "swap-case": "with upper and lower case exchanged, and every other byte unchanged",
    "reverse": "with its bytes in the reverse order",
}
"""Transformation of an echo -> what becomes of the request."""

HANDLED = {
    "replaced": "bytes that it replaces",
    "refused": "bytes that it refuses",
    "escaped": "bytes that it escapes",
    "cut-at-nul": "a NUL and what follows it",
}
"""How a server handles some bytes -> what need not arrive unchanged."""

Words = Callable[[Dialect], str]


def unit(dialect: Dialect) -> str:
    """Return the word for what the server takes as one utterance."""
    return {"chunk": "chunk", "line": "line"}.get(dialect.framing_in.kind, "frame")


def _passing(dialect: Dialect) -> str:
    """Return, as an exception, what else may come than deliveries; "" if nothing may."""
    may_come = [
        ("its part of the handshake", bool(dialect.handshake)),
        ("notices", bool(dialect.notices)),
        ("prompts", bool(dialect.all_prompts)),
        ("earlier deliveries", bool(dialect.history)),
    ]
    words = _listed([word for word, may in may_come if may])
    return f" but {words}" if words else ""


def _listed(words: list[str]) -> str:
    """Return the words that there are as a list: a, b and c."""
    said = [word for word in words if word]
    return " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)


def _form(dialect: Dialect) -> str:
    if dialect.template == NOTE.template:
        return ", prefixed with `ack`,"
    return "" if dialect.template.text == "{body}" else f", as `{dialect.template.text}`,"


def _to_sender(dialect: Dialect) -> str:
    if isinstance(dialect.to_sender, Template):
        return f"to every other member, and to the sender `{dialect.to_sender.text}`"
    return "to every member, including the sender" if dialect.to_sender == "same" else "to every other member"


def _bytes(dialect: Dialect) -> str:
    """Return which bytes must arrive unchanged."""
    space = "white space around it" if dialect.strips else ""
    returns = "carriage returns" if dialect.loses_returns else ""
    excepted = _listed([HANDLED.get(dialect.handling, ""), returns, space])
    if excepted:
        return f"unchanged, except {excepted}"
    return "unchanged, whatever they are: NUL, invalid UTF-8, leading and trailing white space"


def _whole(dialect: Dialect) -> str:
    if not dialect.stream:
        return f"deliver a {unit(dialect)} of up to {dialect.longest} bytes whole, and by itself"
    return f"deliver a stream of more than {dialect.chunk} bytes in chunks of 1 to {dialect.chunk} bytes that"


def _quit(dialect: Dialect) -> str:
    around = ", with or without white space around it" if dialect.stream else ""
    return f"`{_text(dialect.quit)}`{around}"


def _like_quit(dialect: Dialect) -> str:
    if dialect.quit == NOTE.quit:
        return "`QUIT`, `quit now` and `xquit` are delivered"
    return f"`{_text(dialect.quit_like()[0])}`, for example, is delivered"


def _text(data: bytes) -> str:
    return repr(data)[2:-1]


def _reply(dialect: Dialect) -> str:
    if dialect.transform == NOTE.transform:
        changed = "in upper case, without its leading and trailing white space, and with every other byte unchanged"
    else:
        changed = IN_WORDS[dialect.transform]
    return changed + _around(dialect)


def _around(dialect: Dialect) -> str:
    """Return what an echo writes around its reply, as an addition."""
    return "" if dialect.reply_template == BODY_ALONE else f", as `{_text(dialect.reply_template.text.encode())}`"


def _datagram_reply(dialect: Dialect) -> str:
    if dialect.transform == NOTE.transform:
        return f"transformed as ECHO-2 says{_around(dialect)}"
    return IN_WORDS[dialect.transform] + _around(dialect)


def _empty(dialect: Dialect) -> str:
    words = dialect.reply_template.fill()
    return f"with `{_text(words)}` alone" if words else "with no byte"


def _closing(dialect: Dialect) -> str:
    if dialect.persistent:
        word = f" or has said `{_text(dialect.quit)}`" if dialect.echo_quits else ""
        return (
            f"reply to all that the client sends, and end the stream after the client has{word}: the client reads all "
            "replies"
        )
    return "reply once per connection, then close it in an orderly way: the client reads the whole reply"


def _datagrams(dialect: Dialect) -> str:
    longer = ", and to a longer one as if it ended after 8192 bytes" if dialect.datagram == NOTE.datagram else ""
    return f"up to {dialect.datagram} bytes as a whole{longer}"


REWORDED: tuple[tuple[str, str, Words], ...] = (
    ("ECHO-1", "send nothing", lambda dialect: f"send nothing{_passing(dialect)}"),
    ("ECHO-2", _reply(NOTE), _reply),
    ("ECHO-3", _closing(NOTE), _closing),
    ("ECHO-4", "1024", lambda dialect: str(dialect.chunk)),
    ("ECHO-5", _empty(NOTE), _empty),
    ("UDP-1", "transformed as ECHO-2 says", _datagram_reply),
    ("UDP-4", _datagrams(NOTE), _datagrams),
    ("CHAT-1", "send nothing", lambda dialect: f"send nothing{_passing(dialect)}"),
    ("CHAT-1", ": no greeting and no notice", lambda d: "" if _passing(d) else ": no greeting and no notice"),
    ("CHAT-2", "chunk", unit),
    ("CHAT-2", _form(NOTE), _form),
    ("CHAT-2", _to_sender(NOTE), _to_sender),
    ("CHAT-3", "chunk", unit),
    ("CHAT-3", _bytes(NOTE), _bytes),
    ("CHAT-4", "deliver nothing else", lambda dialect: f"deliver nothing else{_passing(dialect)}"),
    ("CHAT-4", "chunk", unit),
    ("CHAT-5", "chunks", lambda dialect: f"{unit(dialect)}s"),
    ("CHAT-6", _whole(NOTE), _whole),
    ("CHAT-6", " concatenate to it", lambda dialect: " concatenate to it" if dialect.stream else ""),
    ("CHAT-7", "chunk", unit),
    ("CHAT-7", _quit(NOTE), _quit),
    ("CHAT-8", "chunk", unit),
    ("CHAT-8", _like_quit(NOTE), _like_quit),
)
"""Clause, a phrase in its sentence, and what stands there in a dialect."""


def in_dialect(clause: Clause, dialect: Dialect) -> Clause:
    """Return a clause with its sentence in the dialect's words."""
    sentence = clause.sentence
    for id, phrase, words in REWORDED:
        if id == clause.id:
            sentence = sentence.replace(phrase, words(dialect))
    return clause if sentence == clause.sentence else replace(clause, sentence=sentence)
