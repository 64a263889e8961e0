"""The echo over connections: one request, one reply, one connection, and a bug in each."""

import socket
import sys
import threading
from contextlib import suppress
from typing import Any

from socketserver_faults.catalogue.leaving import ABORT
from socketserver_faults.catalogue.registry import fault
from socketserver_reference.echo import EchoHandler
from socketserver_reference.lifecycle import StreamServer


@fault("ECHO-1")
class GreetsItsClients(EchoHandler):
    """The server greets a client before the client has sent anything.

    Thought: a friendly line costs nothing, and shows telnet users at once that the server works.

    Seen: a program that sends a request and reads the reply gets the greeting, or both in one piece. It worked in
    telnet, where a person can tell the two apart.

    Fixed: send nothing that the protocol does not name. In a protocol with a greeting, such as SMTP, every client
    waits for it.
    """

    def handle(self) -> None:
        self.deliver(b"welcome to the echo server\n")
        super().handle()


@fault("ECHO-2")
class KeepsWhiteSpace(EchoHandler):
    """The reply keeps the white space at both ends of the request, such as its line end.

    Thought: upper() is what was asked for; a line end is part of the line.

    Seen: with telnet all looks well, since the reply even ends its line. A program that compares the reply with "HELLO"
    finds a difference, and both look the same when printed.

    Fixed: strip() before upper(), as the tutorial does. A line end is not part of a request.
    """

    def decide(self, request: bytes) -> bytes:
        return request.upper()


@fault("ECHO-2")
class KeepsTheCase(EchoHandler):
    """The reply is the request, stripped but not in upper case.

    Thought: it is called an echo server, and RFC 862 says what that is: what comes in goes out.

    Seen: "HELLO" gets "HELLO", so a test with capitals, digits or an empty line sees no difference.

    Fixed: upper-case the reply. A name is not a specification; the two services share a name and no more.
    """

    def decide(self, request: bytes) -> bytes:
        return request.strip()


@fault("ECHO-2")
class UpperCasesText(EchoHandler):
    """A request is decoded, upper-cased as text and encoded again.

    Thought: upper-casing is for text, and text is str; so decode what comes in and encode what goes out.

    Seen: a request that is not UTF-8 ends in UnicodeDecodeError and an empty reply. So may a long request, because
    recv() cuts it anywhere, within a character too. Valid UTF-8 comes back changed: the German sharp s as SS.

    Fixed: leave bytes alone. bytes.strip() and bytes.upper() do what the protocol says, and know ASCII only.
    """

    def decide(self, request: bytes) -> bytes:
        return request.decode().strip().upper().encode()


@fault("ECHO-2")
class EndsAtZero(EchoHandler):
    """The request ends at its first NUL byte.

    Thought: clients written in C send the zero that ends a string; the rest of their buffer is garbage.

    Seen: such a client is served well. A request with binary numbers is cut to a few bytes, or to none.

    Fixed: recv() says how many bytes came, and all of them are the request. The C client should send strlen() bytes.
    """

    def decide(self, request: bytes) -> bytes:
        return super().decide(request.partition(b"\0")[0])


@fault("ECHO-2")
class TakesHalfAChunk(EchoHandler):
    """Only the first 512 bytes of a request are answered.

    Thought: no user types more than 512 characters, and a smaller buffer saves memory.

    Seen: all is well until a user pastes a paragraph: its end is missing, without an error. The bytes are not lost on
    the way: they are in the socket, unread, when it is closed.

    Fixed: receive as much as the protocol allows. The argument of recv() is a limit, not memory to be saved.
    """

    def receive(self) -> bytes:
        self.request_size = 512
        return super().receive()


@fault("ECHO-2")
class WaitsForALine(EchoHandler):
    """A request without a line end gets no reply until the client ends its stream.

    Thought: requests are lines, so read a line; makefile() makes it easy, and StreamRequestHandler does it as well.

    Seen: telnet sends a line end with everything, so the author never sees the bug. A client that sends "hello" and
    waits for its reply waits for ever, and the server waits for the line end.

    Fixed: take what recv() returns, since this protocol has no terminator; or put one into the protocol.
    """

    def receive(self) -> bytes:
        with self.request.makefile("rb") as lines:
            line: bytes = lines.readline(self.request_size)
            return line


@fault("ECHO-3")
class KeepsTheConnection(EchoHandler):
    """After its reply, the server waits until the client hangs up.

    Thought: the side that hangs up first may cut off what the other has sent last, so let the client do it.

    Seen: a client that reads to the end of the stream, to have the whole reply, never gets there. The two wait for each
    other, and each such client holds a thread until it gives up.

    Fixed: one side must end the conversation, and the protocol says which: here the server, right after the reply.
    """

    def handle(self) -> None:
        super().handle()
        while self.receive():
            pass


@fault("ECHO-3")
class AnswersAgain(EchoHandler):
    """The server replies to any number of requests on one connection.

    Thought: a new connection for every request is slow, so reply until no request is left.

    Seen: interactive users like it. A client that reads to the end of the stream waits for an end that the server
    leaves to the client. Two requests sent in a row may come as one chunk, and get one reply.

    Fixed: return after the first reply. A connection for several requests needs framing, so that both sides know where
    a request ends and where its reply does.
    """

    def handle(self) -> None:
        while request := self.receive():
            self.deliver(self.decide(request))


