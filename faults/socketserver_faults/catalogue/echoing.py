"""The echo over connections: one request, one reply, one connection, and what is made of each of the three."""

import socket
import sys
from typing import Any

from socketserver_faults.catalogue.leaving import ABORT
from socketserver_faults.catalogue.registry import fault
from socketserver_reference.echo import EchoHandler
from socketserver_reference.lifecycle import StreamServer


@fault("ECHO-1")
class GreetsItsClients(EchoHandler):
    """Whoever connects is welcomed before having said a word.

    Thought: a friendly line costs nothing, and whoever tries the server with telnet sees at once that it works.

    Seen: a program that sends a request and reads the reply gets the greeting, or both in one piece. It worked in
    telnet, where a human being can tell the two apart.

    Fixed: say nothing that the protocol does not name. A protocol with a greeting, such as SMTP's, has every client
    wait for it.
    """

    def handle(self) -> None:
        self.deliver(b"welcome to the echo server\n")
        super().handle()


@fault("ECHO-2")
class KeepsWhiteSpace(EchoHandler):
    """The line end that the client typed comes back with the reply.

    Thought: upper() is what was asked for; a line end is part of the line.

    Seen: with telnet all looks well, since the reply even ends its line. A program that compares the reply with "HELLO"
    finds it different, and printing both shows the same word.

    Fixed: strip() before upper(), as the tutorial does. A line end is the envelope of a request, not a part of it.
    """

    def decide(self, request: bytes) -> bytes:
        return request.upper()


@fault("ECHO-2")
class KeepsTheCase(EchoHandler):
    """The reply is the request, stripped but not upper-cased.

    Thought: it is called an echo server, and RFC 862 says what that is: what comes in goes out.

    Seen: "HELLO" gets "HELLO", so whoever tries it with capitals, digits or an empty line sees no difference.

    Fixed: upper-case the reply. The name of a protocol is no specification; the two services share theirs and no more.
    """

    def decide(self, request: bytes) -> bytes:
        return request.strip()


@fault("ECHO-2")
class UpperCasesText(EchoHandler):
    """Requests are decoded, upper-cased as text and encoded again.

    Thought: upper-casing is for text, and text is str; so decode what comes in and encode what goes out.

    Seen: what is not UTF-8 ends in UnicodeDecodeError and an empty reply, and so may a long request, which recv() cuts
    anywhere, within a character too. What is UTF-8 comes back changed: the German sharp s as SS.

    Fixed: leave bytes alone. bytes.strip() and bytes.upper() do what the protocol says, and know ASCII only.
    """

    def decide(self, request: bytes) -> bytes:
        return request.decode().strip().upper().encode()


@fault("ECHO-2")
class EndsAtZero(EchoHandler):
    """The request ends at its first NUL byte.

    Thought: clients written in C send the zero that ends a string; the rest of their buffer is garbage.

    Seen: such a client is served well, and everything that holds binary numbers is cut to a few bytes, or to none.

    Fixed: recv() says how many bytes came, and all of them are the request. It is the C client that should send
    strlen() bytes.
    """

    def decide(self, request: bytes) -> bytes:
        return super().decide(request.partition(b"\0")[0])


@fault("ECHO-2")
class TakesHalfAChunk(EchoHandler):
    """Only the first 512 bytes of a request are answered.

    Thought: nobody types more than 512 characters, and a smaller buffer is a thrifty buffer.

    Seen: all is well until somebody pastes a paragraph; its end is missing, and no error tells anybody. The bytes are
    not lost on the way: they lie in the socket, unread, when it is closed.

    Fixed: receive as much as the protocol allows. The argument of recv() is a limit, not an allocation to be saved.
    """

    def receive(self) -> bytes:
        self.request_size = 512
        return super().receive()


@fault("ECHO-2")
class WaitsForALine(EchoHandler):
    """A request that does not end its line is not answered until the client hangs up.

    Thought: requests are lines, so read a line; makefile() makes it easy, and StreamRequestHandler does it as well.

    Seen: telnet sends a line end with everything, so the author never meets it. A client that sends "hello" and waits
    for its reply waits for ever, and so does the server, for the line end.

    Fixed: take what recv() returns, since this protocol has no terminator; or put one into the protocol.
    """

    def receive(self) -> bytes:
        with self.request.makefile("rb") as lines:
            line: bytes = lines.readline(self.request_size)
            return line


