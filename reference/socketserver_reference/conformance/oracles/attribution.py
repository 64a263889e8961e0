"""Whose clause: what happened, under which circumstances, to what kind of utterance -> the clauses that it may break.

One table for each protocol, to be read from the top: the first row that fits decides. A row names the clauses that fit,
the likeliest first; a directed scenario takes its own clause if it is among them. `*` stands for the clauses about the
disruptions that there were, the latest first. A clause with a question mark counts only where something was there that
it is about (`CLAUSE_SUBJECTS`): nothing is put down to a reset if no client has reset.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.violation import Shape

MAX_PLAIN_BYTES = 80
"""Bytes up to which nothing is special about the length of a delivery in a frame."""

Disruption = Literal["reset", "silent", "half-closed", "stalled", "concurrent", "crowded", "left", "idle"]
"""An abrupt event: a client resets, is silent within a handshake or an utterance (of an echo: has asked nothing),
half-closes there, stops reading, speaks or comes while others speak, comes in a crowd, leaves.
Or nobody says anything for a while.
"""

Circumstance = Literal[
    Disruption,
    "lurks",  # the client has not spoken yet, and may not be a member
    "quits",  # it quits, and reads to the end of its stream
    "half-closes",  # the same after a half-close
    "was slow",  # it did not read for a while, or too slowly
    "last words",  # what is due was said by a client that half-closed after it
    "unspoken to",  # it has read nothing yet
    "at once",  # nothing has been said in the scenario
    "first",  # the same, and the server has had no client before it
    "in a row",  # a client has said several utterances since all were last read, each a frame
    "answered",  # the reply to it has come
    "kept",  # the same, and the server is known not to hang up then
    "at the end",  # it has half-closed, and what it reads are replies to empty requests
    "flooded",  # it has read much more than was said, or the same again and again, and somebody has left
]

Kind = Literal["like quit", "unusual", "long", "in pieces", "blank"]
"""What is special about an utterance or a request: it looks like a quit, is not just a line of printable ASCII, is
longer than others, came to the server in several segments, without its end or behind the last answer of a handshake, or
is white space alone or nothing.
"""

CLAUSE_OF_DISRUPTION: dict[str, str] = {
    "reset": "CHAT-12",
    "silent": "CHAT-9",
    "half-closed": "CHAT-10",
    "stalled": "CHAT-15",
    "concurrent": "CHAT-13",
    "crowded": "CHAT-17",
    "left": "CHAT-11",
    "idle": "CHAT-21",
}
"""The clause that promises that this disturbs no other client."""

CLAUSE_SUBJECTS: dict[str, Collection[Circumstance | Kind]] = {
    "CHAT-1": ["unspoken to"],
    "CHAT-3": ["unusual"],
    "CHAT-6": ["long", "in pieces", "in a row"],
    "CHAT-7": ["quits"],
    "CHAT-8": ["like quit"],
    "CHAT-9": ["silent", "lurks"],
    "CHAT-10": ["half-closes", "half-closed", "last words", "left", "reset"],
    "CHAT-12": ["reset"],
    "CHAT-13": ["concurrent", "crowded"],
    "CHAT-14": ["was slow"],
    "CHAT-15": ["stalled", "was slow"],
    "CHAT-17": ["crowded"],
    "ECHO-4": ["long"],
    "ECHO-6": ["half-closes"],
    "ECHO-7": ["left"],
    "ECHO-8": ["silent"],
    "UDP-5": ["left"],
}
"""Clause -> what it is about, where a table has a question mark behind it: one of these must have been there."""


@dataclass(frozen=True)
class Row:
    """A line of a table; "" stands for any circumstance, and for any kind of utterance."""

    shapes: str
    circumstance: Circumstance | Literal[""]
    kind: Kind | Literal[""]
    clauses: str

    def fits(self, shape: Shape, facts: Collection[Circumstance | Kind]) -> bool:
        """Whether the row is about this."""
        return shape in self.shapes.split(" | ") and {self.circumstance, self.kind} <= {"", *facts}


CHAT_ROWS = (
    # what happened                   circumstance  utterance    clauses
    Row("quit delivered", "", "", "CHAT-7"),
    Row("extra | altered | torn | mixed | split | merged", "flooded", "", "CHAT-10"),  # its end, again and again
    Row("two orders", "", "", "CHAT-13"),
    Row("mixed", "", "in pieces", "CHAT-6 CHAT-14"),  # what is left of other utterances fills up each piece
    Row("mixed", "", "", "CHAT-14"),
    Row("torn", "was slow", "", "CHAT-14 CHAT-15 CHAT-2"),
    Row("torn", "stalled", "", "CHAT-14 * CHAT-3"),
    Row("torn", "concurrent", "", "CHAT-14 * CHAT-3"),
    Row("torn", "", "", "CHAT-6? CHAT-3 CHAT-14"),
    Row("other form | misdirected", "", "", "CHAT-2"),
    Row("split | merged", "", "long", "CHAT-6 CHAT-2"),
    Row("split", "", "in pieces", "CHAT-6 CHAT-2"),
    Row("split", "", "", "CHAT-2 CHAT-6"),
    Row("merged", "", "", "CHAT-6 CHAT-2"),
    Row("misattributed", "", "", "CHAT-4 *"),
    Row("empty", "reset", "", "CHAT-10 CHAT-14 CHAT-6 CHAT-4"),
    Row("empty", "concurrent", "", "CHAT-14 CHAT-10 CHAT-6 CHAT-4"),
    Row("empty", "", "unusual", "CHAT-3 CHAT-10 CHAT-4 CHAT-6"),  # a server that ends it at NUL leaves nothing of some
    Row("empty", "", "", "CHAT-10 CHAT-4 CHAT-6"),  # an empty chunk is how a server reads the end of a stream
    Row("extra", "", "in pieces", "CHAT-6 CHAT-4"),
    Row("extra", "concurrent", "", "CHAT-1? CHAT-4 CHAT-14"),  # what a length counts wrongly is no delivery either
    Row("extra", "", "", "CHAT-1? CHAT-4"),
    Row("duplicated", "", "", "CHAT-4 *"),
    Row("reordered", "", "", "CHAT-5 *"),
    Row("altered", "concurrent", "", "CHAT-3 CHAT-14 CHAT-6?"),
    Row("altered", "", "long", "CHAT-6 CHAT-3"),
    Row("altered", "", "", "CHAT-3"),
    Row("missing | cut | early end | no end", "quits", "", "CHAT-13? CHAT-7 CHAT-11"),
    Row("missing | cut | early end | no end", "half-closes", "", "CHAT-13? CHAT-10 CHAT-11"),
    Row("missing | cut", "", "in pieces", "CHAT-6 * CHAT-2"),
    Row("missing", "lurks", "", "CHAT-17? CHAT-9 * CHAT-2"),
    Row("early end | refused", "first", "", "* CHAT-2"),
    Row("early end", "at once", "", "* CHAT-13? CHAT-11"),
    Row("early end", "lurks", "", "CHAT-17? * CHAT-9 CHAT-2"),
    Row("missing | cut", "last words", "", "CHAT-10 * CHAT-2 CHAT-5"),
    Row("cut", "", "", "* CHAT-15? CHAT-6? CHAT-3"),
    Row("missing | early end", "", "", "* CHAT-13? CHAT-15? CHAT-14? CHAT-8? CHAT-3? CHAT-6? CHAT-2 CHAT-5"),
    Row("refused", "", "", "* CHAT-17 CHAT-11"),
    Row("died", "", "", "* CHAT-11"),
    Row("late", "stalled", "", "CHAT-15"),
    Row("late", "", "", "CHAT-16"),
    Row("grows", "", "", "CHAT-18"),
    Row("starves", "", "", "CHAT-19"),
    Row("no restart", "", "", "CHAT-20"),
    Row("spins", "", "", "CHAT-22 *"),
)
"""A chat, framed or not."""

ECHO_ROWS = (
    Row("extra", "at the end", "", "ECHO-3"),  # a server that takes the end of a stream for a request
    Row("extra", "kept", "", "ECHO-3"),  # more replies on one connection, as far as anybody can tell
    Row("extra", "answered", "long", "ECHO-4 ECHO-2"),
    Row("extra", "answered", "blank", "ECHO-3 ECHO-5 ECHO-2"),
    Row("extra", "answered", "", "ECHO-3 ECHO-2"),
    Row("extra | altered", "", "blank", "ECHO-5 ECHO-2"),
    Row("extra", "", "long", "ECHO-4 ECHO-2 ECHO-1"),  # of one letter alone, it ends as the reply does
    Row("extra", "", "", "ECHO-1 ECHO-2"),
    Row("altered", "", "long", "ECHO-4 ECHO-2"),
    Row("altered", "", "", "ECHO-2 ECHO-3"),
    Row("no end", "", "", "ECHO-7? ECHO-3"),  # the whole reply has come, so it is not ECHO-6
    Row("early end", "answered", "", "ECHO-7? ECHO-3"),
    Row("missing | cut | early end", "", "unusual", "ECHO-2 ECHO-8? ECHO-7? ECHO-6? ECHO-4?"),
    Row("missing | cut | early end", "", "long", "ECHO-7? ECHO-6? ECHO-4 ECHO-8? ECHO-2 ECHO-3"),
    Row("missing | cut | early end", "", "blank", "ECHO-7? ECHO-6? ECHO-5 ECHO-8? ECHO-2 ECHO-3"),
    Row("early end", "", "", "ECHO-7? ECHO-6? ECHO-2 ECHO-3"),
    Row("missing | cut", "", "", "ECHO-8? ECHO-7? ECHO-6? ECHO-2 ECHO-3"),
    Row("refused | died", "", "", "ECHO-8? ECHO-7 ECHO-2"),
    Row("late", "", "", "ECHO-8"),
    Row("grows", "", "", "ECHO-9"),
    Row("starves", "", "", "ECHO-10"),
    Row("no restart", "", "", "ECHO-11"),
    Row("spins", "", "", "ECHO-12 ECHO-7?"),
)
"""An echo over connections."""

DATAGRAM_ROWS = (
    Row("misdirected", "", "", "UDP-2"),
    Row("missing | altered", "", "blank", "UDP-3 UDP-1"),
    Row("cut", "", "long", "UDP-4"),
    Row("missing | altered", "", "long", "UDP-4 UDP-5? UDP-1"),
    Row("missing", "concurrent", "", "UDP-1 UDP-5?"),
    Row("missing", "", "", "UDP-5? UDP-1"),
    Row("extra | altered | cut", "", "", "UDP-1"),
    Row("refused | died", "", "blank", "UDP-3 UDP-5? UDP-1"),
    Row("refused | died", "", "long", "UDP-4 UDP-5? UDP-1"),
    Row("refused | died", "", "", "UDP-5 UDP-1"),
)
"""An echo over datagrams."""


def rows_about(clause: str) -> Sequence[Row]:
    """Return the table for scenarios about a clause of chats, or of echoes over connections."""
    return CHAT_ROWS if clause.startswith("CHAT") else ECHO_ROWS


def clauses(table: Sequence[Row], shape: Shape, facts: Sequence[Circumstance | Kind]) -> tuple[str, ...]:
    """Return the clauses that this may break, the likeliest first; of the disruptions, the latest comes first."""
    row = next(row for row in table if row.fits(shape, facts))
    disrupted = [CLAUSE_OF_DISRUPTION[one] for one in facts if one in CLAUSE_OF_DISRUPTION]
    named = [one for name in row.clauses.split() for one in (disrupted if name == "*" else [name])]
    return tuple(dict.fromkeys(one.rstrip("?") for one in named if _was_there(one, facts)))


def _was_there(named: str, facts: Collection[Circumstance | Kind]) -> bool:
    """Whether a clause with a question mark is about something that was there."""
    return not named.endswith("?") or any(one in facts for one in CLAUSE_SUBJECTS[named.rstrip("?")])


def unusual_request(request: bytes) -> bool:
    """Whether a request to an echo is more than a line of printable ASCII."""
    return not (request.isascii() and request.strip().decode().isprintable())


def kinds(utterance: bytes, dialect: Dialect) -> list[Kind]:
    """Return what is special about what a client of a chat said."""
    line = utterance.replace(b"\n", b"")
    found: dict[Kind, bool] = {
        "like quit": bool(dialect.quit) and dialect.quit.lower() in utterance.lower(),
        "unusual": utterance.isspace() or line != line.strip() or not (line.isascii() and line.decode().isprintable()),
        "long": len(utterance) > (dialect.chunk if dialect.stream else MAX_PLAIN_BYTES),
    }
    return [kind for kind, is_so in found.items() if is_so]
