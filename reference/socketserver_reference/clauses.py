"""The clauses: what a server MUST or SHOULD do, one requirement each. Data only.

An id is never reused and, once released, never renumbered.

*White space* is the bytes 0x09 to 0x0D and 0x20. *Upper case* concerns the ASCII letters alone. To *disturb* a client
is to end its connection, or to lose, alter or delay what is due to it.

Two profiles: **basic** clauses hold for polite clients, which come and go one at a time; **hardened** ones for clients
that are abrupt, slow, concurrent or many.

Three observers: a *stream* or *datagram* clause is for servers in any language and is checked over the network; an
*in-process* clause (SRV) is about Python's `socketserver`.

Next: `model.py`, the same protocol as a function.
"""

from dataclasses import dataclass
from typing import Literal

Level = Literal["MUST", "SHOULD"]
Profile = Literal["basic", "hardened"]
Observer = Literal["stream", "datagram", "in-process"]

OBSERVERS: dict[str, Observer] = {"UDP": "datagram", "SRV": "in-process"}
PROFILES: tuple[Profile, ...] = ("basic", "hardened")

DOCS = "socketserver documentation"
TUTORIAL = "tutorial programs"
PRACTICE = "operating practice"


@dataclass(frozen=True)
class Clause:
    """One promise of a server to its peers: `sentence` completes "The server MUST ...", or SHOULD."""

    id: str
    level: Level
    profile: Profile
    sentence: str
    source: str

    @property
    def observer(self) -> Observer:
        """What can observe it."""
        return OBSERVERS.get(self.group, "stream")

    @property
    def group(self) -> str:
        """The letters of the id: ECHO, UDP, CHAT or SRV."""
        return self.id.partition("-")[0]

    def __str__(self) -> str:
        return f"{self.id}: the server {self.level} {self.sentence}"


def _basic(id: str, sentence: str, source: str) -> Clause:
    return Clause(id, "MUST", "basic", sentence, source)


def _hardened(id: str, sentence: str, source: str) -> Clause:
    return Clause(id, "MUST", "hardened", sentence, source)


def _should(id: str, sentence: str, source: str = PRACTICE) -> Clause:
    return Clause(id, "SHOULD", "hardened", sentence, source)


# What an echo and a chat have in common.
_KEEPS_NOTHING = (
    "hold nothing for clients that have left: no thread, open descriptor, child process or memory that grows with "
    "their number"
)
_LACKS_DESCRIPTORS = (
    "go on when no descriptor is left for new clients: serve the others, wait without using the processor, and serve "
    "new ones once others have left"
)
_FREES_ITS_PORT = "start again at its port at once, although clients were connected when it ended"

_RESTS = "use the processor only while clients come, send, read or leave"

