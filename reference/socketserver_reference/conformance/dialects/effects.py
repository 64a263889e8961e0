"""How a dialect affects the clauses: it changes a clause, or makes it meaningless.

`not_applicable` lists the clauses that are meaningless or waived, `changes` those that the suite checks differently. A
report lists both, so that no dialect hides a failure silently.
"""

from collections.abc import Mapping

from socketserver_reference.conformance.dialects.dialect import NOTE, PUNCTUATION, Dialect, Handling
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import REPEATING_SECONDS
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.scenario.text import counted

CROWD_MEMBERS = 200
"""Members that CHAT-17 demands."""

PROMPT_UTTERANCES = 40
"""Utterances that CHAT-16 needs one straight after the other."""

SILENT_IN_HANDSHAKE = "a client is a member after its handshake; one that is silent in the handshake delays no other"

HANDLED: Mapping[Handling, str] = {
    "replaced": "invalid UTF-8 and control characters are replaced, so clients send none",
    "refused": "invalid UTF-8 and control characters are refused, so clients send none",
    "escaped": f"all but printable ASCII, and {PUNCTUATION.decode()}, is escaped, so clients send none",
    "cut-at-nul": "an utterance ends at a NUL, so clients send none",
}
"""What becomes of bytes, in words."""

REPEATING_CLAUSES = ("CHAT-5", "CHAT-12", "CHAT-13", "CHAT-14")
"""Clauses whose scenarios repeat their steps, so that chance does not decide."""


def asks_one_order(dialect: Dialect) -> bool:
    """Whether all members must hear one order, however many clients speak."""
    return "CHAT-13" not in not_applicable(dialect)


def not_applicable(dialect: Dialect) -> dict[str, str]:
    """Return the clauses that are not checked, each with the reason: it is meaningless in this dialect, or waived."""
    return {**dialect.waived, **meaningless(dialect)}


def meaningless(dialect: Dialect) -> dict[str, str]:
    """Return the clauses that nothing can break in this dialect, each with the reason."""
    chat = _meaningless_in_chat(dialect) if "chat" in dialect.protocols else {}
    echo = _meaningless_in_echo(dialect) if "echo" in dialect.protocols else {}
    if "datagram" in dialect.protocols and not dialect.empty_datagrams:
        echo["UDP-3"] = "the dialect does not answer empty datagrams"
    return {**chat, **echo}


def _meaningless_in_chat(dialect: Dialect) -> dict[str, str]:
    found: dict[str, str] = {}
    if not dialect.quit:
        found |= dict.fromkeys(("CHAT-7", "CHAT-8"), "the dialect has no quit word")
    if dialect.framing_out.kind == "none":
        unmarked = "nothing marks the end of a delivery in this dialect, so clients cannot speak at the same time"
        found |= dict.fromkeys(("CHAT-5", "CHAT-13", "CHAT-14"), unmarked)
    if 0 < dialect.limits.members < CROWD_MEMBERS:
        found["CHAT-17"] = f"the dialect allows at most {counted(dialect.limits.members, 'member')}"
    if dialect.limits.join_gap or 0 < dialect.limits.join_rate.count < CROWD_MEMBERS:
        found["CHAT-17"] = f"the dialect has {dialect.limits.join_pace}"
    if dialect.limits.gap or 0 < dialect.limits.rate.count < PROMPT_UTTERANCES:
        found["CHAT-16"] = f"the dialect has {dialect.limits.pace}"
    return found


def _meaningless_in_echo(dialect: Dialect) -> dict[str, str]:
    found = {}
    if dialect.persistent:
        found["ECHO-4"] = "the dialect has no longest request: the server answers until the client half-closes"
    elif not dialect.raw:
        found["ECHO-4"] = "the dialect marks where a request ends, so the server answers all of it"
    elif 0 < dialect.limits.utterance <= dialect.chunk:
        found["ECHO-4"] = f"the dialect has no request of more than {dialect.limits.utterance} bytes"
    if dialect.strips or (dialect.transform == "strip-upper" and dialect.handling != "verbatim"):
        found["ECHO-5"] = "the dialect does not say what becomes of white space"
    elif dialect.transform != "strip-upper":
        found["ECHO-5"] = "the dialect does not strip, so white space is like any other byte"
    elif dialect.persistent and not dialect.reply(b""):
        found["ECHO-5"] = "an empty reply cannot be seen where the server answers until the client half-closes"
    return found


def changes(dialect: Dialect) -> list[tuple[str, str]]:
    """Return what is checked differently: pairs of a clause and the difference in words."""
    chat = [*_chat_changes(dialect), *_paced_changes(dialect)] if "chat" in dialect.protocols else []
    return [*chat, *_echo_changes(dialect)]


