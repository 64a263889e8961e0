"""How the server under check puts the protocol into bytes, where it differs from the reference: data.

Everything that the stage sends and that the oracles expect passes through a Dialect. The default is the reference's
own, `NOTE`; the others come from TOML files (`loader.py` reads them, `bundled/` holds those of the suite).

There are two kinds of chat. A *stream*, as the note's: each chunk is delivered after a constant prefix, and nothing
marks its end; `oracles/stream_chat.py` judges it by all possible segmentations. All others use *frames*: lines, or
another framing that marks the end of a delivery; `oracles/framed_chat.py` judges them one by one.

`effects.py` says how a dialect affects the clauses.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from socketserver_reference import model
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.limits import UNLIMITED, Limits
from socketserver_reference.conformance.dialects.template import Template

Handling = Literal["verbatim", "replaced", "refused", "escaped", "cut-at-nul"]

TRANSFORMS: Mapping[str, Callable[[bytes], bytes]] = {
    "strip-upper": model.echo,
    "identity": bytes,
    "upper": bytes.upper,
    "lower": bytes.lower,
    "swap-case": bytes.swapcase,
    "reverse": lambda request: request[::-1],
}
"""Name -> the reply of an echo to a request."""

OF_WHOLE_REQUESTS = ("strip-upper", "reverse")
"""Those that depend on where a request ends; the others work byte by byte."""

PUNCTUATION = b"&<>\"'\\"
"""Printable bytes that an escaping server may escape."""

MAX_REQUEST_BYTES = 65536
"""Bytes of the longest request, if the dialect has no limit."""

LONG_FRAME_BYTES = 70_000
"""Bytes of the longest utterance in a frame, if the dialect has no limit: beyond the 64 KiB that some servers allow."""

MAX_CHUNK_BYTES = 32_768
"""Bytes of the longest utterance that is one chunk: TCP brings what was sent at once in several pieces if it is longer
than a segment, and the largest, of the loopback interface, has just below 64 KiB.
"""

PIECE_BYTES = 1000
"""Bytes of each of the utterances that a longer one becomes, if the dialect has no limit."""

LABEL_BYTES = 20
"""Bytes kept free for each field of a template in a frame of limited size: as many as a client's address takes."""

WITNESS = "witness"
"""The extra client, where speakers do not hear themselves: it hears every other client."""


@dataclass(frozen=True)
class HandshakeTurn:
    """A part of a handshake: wait until the server has sent `wait`, then send `send`; either may be left out."""

    wait: Template | None = None
    send: Template | None = None
    framed: bool = False
    """Whether both are frames, as utterances and deliveries are; otherwise they are bytes as they stand."""


CHUNKS = Framing()
ACKNOWLEDGED = Template(model.ACK.decode() + "{body}")
BODY_ALONE = Template("{body}")


