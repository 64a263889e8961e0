"""The keys of a dialect file: one table, from which everything about keys is made.

`document.py` reads files by it, `key_list.py` prints it and makes `KEYS.md` and the JSON Schema of it, and `loader.py`
makes a Dialect of what was read. A key has its name, the kind of its value, its default, its meaning, an example, and
the protocols to which it applies. A default is what the reference's own dialect has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from socketserver_reference.conformance.dialects import framing, values
from socketserver_reference.conformance.dialects.dialect import NOTE, TRANSFORMS
from socketserver_reference.conformance.dialects.values import a_list, or_words, some_bytes, template, whole, words

CHAT, ECHO, DATAGRAM = "chat", "echo", "datagram"
STREAMS, ALL = (CHAT, ECHO), (CHAT, ECHO, DATAGRAM)


@dataclass(frozen=True)
class Key:
    """A key: its default is as in a file, or None if it has none; `without` says what holds then."""

    name: str
    kind: values.Kind
    default: Any
    meaning: str
    example: Any
    protocols: tuple[str, ...] = ()
    """The protocols to which it applies; all of its table's, if none are given."""
    without: str = ""

    @cached_property
    def value(self) -> Any:
        """The default, as it is read; None if there is none."""
        return None if self.default is None else self.kind.read(self.name, self.default)


@dataclass(frozen=True)
class Table:
    """A table of the file; one that is `repeated` is written once for each part, in double brackets."""

    name: str
    meaning: str
    keys: tuple[Key, ...]
    protocols: tuple[str, ...] = ALL
    repeated: bool = False

    @property
    def heading(self) -> str:
        """How the table begins in a file."""
        return f"[[{self.name}]]" if self.repeated else f"[{self.name}]"

    def key(self, name: str) -> Key | None:
        """Return the key of that name, if it has one."""
        return next((key for key in self.keys if key.name == name), None)

    def applies(self, key: Key) -> tuple[str, ...]:
        """Return the protocols to which a key applies."""
        return key.protocols or self.protocols


TOP = Table(
    "",
    "",
    (
        Key("protocol", values.PROTOCOL, None, "what the server serves", "chat", without="required"),
        Key("about", values.LINE, "", "what kind of server that is", "our chat in Go, line by line"),
        Key(
            "verified",
            a_list(values.LINE, "a list of texts"),
            [],
            "servers that were checked with this dialect, and their versions",
            ["ncat 7.93"],
        ),
    ),
)

FRAMING = Table(
    "framing",
    "what marks the end of an utterance, and of a delivery or a reply",
    (
        Key(
            "in",
            words("chunk", "line", "fixed", "length"),
            "chunk",
            "what the server takes as one utterance: what one recv() returns, a line, or a frame of a fixed size or "
            "with a length before it",
            "line",
        ),
        Key(
            "out",
            words("chunk", "line", "fixed", "length", "none"),
            None,
            "the same for what the server sends; in `none` nothing marks the end, not even of a line",
            "line",
            without="as `in`",
        ),
        Key("newline", some_bytes(1, 8), "\n", "what ends the lines of clients", "\r\n"),
        Key(
            "newline_out",
            some_bytes(1, 8),
            None,
            'what ends the lines of the server: "\\n\\n" if a blank line follows each; "\\n" if only some end in '
            '"\\r\\n", with "\\r" at the end of their templates',
            "\n\n",
            without="as `newline`",
        ),
        Key(
            "size",
            whole(2, framing.MAX_FRAME_BYTES),
            None,
            "bytes of a frame of a fixed size",
            256,
            without="required if a framing is `fixed`",
        ),
        Key("pad", some_bytes(1, 1), " ", "what fills the rest of a frame of a fixed size", "\0"),
        Key(
            "header",
            values.HEADER,
            "%4d",
            "the length before a frame: decimal digits, or a binary number of so many bits, in `be` high byte first",
            "u32be",
        ),
        Key("header_counted", values.TRUTH, False, "whether the length includes the header", True),
        Key("parts", whole(1, 3), 1, "frames that make one delivery; newlines in templates part them", 2, (CHAT,)),
    ),
    STREAMS,
)

HANDSHAKE = Table(
    "handshake",
    "what a client does before it is a member, or may ask: one table for each thing to wait for or to send",
    (
        Key(
            "wait",
            template("any", "name"),
            None,
            "what the server sends; whatever comes before it passes",
            "Hello {name}, {any} online\r\n",
            without="nothing",
        ),
        Key(
            "send",
            template("name"),
            None,
            "what the client answers then, its line end included if there is one",
            "{name}\r\n",
            without="nothing",
        ),
        Key(
            "framed", values.TRUTH, False, "whether both are frames, as in `framing`; `send` without its line end", True
        ),
    ),
    STREAMS,
    repeated=True,
)

PASSING = "a list of templates with {any}, {name}, {word}"

