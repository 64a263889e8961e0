"""How the server under check puts the protocol into bytes, where it differs from the reference: data.

Everything the stage sends and everything the oracles expect passes through a Dialect. The default is the reference's
own, `NOTE`; the others come from TOML files (`dialect_file.py` reads them, `dialects/` has those that come along).

Two kinds of chat there are. A *stream* is the note's: what a recv() returns is delivered behind a constant prefix, and
nothing marks where it ends; `oracle.py` judges that by all its readings. Everything else comes in *frames*: lines, or
another framing that says where a delivery ends; `frame_oracle.py` judges those one by one.

A dialect changes what a clause means, or leaves nothing of it. `not_applicable` says which have no meaning, and
`changes` what else is asked differently: a report lists both, so that no dialect makes a failure disappear silently.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from reference import model
from reference.conformance.framing import Framing
from reference.conformance.template import Template

Handling = Literal["verbatim", "replaced", "refused", "escaped", "cut-at-nul"]

TRANSFORMS: Mapping[str, Callable[[bytes], bytes]] = {
    "strip-upper": model.echo,
    "identity": bytes,
    "upper": bytes.upper,
    "lower": bytes.lower,
    "swap-case": bytes.swapcase,
}
"""Name -> what an echo makes of a request. All but the first do it byte by byte, so it does not matter where one ends.
"""

PUNCTUATION = b"&<>\"'\\"
"""Printable bytes that a server which escapes may escape."""

CROWD = 200
"""Members that CHAT-17 asks for."""

WITNESS = "witness"
"""The client that is always there where speakers do not hear themselves: it hears everybody."""


@dataclass(frozen=True)
class Exchange:
    """A part of a handshake: wait until what has come ends in this, if it is anything, then send, if it is anything."""

    wait: Template | None = None
    send: Template | None = None


@dataclass(frozen=True)
class Limits:
    """What the server can take; times in seconds, sizes in bytes, 0 for no limit."""

    utterance: int = 0
    members: int = 0
    gap: float = 0.0
    """Least time between two utterances of one client."""
    join_gap: float = 0.0
    """Least time between two connections."""
    start: float = 0.0
    """Time that the server may take until it listens."""


CHUNKS = Framing()
ACKNOWLEDGED = Template(model.ACK.decode() + "{body}")
UNLIMITED = Limits()


@dataclass(frozen=True)
class Dialect:
    """The reference's dialect, unless something else is said.

    Where the path to the server may split segments, `exact` is False: then even a settled utterance may be several
    chunks, and nobody can say `quit`, nor anything that holds it, and know what the server reads.
    """

    name: str = "note"
    about: str = "the reference's own: `ack` before every chunk, `quit` leaves; an echo that strips and upper-cases"
    verified: tuple[str, ...] = ("the reference", "the study note's programs")
    protocols: tuple[str, ...] = ("chat", "echo", "datagram")
    exact: bool = True

    framing_in: Framing = CHUNKS
    framing_out: Framing = CHUNKS
    handshake: tuple[Exchange, ...] = ()
    template: Template = ACKNOWLEDGED
    to_sender: Literal["same", "nothing"] | Template = "same"
    notices: tuple[Template, ...] = ()
    prompts: tuple[bytes, ...] = ()
    """What the server writes when it waits for words, before whatever comes next."""
    quit: bytes = model.QUIT
    """What leaves; empty for nothing."""
    handling: Handling = "verbatim"
    strips: bool = False
    """Whether white space around an utterance may be lost."""
    chunk: int = model.CHUNK
    """Bytes that the server asks of one recv(), where that is all that makes a chunk or a request."""
    limits: Limits = UNLIMITED

    transform: str = "strip-upper"
    persistent: bool = False
    """Whether an echo answers everything until the client half-closes, instead of one request."""
    datagram: int = model.DATAGRAM
    empty_datagrams: bool = True
    waived: Mapping[str, str] = field(default_factory=dict)
    """Clause -> why the dialect's author does not ask for it."""

    # What goes over the wire

    @property
    def stream(self) -> bool:
        """Whether nothing marks the end of a delivery but the beginning of the next: see the module."""
        plain = self.framing_in.kind == self.framing_out.kind == "chunk" and not self.notices
        return plain and self.to_sender == "same" and self.template.constant and bool(self.prefix and not self._tail)

    @property
    def _tail(self) -> bytes:
        return self.template.tail

    @property
    def prefix(self) -> bytes:
        """What a delivery begins with, if that is always the same."""
        return self.template.head

    @property
    def raw(self) -> bool:
        """Whether what is said goes out as it is, and may be anything: in a stream, and to an echo without framing."""
        return self.stream or ("chat" not in self.protocols and self.framing_in.kind == "chunk")

    def sent(self, utterance: bytes) -> bytes:
        """Return the bytes on the wire for an utterance."""
        return utterance if self.raw else self.framing_in.put(utterance)

    def delivery(self, chunk: bytes, sender: bytes | None = None) -> bytes:
        """Return the bytes a member reads when somebody's chunk is delivered to it; a label not known stays a field."""
        filled = self.template.fill(body=chunk, sender=sender)
        return filled if self.stream or self.framing_out.kind == "none" else self.framing_out.put(filled)

    @property
    def hears_itself(self) -> bool:
        """Whether a speaker reads its own words, in some form."""
        return self.to_sender == "same" or (isinstance(self.to_sender, Template) and self.to_sender.has_body)

    @property
    def all_prompts(self) -> tuple[bytes, ...]:
        """Return what may stand before a frame, or alone."""
        told = isinstance(self.to_sender, Template) and not self.to_sender.has_body and self.to_sender.constant
        return (*self.prompts, *([self.to_sender.head] if told and isinstance(self.to_sender, Template) else []))

    def is_quit(self, chunk: bytes) -> bool:
        """Whether a chunk makes its sender leave."""
        return bool(self.quit) and chunk.strip() == self.quit

    def reply(self, request: bytes) -> bytes:
        """Return the echo server's reply to a request, or to a datagram."""
        reply = TRANSFORMS[self.transform](request)
        return reply if self.raw else self.framing_out.put(reply)

    # What can be said

    @property
    def longest(self) -> int:
        """Bytes of the longest utterance that is said."""
        fitting = self.chunk - len(self.framing_in.newline) if self.framing_in.kind == "chunk" else 1000
        return min(self.limits.utterance or fitting, self.framing_in.longest)

    def sayable(self, utterance: bytes) -> bytes:
        """Return what of an utterance can be said in frames; b"" if nothing can, or if it would be a quit."""
        said = self.passing(utterance)[: self.longest]
        if self.handling in ("replaced", "refused"):
            said = said.decode(errors="ignore").encode()
        said = said.rstrip(self.framing_in.pad) if self.framing_in.kind == "fixed" else said
        said = said.strip() if self.strips else said
        return b"" if self.is_quit(said) else said

    def passing(self, utterance: bytes) -> bytes:
        """Return what of an utterance, however long, is made of bytes that the server lets pass."""
        said = utterance.translate(None, self._unsayable)
        return said.decode(errors="ignore").encode() if self.handling in ("replaced", "refused") else said

    @cached_property
    def _unsayable(self) -> bytes:
        """The byte values that cannot be said."""
        return bytes(byte for byte in range(256) if not self._passes(byte))

    def _passes(self, byte: int) -> bool:
        if not self.raw and not (self.framing_in.holds(byte) and self.framing_out.holds(byte)):
            return False
        if self.framing_in.kind == self.framing_out.kind == "line" and byte in b"\r\n":
            return False  # a server that takes lines may take either for the end of one
        match self.handling:
            case "verbatim":
                return True
            case "cut-at-nul":
                return byte != 0
            case "escaped":
                return 32 <= byte < 127 and byte not in PUNCTUATION
            case _:
                return byte >= 32 and byte != 127

    def quit_like(self) -> tuple[bytes, ...]:
        """Return what only looks like a quit: none begins as a command of the server's would."""
        word = self.quit
        if self.stream:
            looks = (word.upper(), word.title() + b"\n", word + b" now", b"x" + word, word + b"s", word * 2)
            return (*looks, word[:1] + b" " + word[1:], b"hi\n" + word + b"\n", word + b"\0", b"\xa0" + word)
        bare = word.lstrip(b"/!.:\\")
        plain = (bare.upper(), bare + b" now", bare + b"s", bare.title()) if bare == word else (bare,)
        return (*plain, b"x" + word, b"they say " + word)

    # What it makes of the clauses

    @property
    def asks_one_order(self) -> bool:
        """Whether all members must hear one order, however many speak."""
        return "CHAT-13" not in self.not_applicable

    @property
    def not_applicable(self) -> dict[str, str]:
        """Clause -> why it says nothing in this dialect."""
        found = dict(self.waived)
        if not self.quit:
            found |= dict.fromkeys(("CHAT-7", "CHAT-8"), "the dialect has no word to quit by")
        if self.framing_out.kind == "none":
            unmarked = (
                "nothing marks where a delivery ends in this dialect, so nobody can speak before the last is heard"
            )
            found |= dict.fromkeys(("CHAT-13", "CHAT-14"), unmarked)
        if 0 < self.limits.members < CROWD:
            found["CHAT-17"] = f"the dialect has room for {self.limits.members} members"
        if self.limits.gap:
            found["CHAT-16"] = f"the dialect has {self.limits.gap:g} s between two utterances"
        if self.persistent:
            found["ECHO-4"] = "the dialect has no longest request: it is answered until the client half-closes"
        if self.transform != "strip-upper":
            kept = "the dialect does not strip, so white space is like anything else"
            found["ECHO-5"] = kept
        if not self.empty_datagrams:
            found["UDP-3"] = "the dialect does not answer empty datagrams"
        return found

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Clause and what is asked differently, in words."""
        return [*_chat_changes(self), *_echo_changes(self)]


def _chat_changes(dialect: Dialect) -> list[tuple[str, str]]:
    if "chat" not in dialect.protocols or dialect.stream:
        return []
    changed = [("CHAT-2", f"a delivery is {dialect.delivery(b'{body}')!r}")]
    if dialect.handshake:
        changed.append(("CHAT-1", f"a client is asked for its part of {len(dialect.handshake)} exchanges first"))
    if dialect.notices:
        let_pass = ", ".join(repr(notice.text.encode()) for notice in dialect.notices)
        changed += [(clause, f"these notices pass: {let_pass}") for clause in ("CHAT-1", "CHAT-4")]
    if dialect.to_sender == "nothing":
        changed.append(("CHAT-2", "speakers do not hear themselves; all others do"))
    elif isinstance(dialect.to_sender, Template):
        changed.append(("CHAT-2", f"to its sender a delivery is {dialect.to_sender.text.encode()!r}"))
    if dialect.handling != "verbatim":
        changed.append(("CHAT-3", f"bytes are {dialect.handling}, so nothing is said that this would change"))
    if dialect.strips:
        changed.append(("CHAT-3", "white space around an utterance may be lost, so none is said there"))
    if dialect.framing_in.kind != "chunk":
        changed.append(("CHAT-6", f"an utterance is one frame, said in at most {dialect.longest} bytes"))
    else:
        changed.append(("CHAT-6", f"everybody says lines, of at most {dialect.longest} bytes"))
    if dialect.quit:
        changed.append(("CHAT-7", f"the word is {dialect.quit!r}"))
    return changed


def _echo_changes(dialect: Dialect) -> list[tuple[str, str]]:
    changed = []
    if dialect.transform != "strip-upper":
        clauses = [*(["ECHO-2"] if "echo" in dialect.protocols else ())]
        clauses += ["UDP-1"] if "datagram" in dialect.protocols else []
        changed += [(clause, f"the transformation is {dialect.transform}") for clause in clauses]
    if dialect.handling != "verbatim" and "echo" in dialect.protocols:
        changed.append(("ECHO-2", f"bytes are {dialect.handling}, so nothing is said that this would change"))
    if dialect.chunk != model.CHUNK and not dialect.persistent and "echo" in dialect.protocols:
        changed.append(("ECHO-4", f"a request is at most {dialect.chunk} bytes"))
    if dialect.persistent:
        changed.append(("ECHO-3", "answers everything, and says end of stream when the client has"))
    if dialect.handshake and "echo" in dialect.protocols:
        changed.append(("ECHO-1", f"there are {len(dialect.handshake)} exchanges first"))
    if dialect.datagram != model.DATAGRAM:
        changed.append(("UDP-4", f"up to {dialect.datagram} bytes; nothing is asked about longer ones"))
    return changed


NOTE = Dialect()
ANY_SEGMENTATION = replace(NOTE, exact=False)
