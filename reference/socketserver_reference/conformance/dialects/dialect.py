"""How the server under check puts the protocol into bytes, where it differs from the reference: data.

Everything the stage sends and everything the oracles expect passes through a Dialect. The default is the reference's
own, `NOTE`; the others come from TOML files (`loader.py` reads them, `bundled/` has those that come along).

Two kinds of chat there are. A *stream* is the note's: what a recv() returns is delivered behind a constant prefix, and
nothing marks where it ends; `oracles/stream_chat.py` judges that by all its readings. Everything else comes in
*frames*: lines, or another framing that says where a delivery ends; `oracles/framed_chat.py` judges those one by one.

What a dialect makes of the clauses is in `effects.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from socketserver_reference import model
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template

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

MAX_REQUEST_BYTES = 65536
"""Bytes of the longest request, where nothing bounds it."""

LABEL_BYTES = 20
"""Bytes that fields of a template may take in a frame of limited size: as many as a client's address."""
REPEATING_SECONDS = 10.0
"""Seconds of gaps that are spent on repeating something."""

WITNESS = "witness"
"""The client that is always there where speakers do not hear themselves: it hears everybody."""


@dataclass(frozen=True)
class HandshakeTurn:
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
    fresh: bool = False
    """Whether every scenario needs a server that has seen none before."""

    def rounds(self, wanted: int, *, utterances: int, joins: int = 0) -> int:
        """Return how many rounds to play of those wanted, each of so many utterances of one client and so many joins:
        as many as the gaps leave time for in REPEATING seconds, but three.
        """
        each = utterances * self.gap + joins * self.join_gap
        return wanted if wanted * each <= REPEATING_SECONDS else min(wanted, max(3, int(REPEATING_SECONDS / each)))


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
    handshake: tuple[HandshakeTurn, ...] = ()
    template: Template = ACKNOWLEDGED
    to_sender: Literal["same", "nothing"] | Template = "same"
    notices: tuple[Template, ...] = ()
    prompts: tuple[bytes, ...] = ()
    """What the server writes when it waits for words, before whatever comes next."""
    history: int = 0
    """Earlier deliveries that whoever comes may hear first, at most."""
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
        """Whether nothing marks the end of a delivery but the beginning of the next, and anything may be said: see the
        module.
        """
        chunks = self.framing_in.kind == self.framing_out.kind == "chunk"
        prefixed = self.template.constant and bool(self.template.head) and not self.template.tail
        nothing_else = self.to_sender == "same" and not (self.notices or self.prompts)
        anything = self.handling == "verbatim" and not self.strips
        unlimited = not (self.limits.utterance or self.limits.members or self.limits.gap or self.history)
        return "chat" in self.protocols and chunks and prefixed and nothing_else and anything and unlimited

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
        return filled if self.stream else self.framing_out.put(filled)

    @property
    def hears_itself(self) -> bool:
        """Whether a speaker reads its own words, in some form."""
        return self.to_sender == "same" or (isinstance(self.to_sender, Template) and self.to_sender.has_body)

    @cached_property
    def all_prompts(self) -> tuple[bytes, ...]:
        """What may stand before a line, or alone: what only tells a sender that it was heard, too."""
        to_sender = self.to_sender
        if isinstance(to_sender, Template) and to_sender.constant and not to_sender.has_body:
            return self.prompts if self.framing_out.kind in ("fixed", "length") else (*self.prompts, to_sender.head)
        return self.prompts

    def is_quit(self, chunk: bytes) -> bool:
        """Whether a chunk makes its sender leave."""
        return "chat" in self.protocols and bool(self.quit) and chunk.strip() == self.quit

    def reply(self, request: bytes) -> bytes:
        """Return the echo server's reply to a request, or to a datagram."""
        reply = TRANSFORMS[self.transform](request)
        return reply if self.raw else self.framing_out.put(reply)

    # What can be said

    @property
    def longest(self) -> int:
        """Bytes of the longest utterance that is said, or of the longest request."""
        if "chat" not in self.protocols and self.framing_in.kind == "chunk":
            return self.limits.utterance or MAX_REQUEST_BYTES
        fitting = self.chunk - len(self.framing_in.newline) if self.framing_in.kind == "chunk" else 1000
        around = 0
        if "chat" in self.protocols and self.framing_out.kind in ("fixed", "length"):
            forms = [self.template, *([self.to_sender] if isinstance(self.to_sender, Template) else [])]
            around = max(len(form.fill(sender=b"")) + (0 if form.constant else LABEL_BYTES) for form in forms)
        return min(self.limits.utterance or fitting, self.framing_in.longest, self.framing_out.longest - around)

    def sayable(self, utterance: bytes) -> bytes:
        """Return what of an utterance can be said in frames; b"" if nothing can, or if it would be a quit."""
        said = self.handled(self.handled(utterance)[: self.longest])  # again: to cut may leave half a letter
        for framing in (self.framing_in, self.framing_out):
            said = said.rstrip(framing.pad) if framing.kind == "fixed" else said
        return b"" if self.is_quit(said) else said

    def handled(self, utterance: bytes) -> bytes:
        """Return what of an utterance the server leaves as it is."""
        said = utterance.translate(None, self._unsayable)
        if self.handling in ("replaced", "refused"):  # and some servers take more than \n for the end of a line
            said = "".join(letter for letter in said.decode(errors="ignore") if letter.isprintable()).encode()
        return said.strip() if self.strips else said

    @cached_property
    def _unsayable(self) -> bytes:
        """The byte values that cannot be said."""
        return bytes(byte for byte in range(256) if not self._passes(byte))

    def _passes(self, byte: int) -> bool:
        if not self.raw:
            if not (self.framing_in.holds(byte) and self.framing_out.holds(byte)):
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


NOTE = Dialect()