DELIVERY = Table(
    "delivery",
    "what members read",
    (
        Key(
            "template",
            template("body", "sender", "any", body=True),
            NOTE.template.text,
            "an utterance as it is delivered; its sender's label is learned, whatever it is. A field behind {body} "
            "begins where the text before it stands last, and text, or the end of a line, ends it",
            "[{any}] {sender}: {body}",
        ),
        Key(
            "to_sender",
            or_words(template("body", "sender", "any", meaningful=True), "same", "nothing"),
            "same",
            "what the sender reads in its place; a template without {body} only confirms receipt",
            "you: {body}",
        ),
        Key(
            "notices",
            a_list(template("any", "name", "word", meaningful=True, empty=True), PASSING),
            [],
            'lines or frames that may come at any time, and are ignored; "" is an empty line',
            ["* {name} has joined", "* {any} has left"],
        ),
        Key(
            "prompts",
            a_list(template("any", "name", "word", meaningful=True), PASSING),
            [],
            "texts without an end that may come before a delivery or alone, and are ignored: prompts, and notices "
            "without a line end",
            ["[{any} online] > "],
        ),
        Key("history", whole(0, 1000), 0, "most earlier deliveries that a new client may hear first", 20),
    ),
    (CHAT,),
)

COMMANDS_TABLE = Table(
    "commands",
    "how clients speak where a server has commands",
    (
        Key(
            "say",
            template("body", body=True),
            "{body}",
            "what stands around an utterance that a client sends: the command to say something",
            "PRIVMSG #room :{body}",
            (CHAT,),
        ),
        Key(
            "prefixes",
            a_list(some_bytes(1, 40), "a list of texts of 1 to 40 bytes"),
            ["/"],
            "what begins a command of the server: no utterance begins so; for chats in frames and echoes in frames",
            ["/", "<join>"],
        ),
    ),
    STREAMS,
)

QUIT_TABLE = Table(
    "quit",
    "how a client leaves by a word",
    (
        Key(
            "word",
            values.TEXT,
            None,
            'the word; "" if there is none',
            "/quit",
            without=f'"{NOTE.quit.decode()}" in a chat, "" in an echo',
        ),
        Key(
            "line_end",
            values.TRUTH,
            None,
            "whether the word is sent as a line is; otherwise the server takes it as one chunk",
            False,
            without="`false` in an echo that takes chunks, else `true`",
        ),
        Key(
            "farewell",
            values.TEXT,
            "",
            "what an echo replies to the word before it ends the stream",
            "bye\r\n",
            (ECHO,),
        ),
    ),
    STREAMS,
)

BYTES = Table(
    "bytes",
    "what becomes of some bytes: clients send none that the server would change",
    (
        Key(
            "handling",
            words("verbatim", "replaced", "refused", "escaped", "cut-at-nul"),
            NOTE.handling,
            "what becomes of invalid UTF-8 and control characters",
            "replaced",
        ),
        Key(
            "white_space",
            words("kept", "stripped"),
            "kept",
            "what becomes of white space around an utterance",
            "stripped",
        ),
        Key(
            "carriage_return",
            words("stripped", "verbatim"),
            "stripped",
            "what becomes of a carriage return in a line; most readers of lines strip it",
            "verbatim",
            STREAMS,
        ),
    ),
)

LIMITS = Table(
    "limits",
    "what the server cannot do; what is left out is unlimited",
    (
        Key("utterance", whole(0, framing.MAX_FRAME_BYTES), 0, "most bytes of an utterance or a request", 4096),
        Key("members", whole(0, 100_000), 0, "most clients at one time", 20),
        Key("gap", values.SECONDS, 0, "least seconds between two utterances of one client", 0.2),
        Key("join_gap", values.SECONDS, 0, "least seconds between two connections", 0.2),
        Key("rate", values.RATE, "", "most utterances of one client in so many seconds", "256/60", STREAMS),
        Key("join_rate", values.RATE, "", "most connections in so many seconds", "50/1", STREAMS),
        Key(
            "join_delay", values.SECONDS, 0, "seconds after its handshake in which a client may not speak", 0.5, STREAMS
        ),
        Key("start", values.SECONDS, 0, "most seconds until the server listens", 30),
        Key(
            "chunk",
            whole(16, framing.MAX_FRAME_BYTES),
            NOTE.chunk,
            "bytes that the server asks of one recv(), where that makes an utterance or a request",
            4096,
        ),
        Key(
            "fresh",
            values.TRUTH,
            False,
            "whether every scenario needs a fresh server, since it keeps state of earlier clients",
            True,
        ),
    ),
)

ECHO_TABLE = Table(
    "echo",
    "what an echo replies",
    (
        Key("transform", words(*TRANSFORMS), NOTE.transform, "what becomes of a request", "identity"),
        Key("requests", words("one", "many"), "one", "how many it answers on a connection", "many", (ECHO,)),
        Key(
            "reply",
            template("body", "any", body=True),
            "{body}",
            "what stands around the reply; with the server's newline in it, several replies to a request",
            "{any}: {body}",
        ),
        Key("greeting", template("any"), "", "what it sends first", "hello\r\n", (ECHO,)),
    ),
    (ECHO, DATAGRAM),
)

DATAGRAMS = Table(
    "datagrams",
    "an echo over datagrams",
    (
        Key("largest", whole(1, 65_507), NOTE.datagram, "bytes of the largest datagram that it answers whole", 512),
        Key("empty", words("answered", "ignored"), "answered", "what becomes of empty datagrams", "ignored"),
    ),
    (DATAGRAM,),
)

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (TOP, FRAMING, HANDSHAKE, DELIVERY, COMMANDS_TABLE, QUIT_TABLE, BYTES, LIMITS, ECHO_TABLE, DATAGRAMS)
}
"""The tables by name; the top level's name is empty. `[waived]` has clauses for keys: see `document.py`."""
