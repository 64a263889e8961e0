"""The clauses: what a server MUST or SHOULD do, one sentence each. Data only.

Everything else in the project points here. The servers carry `# [CHAT-7] ...` above the line that enforces a clause,
the checks of `conformance/` name the clause they decide, and `socketserver-reference spec` prints all three
together. Ids are never reused and, once released, never renumbered.

Two profiles. **Basic** is what simple programs promise to polite clients, who come and go one at a time. **Hardened**
is what it takes when clients are abrupt, slow, concurrent or many.

Three observers. A *stream* or *datagram* clause holds for a server in any language and is checked over the network; an
*in-process* clause (SRV) is about Python's `socketserver` and can be seen only from inside the process.

Next: `model.py`, the same protocol as a function.
"""

from dataclasses import dataclass
from typing import Literal

Level = Literal["MUST", "SHOULD"]
Profile = Literal["basic", "hardened"]
Observer = Literal["stream", "datagram", "in-process"]

PROFILES: tuple[Profile, ...] = ("basic", "hardened")

DOCS = "socketserver documentation"
TUTORIAL = "tutorial programs"
PRACTICE = "operating practice"


@dataclass(frozen=True)
class Clause:
    """One promise of a server to its peers.

    `sentence` completes "The server MUST ...", with the level in place of MUST; `source` says who made the promise:
    the documentation of `socketserver`, the tutorial programs everybody starts from, an RFC or interface standard, or
    the practice of running servers for strangers.
    """

    id: str
    level: Level
    profile: Profile
    observer: Observer
    sentence: str
    source: str

    @property
    def group(self) -> str:
        """The letters of the id: ECHO, UDP, CHAT or SRV."""
        return self.id.partition("-")[0]

    def __str__(self) -> str:
        return f"{self.id}: the server {self.level} {self.sentence}"


def _basic(id: str, observer: Observer, sentence: str, source: str) -> Clause:
    return Clause(id, "MUST", "basic", observer, sentence, source)


def _hardened(id: str, observer: Observer, sentence: str, source: str, level: Level = "MUST") -> Clause:
    return Clause(id, level, "hardened", observer, sentence, source)