@fault("ECHO-3")
class KeepsTheConnection(EchoHandler):
    """After its reply the server waits until the client hangs up.

    Thought: whoever hangs up first may cut off the other's last words, so let the client do it.

    Seen: a client that reads to the end of the stream, to be sure that it has the whole reply, never gets there. The
    two wait for each other, and each such client holds a thread until it gives up.

    Fixed: one side must end the conversation, and the protocol says which: here the server, right after the reply.
    """

    def handle(self) -> None:
        super().handle()
        while self.receive():
            pass


@fault("ECHO-3")
class AnswersAgain(EchoHandler):
    """A connection is good for any number of requests.

    Thought: connecting anew for every request is slow, so answer until there is nothing more to answer.

    Seen: interactive clients are pleased. A client that reads to the end of the stream waits for an end that the server
    leaves to it; and two requests sent in a row may come as one chunk, and get one reply.

    Fixed: return after the first reply. Connections that are kept need framing, so that both sides know where a
    request ends and where its reply does.
    """

    def handle(self) -> None:
        while request := self.receive():
            self.deliver(self.decide(request))


@fault("ECHO-3", "SRV-3")
class AbortsConnections(StreamServer):
    """Connections are reset instead of closed, and a reply may be lost by that.

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
    """Requests of up to 64 KiB are answered whole.

    Thought: 1024 bytes are few; the longer the requests that a server takes, the better the server.

    Seen: clients come to rely on it, until theirs is a request that travels in two segments: recv() returns the first
    of them, whatever it was asked for. So long requests are answered whole in the office and in part from abroad.

    Fixed: keep to the limit that the protocol names. To take more, loop until the end of the request, and say in the
    protocol how that is known.
    """

    def receive(self) -> bytes:
        self.request_size = 65536
        return super().receive()


@fault("ECHO-5")
class RepliesToWhiteSpace(EchoHandler):
    """A request of nothing but white space gets a question mark.

    Thought: an empty reply looks like a failure, so say something rather than nothing.

    Seen: a client that sends an empty line to see whether the server is there is told "?", which is also the reply to
    a question mark: it cannot know which of the two was asked.

    Fixed: the reply to nothing is nothing, and end of stream says that this was all. An error needs a place of its own
    in the protocol, where no reply can be mistaken for it.
    """

    def decide(self, request: bytes) -> bytes:
        return super().decide(request) or (b"?" if request else b"")


@fault("ECHO-6")
class IgnoresTheHalfClosed(EchoHandler):
    """A client that half-closes after its request is taken for gone, and gets no reply.

    Thought: end of stream means that the client has hung up, so nobody is there to read a reply.

    Seen: `echo hello | nc server 9999` prints nothing: nc half-closes when its input ends. With the input held open it
    works, and so it does in every test that keeps its socket open while it waits.

    Fixed: end of stream says that the client will send no more. Whether it still reads, only sending can tell.
    """

    def deliver(self, reply: bytes) -> None:
        self.request.settimeout(0.05)  # seconds by which the end of stream may come behind its request
        try:
            hung_up = self.request.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            hung_up = False
        self.request.settimeout(None)
        if not hung_up:
            super().deliver(reply)


@fault("ECHO-7", concurrency="sync")
class ExitsOnReset(EchoHandler):
    """The first client that resets its connection ends the server.

    Thought: when the connection fails there is nothing left to do, so print the error and exit, as in any script.

    Seen: the server runs for weeks and is gone one morning; the last line of its log names a client that was switched
    off. socketserver survives an Exception, but sys.exit() raises SystemExit, which is none: it goes through the loop.

    Fixed: a reset is one client's way of leaving. Return from the handler, and leave exiting to whoever started the
    server.
    """

    def receive(self) -> bytes:
        try:
            request: bytes = self.request.recv(self.request_size)
        except ConnectionResetError as gone:
            sys.exit(f"lost {self.client_address}: {gone}")
        return request