@dataclass(frozen=True)
class Dialect:
    """How a server speaks; the defaults are the reference's dialect.

    `exact` is False where the path to the server may split segments: then even a settled utterance may be several
    chunks, so no client can say `quit`, or anything that contains it, and know what the server reads.
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
    prompts: tuple[Template, ...] = ()
    """What the server writes without an end, before a delivery or alone: a prompt, or a notice."""
    history: int = 0
    """Most earlier deliveries that a new client may hear first."""
    quit: bytes = model.QUIT
    """The word to leave by; empty if there is none."""
    quit_framed: bool = True
    """Whether the word is sent as an utterance is; otherwise alone, without the end of a line."""
    say: Template = BODY_ALONE
    """What stands around an utterance that a client sends; only where utterances come in frames."""
    commands: tuple[bytes, ...] = (b"/",)
    """What begins a command of the server; only where utterances come in frames."""
    handling: Handling = "verbatim"
    strips: bool = False
    """Whether white space around an utterance may be lost."""
    keeps_returns: bool = False
    """Whether a carriage return in a line arrives; otherwise clients say none, since readers of lines strip it."""
    chunk: int = model.CHUNK_BYTES
    """Bytes that the server asks of one recv(), where one recv() makes a chunk or a request."""
    limits: Limits = UNLIMITED

    transform: str = "strip-upper"
    persistent: bool = False
    """Whether an echo answers everything until the client half-closes, rather than one request."""
    reply_template: Template = BODY_ALONE
    """What an echo writes around its reply."""
    farewell: bytes = b""
    """What an echo replies to the quit word."""
    datagram: int = model.DATAGRAM_BYTES
    empty_datagrams: bool = True
    waived: Mapping[str, str] = field(default_factory=dict)
    """Clause -> why the author of the dialect waives it."""

    # What goes over the wire

    @cached_property
    def stream(self) -> bool:
        """Whether only the beginning of the next delivery marks the end of one, and any bytes may be said: see the
        module.
        """
        chunks = self.framing_in.kind == self.framing_out.kind == "chunk"
        prefixed = self.template.constant and bool(self.template.head) and not self.template.tail
        nothing_else = self.to_sender == "same" and not (self.notices or self.prompts)
        anything = self.handling == "verbatim" and not self.strips
        unlimited = self.say == BODY_ALONE and not (self.limits.utterance or self.limits.gap or self.history)
        return "chat" in self.protocols and chunks and prefixed and nothing_else and anything and unlimited

    @property
    def prefix(self) -> bytes:
        """The beginning of every delivery, if it is constant."""
        return self.template.head

    @cached_property
    def raw(self) -> bool:
        """Whether utterances are any bytes and are sent as they are: in a stream, and to an echo without framing."""
        return self.stream or ("chat" not in self.protocols and self.framing_in.kind == "chunk")

    def sent(self, utterance: bytes) -> bytes:
        """Return the bytes on the wire for an utterance."""
        return utterance if self.raw else self.framing_in.put(self.say.fill(body=utterance))

    def around(self, utterance: bytes) -> tuple[bytes, bytes]:
        """Return what a client sends before and behind it."""
        before, _, behind = self.sent(utterance).partition(utterance)
        return before, behind

    def begun(self, utterance: bytes, *, bad: bool) -> bytes:
        """Return the bytes on the wire for an utterance without its end, or with a bad length."""
        return self.framing_in.begin(self.say.fill(body=utterance), bad=bad)

    def delivery(self, chunk: bytes, sender: bytes | None = None) -> bytes:
        """Return the bytes that a member reads when a chunk is delivered; an unknown label stays a field."""
        filled = self.template.fill(body=chunk, sender=sender)
        return filled if self.stream else self.framing_out.put(filled)

    @property
    def forms(self) -> list[Template]:
        """The forms in which members read what is said: the others and, if that is another, its speaker."""
        own = self.to_sender
        return [self.template, *([own] if isinstance(own, Template) and own.has_body else [])]

    @property
    def ends_with_an_answer(self) -> bool:
        """Whether what a client says first could become a part of its last answer in the handshake: many servers that
        read lines take an answer from one recv().
        """
        answered = bool(self.handshake) and self.handshake[-1].send is not None
        return answered and self.framing_in.kind in ("chunk", "line")

    @property
    def answers_in_frames(self) -> bool:
        """Whether the handshake has an answer, and a mark tells the end of the last from what its client says next."""
        turn = next((turn for turn in reversed(self.handshake) if turn.send), HandshakeTurn())
        if turn.send is None or self.framing_in.kind == "chunk":
            return False
        line = self.framing_in.kind == "line" and turn.send.text.encode().endswith(self.framing_in.newline)
        return turn.framed or line

    @property
    def hears_itself(self) -> bool:
        """Whether a speaker reads its own utterances, in some form."""
        return self.to_sender == "same" or (isinstance(self.to_sender, Template) and self.to_sender.has_body)

    @cached_property
    def all_prompts(self) -> tuple[Template, ...]:
        """What may stand before a line, or alone: prompts, and the constant that only confirms receipt to a sender."""
        to_sender = self.to_sender
        if isinstance(to_sender, Template) and to_sender.constant and not to_sender.has_body:
            return self.prompts if self.framing_out.kind in ("fixed", "length") else (*self.prompts, to_sender)
        return self.prompts

    @property
    def echo_quits(self) -> bool:
        """Whether it is the dialect of an echo that has a quit word."""
        return bool(self.quit) and "chat" not in self.protocols

    def is_quit(self, chunk: bytes) -> bool:
        """Whether a chunk makes its sender leave; for an echo, whether it may, in whichever case."""
        if "chat" in self.protocols:
            return bool(self.quit) and chunk.strip() == self.quit
        return bool(self.quit) and chunk.strip().lower() == self.quit.lower()

    def sent_quit(self, word: bytes) -> bytes:
        """Return the bytes on the wire for a quit."""
        return self.framing_in.put(word) if self.quit_framed and not self.stream else word

    def transformed(self, request: bytes) -> bytes:
        """Return what the echo server repeats of a request, or of a datagram."""
        return TRANSFORMS[self.transform](request)

    def reply(self, request: bytes) -> bytes:
        """Return the echo server's reply to a request, or to a datagram."""
        reply = self.reply_template.fill(body=self.transformed(request))
        return reply if self.raw else self.framing_out.put(reply)

    def put_back(self, due: bytes, at: int, came: bytes) -> tuple[bytes, bytes]:
        """Return what came of replies with {any} for what stands in its place, and the rest: see the template's."""
        return self.reply_template.put_back(due, at, came, b"" if self.raw else self.framing_out.newline)

    @property
    def one_by_one(self) -> bool:
        """Whether what one recv() returns must be one utterance: something is written once for each chunk."""
        if "chat" in self.protocols:
            if self.framing_in.kind != "chunk" or self.stream:
                return False
            ends = self.framing_in.newline != self.framing_out.newline or self.framing_out.kind in ("fixed", "length")
            return ends or self.say != BODY_ALONE or any(form.tail for form in self.forms)
        of_whole = self.reply_template != BODY_ALONE or self.transform in OF_WHOLE_REQUESTS
        return self.raw and self.persistent and of_whole

    # What clients can say

    @property
    def longest(self) -> int:
        """Bytes of the longest utterance or request that clients send."""
        if "chat" not in self.protocols and self.framing_in.kind == "chunk":
            return self.limits.utterance or (self.chunk if self.one_by_one else MAX_REQUEST_BYTES)
        fitting = LONG_FRAME_BYTES
        if self.framing_in.kind == "chunk":
            fitting = min(self.chunk - len(self.framing_in.newline) - len(self.say.fill()), MAX_CHUNK_BYTES)
        around = 0
        if "chat" in self.protocols and self.framing_out.kind in ("fixed", "length"):
            around = max(len(form.literal.encode()) + LABEL_BYTES * form.unknown for form in self.forms)
        inward = self.framing_in.longest - len(self.say.fill())
        return min(self.limits.utterance or fitting, inward, self.framing_out.longest - around)

    @property
    def piece(self) -> int:
        """Bytes of the utterances into which clients divide what is longer."""
        return min(self.longest, self.limits.utterance or PIECE_BYTES)

    def sayable(self, utterance: bytes) -> bytes:
        """Return the part of an utterance that fits the dialect's frames; b"" if that is nothing, or a quit."""
        said = self.handled_up_to(self.longest, utterance)
        said = said if self.raw else self._commands.sub(b"", said)
        for framing in (self.framing_in, self.framing_out):
            said = said.rstrip(framing.pad) if framing.kind == "fixed" else said
        return b"" if self.is_quit(said) else said

    def handled(self, utterance: bytes) -> bytes:
        """Return the part of an utterance that the server leaves unchanged."""
        said = utterance.translate(None, self._unsayable)
        if self.handling in ("replaced", "refused"):  # besides, some servers end a line at more than \n
            said = "".join(letter for letter in said.decode(errors="ignore") if letter.isprintable()).encode()
        return said.strip() if self.strips else said

    def handled_up_to(self, longest: int, utterance: bytes) -> bytes:
        """Return what `handled` returns, cut to so many bytes."""
        return self.handled(self.handled(utterance)[:longest])  # again: the cut may leave half a letter, or a blank

    @property
    def command_marks(self) -> tuple[bytes, ...]:
        """What no utterance begins with, since a command of the server may, and the mark before its quit word does."""
        begin = self.quit[:1]
        if not begin or begin.isalnum() or any(self.quit.startswith(mark) for mark in self.commands):
            return self.commands
        return (*self.commands, begin)

    @cached_property
    def _commands(self) -> re.Pattern[bytes]:
        marks = b"|".join(map(re.escape, self.command_marks)) or rb"(?!)"
        return re.compile(rb"\A\s*(?:%s)(?:%s|\s)*" % (marks, marks))

    @cached_property
    def _unsayable(self) -> bytes:
        """The byte values that clients cannot send."""
        return bytes(byte for byte in range(256) if not self._passes(byte))

    @property
    def loses_returns(self) -> bool:
        """Whether a carriage return in an utterance may be lost: readers of lines strip it."""
        return not self.keeps_returns and not self.raw and "line" in (self.framing_in.kind, self.framing_out.kind)

    def _passes(self, byte: int) -> bool:
        if not self.raw:
            if not (self.framing_in.holds(byte) and self.framing_out.holds(byte)):
                return False
            if byte == 13 and self.loses_returns:
                return False
            if self.framing_in.kind == self.framing_out.kind == "line" and byte == 10:
                return False  # a server of lines may end one at \n alone
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
        """Return utterances that only look like a quit: none begins like a command of the server."""
        word = self.quit
        if self.stream:
            looks = (word.upper(), word.title() + b"\n", word + b" now", b"x" + word, word + b"s", word * 2)
            return (*looks, word[:1] + b" " + word[1:], b"hi\n" + word + b"\n", word + b"\0", b"\xa0" + word)
        bare = self._commands.sub(b"", word).lstrip(b"!.:\\")
        plain = (bare.swapcase(), bare + b" now", bare + b"s", bare.title()) if bare == word else (bare,)
        return tuple(filter(None, (*plain, b"x" + word, b"they say " + word)))


NOTE = Dialect()