_ALL = (
    # Echo over connections: one request, one reply, one connection.
    _basic("ECHO-1", "send nothing before the client has sent something", TUTORIAL),
    _basic(
        "ECHO-2",
        "reply with the request in upper case, without its leading and trailing white space, and with every "
        "other byte unchanged",
        TUTORIAL,
    ),
    _basic(
        "ECHO-3",
        "reply once per connection, then close it in an orderly way: the client reads the whole reply, then "
        "end of stream",
        TUTORIAL,
    ),
    _basic(
        "ECHO-4",
        "take at most 1024 bytes as the request: if the client sends more, the reply is that to the first 1 "
        "to 1024 bytes",
        TUTORIAL,
    ),
    _basic("ECHO-5", "reply to a request of white space alone with no byte, then end of stream", TUTORIAL),
    _hardened("ECHO-6", "reply to a client that half-closes straight after its request", "RFC 9293, section 3.6"),
    _hardened(
        "ECHO-7",
        "disturb no other client when a client leaves at any moment, silently, in an orderly way or by reset "
        "(a synchronous server: once that client has left)",
        PRACTICE,
    ),
    _should("ECHO-8", "reply to a client while another is connected and says nothing"),
    _should("ECHO-9", _KEEPS_NOTHING),
    _should("ECHO-10", _LACKS_DESCRIPTORS),
    _should("ECHO-11", _FREES_ITS_PORT),
    _should("ECHO-12", _RESTS),
    # Echo over datagrams.
    _basic(
        "UDP-1",
        "send one reply datagram for each request datagram, to its source address, transformed as ECHO-2 says",
        DOCS,
    ),
    _basic("UDP-2", "send a reply from the address to which the request was sent", "RFC 1122, section 4.1.3.5"),
    _basic("UDP-3", "reply to an empty datagram with an empty datagram", "RFC 768"),
    _basic(
        "UDP-4",
        "reply to a datagram of up to 8192 bytes as a whole, and to a longer one as if it ended after 8192 bytes",
        "socketserver.UDPServer.max_packet_size",
    ),
    _hardened("UDP-5", "disturb no other client when a client has gone or does not read", PRACTICE),
    # Chat: a room of members.
    _basic("CHAT-1", "send nothing to a client before a member has spoken: no greeting and no notice", TUTORIAL),
    _basic(
        "CHAT-2",
        "deliver every chunk of a member, prefixed with `ack`, to every member, including the sender",
        TUTORIAL,
    ),
    _basic(
        "CHAT-3",
        "leave the bytes of a chunk unchanged, whatever they are: NUL, invalid UTF-8, leading and trailing white space",
        TUTORIAL,
    ),
    _basic("CHAT-4", "deliver nothing else: no chunk twice, and nothing that no member said", TUTORIAL),
    _basic(
        "CHAT-5",
        "deliver the chunks of one member to every member in the order in which that member said them",
        TUTORIAL,
    ),
    _basic(
        "CHAT-6",
        "deliver a stream of more than 1024 bytes in chunks of 1 to 1024 bytes that concatenate to it",
        TUTORIAL,
    ),
    _basic(
        "CHAT-7",
        "remove a member whose chunk is `quit`, with or without white space around it: no member receives that "
        "chunk, and the sender reads all earlier deliveries, then end of stream",
        TUTORIAL,
    ),
    _basic("CHAT-8", "treat no other chunk as quit: `QUIT`, `quit now` and `xquit` are delivered", TUTORIAL),
    _basic("CHAT-9", "treat a client that connects and never speaks as a member: it receives every delivery", TUTORIAL),
    _basic(
        "CHAT-10",
        "treat end of stream as leaving, and deliver what the client said before it; a client that half-"
        "closed receives these deliveries too",
        TUTORIAL,
    ),
    _basic(
        "CHAT-11", "keep the room working when a member leaves, even the last one: a later client can chat", TUTORIAL
    ),
    _hardened(
        "CHAT-12",
        "treat a reset of the connection at any moment (idle, during a delivery, straight after connecting) "
        "as leaving, and disturb no other client",
        PRACTICE,
    ),
    _hardened("CHAT-13", "deliver in one order to all members, however many speak, join and leave at once", PRACTICE),
    _hardened(
        "CHAT-14",
        "send each delivery whole, never torn and never mixed with another (except to a member that is being cut off)",
        PRACTICE,
    ),
    _hardened(
        "CHAT-15",
        "let a member that does not read delay no other member; the server may cut it off, but not while less"
        " than 64 KiB of deliveries wait for it",
        PRACTICE,
    ),
    _should(
        "CHAT-16",
        "send a delivery without waiting for the peer's delayed acknowledgement of the one before",
        "RFC 9293, section 3.7.4",
    ),
    _should("CHAT-17", "serve at least 200 members at once"),
    _should("CHAT-18", _KEEPS_NOTHING),
    _should("CHAT-19", _LACKS_DESCRIPTORS),
    _should("CHAT-20", _FREES_ITS_PORT),
    _should("CHAT-21", "keep a member that says nothing, however long"),
    _should("CHAT-22", _RESTS),
    # The socketserver classes, seen from inside the process.
    _basic(
        "SRV-1",
        "give a handler its `request`, `client_address` and `server` as socketserver documents them for the transport",
        DOCS,
    ),
    _basic(
        "SRV-2",
        "call setup, handle and finish once each, in this order; finish also when handle raises, but not when"
        " setup does",
        DOCS,
    ),
    _basic(
        "SRV-3",
        "keep the request open during setup, handle and finish, then shut it down and close it; so handle "
        "MUST NOT return while another thread uses the request",
        DOCS,
    ),
    _basic(
        "SRV-4",
        "(when synchronous) accept several connections but serve one at a time, each when the one before ends",
        DOCS,
    ),
    _basic("SRV-5", "(when threading) serve all connections at once, so that a silent client delays no other", DOCS),
    _basic(
        "SRV-6",
        "(when forking) serve all connections at once, in processes that share no memory and so cannot hold a"
        " chat room",
        DOCS,
    ),
    _basic(
        "SRV-7",
        "keep the members on the server or its class, where every handler finds them, not on a handler instance",
        TUTORIAL,
    ),
    _hardened("SRV-8", "end the connection of a handler that raises an exception, and no other", DOCS),
    _hardened(
        "SRV-9",
        "return promptly from shutdown() and server_close() while members are connected, let them read end of"
        " stream, and leave no thread, socket or port behind",
        PRACTICE,
    ),
    _hardened("SRV-10", "share no members with another server of the same process", PRACTICE),
    _hardened("SRV-11", "(when threading) return from shutdown() in a handler's thread", DOCS),
    _basic("SRV-12", "serve each request through process_request(), unless verify_request() returns False", DOCS),
    _hardened(
        "SRV-13", "leave no socket open when its address is taken, and take nothing from the server there", PRACTICE
    ),
    _basic(
        "SRV-14",
        "(over connections) let handlers read whole lines from `rfile` and write to `wfile`: at once, or buffered until"
        " finish",
        DOCS,
    ),
    _should(
        "SRV-15",
        "(when threading or forking) let clients wait, without using the processor, while no handler can be started",
    ),
    _should("SRV-16", "(over datagrams) serve no datagram that comes from its own address"),
)

CLAUSES: dict[str, Clause] = {clause.id: clause for clause in _ALL}