def _chat_changes(dialect: Dialect) -> list[tuple[str, str]]:
    changed = []
    if dialect.handshake:
        changed.append(("CHAT-1", _greeted(dialect)))
        changed.append(("CHAT-9", SILENT_IN_HANDSHAKE))
    if dialect.template != NOTE.template or not dialect.stream:
        changed.append(("CHAT-2", f"a delivery is {_framed(dialect, dialect.framing_out, dialect.template.text)}"))
    passing = [
        ("notices", [notice.text.encode() for notice in dialect.notices]),
        ("prompts", [prompt.text.encode() for prompt in dialect.prompts]),
    ]
    for what, texts in passing:
        shown = ", ".join(repr(text) for text in texts)
        changed += [(clause, f"these {what} pass: {shown}") for clause in ("CHAT-1", "CHAT-4") if texts]
    if dialect.history:
        earlier = f"a new client may hear up to {dialect.history} earlier deliveries first"
        changed += [(clause, earlier) for clause in ("CHAT-1", "CHAT-4")]
    if dialect.to_sender == "nothing":
        changed.append(("CHAT-2", "speakers do not hear themselves; all others do"))
    elif isinstance(dialect.to_sender, Template):
        changed.append(("CHAT-2", f"its sender reads {dialect.to_sender.text.encode()!r}"))
        if not dialect.to_sender.has_body:
            changed.append(("CHAT-4", f"{dialect.to_sender.text.encode()!r} passes, however often it comes"))
    changed += [("CHAT-3", what) for what in _handled(dialect)]
    if not dialect.stream:
        changed += _marked(dialect, "CHAT-3")
    if not dialect.stream:
        said = "an utterance is one line" if dialect.framing_in.kind == "chunk" else "an utterance is one frame"
        changed.append(("CHAT-6", f"{said}, of at most {dialect.longest} bytes"))
    elif dialect.chunk != NOTE.chunk:
        changed.append(("CHAT-6", f"a chunk has at most {dialect.chunk} bytes"))
    if dialect.say != NOTE.say:
        changed.append(("CHAT-2", f"a client says {_framed(dialect, dialect.framing_in, dialect.say.text)}"))
    if dialect.one_by_one:
        changed.append(("CHAT-5", "a client waits until it is heard before it goes on: each chunk has text behind it"))
    if dialect.quit not in (b"", NOTE.quit):
        changed.append(("CHAT-7", f"the quit word is {dialect.quit!r}"))
    if dialect.quit and not dialect.quit_framed:
        changed.append(("CHAT-7", "the quit word has no line end"))
    if dialect.limits.join_delay:
        changed.append(
            ("CHAT-9", f"a client speaks no earlier than {dialect.limits.join_delay:g} s after it has joined")
        )
    return changed


def _marked(dialect: Dialect, clause: str) -> list[tuple[str, str]]:
    """Return what no utterance begins with."""
    marks = " or ".join(map(repr, dialect.command_marks))
    return [(clause, f"no utterance begins with {marks}, which may begin a command of the server")] if marks else []


def _paced_changes(dialect: Dialect) -> list[tuple[str, str]]:
    if not dialect.limits.paced:
        return []
    less = f"fewer repetitions: as many as fit into {REPEATING_SECONDS:g} s with the gaps"
    return [(clause, less) for clause in REPEATING_CLAUSES]


def _echo_changes(dialect: Dialect) -> list[tuple[str, str]]:
    changed = []
    echo, datagram = "echo" in dialect.protocols, "datagram" in dialect.protocols
    if dialect.transform != NOTE.transform:
        clauses = [*(["ECHO-2"] if echo else []), *(["UDP-1"] if datagram else [])]
        changed += [(clause, f"the transformation is {dialect.transform}") for clause in clauses]
    if "chat" not in dialect.protocols:
        changed += [("ECHO-2" if echo else "UDP-1", what) for what in _handled(dialect)]
    if dialect.reply_template != NOTE.reply_template:
        changed.append(
            ("ECHO-2" if echo else "UDP-1", f"a reply is {_framed(dialect, dialect.framing_out, _replied(dialect))}")
        )
    if echo and dialect.echo_quits:
        changed.append(("ECHO-2", f"no request is {dialect.quit!r}, in whichever case"))
        changed += [("ECHO-3", f"{dialect.sent_quit(dialect.quit)!r} ends the stream")] if dialect.persistent else []
    if echo and not dialect.raw:
        changed += _marked(dialect, "ECHO-2")
    if echo and dialect.one_by_one:
        changed.append(("ECHO-2", "a client waits for the reply before its next request, which is one chunk"))
    if echo and "chat" not in dialect.protocols:
        if not dialect.raw:
            request = _framed(dialect, dialect.framing_in, "{request}")
            changed.append(("ECHO-2", f"a request is {request}, of at most {dialect.longest} bytes"))
        elif dialect.limits.utterance:
            changed.append(("ECHO-2", f"a request has at most {dialect.longest} bytes"))
        if dialect.handshake:
            changed.append(("ECHO-1", _greeted(dialect)))
    if dialect.chunk != NOTE.chunk and echo and dialect.raw:
        changed.append(("ECHO-4", f"a request has at most {dialect.chunk} bytes"))
    if dialect.persistent:
        changed.append(("ECHO-3", "the server answers everything, and ends the stream after the client has"))
    if dialect.datagram != NOTE.datagram:
        changed.append(("UDP-4", f"up to {dialect.datagram} bytes; longer datagrams are not checked"))
    return changed


def _replied(dialect: Dialect) -> str:
    return dialect.reply_template.text.replace("{body}", "{reply}")


def _framed(dialect: Dialect, framing: Framing, text: str) -> str:
    """Return a template in words, as it stands in a frame."""
    if dialect.raw:
        return repr(text.encode())
    match framing.kind:
        case "length":
            parts = " and ".join(repr(part.encode()) for part in text.split("\n", framing.parts - 1))
            return f"{parts}{', each' if framing.parts > 1 else ''} behind its length ({framing.header})"
        case "fixed":
            return f"{text.encode()!r}, filled up with {framing.pad!r} to {framing.size} bytes"
        case _:
            return repr(framing.put(text.encode()))


def _greeted(dialect: Dialect) -> str:
    count = len(dialect.handshake)
    exchanges = "an exchange" if count == 1 else f"{count} exchanges"
    return f"a client goes through {exchanges} first; all that precedes the awaited text passes"


def _handled(dialect: Dialect) -> list[str]:
    """Return what clients do not say because the server would change it."""
    told = []
    if dialect.handling != NOTE.handling:
        told.append(HANDLED[dialect.handling])
    if dialect.strips:
        told.append("white space around an utterance may be lost, so clients send none there")
    if dialect.loses_returns:
        told.append("clients send no carriage return in a line, since readers of lines strip it")
    return told