_ALL = (
    # Echo over connections: one request, one reply, one connection.
    _basic("ECHO-1", "stream", "send nothing before the client has spoken", TUTORIAL),
    _basic(
        "ECHO-2",
        "stream",
        "reply with the request stripped of leading and trailing ASCII white space, its ASCII letters upper-cased and "
        "every other byte unchanged",
        TUTORIAL,
    ),
    _basic(
        "ECHO-3",
        "stream",
        "answer one request per connection and then close in order: the client reads the whole reply, then end of "
        "stream",
        TUTORIAL,
    ),
    _basic(
        "ECHO-4",
        "stream",
        "take at most 1024 bytes as the request: the reply to a longer one is the reply to a non-empty prefix of it of "
        "at most 1024 bytes",
        TUTORIAL,
    ),
    _basic("ECHO-5", "stream", "answer a request of white space alone with nothing, then end of stream", TUTORIAL),
    _hardened(
        "ECHO-6", "stream", "reply to a client that half-closes straight after its request", "RFC 9293, section 3.6"
    ),
    _hardened(
        "ECHO-7",
        "stream",
        "serve every other client undisturbed when one leaves at any moment, silently, in order or by reset (a "
        "synchronous server: from when it has left)",
        PRACTICE,
    ),
    # Echo over datagrams: no connection, so nothing to leave and nobody to wait for.
    _basic(
        "UDP-1",
        "datagram",
        "send one reply datagram per request datagram, to the address it came from, transformed as ECHO-2 says",
        DOCS,
    ),
    _basic("UDP-2", "datagram", "reply from the address the request was sent to", "RFC 1122, section 4.1.3.5"),
    _basic("UDP-3", "datagram", "answer an empty datagram with an empty datagram", "RFC 768"),
    _basic(
        "UDP-4",
        "datagram",
        "answer datagrams of up to 8192 bytes whole, and of longer ones the first 8192 bytes",
        "socketserver.UDPServer.max_packet_size",
    ),
    _hardened("UDP-5", "datagram", "serve every other client undisturbed when one has gone", PRACTICE),
    # Chat: a room of members, each hearing every chunk of every member.
    _basic(
        "CHAT-1", "stream", "send nothing to a client that nobody has spoken to: no greeting and no notices", TUTORIAL
    ),
    _basic(
        "CHAT-2",
        "stream",
        "deliver every chunk of a member, prefixed with `ack`, to every member, the sender included",
        TUTORIAL,
    ),
    _basic(
        "CHAT-3",
        "stream",
        "leave the bytes of a chunk unchanged: any byte value, NUL, invalid UTF-8, leading and trailing white space",
        TUTORIAL,
    ),
    _basic("CHAT-4", "stream", "deliver nothing else: nothing twice and nothing that nobody said", TUTORIAL),
    _basic("CHAT-5", "stream", "deliver what one member said everywhere in the order it was said", TUTORIAL),
    _basic(
        "CHAT-6",
        "stream",
        "deliver a stream longer than 1024 bytes in chunks of at most 1024 bytes, none empty, whose payloads "
        "concatenate to it",
        TUTORIAL,
    ),
    _basic(
        "CHAT-7",
        "stream",
        "let the sender of a chunk that is `quit` once stripped of ASCII white space leave: the chunk is delivered to "
        "nobody, and the sender reads everything delivered before, then end of stream",
        TUTORIAL,
    ),
    _basic(
        "CHAT-8",
        "stream",
        "take only exactly that as quit: `QUIT`, `quit now` and `xquit` are chunks like any other",
        TUTORIAL,
    ),
    _basic(
        "CHAT-9",
        "stream",
        "count a client that connects and never speaks as a member all the same, who hears the others",
        TUTORIAL,
    ),
    _basic(
        "CHAT-10",
        "stream",
        "let a client leave at its end of stream and still deliver what it said before, to itself as well if it only "
        "half-closed",
        TUTORIAL,
    ),
    _basic(
        "CHAT-11",
        "stream",
        "keep the room going when anyone leaves, the last member included: later clients find it working",
        TUTORIAL,
    ),
    _hardened(
        "CHAT-12",
        "stream",
        "let a client that resets its connection at any moment (idle, in the middle of a delivery, straight after "
        "connecting) leave, and disturb nobody by it",
        PRACTICE,
    ),
    _hardened(
        "CHAT-13",
        "stream",
        "let all members see all deliveries in one order, however many speak, join and leave at once",
        PRACTICE,
    ),
    _hardened(
        "CHAT-14",
        "stream",
        "let a delivery reach a member whole, never torn and never mixed with another (a member being cut off "
        "excepted)",
        PRACTICE,
    ),
    _hardened(
        "CHAT-15",
        "stream",
        "let a member that does not read delay nobody else; it may be cut off, but not while less than 64 KiB of "
        "deliveries are waiting for it",
        PRACTICE,
    ),
    _hardened(
        "CHAT-16",
        "stream",
        "send a delivery without waiting for the peer's delayed acknowledgement of the one before",
        "RFC 9293, section 3.7.4",
        level="SHOULD",
    ),
    _hardened("CHAT-17", "stream", "serve at least 200 members at once", PRACTICE, level="SHOULD"),
    # The socketserver classes themselves, seen from inside the process.
    _basic(
        "SRV-1",
        "in-process",
        "give a handler its `request`, `client_address` and `server` as socketserver documents them for the transport",
        DOCS,
    ),
    _basic(
        "SRV-2",
        "in-process",
        "run setup, handle and finish once each and in this order; finish also when handle raises, but not when setup "
        "does",
        DOCS,
    ),
    _basic(
        "SRV-3",
        "in-process",
        "keep the request open during all three and shut it down and close it straight after, so handle MUST not "
        "return while another thread uses it",
        DOCS,
    ),
    _basic(
        "SRV-4",
        "in-process",
        "(when synchronous) accept several connections but serve one at a time, the next when the one before ends",
        DOCS,
    ),
    _basic("SRV-5", "in-process", "(when threading) serve them at once: a silent client delays nobody", DOCS),
    _basic(
        "SRV-6",
        "in-process",
        "(when forking) serve them at once, in processes that share no memory, and so not hold a chat room",
        DOCS,
    ),
    _basic(
        "SRV-7",
        "in-process",
        "make the members known to every handler of one server: kept on the server or class, never on the handler "
        "instance",
        TUTORIAL,
    ),
    _hardened("SRV-8", "in-process", "let an exception in a handler end that connection alone", DOCS),
    _hardened(
        "SRV-9",
        "in-process",
        "return promptly from shutdown() and server_close() with members still connected, who read end of stream, and "
        "leave no thread, socket or port behind",
        PRACTICE,
    ),
    _hardened("SRV-10", "in-process", "share no members with another server of the same process", PRACTICE),
)

CLAUSES: dict[str, Clause] = {clause.id: clause for clause in _ALL}