@fault("ECHO-3", "SRV-3")
class AbortsConnections(StreamServer):
    """Connections are reset instead of closed, so a reply may be lost.

    Thought: hundreds of connections in TIME_WAIT must be a leak, and SO_LINGER with zero seconds makes them vanish.

    Seen: on one machine the client reads its reply, then "connection reset by peer". Over a slow line the reset
    overtakes the reply in the server's own send buffer, and what had not left yet is discarded.

    Fixed: shut down, then close, and leave TIME_WAIT alone: it costs a line in a table, and keeps late segments of a
    connection out of the next one. For restarting at the same port there is SO_REUSEADDR.
    """

    def shutdown_request(self, request: Any) -> None:
        request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        self.close_request(request)


@fault("ECHO-4")
class TakesLongRequestsWhole(EchoHandler):
    """Requests of up to 64 KiB are answered whole, although the limit is 1024 bytes.

    Thought: 1024 bytes are few; a good server takes longer requests.

    Seen: clients come to rely on it, until a request travels in two segments: recv() returns the first of them,
    whatever size it was asked for. So long requests are answered whole in the office and in part from abroad.

    Fixed: keep to the limit that the protocol names. To take more, loop until the end of the request, and say in the
    protocol how that is known.
    """

    def receive(self) -> bytes:
        self.request_size = 65536
        return super().receive()


@fault("ECHO-5")
class RepliesToWhiteSpace(EchoHandler):
    """A request of white space alone gets a question mark.

    Thought: an empty reply looks like a failure, so say something rather than nothing.

    Seen: a client that sends an empty line to see whether the server is there reads "?". That is also the reply to a
    question mark, so it cannot know to which request.

    Fixed: the reply to nothing is nothing, and end of stream says that this was all. An error needs its own place in
    the protocol, where no reply can be mistaken for it.
    """

    def decide(self, request: bytes) -> bytes:
        return super().decide(request) or (b"?" if request else b"")


@fault("ECHO-6")
class IgnoresTheHalfClosed(EchoHandler):
    """A client that half-closes after its request gets no reply, because the server treats it as gone.

    Thought: end of stream means that the client has hung up, so there is no reader for a reply.

    Seen: `echo hello | nc server 9999` prints nothing: nc half-closes when its input ends. With the input held open it
    works, and so does every test that keeps its socket open while it waits.

    Fixed: end of stream says that the client will send no more. Only sending can tell whether it still reads.
    """

    def deliver(self, reply: bytes) -> None:
        self.request.settimeout(0.05)  # seconds for end of stream to arrive after its request
        try:
            hung_up = self.request.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            hung_up = False
        self.request.settimeout(None)
        if not hung_up:
            super().deliver(reply)


@fault("ECHO-8")
class ServesUnderOneLock(EchoHandler):
    """One lock is held for the whole visit of a client, so a client that says nothing holds up all others.

    Thought: handlers run in several threads, and threads need a lock.

    Seen: the server hangs until somebody restarts it. A browser had connected in advance and had nothing to ask.

    Fixed: hold a lock while shared data is read or written, and never while a client is waited for.
    """

    visits = threading.Lock()

    def handle(self) -> None:
        with self.visits:
            super().handle()


@fault("ECHO-8")
class LosesPatience(ServesUnderOneLock):
    """Clients are served one after another, and one that says nothing for a second is hung up on.

    Thought: a client that says nothing must not hold up the others for ever, and this is not for ever.

    Seen: "it is slow sometimes". How long a client waits depends on who has connected before it: a second for each that
    says nothing.

    Fixed: serve each client in a thread of its own. A limit of time ends those that are gone without a word.
    """

    def receive(self) -> bytes:
        self.request.settimeout(1.0)
        return super().receive()


@fault("ECHO-12", own_process=True)
class AsksAgainAtOnce(EchoHandler):
    """Until the request has come, its handler asks for it again and again, without waiting.

    Thought: a recv() that blocks may block for ever, and one that does not is tried until it has something.

    Seen: nothing, but for a fan that is loud and a battery that is empty. One silent client costs a whole processor,
    several let everybody wait.

    Fixed: let recv() wait, in a thread or behind a selector. A limit of time is settimeout().
    """

    def receive(self) -> bytes:
        while True:
            with suppress(BlockingIOError):
                request: bytes = self.request.recv(self.request_size, socket.MSG_DONTWAIT)
                return request


@fault("ECHO-7", "ECHO-8", concurrency="sync")
class ExitsOnReset(EchoHandler):
    """The first client that resets its connection ends the server.

    Thought: when the connection fails there is nothing left to do, so print the error and exit, as in any script.

    Seen: the server runs for weeks and is gone one morning; the last line of its log names a client that was switched
    off. socketserver survives an Exception, but sys.exit() raises SystemExit, which is not one and ends the loop.

    Fixed: a reset is one client's way of leaving. Return from the handler, and leave exiting to the main program.
    """

    def receive(self) -> bytes:
        try:
            request: bytes = self.request.recv(self.request_size)
        except ConnectionResetError as gone:
            sys.exit(f"lost {self.client_address}: {gone}")
        return request
